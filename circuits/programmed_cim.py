"""An array of computing SRAM columns that weights were written into, and what makes such arrays."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from bitline.core.errors import ConfigError
from circuits.cim import FINER, SHORTEST, CimConfig, Floats, Ints


class ProgrammedCim:
    """What every simulation of an array keeps: its cells, its converters and their range; see `ProgrammedTile`.

    Args:
        config: the array.
    """

    def __init__(self, config: CimConfig) -> None:
        self.config = config
        self.rows, self.cols = config.rows, config.outputs
        self.bits: Ints = np.zeros((0, 0), dtype=np.int64)
        self.scores: Floats = np.zeros((0, 0, len(config.column.sigma)))
        self.offsets: Floats = np.zeros(0)
        self._count: float | None = None

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights[rows, cols]; `rng` draws the mismatch of every cell and converter.

        Raises:
            ConfigError: weights that do not fit.
        """
        config, weights = self.config, np.asarray(weights)
        self.bits = config.bits(weights)
        shape = (self.bits.shape[0], self.bits.shape[1], len(config.column.sigma))
        self.scores = rng.standard_normal(shape)
        self.offsets = config.offset_mean + config.offset_sigma * rng.standard_normal(shape[1])
        self.rows, self.cols = weights.shape

    def required_range(self, x: Ints) -> float:
        """The largest count of any bit line and digit that inputs x[batch, rows] need, without mismatch."""
        planes = self.config.planes(self.config.checked_inputs(x, self.rows)).astype(np.float32)
        return max(float((planes @ self.bits.astype(np.float32)).max(initial=0)), 1.0)

    def set_range(self, full_scale: float) -> None:
        """Fix the count of full scale: a unit pulse is what takes the bit line to v_low at that count.

        Raises:
            ConfigError: not a positive count; pulses too short to make; or (6T) a read would flip cells.
        """
        if not (math.isfinite(full_scale) and full_scale > 0):
            raise ConfigError(f"full_scale is {full_scale!r}; it must be finite and above 0")
        self._count = float(full_scale)
        if self.unit < SHORTEST:
            most = self.config.column.dose(self.config.v_low) / SHORTEST
            raise ConfigError(
                f"sram-cim: {full_scale:.0f} units of pulse on one bit line make a unit {self.unit:.3g} s, and "
                f"{SHORTEST:g} s is the shortest: at word_line = {self.config.word_line:g} V at most {most:.0f} fit; "
                "lower word_line, add capacitance, or take smaller digits"
            )
        self._check_disturb()

    @property
    def count(self) -> float:
        """Of full scale.

        Raises:
            ConfigError: it is not set.
        """
        if self._count is None:
            raise ConfigError("the array has no range: set_range(required_range(calibration inputs)) first")
        return self._count

    @property
    def unit(self) -> float:
        """The unit pulse, s: at most the longest that was characterised."""
        column = self.config.column
        return float(min(column.dose(self.config.v_low) / self.count, column.zero.inputs[0].high))

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for."""
        return float(self.count / self.config.top / 2**FINER)

    @property
    def lsb(self) -> float:
        """Voltage (V) of a step of the converter."""
        low = self.config.column.voltage(self.dose(np.array(self.count)))
        return float(self.config.vdd - low) / self.config.top

    def voltage(self, count: Floats, driven: Floats | float | None = None) -> Floats:
        """Bit-line voltage (V) at counts, on the curve or on the straight line; `driven` as for `dose`."""
        config = self.config
        if config.curved:
            return config.column.voltage(self.dose(count, driven))
        deepest = config.column.discharge.parameters["y"][-1]
        return np.asarray(np.maximum(config.vdd - self.lsb * config.top * count / self.count, deepest))

    def dose(self, count: Floats, driven: Floats | float | None = None) -> Floats:
        """Dose (s) of counts while so many word lines are on; see `driven`. Without, those that count are all."""
        if driven is None or not self.config.zero_rows:
            driven = count / self.config.longest
        return np.asarray(count * self.unit * (1 + self.config.column.lift * driven))

    def driven(self, planes: Ints) -> Floats:
        """Word lines that are on at digits planes[..., rows], a digit's share of the longest each; shape (..., 1)."""
        return np.asarray(planes.sum(axis=-1, keepdims=True) / self.config.longest)

    def weights_of_rows(self) -> Floats:
        """What a unit of input on each row counts on each bit line, shape (rows, bit lines)."""
        if not self.bits.size:
            raise ConfigError("the array is not programmed: program(weights, rng) first")
        return np.where(self.bits == 1, self.config.column.factors(self.scores), self.zero_count())

    def zero_count(self) -> float:
        """What a unit of input on a row with a 0 counts."""
        if not self.config.zero_rows:
            return 0.0
        zero, mean = self.config.column.zero, self.config.longest / 2 if self.config.dac_bits > 1 else 1.0
        width = np.clip(self.unit * mean, zero.inputs[0].low, zero.inputs[0].high)
        return float(zero(width)) / (self.unit * mean)

    def counts_of_codes(self) -> Ints:
        """What each code of a converter means in output codes, shape (top + 1,)."""
        config, fine = self.config, 2**FINER
        if not config.linearise:
            return np.asarray(np.arange(config.top + 1, dtype=np.int64) * fine)
        count = np.linspace(0.0, 1.25 * self.count, 4096)
        level = (config.vdd - self.voltage(count)) / self.lsb
        gain = config.column.mean_factor() - self.zero_count()  # of a bit: rows of either value take charge
        found = np.interp(np.arange(config.top + 1), level, count) / gain
        return np.asarray(np.rint(found / self.count * config.top * fine), dtype=np.int64)

    def offset_levels(self) -> tuple[Floats, Ints]:
        """What offsets add to a level, and the code without input that is subtracted, shape (bit lines,)."""
        level = self.offsets / self.lsb
        zero = np.rint(level) if self.config.auto_zero else 0 * level
        return level, zero.astype(np.int64)

    def converted(self, volts: Floats) -> tuple[Ints, int]:
        """Output codes[batch, cols] of bit-line voltages[digits, batch, bit lines] (V), and how many saturated."""
        config = self.config
        level, zero = self.offset_levels()
        code = np.rint((config.vdd - volts) / self.lsb + level)
        kept = np.clip(code, 0, config.top)
        count = self.counts_of_codes()[np.clip(kept - zero, 0, config.top).astype(np.int64)]
        place = 2 ** (config.dac_bits * np.arange(config.digits, dtype=np.int64))
        summed = np.tensordot(place, count, axes=1).reshape(volts.shape[1], self.cols, config.slices)
        return np.asarray(summed @ config.places), int(np.count_nonzero(code > config.top))

    def disturb(self) -> float:
        """Probability that a 6T cell of the other value flips in a read, the worst number of rows on: 0 for 8T.

        All rows that are on hold a 1, have the longest pulse, and no shifts; the cell has those of its variation.
        """
        return 0.5 * math.erfc(float(self._safety().min(initial=np.inf)) / math.sqrt(2))

    def _safety(self, word_line: float | None = None) -> Floats:
        """Reliability index of a cell with 1, 2, ... rows on, at another word line with pulses as much longer."""
        config, column = self.config, self.config.column
        rows = np.arange(1, self.rows + 1, dtype=np.float64)
        dose = self.dose(rows * config.longest)
        floor = np.where(dose > column.discharge.inputs[0].high, 0.0, column.voltage(dose))
        return column.safety(config.word_line if word_line is None else word_line, rows, floor)

    def _check_disturb(self) -> None:
        config, found = self.config, self.disturb()
        if config.column.disturb is None or found <= config.disturb_limit:
            return
        needed = -NormalDist().inv_cdf(config.disturb_limit)
        rows = int(np.argmax(self._safety() < needed))
        lines = [each for each in config.column.disturb.parameters["knots"][0] if np.all(self._safety(each) >= needed)]
        line = f"word_line = {lines[-1]:.2g} V" if lines else "no word line that was characterised"
        raise ConfigError(
            f"sram-cim: with {self.rows} rows on at word_line = {config.word_line:g} V a read flips a 6T cell with "
            f"probability {found:.2g}, above disturb_limit = {config.disturb_limit:g}; at most {rows} rows, or {line} "
            f"for {self.rows} rows, stay below it"
        )
