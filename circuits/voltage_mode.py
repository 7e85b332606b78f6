"""An array read by voltage: bit lines float, and each settles at the mean of its word lines by conductance.

Weight w of input i is a pair of cells on neighbouring word lines 2 i and 2 i + 1 of one bit line,

    g_plus - g_minus = (g_max - g_min) w / weight_max,   the idle cell of a pair at g_min,

which are driven by +v_read d and -v_read d for a digit d of the input, 0 or 1. Without wires bit line j settles at

    v_j = v_read sum_i d_i (g_plus_ij - g_minus_ij) / S_j,   S_j = sum_i (g_plus_ij + g_minus_ij),

however large its conductances are: nothing holds it, and no current flows in its end. An integrator samples v_j of
digit p 2^p times, so that it holds sum_p 2^p v_jp when the converter, one to a bit line, reads it once. The code is
multiplied by S_j as it was to be programmed, in digital and in fixed point: the *normaliser*. Wan et al., "A
compute-in-memory chip based on resistive random-access memory", Nature 608, 504 (2022), has such an array.

Cells without a weight are switched off by their transistors: no current flows in a bit line beyond those that have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError
from circuits.converters import bit_planes, largest_code, unsigned_inputs
from circuits.crossbar import Wires

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

NORMALISER_BITS = 14
"""Fraction bits of the normaliser, whose largest value is 1."""


@dataclass(frozen=True, eq=False)
class VoltageModeConfig:
    """One array.

    Args:
        rows: inputs; each takes two word lines.
        cols: bit lines; each is an output.
        r_wire_wl: resistance of a word-line segment (ohm).
        r_wire_bl: resistance of a bit-line segment (ohm).
        r_driver: resistance of a word line's driver (ohm).
        v_read: of a word line whose digit is 1 (V); its neighbour is at minus this.
        t_read: of a sample (s).
        g_min: conductance of an idle cell (S).
        g_max: conductance of the largest weight (S).
        weight_bits: of the signed weights, which are within +-(2^(weight_bits - 1) - 1).
        input_bits: of the unsigned inputs.
        adc_bits: of the converter, sign included.
        v_full_scale: voltage at the converter for full scale (V); the integrator's gain makes it.
        offset_mean: of a converter (V).
        offset_sigma: spread of that over converters (V).
        auto_zero: the code of a read without input is stored once and subtracted from every code.
        noise: of a sample of a bit line, rms, new at every sample (V).
        read_noise: relative, of each cell's conductance, new at every sample.
        normaliser: S_j as it was to be programmed ("target"), or as it is, which reads of the column tell ("measured").
        range: of the largest levels that calibration inputs give on ideal cells: their maximum or a percentile.
        percentile: of "percentile", in percent.
        programming_sigma: standard deviation (S) of a programmed cell as a function of its target (S); None programs
            exactly.
        g_reach: least and greatest conductance (S) that a cell can have; what is drawn beyond ends there.
        node: of the process (m), to which published costs are scaled.
        vdd: of its logic (V), likewise.

    Raises:
        ConfigError: a value that no array can have.
    """

    rows: int = 128
    cols: int = 256
    r_wire_wl: float = 1.0
    r_wire_bl: float = 1.0
    r_driver: float = 0.0
    v_read: float = 0.2
    t_read: float = 100e-9
    g_min: float = 1e-6
    g_max: float = 39e-6
    weight_bits: int = 8
    input_bits: int = 8
    adc_bits: int = 8
    v_full_scale: float = 0.9
    offset_mean: float = 0.0
    offset_sigma: float = 0.0
    auto_zero: bool = True
    noise: float = 0.0
    read_noise: float = 0.0
    normaliser: Literal["target", "measured"] = "target"
    range: Literal["max", "percentile"] = "max"
    percentile: float = 99.9
    programming_sigma: Callable[[Floats], Floats] | None = None
    g_reach: tuple[float, float] = (0.0, math.inf)
    node: float = 130e-9
    vdd: float = 1.8

    def __post_init__(self) -> None:
        _ = self.wires  # refuses bad resistances
        low, high = self.g_reach
        rules = {
            "rows": self.rows >= 1,
            "cols": self.cols >= 1,
            "v_read": 0 < self.v_read < math.inf,
            "t_read": 0 < self.t_read < math.inf,
            "g_min": 0 < self.g_min < self.g_max < math.inf,
            "weight_bits": 2 <= self.weight_bits <= 12,
            "input_bits": 1 <= self.input_bits <= 16,
            "adc_bits": 2 <= self.adc_bits <= 14,
            "v_full_scale": 0 < self.v_full_scale < math.inf,
            "offset_mean": math.isfinite(self.offset_mean),
            "offset_sigma": 0 <= self.offset_sigma < math.inf,
            "noise": 0 <= self.noise < math.inf,
            "read_noise": 0 <= self.read_noise < 1,
            "normaliser": self.normaliser in ("target", "measured"),
            "range": self.range in ("max", "percentile"),
            "percentile": 0 < self.percentile <= 100,
            "g_reach": 0 <= low <= self.g_min and high >= self.g_max,
            "node": self.node > 0,
            "vdd": self.vdd > 0,
        }
        for name, holds in rules.items():
            if not holds:
                raise ConfigError(f"voltage mode: {name} = {getattr(self, name)!r} is outside what an array can have")

    @property
    def wires(self) -> Wires:
        """The resistances of its lines."""
        return Wires(self.r_wire_wl, self.r_wire_bl, self.r_driver, 0.0)

    @property
    def outputs(self) -> int:
        """Outputs that fit it."""
        return self.cols

    @property
    def weight_max(self) -> int:
        """The largest weight."""
        return largest_code(self.weight_bits)

    @property
    def samples(self) -> int:
        """Samples of an input."""
        return int(2**self.input_bits - 1)

    @property
    def most(self) -> float:
        """The largest S_j that a bit line can be programmed to (S): every weight the largest."""
        return self.rows * (self.g_max + self.g_min)

    @property
    def product_voltage(self) -> float:
        """Voltage (V) of an input of 1 on a weight of 1, on a bit line whose S_j is `most`."""
        return self.v_read * (self.g_max - self.g_min) / self.weight_max / self.most

    def targets(self, weights: Ints) -> Floats:
        """Conductances (S), shape (2 rows, cols), that stand for weights[rows, cols]."""
        pair = np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)], axis=1)
        lines = pair.reshape(2 * weights.shape[0], weights.shape[1])
        return np.asarray(self.g_min + (self.g_max - self.g_min) * lines / self.weight_max)

    def drives(self, x: Ints) -> Floats:
        """Voltages (V) of the word lines for x[batch, rows], shape (input_bits, batch, 2 rows)."""
        digits = bit_planes(x, self.input_bits) * self.v_read
        return np.stack([digits, -digits], axis=-1).reshape(*digits.shape[:2], -1)

    def checked_weights(self, weights: Any) -> Ints:
        """Weights[rows used, outputs used] as integers.

        Raises:
            ConfigError: weights that do not fit the array.
        """
        weights = np.asarray(weights)
        if weights.ndim != 2 or not (1 <= weights.shape[0] <= self.rows and 1 <= weights.shape[1] <= self.cols):
            raise ConfigError(
                f"weights have shape {weights.shape}; an array of {2 * self.rows} word lines and {self.cols} bit lines "
                f"holds up to ({self.rows}, {self.cols})"
            )
        if weights.dtype.kind not in "iu" or np.abs(weights).max() > self.weight_max:
            raise ConfigError(f"weights are no integers within +-{self.weight_max}, as {self.weight_bits} bits hold")
        return np.asarray(weights, dtype=np.int64)

    def checked_inputs(self, x: Any, rows: int) -> Ints:
        """Inputs x[batch, rows] as integers.

        Raises:
            ConfigError: another shape, no integers, or beyond `input_bits`.
        """
        return unsigned_inputs(x, rows, self.input_bits)
