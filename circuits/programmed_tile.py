"""A tile that weights were written into: the state that every simulation of it keeps, and what makes tiles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.calibration import full_scale_for
from circuits.converters import Converter, bit_planes, shift_add
from circuits.programming import Written, write
from circuits.retention import aged, mean_drift
from circuits.tile import Floats, Ints, TileConfig


class ProgrammedTile(ABC):
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
        self._written: Written | None = None
        self._weights: Ints = np.zeros((0, 0), dtype=np.int64)
        self._full_scale: float | None = None
        self._drift = 1.0

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for, on ideal cells and wires.

        Raises:
            ConfigError: the range is not set.
        """
        return self.config.lsb(self.full_scale) / self.config.product_current

    @property
    def lsb(self) -> float:
        """Current (A) of one code: with drift compensation it has drifted as the weights have.

        Raises:
            ConfigError: the range is not set.
        """
        return self.config.lsb(self.full_scale) * self._drift

    @property
    def written(self) -> Written:
        """What `program` left.

        Raises:
            ConfigError: the tile is not programmed.
        """
        if self._written is None:
            raise ConfigError("the tile is not programmed: program(weights, rng) first")
        return self._written

    @property
    def conductances(self) -> Floats:
        """What `program` left in the cells (S), shape (config.rows, config.cols).

        Raises:
            ConfigError: the tile is not programmed.
        """
        return self.written.g

    @property
    def fault_map(self) -> np.ndarray[Any, np.dtype[np.int8]] | None:
        """Its stuck cells: 1 on, -1 off, 0 good, shape (config.rows, config.cols); None without `config.faults`."""
        return self.written.faults if self.config.faults.any() else None

    @property
    def programming_counts(self) -> dict[str, int]:
        """What programming took: times that cells were programmed, cells that missed, cells that are stuck."""
        written = self.written
        stuck = int(np.count_nonzero(written.faults))
        return {"programmings": written.attempts, "missed": written.missed, "stuck": stuck}

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
        self._weights = self.config.checked_weights(weights)
        written = write(self.config, self._weights, rng)
        self._written = aged(self.config, written, rng)
        self._drift = mean_drift(self.config, written, self._written)
        self.rows, self.cols = self._weights.shape

    def required_range(self, x: Ints) -> float:
        """The full scale (A) that inputs x[batch, rows] need on ideal cells, by the choice of `config.adc.range`.

        It is never less than makes an LSB one product: ideal currents have no finer steps.
        """
        config = self.config
        planes = bit_planes(config.checked_inputs(x, self.rows), config.input_bits, config.dac.bits)
        return full_scale_for(config, planes, self._weights) * config.product_current

    def set_range(self, full_scale: float) -> None:
        """Fix the converter's full scale (A).

        Raises:
            ConfigError: not a positive current.
        """
        if not (math.isfinite(full_scale) and full_scale > 0):
            raise ConfigError(f"full_scale is {full_scale!r} A; it must be finite and above 0")
        self._full_scale = float(full_scale)

    def _converter(self) -> Converter:
        return self.written.converter(self.config)

    def _drives(self, x: Ints) -> Floats:
        """Word-line voltages for x[batch, rows] in steps of the DAC, shape (planes, batch, config.rows)."""
        config, written = self.config, self.written
        digits = bit_planes(config.checked_inputs(x, self.rows), config.input_bits, config.dac.bits)
        lines = written.placement.rows
        v = np.zeros((*digits.shape[:2], config.rows))
        v[..., lines] = digits if written.dac is None else written.dac[lines, digits]
        return v

    def plane_currents(self, x: Ints) -> Floats:
        """Bit-line currents (A) without noise for x[batch, rows], shape (planes, batch, config.cols)."""
        v = self._drives(x) * (self.config.v_read / self.config.dac.largest)
        return self.line_currents(v.reshape(-1, self.config.rows)).reshape(*v.shape[:2], self.config.cols)

    def _outputs(self, codes: Ints) -> Ints:
        """Outputs, shape (batch, cols), from codes[batch, channels] that sum up all planes."""
        return self.config.layout.combined(codes - self._zero_codes())

    def _zero_codes(self) -> Ints:
        """What auto-zero subtracts from each channel, all planes shifted and added: 0 without auto-zero."""
        converter = self._converter()
        if not self.config.auto_zero:
            return np.zeros(len(converter.offset), dtype=np.int64)
        codes, _ = converter.codes(self._zero_levels())
        return codes * self.config.plane_sum

    def _zero_levels(self) -> Floats:
        """Levels (LSB) of the channels, shape (channels,), with the digit 0 on every word line in use.

        A driver may be off 0 V at its digit 0, and auto-zero sees what every plane has of it.
        """
        rest, rows = np.zeros(self.config.rows), self.written.placement.rows
        if self.written.dac is not None:
            rest[rows] = self.written.dac[rows, 0]
        if not rest.any():
            return np.zeros(self.config.layout.channels(self.cols))
        return self._channel_levels(self.line_currents(rest[None] * (self.config.v_read / self.config.dac.largest))[0])

    @abstractmethod
    def line_currents(self, v: Floats) -> Floats:
        """Bit-line currents (A), shape (batch, config.cols), as they are read with word lines at v[batch, row] (V)."""

    def _channel_levels(self, i: Floats) -> Floats:
        """Levels (LSB) of the channels, shape (..., channels), from bit-line currents i[..., config.cols] (A)."""
        plus, minus = self.config.layout.bit_lines(self.written.placement)
        channel = i[..., plus] if minus is None else i[..., plus] - i[..., minus]
        return np.asarray(channel / self.lsb)

    def _converted(self, i: Floats) -> tuple[Ints, int]:
        """Outputs from bit-line currents i[planes, batch, config.cols] (A), and how many conversions saturated.

        This is the definition: converters, planes shifted and added, slices and references combined.
        """
        codes, saturated = self._converter().codes(self._channel_levels(i))
        return self._outputs(shift_add(codes, self.config.dac.bits)), saturated
