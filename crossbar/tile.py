"""A ReRAM tile at speed: effective matrix, bit planes, read noise, conversion."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.figures import MODELLED, Figure
from circuits.converters import largest_code
from circuits.programmed_tile import ProgrammedTile, TileFactory
from circuits.tile import TileConfig
from crossbar.converters import convert, spread_bits
from crossbar.costs import INTEGER_ADD, WORD_LINE_DRIVER, Process, adc_energy, adc_time
from crossbar.solve import effective_matrix

__all__ = ["CrossbarArray", "TileConfig", "crossbar_factory"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

# Inputs are worked on in blocks of exactly this many, the last one padded with zeros: a matrix product of another size
# may round otherwise, and an input's noiseless result shall not depend on its neighbours
_BLOCK = 256


class CrossbarArray(ProgrammedTile):
    """A tile as an array: ``codes * scale`` estimates ``x @ weights``.

    Wires are exact through the effective matrix. Read noise is to first order, in itself and in the wires' loss: the
    variance of an output is the sum over its cells of (v_read * read_noise * effective conductance)^2, whose root is
    1 % high where wires take 5 % of the current. Currents are in single precision, good to a millionth of full scale,
    which moves a code only where it was undecided to that.

    Args:
        config: the tile.

    """

    def __init__(self, config: TileConfig) -> None:
        super().__init__(config)
        self._matrix: Floats | None = None

    @property
    def matrix(self) -> Floats:
        """Effective matrix with wires (S), shape (config.rows, config.cols).

        Raises:
            ConfigError: the tile is not programmed.
        """
        if self._matrix is None:
            self._matrix = effective_matrix(self.conductances, self.config.wires)
        return self._matrix

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights, shape (rows, cols) up to the tile's, with variation from `rng`.

        Raises:
            ConfigError: weights that do not fit the tile.
            ModelRangeError: a conductance outside the range of the programming model.
        """
        super().program(weights, rng)
        self._matrix = None  # found when it is first needed: a tile that only tells its range needs none

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or a tile that is not programmed or has no range.
        """
        x = self.config.checked_inputs(x, self.rows)
        gain, variance = self._gains()
        offset = self.config.offset_codes(self._offsets, self.cols).astype(np.float32)
        codes = np.empty((x.shape[0], self.cols), dtype=np.int64)
        planes = np.zeros((self.config.input_bits, _BLOCK, self.rows), dtype=np.float32)
        limit, saturated = largest_code(self.config.adc_bits), 0
        ones = np.zeros(self.rows)
        for rows in _blocks(x.shape[0]):
            spread_bits(x[rows], planes)
            ones += planes.sum(axis=(0, 1), dtype=np.float64)
            flat = planes.reshape(-1, self.rows)
            shape = (self.config.input_bits, _BLOCK, self.cols)
            level = (flat @ gain).reshape(shape)
            noisy = self.config.read_noise > 0
            spread = (flat @ variance).reshape(shape) if noisy else level
            drawn = (self.config.input_bits if noisy else 0, codes[rows].shape[0], self.cols)
            scores = rng.standard_normal(drawn, dtype=np.float32)
            saturated += convert(level, spread, scores, offset, limit, codes[rows])
        codes -= self.config.zero_codes(self._offsets, self.cols)
        return codes, self._stats(x.shape[0], saturated, ones)

    def cost(self, stats: Stats) -> Cost:
        """Price what `mvm` did: energy of all of it, latency of one product (planes in turn, converters shared).

        The array's energy is computed from its currents; those of converters and adders are estimated from published
        figures of other nodes.
        """
        config, count = self.config, stats.counts
        process = Process(config.node, config.vdd)
        conversions, turns = count.get("conversions", 0), config.input_bits * math.ceil(self.cols / config.adcs)
        energy = {
            "array": Figure(stats.energy.get("array", 0.0), "J", MODELLED),
            "dac": WORD_LINE_DRIVER.energy_in(process, count.get("drives", 0)),
            "adc": adc_energy(process, config.adc_bits, conversions),
            "shift_add": INTEGER_ADD.energy_in(process, conversions),
        }
        latency = {
            "array": Figure(config.input_bits * config.t_read, "s", MODELLED, "t_read of a bit plane is an input"),
            "adc": adc_time(process, config.adc_bits, turns),
        }
        return Cost(energy, latency)

    def _gains(self) -> tuple[Singles, Singles]:
        """Level in LSB and variance in LSB^2 for an input bit of 1, each shape (rows, cols)."""
        volts = self.config.v_read / self.config.lsb(self.full_scale)
        used = self.matrix[: self.rows, : 2 * self.cols] * volts
        plus, minus = used[:, 0::2], used[:, 1::2]
        variance = self.config.read_noise**2 * (plus**2 + minus**2)
        return (plus - minus).astype(np.float32), variance.astype(np.float32)

    def _stats(self, batch: int, saturated: int, ones: Floats) -> Stats:
        """`ones` counts the planes that drove each word line.

        The array's energy is v_read times the current that reaches the sense inputs, over t_read; the little that
        returns through word lines at 0 V is left out, some 2 % where wires take 5 % of the current.
        """
        config = self.config
        driven = float(ones @ self.matrix[: self.rows].sum(axis=1))
        counts = {
            "conversions": batch * config.input_bits * self.cols,
            "saturated": saturated,
            "drives": batch * config.input_bits * self.rows,
        }
        return Stats(batch, counts, {"array": config.v_read**2 * config.t_read * driven})


def crossbar_factory(config: TileConfig) -> TileFactory:
    """Makes tiles of one kind at speed, for whoever lays a network out on them."""
    return TileFactory(config, CrossbarArray)


def _blocks(batch: int) -> Iterator[slice]:
    for start in range(0, batch, _BLOCK):
        yield slice(start, min(start + _BLOCK, batch))
