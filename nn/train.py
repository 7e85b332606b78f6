"""Training in floats: deterministic, on one thread, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from nn.datasets.dataset import Images

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Args:
        epochs: passes over the training set.
        batch: images a step.
        rate: the highest learning rate; it rises over the first fifth and falls to 0 as a cosine (Adam).
        weight_decay: of AdamW.
        seed: of the initial weights and the order of images.
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 1e-4
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2:
            raise ConfigError(f"training: epochs = {self.epochs} and batch = {self.batch} must be at least 1 and 2")


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """One thread and a seeded generator, both restored afterwards: the same bits on a rerun on the same machine."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(seed, "train.weights").integers(2**63)))
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def tensor(images: Images) -> torch.Tensor:
    """What a network sees of images (n, height, width, channels): (n, channels, height, width), 0..1, float32."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255.0)


def train(
    build: Callable[[], torch.nn.Module],
    images: Images,
    labels: IntArray,
    how: Training | None = None,
    progress: Progress | None = None,
) -> torch.nn.Module:
    """Build a network and train it by cross entropy.

    Args:
        build: makes the network; called under the seeded generator.
        images: (n, height, width, channels), uint8; what the network sees of them is `tensor(images)`.
        labels: (n,).
        how: epochs, batch, rate, seed.
        progress: called with (steps done, steps in all), every few steps.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        ConfigError: fewer images than one batch, or the loss is no longer finite.
    """
    how = how or Training()
    if len(images) < how.batch:
        raise ConfigError(f"training: {len(images)} images are fewer than one batch of {how.batch}")
    steps = how.epochs * (len(images) // how.batch)
    with _reproducible(how.seed):
        network = build().train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=steps, pct_start=0.2)
        for done, chosen in enumerate(_batches(len(images), how), start=1):
            loss = torch.nn.functional.cross_entropy(network(tensor(images[chosen])), torch.from_numpy(labels[chosen]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if progress is not None and (done % 50 == 0 or done == steps):
                progress(done, steps)
        if not torch.isfinite(loss):
            raise ConfigError(f"training: the loss is {loss.item()}; a lower rate than {how.rate} may help")
    return network.eval()


def _batches(count: int, how: Training) -> Iterator[IntArray]:
    """Whole batches of shuffled image indices, epoch after epoch; what is left over waits for another shuffle."""
    order = stream(how.seed, "train.order")
    for _ in range(how.epochs):
        shuffled: IntArray = order.permutation(count)
        for start in range(0, count - how.batch + 1, how.batch):
            yield np.sort(shuffled[start : start + how.batch])


def logits(network: torch.nn.Module, images: Images, batch: int = 1000) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The network's own float32 logits (images, classes), on one thread."""
    with _reproducible(0), torch.no_grad():
        starts = range(0, len(images), batch)
        inputs = (images[start : start + batch] for start in starts)
        return np.concatenate([network(tensor(x)).numpy() for x in inputs])
