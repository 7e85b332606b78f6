"""A tile: a crossbar whose neighbouring bit lines are differential pairs, with its drivers and converters.

Weight w is the difference of a pair of cells: (g_plus - g_minus) = (g_max - g_min) w / weight_max, the idle cell of a
pair at g_min; output k is bit line 2k minus bit line 2k + 1. Cells that hold no weight are at g_min too, and word
lines without an input are at 0 V: they load the wires all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.converters import largest_code, quantise
from circuits.crossbar import Wires

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_POSITIVE = ("v_read", "t_read", "g_max", "v_full_scale", "node", "vdd")
_NOT_NEGATIVE = ("g_min", "read_noise", "offset_sigma")


@dataclass(frozen=True)
class TileConfig:
    """One tile's geometry, cells and converters.

    Args:
        rows: word lines.
        cols: bit lines; two make an output.
        r_wire_wl: resistance of a word-line segment (ohm).
        r_wire_bl: resistance of a bit-line segment (ohm).
        r_driver: resistance of a word line's driver (ohm).
        r_sink: resistance of a bit line's sense input (ohm).
        v_read: word-line voltage for an input bit of 1 (V).
        t_read: how long a plane is driven (s).
        g_min: conductance of an idle cell (S).
        g_max: conductance of the largest weight (S).
        weight_bits: of the signed weights, which are within +-(2^(weight_bits - 1) - 1).
        input_bits: of the unsigned inputs; one plane each.
        adc_bits: of the converter.
        adcs: converters of the tile; output k is converted by number k modulo `adcs`.
        v_full_scale: voltage at the converter for full scale (V); a transimpedance stage, whose resistance is this over
            the full-scale current, makes it from the difference of a pair.
        offset_mean: of the converter's input-referred offset (V).
        offset_sigma: spread of that offset over converters (V).
        auto_zero: the code of a read without input is stored once and subtracted from every code, so that less than
            half an LSB of the offset stays, and the range it has cost.
        read_noise: relative, of each cell's conductance, drawn anew for every plane.
        programming_sigma: standard deviation (S) of a programmed cell as a function of its target (S), as a fitted
            model or any callable on arrays; it refuses targets outside its valid range. None programs exactly.
        g_reach: least and greatest conductance (S) that a cell can have; what is drawn beyond ends there.
        node: of the process (m), to which published costs are scaled.
        vdd: of its logic (V), likewise.

    Raises:
        ConfigError: a value that no tile can have.
    """

    rows: int = 128
    cols: int = 128
    r_wire_wl: float = 1.0
    r_wire_bl: float = 1.0
    r_driver: float = 0.0
    r_sink: float = 0.0
    v_read: float = 0.2
    t_read: float = 100e-9
    g_min: float = 1e-6
    g_max: float = 39e-6
    weight_bits: int = 8
    input_bits: int = 8
    adc_bits: int = 8
    adcs: int = 1
    v_full_scale: float = 0.9
    offset_mean: float = 0.0
    offset_sigma: float = 0.0
    auto_zero: bool = True
    read_noise: float = 0.01
    programming_sigma: Callable[[Floats], Floats] | None = None
    g_reach: tuple[float, float] = (0.0, math.inf)
    node: float = 130e-9
    vdd: float = 1.8

    def __post_init__(self) -> None:
        _ = self.wires  # refuses bad resistances
        for name in ("rows", "cols", "adcs"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        _require(self.cols % 2 == 0, "cols", self.cols, "even: two bit lines make an output")
        for name in ("weight_bits", "adc_bits"):
            _require(2 <= getattr(self, name) <= 12, name, getattr(self, name), "from 2 to 12")
        _require(1 <= self.input_bits <= 16, "input_bits", self.input_bits, "from 1 to 16")
        for name in _POSITIVE:
            value = getattr(self, name)
            _require(math.isfinite(value) and value > 0, name, value, "finite and above 0")
        for name in _NOT_NEGATIVE:
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, name, value, "finite and 0 or more")
        _require(self.g_min < self.g_max, "g_min", self.g_min, f"below g_max = {self.g_max:g}")
        _require(math.isfinite(self.offset_mean), "offset_mean", self.offset_mean, "finite")
        low, high = self.g_reach
        _require(0 <= low <= self.g_min, "g_reach[0]", low, f"from 0 to g_min = {self.g_min:g}")
        _require(high >= self.g_max, "g_reach[1]", high, f"g_max = {self.g_max:g} or more")

    @property
    def wires(self) -> Wires:
        """The resistances of its lines."""
        return Wires(self.r_wire_wl, self.r_wire_bl, self.r_driver, self.r_sink)

    @property
    def outputs(self) -> int:
        """Differential pairs of bit lines."""
        return self.cols // 2

    @property
    def weight_max(self) -> int:
        """The largest weight."""
        return largest_code(self.weight_bits)

    @property
    def product_current(self) -> float:
        """Current (A) of an input bit of 1 on a weight of 1, without wires."""
        return self.v_read * (self.g_max - self.g_min) / self.weight_max

    def lsb(self, full_scale: float) -> float:
        """Current (A) of one code at a full scale (A)."""
        return full_scale / largest_code(self.adc_bits)

    def targets(self, weights: Ints) -> Floats:
        """Conductances (S), shape (rows, cols), that stand for weights[rows used, outputs used].

        Raises:
            ConfigError: weights that do not fit the tile.
        """
        used_rows, used = _fitting(weights, self)
        level = np.zeros((self.rows, self.cols))
        level[:used_rows, 0 : 2 * used : 2] = np.maximum(weights, 0)
        level[:used_rows, 1 : 2 * used : 2] = np.maximum(-weights, 0)
        return self.g_min + (self.g_max - self.g_min) * level / self.weight_max

    def programmed(self, weights: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """What writing the weights leaves: conductances (S), shape (rows, cols), and offsets (V), shape (adcs,).

        A whole tile of variation is drawn whatever is used of it, so that a cell's draw does not depend on the weights.
        A conductance drawn beyond what a cell can have is the nearest that it can.

        Raises:
            ConfigError: weights that do not fit the tile.
            ModelRangeError: a target outside the range of `programming_sigma`.
        """
        g = self.targets(weights)
        scores = rng.standard_normal((self.rows, self.cols))
        offsets = self.offset_mean + self.offset_sigma * rng.standard_normal(self.adcs)
        if self.programming_sigma is not None:
            g = np.clip(g + self.programming_sigma(g) * scores, *self.g_reach)
        return g, offsets

    def offset_codes(self, offsets: Floats, used: int) -> Floats:
        """What each used output's converter adds to a level, in LSB, from offsets (V), shape (adcs,).

        An offset is the input at which decisions flip, so it is taken off what is converted.
        """
        each = offsets[np.arange(used) % self.adcs]
        return np.asarray(-each * largest_code(self.adc_bits) / self.v_full_scale)

    def zero_codes(self, offsets: Floats, used: int) -> Ints:
        """What auto-zero subtracts from each used output, all planes shifted and added: 0 without auto-zero."""
        if not self.auto_zero:
            return np.zeros(used, dtype=np.int64)
        codes, _ = quantise(self.offset_codes(offsets, used), self.adc_bits)
        return np.asarray(codes * (2**self.input_bits - 1))

    def checked_inputs(self, x: Any, used_rows: int) -> Ints:
        """Inputs x[batch, rows used] as integers.

        Raises:
            ConfigError: another shape, no integers, or beyond `input_bits`.
        """
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != used_rows:
            raise ConfigError(f"x has shape {x.shape}; this tile takes (batch, {used_rows})")
        if x.dtype.kind not in "iu":
            raise ConfigError(f"x holds {x.dtype}; a tile takes unsigned integers: quantise them first")
        if x.size and (x.min() < 0 or x.max() >= 2**self.input_bits):
            raise ConfigError(
                f"x spans {x.min()} to {x.max()}; inputs of {self.input_bits} bits are from 0 to "
                f"{2**self.input_bits - 1}"
            )
        return np.asarray(x, dtype=np.int64)


def _fitting(weights: Ints, config: TileConfig) -> tuple[int, int]:
    if weights.ndim != 2 or not (1 <= weights.shape[0] <= config.rows and 1 <= weights.shape[1] <= config.outputs):
        raise ConfigError(
            f"weights have shape {weights.shape}; a tile of {config.rows} x {config.cols} cells holds up to "
            f"({config.rows}, {config.outputs})"
        )
    if weights.dtype.kind not in "iu":
        raise ConfigError(f"weights hold {weights.dtype}; a tile holds integers: quantise them first")
    worst = int(np.abs(weights).max())
    if worst > config.weight_max:
        raise ConfigError(f"a weight is {worst}; {config.weight_bits} bits hold up to +-{config.weight_max}")
    return int(weights.shape[0]), int(weights.shape[1])


def _require(holds: bool, name: str, value: float, rule: str) -> None:  # noqa: FBT001 - reads as the rule it checks
    if not holds:
        raise ConfigError(f"{name} is {value!r}; it must be {rule}")
