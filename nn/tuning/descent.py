"""Steps down the loss of an integer graph's logits, as all ways of tuning make them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from nn.float_graph import FloatGraph
from nn.tuning.parameters import FloatArray
from nn.tuning.trainable import TrainableGraph


@dataclass(frozen=True)
class Settings:
    """What every way of tuning has.

    Args:
        steps: of the optimiser.
        batch: images a step.
        rate: the highest learning rate, of AdamW without decay; it rises over the first tenth and falls to 0 as a
            cosine. Weights are in units of the largest integer, multipliers' gains are logarithms.
        distillation: share of the loss that is the divergence from the float network's classes (Hinton, Vinyals and
            Dean, arXiv:1503.02531, 2015); cross entropy with the labels is the rest.
        seed: of the order of images.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 1e-2
    distillation: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise ConfigError(f"tuning: {name} = {getattr(self, name)} must be 1 or more")
        if not (self.rate > 0 and 0 <= self.distillation <= 1):
            raise ConfigError(
                f"tuning: rate = {self.rate} must be above 0, distillation = {self.distillation} within 0 and 1"
            )

    def check(self, images: int, network: FloatGraph | None) -> None:
        """See that there are enough images and a teacher.

        Raises:
            ConfigError: fewer images than a batch, or distillation without a float network.
        """
        if images < self.batch:
            raise ConfigError(f"tuning: {images} images are fewer than one batch of {self.batch}")
        if self.distillation and network is None:
            raise ConfigError("tuning: distillation needs the float network")

    def batches(self, count: int, *key: int | str) -> Iterator[IntArray]:
        """For every step, the sorted indices of its images out of so many.

        They are shuffled, and what is left over of a whole batch waits for another shuffle; `key` is of the order.
        """
        order = stream(self.seed, "tune.order", *key)
        left = np.empty(0, np.int64)
        for _ in range(self.steps):
            if len(left) < self.batch:
                left = order.permutation(count)
            chosen, left = left[: self.batch], left[self.batch :]
            yield np.sort(chosen)


class Descent:
    """An optimiser on a graph's parameters, with its schedule.

    Args:
        model: the graph.
        how: steps, rate and the loss.
        trained: which of its parameters; None for all.
    """

    def __init__(
        self, model: TrainableGraph, how: Settings, trained: Iterable[torch.nn.Parameter] | None = None
    ) -> None:
        self.model, self.how = model, how
        chosen = model.parameters() if trained is None else trained
        self.optimiser = torch.optim.AdamW(chosen, lr=how.rate, weight_decay=0.0)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, how.rate, total_steps=how.steps + 1, pct_start=0.1
        )

    def step(self, logits: torch.Tensor, labels: IntArray, taught: FloatArray | None) -> None:
        """One step.

        Args:
            logits: the model's, (images, classes), in the graph's units.
            labels: (images,).
            taught: the float network's logits, (images, classes), where there is distillation.

        Raises:
            ConfigError: the loss is no longer finite.
        """
        loss = self._loss(logits * self.model.start.output_scale, labels, taught)
        if not torch.isfinite(loss):
            raise ConfigError(f"tuning: the loss is {loss.item()}; a lower rate than {self.how.rate} may help")
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        self.model.limit()

    def _loss(self, logits: torch.Tensor, labels: IntArray, taught: FloatArray | None) -> torch.Tensor:
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        if taught is None:
            return loss
        share = self.how.distillation
        divergence = torch.nn.functional.kl_div(
            logits.log_softmax(1), torch.from_numpy(taught).log_softmax(1), reduction="batchmean", log_target=True
        )
        return (1 - share) * loss + share * divergence
