"""Ranges of activations: what a float network's nodes gave for the calibration images, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bitline.core.seeds import stream
from nn.float_graph import FloatGraph
from nn.layer import FloatArray

RANGES = ("percentile", "mse", "max")
_KEPT = 2**18  # values kept of a node, 2 MB
_BINS = 2048  # of the histogram that clipping is weighed on
_POINTS = 128  # clipping points tried


@dataclass(eq=False)
class Observed:
    """What is known of a node's values.

    Args:
        most: their greatest magnitude.
        parts: magnitudes that are not 0 (a ReLU's zeros say nothing of its range): all of them, or of each image as
            many random ones as 2^18 values allow.
    """

    most: float = 0.0
    parts: list[FloatArray] = field(default_factory=list)

    def add(self, values: FloatArray, images: int, rng: np.random.Generator) -> None:
        """Take note of a batch's values (batch, *shape), of `images` in all."""
        magnitudes = np.abs(values.reshape(len(values), -1))
        self.most = max(self.most, float(magnitudes.max(initial=0.0)))
        share = max(_KEPT // images, 1)
        if magnitudes.shape[1] > share:
            places = rng.integers(magnitudes.shape[1], size=(len(magnitudes), share))
            magnitudes = np.take_along_axis(magnitudes, places, axis=1)
        self.parts.append(magnitudes[magnitudes != 0])

    def limit(self, method: str, percentile: float, levels: int) -> float:
        """The magnitude that the highest code stands for.

        Args:
            method: "max" covers all values, "percentile" a share of them, "mse" clips where squared error is least.
            percentile: of "percentile".
            levels: codes above 0, for "mse".
        """
        values = np.concatenate(self.parts) if self.parts else np.empty(0)
        if not values.size:
            return self.most or 1.0
        if method == "max":
            return self.most
        return float(np.percentile(values, percentile)) if method == "percentile" else _least_error(values, levels)


def observe(network: FloatGraph, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Mapping[str, Observed]:
    """Run calibration images (n, *shape) and note every node's values, a batch at a time."""
    found: dict[str, Observed] = {}
    batch = network.batch(images[:1], len(images))
    for start in range(0, len(images), batch):
        for name, values in network.each(images[start : start + batch] / 255.0):
            rng = stream(0, "quantise.range", name, start)
            found.setdefault(name, Observed()).add(values, len(images), rng)
    return found


def _least_error(magnitudes: FloatArray, levels: int) -> float:
    """The clipping point with the least squared error of rounding and clipping, on a histogram of the magnitudes.

    Banner, Nahshan and Soudry, "Post training 4-bit quantization of convolutional networks for rapid-deployment",
    NeurIPS 2019, section 3, by search and not by an assumed distribution.
    """
    most = float(magnitudes.max())
    counts, edges = np.histogram(magnitudes, bins=_BINS, range=(0.0, most))
    centres = (edges[:-1] + edges[1:]) / 2
    limits = most * np.linspace(1.0, 0.02, _POINTS)
    steps = limits[:, None] / levels
    errors = ((np.minimum(np.rint(centres / steps), levels) * steps - centres) ** 2) @ counts
    return float(limits[int(np.argmin(errors))])
