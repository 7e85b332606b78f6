"""Fine-tuning of a quantised network: quantisation-aware, and hardware-aware with a target's arrays in the loop.

The integer graph is what is trained (nn.tuning.trainable), so that what comes out is what runs. With a target, products
are those of chips drawn anew as training goes on, so that the network learns to bear variation and not one chip (as
Joshi et al., Nature Communications 11:2473, 2020, do with noise on weights).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from nn.datasets.dataset import Images
from nn.float_graph import FloatGraph
from nn.graph import Graph
from nn.targets.reram import Target
from nn.train import Progress, reproducible
from nn.tuning.chip import Chip
from nn.tuning.shadows import unrounded
from nn.tuning.trainable import TrainableGraph


@dataclass(frozen=True)
class Tuning:
    """How a network is tuned.

    Args:
        steps: of the optimiser.
        batch: images a step.
        rate: the highest learning rate, of AdamW without decay; it rises over the first tenth and falls to 0 as a
            cosine. Weights are in units of the largest integer, multipliers' gains are logarithms.
        distillation: share of the loss that is the divergence from the float network's classes (Hinton, Vinyals and
            Dean, arXiv:1503.02531, 2015); cross entropy with the labels is the rest.
        chip_steps: steps that a chip is used for.
        calibration: training images, the first so many, that converters' ranges are fixed on.
        seed: of the order of images, and of the chips, which have a seed of their own made from it.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 1e-2
    distillation: float = 0.0
    chip_steps: int = 10
    calibration: int = 200
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "chip_steps", "calibration"):
            if getattr(self, name) < 1:
                raise ConfigError(f"tuning: {name} = {getattr(self, name)} must be 1 or more")
        if not (self.rate > 0 and 0 <= self.distillation <= 1):
            raise ConfigError(
                f"tuning: rate = {self.rate} must be above 0, distillation = {self.distillation} within 0 and 1"
            )


def tune(
    graph: Graph,
    images: Images,
    labels: IntArray,
    how: Tuning | None = None,
    target: Target | None = None,
    network: FloatGraph | None = None,
    progress: Progress | None = None,
) -> Graph:
    """Fine-tune an integer graph on training images; the same bits on a rerun on the same machine.

    Args:
        graph: as nn.quantise made it.
        images: (n, *input_shape), unsigned integers.
        labels: (n,).
        how: steps, batch, rate, seed.
        target: whose arrays compute the products while training; None for exact integers.
        network: the float network that the graph was quantised from: weights start unrounded, and it is the teacher
            of a distillation.
        progress: called with (steps done, steps in all), every few steps.

    Returns:
        The same graph with other weights, biases and multipliers.

    Raises:
        ConfigError: fewer images than a batch, distillation without a float network, an operator without gradient,
            what the target can't map, or the loss is no longer finite.
    """
    how = how or Tuning()
    if len(images) < how.batch:
        raise ConfigError(f"tuning: {len(images)} images are fewer than one batch of {how.batch}")
    if how.distillation and network is None:
        raise ConfigError("tuning: distillation needs the float network")
    with reproducible(how.seed):
        model = TrainableGraph(graph, unrounded(graph, network) if network is not None else None)
        optimiser = torch.optim.AdamW(model.parameters(), lr=how.rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps + 1, pct_start=0.1)
        chips = _chips(model, target, images[: how.calibration], how)
        for done, chosen in enumerate(_batches(len(images), how), start=1):
            logits = model(images[chosen], next(chips), done) * graph.output_scale
            loss = _loss(logits, images[chosen], labels[chosen], how, network)
            if not torch.isfinite(loss):
                raise ConfigError(f"tuning: the loss is {loss.item()}; a lower rate than {how.rate} may help")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            model.limit()
            if progress is not None and (done % 10 == 0 or done == how.steps):
                progress(done, how.steps)
    return model.graph()


def _loss(
    logits: torch.Tensor, images: Images, labels: IntArray, how: Tuning, network: FloatGraph | None
) -> torch.Tensor:
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
    if network is None or not how.distillation:
        return loss
    taught = torch.from_numpy(network.logits(images))
    divergence = torch.nn.functional.kl_div(
        logits.log_softmax(1), taught.log_softmax(1), reduction="batchmean", log_target=True
    )
    return (1 - how.distillation) * loss + how.distillation * divergence


def _chips(model: TrainableGraph, target: Target | None, calibration: Images, how: Tuning) -> Iterator[Chip | None]:
    """The chip of every step: another one now and then, programmed with the weights of that moment."""
    if target is None:
        while True:
            yield None
    own = replace(target, seed=int(stream(how.seed, "tune.chips").integers(2**31)), trace=0)
    number = 0
    while True:
        chip = Chip.program(own, model.graph(), calibration, number)
        for _ in range(how.chip_steps):
            yield chip
        number += 1


def _batches(count: int, how: Tuning) -> Iterator[IntArray]:
    """Whole batches of shuffled image indices; what is left over waits for another shuffle."""
    order = stream(how.seed, "tune.order")
    left = np.empty(0, np.int64)
    for _ in range(how.steps):
        if len(left) < how.batch:
            left = order.permutation(count)
        chosen, left = left[: how.batch], left[how.batch :]
        yield np.sort(chosen)
