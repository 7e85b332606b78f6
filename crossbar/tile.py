"""A ReRAM tile at speed: effective matrix, input planes, read noise, conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from circuits.array_factory import ConfiguredFactory
from circuits.converters import Converter
from circuits.line_timing import LineTiming
from circuits.programmed_tile import ProgrammedTile
from circuits.tile import TileConfig
from crossbar.adjoint import Readout
from crossbar.converters import BLOCK, Inputs, Reals, blocks, convert, convert_steps
from crossbar.costs import tile_cost
from crossbar.noise import OutputVariance, output_variance
from crossbar.patterns import pattern_sums
from crossbar.power import ReadPower, read_power
from crossbar.precision import level_type
from crossbar.rtn import Correction, TelegraphCells, correction, first_order_error
from crossbar.settling import StepResponse, step_response
from crossbar.solve import effective_matrix

__all__ = ["CrossbarArray", "TileConfig", "crossbar_factory"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class _Ready:
    """What a read needs of a programmed tile with its range set; channels as in `circuits.mapping`.

    Args:
        gain: level (LSB) of an input digit of 1, shape (rows, channels).
        sums: of its patterns, where inputs are bits in single precision; None elsewhere.
        variance: of read noise (LSB^2) for inputs; None without.
        traps: what telegraph noise does to levels (LSB); None without.
        conversion_variance: of the converters' own noise and of the sampled kT/C (LSB^2).
        converter: the converters, whose gain is in `gain` already.
        offset: theirs (LSB), shape (channels,).
        thresholds: theirs (LSB), shape (channels, steps), or None.
        drivers: what word lines are driven with for each digit, shape (rows, digits); None for the digit itself.
        zero: codes that auto-zero subtracts, shape (channels,).
        power: of a read.
    """

    gain: Reals
    sums: Singles | None
    variance: OutputVariance | None
    traps: Correction | None
    conversion_variance: float
    converter: Converter
    offset: Reals
    thresholds: Reals | None
    drivers: Reals | None
    zero: Ints
    power: ReadPower


class CrossbarArray(ProgrammedTile):
    """A tile as an array: ``codes * scale`` estimates ``x @ weights``.

    Wires are exact through the effective matrix. Read noise is to first order, with wires as `crossbar.noise` has it,
    telegraph noise as `crossbar.rtn` has it, and outputs settle by `crossbar.settling`. Currents are in the precision
    of `config.precision`; `crossbar.precision` has what single precision leaves, which moves a code only where it was
    undecided to that.

    Args:
        config: the tile.

    """

    def __init__(self, config: TileConfig) -> None:
        super().__init__(config)
        self._matrix: Floats | None = None
        self._traps: TelegraphCells | None = None
        self._base = np.zeros(0, dtype=np.bool_)
        self._prepared: _Ready | None = None

    @property
    def matrix(self) -> Floats:
        """Effective matrix with wires (S), shape (config.rows, config.cols).

        Raises:
            ConfigError: the tile is not programmed.
        """
        if self._matrix is None:
            self._matrix = effective_matrix(self._solved, self.config.wires)
        return self._matrix

    @property
    def _solved(self) -> Floats:
        """The conductances (S) that the matrix is of."""
        return self.conductances if self._traps is None else self._traps.conductances(self._base)

    @property
    def readout(self) -> Readout:
        """Its word lines and bit lines in use.

        Raises:
            ConfigError: the tile is not programmed.
        """
        placement = self.written.placement
        return Readout(placement.rows, *self.config.layout.bit_lines(placement))

    def settling(self) -> StepResponse:
        """How its bit lines answer a read with every word line in use at `v_read`; at once without `config.timing`.

        Raises:
            ConfigError: the tile is not programmed.
        """
        v = np.zeros(self.config.rows)
        v[self.readout.rows] = self.config.v_read
        return step_response(self._solved, v, self.config.wires, self.config.timing or LineTiming())

    def settling_time(self) -> float:
        """Time (s) after which full scale is right to half an LSB.

        Raises:
            ConfigError: the tile is not programmed.
        """
        slowest = self.settling().time_to(0.5 / self._converter().high)
        return float(slowest[self.readout.lines].max())

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights, shape (rows, cols) up to the tile's, with variation from `rng`.

        Raises:
            ConfigError: weights that do not fit the tile.
            ModelRangeError: a conductance outside the range of the programming model.
        """
        super().program(weights, rng)
        if self.config.telegraph is not None:
            written = self.written
            self._traps = TelegraphCells.draw(self.config.telegraph, written.g, written.faults == 0, rng.spawn(1)[0])
            self._base = self._traps.filled
        self._matrix = self._prepared = None  # found when first needed: a tile that only tells its range needs none

    def set_range(self, full_scale: float) -> None:
        """Fix the converter's full scale (A).

        Raises:
            ConfigError: not a positive current.
        """
        super().set_range(full_scale)
        self._prepared = None

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or a tile that is not programmed or has no range.
        """
        return self.multiply(self.prepared(x), rng)

    def prepared(self, x: Ints) -> Inputs:
        """Inputs x[batch, rows] for `multiply`, of this tile and of others of its kind that take the same.

        Raises:
            ConfigError: inputs that do not fit.
        """
        config = self.config
        inputs = Inputs(config.checked_inputs(x, self.rows), config.planes, config.dac.bits)
        if self.written.dac is None:
            _ = inputs.digits  # now, once, whatever threads go on with them
        if self._bits:
            _ = inputs.patterns
        return inputs

    def multiply(self, inputs: Inputs, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """`mvm` of `prepared` inputs.

        Raises:
            ConfigError: a tile that is not programmed or has no range.
        """
        config, ready = self.config, self._ready()
        traps_rng = rng.spawn(1)[0] if self._traps is not None else rng
        batch, channels = inputs.x.shape[0], ready.gain.shape[1]
        codes = np.empty((batch, channels), dtype=np.int64)
        level = np.empty((config.planes, BLOCK, channels), dtype=ready.gain.dtype)
        driven, squares = inputs.digits if ready.drivers is None else inputs.levels(ready.drivers)
        returned, saturated = 0.0, 0
        for planes, rows in zip(driven, blocks(batch), strict=True):
            self._renew_matrix()
            ready = self._ready()
            flat = planes.reshape(-1, self.rows)
            if ready.sums is not None:
                inputs.patterns.products(ready.sums, rows.start, level)
            else:
                np.matmul(flat.astype(level.dtype, copy=False), ready.gain, out=level.reshape(-1, channels))
            if ready.power.pairs.size:
                along = (flat @ ready.power.pairs).ravel()
                returned += float(along @ along)
            if self._traps is not None and ready.traps is not None:
                states = self._traps.products(codes[rows].shape[0], config.planes, self._product_time(), traps_rng)
                ready.traps.add(level, planes, states)
            saturated += self._convert(level, flat, rng, codes[rows])
        if config.auto_zero:
            codes -= ready.zero
        return config.layout.combined(codes), self._stats(batch, channels, saturated, squares, returned)

    def _convert(self, level: Reals, flat: Reals, rng: np.random.Generator, codes: Ints) -> int:
        """Codes of a block from its levels[planes, BLOCK, channels] and planes flat[planes * BLOCK, rows]."""
        config, ready = self.config, self._ready()
        spread: Reals = _NO_NOISE
        scores = _NO_NOISE
        if ready.variance is not None:
            driven: Singles = flat.astype(np.float32, copy=False)
            spread = ready.variance.of(driven, driven if self._bits else driven * driven).reshape(level.shape)
            if ready.conversion_variance > 0:
                spread += np.float32(ready.conversion_variance)
        elif ready.conversion_variance > 0:
            spread = np.full(level.shape, ready.conversion_variance, dtype=np.float32)
        if spread.size:
            scores = rng.standard_normal((config.planes, *codes.shape), dtype=np.float32)
        low, high, each = ready.converter.low, ready.converter.high, config.dac.bits
        if ready.thresholds is None:
            return int(convert(level, spread, scores, ready.offset, low, high, each, codes))
        return int(convert_steps(level, spread, scores, ready.offset, ready.thresholds, low, each, codes))

    def cost(self, stats: Stats) -> Cost:
        """Price what `mvm` did: energy of all of it, latency of one product (planes in turn, converters shared)."""
        return tile_cost(self.config, self.config.layout.channels(self.cols), stats)

    @property
    def _bits(self) -> bool:
        """Whether word lines are driven with 0 and 1."""
        return self.config.dac.bits == 1 and self.written.dac is None

    def _ready(self) -> _Ready:
        if self._prepared is None:
            self._prepared = self._prepare()
        return self._prepared

    def _prepare(self) -> _Ready:
        config, written, converter = self.config, self.written, self._converter()
        volts = config.v_read / config.dac.largest / self.lsb
        settled = self._settled_share()
        readout, matrix = self.readout, self.matrix * settled
        rows = readout.rows
        gain = readout.difference(matrix[rows] * volts) * converter.gain
        kind = level_type(config.precision, gain, converter.offset, config.dac.largest)
        noise = config.adc.noise**2 + (config.timing.sampled_variance if config.timing is not None else 0.0)
        thresholds, drivers = converter.thresholds, written.dac
        return _Ready(
            gain=gain.astype(kind),
            sums=pattern_sums(gain) if self._bits and kind is np.float32 else None,
            variance=self._variance(readout, settled, volts) if config.read_noise > 0 else None,
            traps=self._corrections(readout, matrix, volts),
            conversion_variance=noise * (converter.high / config.v_full_scale) ** 2,
            converter=converter,
            offset=converter.offset.astype(kind),
            thresholds=None if thresholds is None else np.ascontiguousarray(thresholds, kind),
            drivers=None if drivers is None else np.ascontiguousarray(drivers[rows], kind),
            zero=self._zero_codes(),
            power=read_power(self.matrix, config.wires, rows),
        )

    def _settled_share(self) -> Floats | float:
        """Share of each bit line's current that has come by `config.t_read`, shape (config.cols,)."""
        if self.config.timing is None:
            return 1.0
        return np.asarray(1 - self.settling().missing(self.config.t_read))

    def line_currents(self, v: Floats) -> Floats:
        """Bit-line currents (A), shape (batch, config.cols), with word lines at v[batch, row] (V), without noise."""
        return np.asarray(v @ self.matrix * self._settled_share())

    def _variance(self, readout: Readout, settled: Floats | float, volts: float) -> OutputVariance:
        config, gain = self.config, self._converter().gain
        sigma, way = config.read_noise, config.noise_way
        return output_variance(self._solved, self.matrix, config.wires, sigma, readout, volts, way, gain, settled)

    def _corrections(self, readout: Readout, matrix: Floats, volts: float) -> Correction | None:
        if self._traps is None:
            return None
        gains = volts * self._converter().gain
        return correction(self._traps, matrix, self._base, self.config.wires, readout, gains)

    def _renew_matrix(self) -> None:
        """Solve the matrix for the traps as they are, if first order misses too much of what changed since."""
        traps = self._traps
        if traps is None or np.array_equal(traps.filled, self._base):
            return
        config = self.config
        missed = first_order_error(traps, self.matrix, self._base, config.wires, self.readout, config.dac.largest)
        if missed > traps.noise.error_limit:
            self._base = traps.filled
            self._matrix = self._prepared = None

    def _product_time(self) -> float:
        return sum(figure.value for figure in self.cost(Stats()).latency.values())

    def _stats(self, batch: int, channels: int, saturated: int, squares: Floats, returned: float) -> Stats:
        """`squares` of what each word line was driven with, in steps of the DAC, and their share that returned."""
        config = self.config
        drives = batch * config.planes
        counts = {"conversions": drives * channels, "saturated": saturated, "drives": drives * self.rows}
        per_square = (config.v_read / config.dac.largest) ** 2 * config.t_read
        total, wires = (per_square * power for power in self._ready().power.of(squares, returned))
        return Stats(batch, counts, {"cells": total - wires, "wires": wires})


_NO_NOISE = np.empty((0, 0, 0), dtype=np.float32)


def crossbar_factory(config: TileConfig) -> ConfiguredFactory:
    """Makes tiles of one kind at speed, for whoever lays a network out on them."""
    return ConfiguredFactory(config, CrossbarArray)
