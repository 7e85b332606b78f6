"""SRAM columns that compute, at speed: counts by pattern sums, one curve for the discharge, conversion."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.figures import MODELLED, Figure
from circuits.array_factory import ConfiguredFactory
from circuits.cim import BOLTZMANN, CimConfig, Ints
from circuits.programmed_cim import ProgrammedCim
from crossbar.costs import INTEGER_ADD, WORD_LINE_DRIVER, Process, adc_energy, adc_time
from crossbar.patterns import BLOCK, Patterns, aligned, pattern_sums
from crossbar.sram_cim_kernels import multiply

__all__ = ["CimArray", "CimConfig", "cim_factory"]

_NODES = 4096  # of the curve, linear between
_POOL = 1 << 14  # noise is drawn once a batch and dealt out from changing places
_CHUNK = 128  # inputs a piece of work
_AT_ONCE = 256  # digits of inputs whose counts are summed together, 64 KiB


class CimArray(ProgrammedCim):
    """An array of computing columns: ``codes * scale`` estimates ``x @ weights``.

    Exact for the model in `circuits.cim` (all rows of a column see one voltage), in single precision: a code moves only
    where it was undecided to a ten-thousandth of a step. Padded bit lines add nothing. Memory: 16 bytes a cell.

    Args:
        config: the array.
    """

    def __init__(self, config: CimConfig) -> None:
        super().__init__(config)
        self._sums: Any = None
        self._known: tuple[Any, ...] = ()
        self._step = 0.0

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights[rows, cols]; `rng` draws the mismatch of every cell and converter.

        Raises:
            ConfigError: weights that do not fit.
        """
        super().program(weights, rng)
        self._sums = None

    def set_range(self, full_scale: float) -> None:
        """Fix the count of full scale; see `ProgrammedCim.set_range`.

        Raises:
            ConfigError: as there.
        """
        super().set_range(full_scale)
        self._sums = None  # what a row of 0 counts depends on the pulse

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or an array that is not programmed or has no range.
        """
        return self.multiply(self.prepared(x), rng)

    def prepared(self, x: Ints) -> Patterns:
        """Inputs x[batch, rows] for `multiply`, of this array and of others of its kind that take the same.

        Raises:
            ConfigError: inputs that do not fit.
        """
        return Patterns.of(self.config.checked_inputs(x, self.rows), self.config.input_bits)

    def multiply(self, inputs: Patterns, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """`mvm` of `prepared` inputs.

        Raises:
            ConfigError: an array that is not programmed or has no range.
        """
        config, batch = self.config, len(inputs)
        if self._sums is None:
            self._step = self.lsb  # which takes a while to find
            self._sums, self._known = pattern_sums(self.weights_of_rows()), self._tables()
        tables, pool, gains = self._known, self._noise(rng), self._gains(inputs)
        codes = np.zeros((batch, self.cols), dtype=np.int64)
        belongs = np.tile(config.places, self.cols), np.repeat(np.arange(self.cols), config.slices)

        def work(start: int) -> tuple[int, float]:
            part = slice(start, start + _CHUNK)
            totals = aligned((max(_AT_ONCE // config.digits, 1), config.digits, BLOCK))
            used = (config.dac_bits, self.bits.shape[1], *tables, gains, pool, start, *belongs, totals, codes[part])
            found: tuple[int, float] = multiply(self._sums, inputs.lists, inputs.steps, *used)
            return found

        found = [work(start) for start in range(0, batch, _CHUNK)]
        return codes, self._stats(batch, found, int(inputs.ones.sum()))

    def cost(self, stats: Stats) -> Cost:
        """Price what `mvm` did: energy of all of it, latency of one product (digits in turn, a converter a bit line).

        The bit lines' energy is C V dV of what the discharge model says; converters, drivers and adders are estimated
        from published figures of other nodes.
        """
        config, count = self.config, stats.counts
        process = Process(config.node, config.vdd)
        conversions = count.get("conversions", 0)
        longest = self.unit * config.longest + config.t_precharge
        energy = {
            "array": Figure(stats.energy.get("array", 0.0), "J", MODELLED, "C V dV of the bit lines"),
            "dac": WORD_LINE_DRIVER.energy_in(process, count.get("drives", 0)),
            "adc": adc_energy(process, config.adc_bits, conversions),
            "shift_add": INTEGER_ADD.energy_in(process, conversions),
        }
        latency = {
            "array": Figure(config.digits * longest, "s", MODELLED, "pulse as calibrated, precharge is an input"),
            "adc": adc_time(process, config.adc_bits, config.digits),
        }
        return Cost(energy, latency)

    def _tables(self) -> tuple[Any, ...]:
        """Curve, nodes a count, offsets, zero codes and the meaning of codes, as the kernel takes them."""
        config = self.config
        largest = 1.5 * float(self.rows * (2**config.dac_bits - 1))
        count = np.linspace(0.0, largest, _NODES)
        level = (config.vdd - self.voltage(count, 0.0)) / self._step  # `_gains` has what word lines add
        pieces = np.stack([level[:-1], np.diff(level)], axis=1).astype(np.float32)
        offset, zero = self.offset_levels()
        padded = (-len(offset)) % BLOCK
        return (
            pieces.view(np.float64)[:, 0],
            np.float32((_NODES - 1) / largest),
            np.pad(offset, (0, padded)).astype(np.float32),
            np.pad(zero, (0, padded)).astype(np.int32),
            self.counts_of_codes().astype(np.int32),
        )

    def _gains(self, inputs: Patterns) -> Any:
        """What the word lines that are on multiply counts by, shape (inputs, digits)."""
        config, places = self.config, 2 ** np.arange(self.config.dac_bits)
        padded = np.pad(inputs.ones, ((0, 0), (0, config.digits * config.dac_bits - inputs.ones.shape[1])))
        driven = padded.reshape(len(inputs), config.digits, -1) @ places / config.longest
        known = config.curved and config.zero_rows  # else it is in the curve
        return (1 + config.column.lift * driven * known).astype(np.float32)

    def _noise(self, rng: np.random.Generator) -> Any:
        """kT/C of the bit line in LSB; each conversion takes its own place in a pool that a batch shares."""
        if not self.config.noise:
            return np.zeros(_POOL + BLOCK, dtype=np.float32)
        volts = np.sqrt(BOLTZMANN * (self.config.temperature + 273.15) / self.config.column.capacitance)
        drawn = rng.standard_normal(_POOL, dtype=np.float32) * np.float32(volts / self._step)
        return np.concatenate([drawn, drawn[:BLOCK]])

    def _stats(self, batch: int, found: list[tuple[int, float]], ones: int) -> Stats:
        config = self.config
        counts = {
            "conversions": batch * config.digits * self.bits.shape[1],
            "saturated": sum(part[0] for part in found),
            "drives": ones,
        }
        volts = sum(part[1] for part in found) * self._step
        return Stats(batch, counts, {"array": config.column.capacitance * config.vdd * volts})


def cim_factory(config: CimConfig) -> ConfiguredFactory:
    """Makes arrays of one kind at speed, for whoever lays a network out on them."""
    return ConfiguredFactory(config, CimArray)
