"""A tile that weights were written into: the state that every simulation of it keeps, and what makes tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.converters import bit_planes, largest_code
from circuits.tile import Floats, Ints, TileConfig


class ProgrammedTile:
    """The state that every simulation of a tile keeps: what was written, and the converter's range.

    Args:
        config: the tile.

    Attributes:
        rows: inputs it takes: word lines in use, all before `program`.
        cols: outputs it gives.
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.rows, self.cols = config.rows, config.outputs
        self._g: Floats | None = None
        self._weights: Ints = np.zeros((0, 0), dtype=np.int64)
        self._offsets: Floats = np.zeros(config.adcs)
        self._full_scale: float | None = None

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for, on ideal cells and wires.

        Raises:
            ConfigError: the range is not set.
        """
        return self.config.lsb(self.full_scale) / self.config.product_current

    @property
    def conductances(self) -> Floats:
        """What `program` left in the cells (S), shape (config.rows, config.cols).

        Raises:
            ConfigError: the tile is not programmed.
        """
        if self._g is None:
            raise ConfigError("the tile is not programmed: program(weights, rng) first")
        return self._g

    @property
    def full_scale(self) -> float:
        """The converter's full scale (A).

        Raises:
            ConfigError: it is not set.
        """
        if self._full_scale is None:
            raise ConfigError("the tile has no range: set_range(required_range(calibration inputs)) first")
        return self._full_scale

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights, shape (rows, cols) up to the tile's, with variation from `rng`.

        Raises:
            ConfigError: weights that do not fit the tile.
            ModelRangeError: a conductance outside the range of the programming model.
        """
        weights = np.asarray(weights)
        self._g, self._offsets = self.config.programmed(weights, rng)
        self._weights = weights.astype(np.int64)
        self.rows, self.cols = weights.shape

    def required_range(self, x: Ints) -> float:
        """The full scale (A) that inputs x[batch, rows] need on ideal cells: the largest current of any plane.

        It is never less than makes an LSB one product: ideal currents have no finer steps.
        """
        planes = bit_planes(self.config.checked_inputs(x, self.rows), self.config.input_bits)
        products = np.abs(planes @ self._weights)
        return (
            max(float(products.max(initial=0)), float(largest_code(self.config.adc_bits))) * self.config.product_current
        )

    def set_range(self, full_scale: float) -> None:
        """Fix the converter's full scale (A).

        Raises:
            ConfigError: not a positive current.
        """
        if not (math.isfinite(full_scale) and full_scale > 0):
            raise ConfigError(f"full_scale is {full_scale!r} A; it must be finite and above 0")
        self._full_scale = float(full_scale)


@dataclass(frozen=True)
class TileFactory:
    """Makes tiles of one kind, for whoever lays a network out on them; picklable.

    Args:
        config: of every tile, but for `input_bits`.
        array: the simulation of a tile, as `crossbar.tile.CrossbarArray`.
    """

    config: TileConfig
    array: Callable[[TileConfig], Any]

    @property
    def max_rows(self) -> int:
        """Inputs that a tile takes."""
        return self.config.rows

    @property
    def max_cols(self) -> int:
        """Outputs that it gives."""
        return self.config.outputs

    def __call__(self, rows: int, cols: int, input_bits: int) -> Any:
        """A tile for a part of a network: `program` it with weights[rows, cols]."""
        made = self.array(replace(self.config, input_bits=input_bits))
        made.rows, made.cols = rows, cols
        return made
