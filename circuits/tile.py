"""A tile: a crossbar with its drivers and converters, and how weights and inputs are laid on it.

By default weight w is the difference of a pair of cells: (g_plus - g_minus) = (g_max - g_min) w / weight_max, the idle
cell of a pair at g_min; output k is bit line 2k minus bit line 2k + 1 (`circuits.mapping` has the others). Cells that
hold no weight are at g_min too, and word lines without an input are at 0 V: they load the wires all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError
from circuits.adc import Adc
from circuits.converters import code_limits, largest_code
from circuits.crossbar import Wires
from circuits.dac import Dac
from circuits.faults import Faults
from circuits.line_timing import LineTiming
from circuits.mapping import Layout, Mapping
from circuits.reram_ageing import Retention
from circuits.telegraph import Telegraph
from circuits.verify import Verify

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_POSITIVE = ("v_read", "t_read", "t_elapsed", "g_max", "v_full_scale", "node", "vdd")
_NOT_NEGATIVE = ("g_min", "read_noise", "offset_sigma")


@dataclass(frozen=True)
class TileConfig:
    """One tile's geometry, cells and converters.

    What has settings of its own is a part: `mapping`, `dac`, `adc`, `faults`, `verify`.

    Args:
        rows: word lines.
        cols: bit lines; two make an output of the default mapping.
        r_wire_wl: resistance of a word-line segment (ohm).
        r_wire_bl: resistance of a bit-line segment (ohm).
        r_driver: resistance of a word line's driver (ohm).
        r_sink: resistance of a bit line's sense input (ohm).
        v_read: word-line voltage for the largest digit of an input, which bit-serial is a 1 (V).
        t_read: how long a plane is driven (s).
        g_min: conductance of an idle cell (S).
        g_max: conductance of the largest weight (S).
        weight_bits: of the signed weights, which are within +-(2^(weight_bits - 1) - 1).
        input_bits: of the unsigned inputs; as many planes as digits of the DAC's bits make them.
        adc_bits: of the converter.
        adcs: converters of the tile; channel k, which is output k by default, is converted by number k modulo `adcs`.
            "column" is one for each channel.
        v_full_scale: voltage at the converter for full scale (V); a transimpedance stage, whose resistance is this over
            the full-scale current, makes it from the difference of a pair.
        offset_mean: of the converter's input-referred offset (V).
        offset_sigma: spread of that offset over converters (V).
        auto_zero: the code of a read with every digit 0 is stored once and subtracted from every code, so that less
            than half an LSB of the offset stays, and the range it has cost. A driver that is off 0 V at its digit 0 is
            in it.
        read_noise: relative, of each cell's conductance, drawn anew for every plane.
        programming_sigma: standard deviation (S) of a programmed cell as a function of its target (S), as a fitted
            model or any callable on arrays; it refuses targets outside its valid range. None programs exactly.
        g_reach: least and greatest conductance (S) that a cell can have; what is drawn beyond ends there.
        node: of the process (m), to which published costs are scaled.
        vdd: of its logic (V), likewise.
        mapping: of weights to cells.
        dac: the drivers of the word lines.
        adc: what its converters are beside bits and offset.
        faults: cells that are stuck.
        verify: how programming is repeated until it is near enough.
        remap: rows, outputs and polarities are placed so that stuck cells do the least harm.
        noise_way: how the spread of outputs by read noise is found; `crossbar.noise` has the ways.
        telegraph: random telegraph noise of the cells; None for none.
        ageing: what becomes of conductances after programming; None keeps them.
        t_elapsed: since programming (s), with `ageing`.
        drift_compensation: the converters' full scale follows the mean drift of the tile's weights.
        precision: of currents in simulation at speed: "single", "double", or the first where it is enough ("auto", see
            `crossbar.precision`).
        timing: capacitances and bandwidths, by which outputs settle over `t_read`; None has them settled.

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
    adcs: int | Literal["column"] = 1
    v_full_scale: float = 0.9
    offset_mean: float = 0.0
    offset_sigma: float = 0.0
    auto_zero: bool = True
    read_noise: float = 0.01
    programming_sigma: Callable[[Floats], Floats] | None = None
    g_reach: tuple[float, float] = (0.0, math.inf)
    node: float = 130e-9
    vdd: float = 1.8
    mapping: Mapping = field(default_factory=Mapping)
    dac: Dac = field(default_factory=Dac)
    adc: Adc = field(default_factory=Adc)
    faults: Faults = field(default_factory=Faults)
    verify: Verify = field(default_factory=Verify)
    remap: bool = False
    noise_way: Literal["auto", "matrix", "mean", "local", "adjoint"] = "auto"
    telegraph: Telegraph | None = None
    ageing: Retention | None = None
    t_elapsed: float = 1.0
    drift_compensation: bool = False
    timing: LineTiming | None = None
    precision: Literal["auto", "single", "double"] = "auto"

    def __post_init__(self) -> None:
        _ = self.wires  # refuses bad resistances
        for name in ("rows", "cols"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        if self.adcs != "column":
            _require(isinstance(self.adcs, int) and self.adcs >= 1, "adcs", self.adcs, '1 or more, or "column"')
        if self.mapping.scheme == "differential":
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
        _ = self.layout  # refuses too few bit lines
        self.adc.checked(self.adc_bits, signed=self.signed)

    @property
    def wires(self) -> Wires:
        """The resistances of its lines."""
        return Wires(self.r_wire_wl, self.r_wire_bl, self.r_driver, self.r_sink)

    @cached_property
    def layout(self) -> Layout:
        """Where weights stand."""
        return Layout(self.mapping, self.weight_bits, self.cols)

    @property
    def outputs(self) -> int:
        """Outputs that fit it."""
        return self.layout.outputs

    @property
    def converters(self) -> int:
        """Converters that it has."""
        return self.layout.channels(self.outputs) if self.adcs == "column" else self.adcs

    @property
    def planes(self) -> int:
        """How often the word lines are driven for an input."""
        return -(-self.input_bits // self.dac.bits)

    @property
    def plane_sum(self) -> int:
        """Sum of the planes' weights: what a code that every plane has comes to."""
        return int(2 ** (self.dac.bits * self.planes) - 1) // self.dac.largest

    @property
    def weight_max(self) -> int:
        """The largest weight."""
        return largest_code(self.weight_bits)

    @property
    def signed(self) -> bool:
        """Whether levels can be negative and have codes where they are."""
        return self.mapping.signed and self.adc.signed

    @property
    def product_current(self) -> float:
        """Current (A) of an input digit of 1 on a cell's digit of 1, without wires."""
        return self.v_read * (self.g_max - self.g_min) / (self.layout.level_max * self.dac.largest)

    def lsb(self, full_scale: float) -> float:
        """Current (A) of one code at a full scale (A)."""
        return full_scale / code_limits(self.adc_bits, signed=self.signed)[1]

    def checked_weights(self, weights: Any) -> Ints:
        """Weights[rows used, outputs used] as integers.

        Raises:
            ConfigError: weights that do not fit the tile.
        """
        weights = np.asarray(weights)
        if weights.ndim != 2 or not (1 <= weights.shape[0] <= self.rows and 1 <= weights.shape[1] <= self.outputs):
            raise ConfigError(
                f"weights have shape {weights.shape}; a tile of {self.rows} x {self.cols} cells holds up to "
                f"({self.rows}, {self.outputs})"
            )
        if weights.dtype.kind not in "iu":
            raise ConfigError(f"weights hold {weights.dtype}; a tile holds integers: quantise them first")
        worst = int(np.abs(weights).max())
        if worst > self.weight_max:
            raise ConfigError(f"a weight is {worst}; {self.weight_bits} bits hold up to +-{self.weight_max}")
        return np.asarray(weights, dtype=np.int64)

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
        if int(np.bitwise_or.reduce(x, axis=None)) >> self.input_bits:  # negative ones too: their sign is a high bit
            raise ConfigError(
                f"x spans {x.min()} to {x.max()}; inputs of {self.input_bits} bits are from 0 to "
                f"{2**self.input_bits - 1}"
            )
        return np.asarray(x, dtype=np.int64)


def _require(holds: bool, name: str, value: object, rule: str) -> None:  # noqa: FBT001 - reads as the rule it checks
    if not holds:
        raise ConfigError(f"{name} is {value!r}; it must be {rule}")
