"""A tile as a netlist beside the same tile at speed, so that every current of the one is compared with the other's."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.array import Cost, IntArray, Stats
from circuits.tile import TileConfig
from crossbar.tile import CrossbarArray
from spice.array import SpiceArray

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class PairFactory:
    """Makes tiles that are netlists, each beside the same one at speed; see nn.target.ArrayFactory."""

    config: TileConfig

    @property
    def max_rows(self) -> int:
        """Inputs that an array takes."""
        return self.config.rows

    @property
    def max_cols(self) -> int:
        """Outputs that it gives."""
        return self.config.outputs

    @property
    def weight_bits(self) -> int:
        """Of the signed weights."""
        return self.config.weight_bits

    def __call__(self, rows: int, cols: int, input_bits: int) -> Pair:
        """A tile for weights[rows, cols]."""
        return Pair(rows, cols, replace(self.config, input_bits=input_bits))


class Pair:
    """A netlist that gives the products, and its twin at speed, whose bit-line currents are compared with it.

    Attributes:
        error: max |difference| / max |current| of the bit lines of the last product, before any converter.
    """

    def __init__(self, rows: int, cols: int, config: TileConfig) -> None:
        self.rows, self.cols, self.error = rows, cols, 0.0
        self.fast, self.slow = CrossbarArray(config), SpiceArray(config, observe=self._observe)

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for."""
        return self.slow.scale

    def program(self, weights: IntArray, rng: np.random.Generator) -> None:
        """Write both alike."""
        self.fast.program(weights, copy.deepcopy(rng))
        self.slow.program(weights, rng)

    def required_range(self, x: IntArray) -> float:
        """Both need the same."""
        return self.slow.required_range(x)

    def set_range(self, full_scale: float) -> None:
        """Of both."""
        self.fast.set_range(full_scale)
        self.slow.set_range(full_scale)

    def mvm(self, x: IntArray, rng: np.random.Generator) -> tuple[IntArray, Stats]:
        """The netlist's."""
        return self.slow.mvm(x, rng)

    def cost(self, stats: Stats) -> Cost:
        """The netlist's."""
        return self.slow.cost(stats)

    def _observe(self, v: Floats, i: Floats) -> None:
        """Take note of the difference for word-line voltages v[batch, word_line]."""
        largest = np.abs(i).max(initial=0.0)
        self.error = float(np.abs(self.fast.line_currents(v) - i).max() / largest) if largest > 0 else 0.0
