"""Ranges of activations: what a float network's nodes gave for the calibration images, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bitline.core.seeds import stream
from nn.float_graph import FloatGraph
from nn.layer import FloatArray

RANGES = ("percentile", "mse", "max")
_KEPT = 2**18  # values kept of a node, 2 MB
_BINS = 2048  # of the histogram that clipping is weighed on
_POINTS = 128  # clipping points tried of an end
_TURNS = 2  # of the search, end by end


class Steps(NamedTuple):
    """Evenly spaced numbers, 0 among them: `size` times the integers `low` to `high`."""

    size: float
    low: int
    high: int


@dataclass(eq=False)
class Observed:
    """What is known of a node's values.

    Args:
        low: the least, or 0 if none is negative.
        high: the greatest, or 0 if none is positive.
        parts: values that are not 0 (a ReLU's zeros say nothing of its range): all of them, or of each image as many
            random ones as 2^18 values allow.
    """

    low: float = 0.0
    high: float = 0.0
    parts: list[FloatArray] = field(default_factory=list)

    @property
    def most(self) -> float:
        """The greatest magnitude."""
        return max(-self.low, self.high)

    def add(self, values: FloatArray, images: int, rng: np.random.Generator) -> None:
        """Take note of a batch's values (batch, *shape), of `images` in all."""
        values = values.reshape(len(values), -1)
        self.low = min(self.low, float(values.min(initial=0.0)))
        self.high = max(self.high, float(values.max(initial=0.0)))
        share = max(_KEPT // images, 1)
        if values.shape[1] > share:
            places = rng.integers(values.shape[1], size=(len(values), share))
            values = np.take_along_axis(values, places, axis=1)
        self.parts.append(values[values != 0])

    def steps(self, method: str, percentile: float, count: int) -> Steps:
        """The numbers that codes stand for, as many below 0 as the values ask for.

        Args:
            method: "max" covers all values, "percentile" a share of them at either end, "mse" clips both ends where
                squared error is least.
            percentile: of the values up to the greatest code, and of those from the least one on.
            count: of steps from the least code to the greatest, one less than there are codes.
        """
        values = np.concatenate(self.parts) if self.parts else np.empty(0)
        low, high = whole = (self.low, self.high) if self.most else (0.0, 1.0)
        if values.size and method == "mse":
            low, high = _least_error(values, count)
        elif values.size and method == "percentile":
            ends = np.percentile(values, [100 - percentile, percentile])
            low, high = min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
        return finest(low, high, count) if low < high else finest(*whole, count)  # a share may leave nothing


def finest(low: float, high: float, count: int) -> Steps:
    """The smallest steps for values from `low` <= 0 to `high` >= 0, not both 0.

    The greatest code stands for `high` or more; `low` is at most half a step below the least code, as far as values are
    from their codes anyway, so that no code is spent on what rounds to 0.
    """
    below = np.arange(count + 1)
    sizes = np.maximum(high / np.maximum(count - below, 0.5), -low / (below + 0.5))  # 0.5: `high` if 0 is the greatest
    best = int(sizes.argmin())
    return Steps(float(sizes[best]), -best, count - best)


def observe(network: FloatGraph, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Mapping[str, Observed]:
    """Run calibration images (n, *shape) and note every node's values, a batch at a time."""
    found: dict[str, Observed] = {}
    batch = network.batch(images[:1], len(images))
    for start in range(0, len(images), batch):
        for name, values in network.each(images[start : start + batch] / 255.0):
            rng = stream(0, "quantise.range", name, start)
            found.setdefault(name, Observed()).add(values, len(images), rng)
    return found


def _least_error(values: FloatArray, count: int) -> tuple[float, float]:
    """The ends whose steps have the least squared error of rounding and clipping, on a histogram of the values.

    Banner, Nahshan and Soudry, "Post training 4-bit quantization of convolutional networks for rapid-deployment",
    NeurIPS 2019, section 3, by search and not by an assumed distribution: of one end, then of the other, in turn.
    """
    whole = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    counts, edges = np.histogram(values, bins=_BINS, range=whole)
    centres = (edges[:-1] + edges[1:]) / 2

    def error(ends: tuple[float, float]) -> float:
        size, low, high = finest(*ends, count)
        return float(((np.clip(np.rint(centres / size), low, high) * size - centres) ** 2) @ counts)

    low, high = whole
    shares = np.linspace(1.0, 0.02, _POINTS).tolist()
    for _ in range(_TURNS):
        high = min((whole[1] * share for share in shares), key=lambda end: error((low, end)))
        low = min((whole[0] * share for share in shares), key=lambda end: error((end, high)))
    return low, high
