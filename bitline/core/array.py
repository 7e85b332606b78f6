"""The array protocol: what a network sees of a crossbar, whether in numba or as a netlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bitline.core.figures import Figure

IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Stats:
    """What a batch of products did, enough to price it; stats of parts add up.

    Args:
        products: input vectors times one array (a vector on three tiles counts 3).
        counts: events by name, as "conversions" or "saturated".
        energy: joules by component, where the simulation computes them.
    """

    products: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    energy: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: Stats) -> Stats:
        """Both together."""
        counts = {
            name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in {**self.counts, **other.counts}
        }
        energy = {
            name: self.energy.get(name, 0.0) + other.energy.get(name, 0.0) for name in {**self.energy, **other.energy}
        }
        return Stats(self.products + other.products, counts, energy)


@dataclass(frozen=True)
class Cost:
    """What `Stats` cost: energy (J) and latency (s) by component, each with its kind and source.

    `latency` is of one product after another on one array; who runs arrays side by side divides.
    """

    energy: Mapping[str, Figure]
    latency: Mapping[str, Figure]


class Array(Protocol):
    """One array that multiplies integers: ``codes * scale`` estimates ``x @ weights``.

    Attributes:
        rows: inputs it takes.
        cols: outputs it gives (a differential pair of bit lines is one).
        scale: products for one unit of output code; known once the range is set.
    """

    rows: int
    cols: int

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for."""

    def program(self, weights: IntArray, rng: np.random.Generator) -> None:
        """Write integer weights, shape (rows, cols), with the variation that `rng` draws."""

    def required_range(self, x: IntArray) -> float:
        """The converter's full scale (A) that inputs x[batch, rows] would need on ideal cells."""

    def set_range(self, full_scale: float) -> None:
        """Fix the converter's full scale (A)."""

    def mvm(self, x: IntArray, rng: np.random.Generator) -> tuple[IntArray, Stats]:
        """Multiply x[batch, rows]; gives codes[batch, cols] and what it took."""

    def cost(self, stats: Stats) -> Cost:
        """Price what `mvm` did."""
