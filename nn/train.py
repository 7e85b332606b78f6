"""Training in floats: deterministic, on one thread, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from bitline.core.suggest import suggestion
from nn.datasets.dataset import Images
from nn.training_state import Kept
from nn.weight_noise import add_noise, remove_noise

Progress = Callable[[int, int], None]

FLOAT32, BFLOAT16 = "float32", "bfloat16"


def _flip(x: torch.Tensor, draw: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.where(draw[:, None, None, None] < 0.5, x.flip(axis), x)


def _shift(x: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Each image moved by up to an eighth of its size down and across; what comes in is black."""
    _, _, height, width = x.shape
    reach = (height // 8, width // 8)
    padded = torch.nn.functional.pad(x, (reach[1], reach[1], reach[0], reach[0]))
    places = [
        (draw * number % 1.0 * (2 * far + 1)).long().clamp_(max=2 * far)
        for number, far in zip((1, 4096), reach, strict=True)
    ]  # two numbers out of the digits of one
    rows = places[0][:, None] + torch.arange(height)
    columns = places[1][:, None] + torch.arange(width)
    images = torch.arange(len(x))[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)


def _transpose(x: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    if x.shape[2] != x.shape[3]:
        raise ConfigError(
            f"training: augment has 'transpose', which needs square images; these are {x.shape[2]} x {x.shape[3]}"
        )
    return torch.where(draw[:, None, None, None] < 0.5, x.transpose(2, 3), x)


# Each takes images (batch, channels, height, width) and a number of 0..1 for each.
AUGMENTATIONS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mirror": partial(_flip, axis=3),
    "upside_down": partial(_flip, axis=2),
    "transpose": _transpose,
    "shift": _shift,
}


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Args:
        epochs: passes over the training set.
        batch: images a step.
        rate: the highest learning rate; it rises over the first fifth and falls to 0 as a cosine (Adam).
        weight_decay: of AdamW.
        augment: how images are changed at random each time they are seen: names out of `AUGMENTATIONS`.
        balance: a class of n images weighs n^-balance in the loss; 0 counts images alike, 1 classes.
        smoothing: of labels, shared among all classes (Szegedy et al., CVPR 2016).
        weight_noise: spread of noise on the weights while training, over the largest of a layer; see nn.weight_noise.
        precision: of products and what flows between layers, "float32" or "bfloat16", which takes half the time on a
            processor that has it. Weights and their updates are float32 in both.
        seed: of the initial weights and the order of images.
    """

    epochs: int = 10
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 1e-4
    augment: tuple[str, ...] = ()
    balance: float = 0.0
    smoothing: float = 0.0
    weight_noise: float = 0.0
    precision: str = FLOAT32
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 2:
            raise ConfigError(f"training: epochs = {self.epochs} and batch = {self.batch} must be at least 1 and 2")
        for name in self.augment:
            if name not in AUGMENTATIONS:
                raise ConfigError(f"training: augment has {name!r}{suggestion(name, AUGMENTATIONS)}")
        if not 0 <= self.balance <= 1 or not 0 <= self.smoothing < 1:
            raise ConfigError(
                f"training: balance = {self.balance} and smoothing = {self.smoothing} must be within 0 and 1"
            )
        if not 0 <= self.weight_noise < 1:
            raise ConfigError(f"training: weight_noise = {self.weight_noise} must be 0 or more and below 1")
        if self.precision not in (FLOAT32, BFLOAT16):
            raise ConfigError(f"training: precision = {self.precision!r} is neither {FLOAT32!r} nor {BFLOAT16!r}")


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
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
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()  # so that a network may x.view(...)
    return x.float().div_(255.0)


def train(
    build: Callable[[], torch.nn.Module],
    images: Images,
    labels: IntArray,
    how: Training | None = None,
    progress: Progress | None = None,
    keep: Path | None = None,
) -> torch.nn.Module:
    """Build a network and train it by cross entropy.

    Args:
        build: makes the network; called under the seeded generator.
        images: (n, height, width, channels), uint8; what the network sees of them is `tensor(images)`.
        labels: (n,).
        how: epochs, batch, rate, seed.
        progress: called with (steps done, steps in all), every few steps.
        keep: file that holds how far it has come after every epoch; a training that was stopped goes on from there,
            with the bits of one that was not. It is removed at the end.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        ConfigError: fewer images than one batch, or the loss is no longer finite.
    """
    how = how or Training()
    if len(images) < how.batch:
        raise ConfigError(f"training: {len(images)} images are fewer than one batch of {how.batch}")
    each = len(images) // how.batch
    steps = how.epochs * each
    with reproducible(how.seed):
        network = build().train()
        if how.weight_noise:
            add_noise(network, how.weight_noise)
        optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=how.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, how.rate, total_steps=steps, pct_start=min(max(0.2, 2 / steps), 1.0)
        )
        kept = keep and Kept(keep, repr(how), {"network": network, "optimiser": optimiser, "schedule": schedule})
        before, weights = kept.load() if kept else 0, None
        for done, chosen in enumerate(_batches(len(images), how), start=1):
            if done <= before:
                continue
            x = _augmented(tensor(images[chosen]), how.augment)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=how.precision == BFLOAT16):
                found, target = network(x).float(), torch.from_numpy(labels[chosen])
            if how.balance and weights is None:
                weights = _class_weights(labels, found.shape[1], how.balance)
            loss = torch.nn.functional.cross_entropy(found, target, weights, label_smoothing=how.smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if progress is not None and (done % 50 == 0 or done == steps):
                progress(done, steps)
            if kept and done % each == 0 and done < steps:
                kept.save(done)
        if not torch.isfinite(loss):
            raise ConfigError(f"training: the loss is {loss.item()}; a lower rate than {how.rate} may help")
    if keep is not None:
        keep.unlink(missing_ok=True)
    remove_noise(network.eval())
    return network


def _augmented(x: torch.Tensor, names: tuple[str, ...]) -> torch.Tensor:
    for name in names:
        x = AUGMENTATIONS[name](x, torch.rand(len(x), dtype=torch.float64))
    return x.contiguous()


def _class_weights(labels: IntArray, classes: int, balance: float) -> torch.Tensor:
    """By class, with a mean of 1 over the images."""
    counts = np.bincount(labels, minlength=classes)
    weights = np.maximum(counts, 1) ** -balance
    return torch.from_numpy(weights * counts.sum() / (weights * counts).sum()).float()


def _batches(count: int, how: Training) -> Iterator[IntArray]:
    """Whole batches of shuffled image indices, epoch after epoch; what is left over waits for another shuffle."""
    order = stream(how.seed, "train.order")
    for _ in range(how.epochs):
        shuffled: IntArray = order.permutation(count)
        for start in range(0, count - how.batch + 1, how.batch):
            yield np.sort(shuffled[start : start + how.batch])


def logits(network: torch.nn.Module, images: Images, batch: int = 1000) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The network's own float32 logits (images, classes) in evaluation mode, on one thread."""
    network.eval()
    with reproducible(0), torch.no_grad():
        starts = range(0, len(images), batch)
        inputs = (images[start : start + batch] for start in starts)
        return np.concatenate([network(tensor(x)).numpy() for x in inputs])
