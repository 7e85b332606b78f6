"""An array of SRAM columns that compute: weights as bits in cells, inputs as pulses, one converter a bit line.

Output k has `slices` neighbouring bit lines with one bit of its weight each, whose codes are shifted and added: two's
complement ("offset": the top bit counts negative) or the magnitudes of its positive and of its negative part
("differential"). An input goes in digits of `dac_bits`, least first, as pulses of d units: 1 bit is bit-serial,
`input_bits` is pulse width alone. A pulse is longer than its units by what its edges take.

All rows of a column see one voltage, so that the bit line depends on one number, the count

    n = sum_i d_i [w_i F_i + (1 - w_i) zero / (unit mean d)],   F_i = exp(log_current(shifts of row i))

through the fitted discharge: v = V(unit n (1 + lift m)), m = sum_i d_i / (the largest digit). The m word lines that are
on, whatever their rows hold, lift the bit line by their gates' capacitance, and rows of 1 draw more from it. For
`dac_bits` above 1 a row of 0 is that of a mean digit. A converter's code is the nearest step of vdd - v; `linearise`
takes codes back to counts by the nominal curve, without rows of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.cim_model import ColumnModel
from circuits.converters import unsigned_inputs

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

BOLTZMANN = 1.380649e-23
FINER = 2  # bits that a linearised code has more than the converter's
SHORTEST = 60e-12  # s, of a unit pulse: three edges


@dataclass(frozen=True, eq=False)
class CimConfig:
    """One array.

    Args:
        column: its columns, as characterised.
        rows: word lines.
        cols: bit lines.
        sign: "offset" or "differential".
        weight_bits: of the signed weights, which are within +-(2^(weight_bits - 1) - 1).
        input_bits: of the unsigned inputs.
        dac_bits: of a digit.
        adc_bits: of the converter a bit line.
        vdd: supply, V.
        v_low: bit-line voltage of full scale, V.
        word_line: voltage of a word line that is on, V.
        linearise: codes are taken back to counts by the nominal curve.
        offset_mean: of a converter (V), referred to the bit line.
        offset_sigma: its spread (V).
        auto_zero: a converter's code without input is stored and subtracted, to half a code.
        noise: kT/C of the precharged bit line.
        curved: the bit line falls along the characterised curve; without, on a straight line to the same full scale.
        zero_rows: rows that hold a 0 take charge from the bit line.
        temperature: C.
        t_precharge: s a digit, settling included.
        disturb_limit: largest probability that a read flips a cell (6T).
        node: of the process (m), to which published costs are scaled.

    Raises:
        ConfigError: a value that no array can have.
    """

    column: ColumnModel
    rows: int = 256
    cols: int = 512
    sign: str = "offset"
    weight_bits: int = 8
    input_bits: int = 8
    dac_bits: int = 1
    adc_bits: int = 8
    vdd: float = 1.8
    v_low: float = 0.7
    word_line: float = 0.8
    linearise: bool = True
    offset_mean: float = 0.0
    offset_sigma: float = 0.0
    auto_zero: bool = True
    noise: bool = True
    curved: bool = True
    zero_rows: bool = True
    temperature: float = 27.0
    t_precharge: float = 1e-9
    disturb_limit: float = 1e-12
    node: float = 130e-9

    def __post_init__(self) -> None:
        rules = {
            "rows": self.rows >= 1,
            "sign": self.sign in ("offset", "differential"),
            "weight_bits": 2 <= self.weight_bits <= 12,
            "input_bits": 1 <= self.input_bits <= 16,
            "dac_bits": 1 <= self.dac_bits <= 8,
            "adc_bits": 2 <= self.adc_bits <= 12,
            "v_low": self.column.discharge.parameters["y"][-1] < self.v_low < self.vdd,
            "offset_sigma": self.offset_sigma >= 0,
            "t_precharge": self.t_precharge > 0,
        }
        for name, holds in rules.items():
            if not holds:
                raise ConfigError(f"sram-cim: {name} = {getattr(self, name)!r} is outside what an array can have")
        if self.cols < self.slices:
            raise ConfigError(f"sram-cim: cols = {self.cols}; a weight takes {self.slices} bit lines")

    @property
    def places(self) -> Ints:
        """What a code of each of a weight's bit lines counts, shape (slices,)."""
        powers = 2 ** np.arange(self.weight_bits - 1, dtype=np.int64)
        if self.sign == "offset":
            return np.append(powers, -(2 ** (self.weight_bits - 1)))
        return np.concatenate([powers, -powers])

    @property
    def slices(self) -> int:
        """Bit lines a weight."""
        return self.weight_bits if self.sign == "offset" else 2 * (self.weight_bits - 1)

    @property
    def outputs(self) -> int:
        """Weights a row."""
        return self.cols // self.slices

    @property
    def digits(self) -> int:
        """Pulses an input."""
        return -(-self.input_bits // self.dac_bits)

    @property
    def longest(self) -> int:
        """Units of the longest pulse: the largest digit."""
        return int(2**self.dac_bits - 1)

    @property
    def top(self) -> int:
        """The largest code."""
        return int(2**self.adc_bits - 1)

    def bits(self, weights: Ints) -> Ints:
        """Bits of weights[rows, outputs], shape (rows, outputs * slices).

        Raises:
            ConfigError: weights that do not fit the array.
        """
        if weights.ndim != 2 or weights.shape[0] > self.rows or weights.shape[1] > self.outputs or not weights.size:
            raise ConfigError(
                f"weights have shape {weights.shape}; {self.rows} x {self.cols} cells hold up to "
                f"({self.rows}, {self.outputs}) weights of {self.slices} bits"
            )
        if weights.dtype.kind not in "iu" or np.abs(weights).max() >= 2 ** (self.weight_bits - 1):
            raise ConfigError(f"weights are no integers of {self.weight_bits} bits, sign included")
        place = np.arange(self.weight_bits - 1)
        if self.sign == "offset":
            found = (weights[..., None] >> np.arange(self.weight_bits)) & 1
        else:
            parts = [np.maximum(sign * weights, 0)[..., None] >> place & 1 for sign in (1, -1)]
            found = np.concatenate(parts, axis=-1)
        return found.reshape(weights.shape[0], -1).astype(np.int64)

    def checked_inputs(self, x: Any, rows: int) -> Ints:
        """Inputs x[batch, rows] as integers.

        Raises:
            ConfigError: another shape, no integers, or beyond `input_bits`.
        """
        return unsigned_inputs(x, rows, self.input_bits)

    def planes(self, x: Ints) -> Ints:
        """Digits of x[batch, rows], shape (digits, batch, rows), the least significant first."""
        return np.stack([(x >> (p * self.dac_bits)) & (2**self.dac_bits - 1) for p in range(self.digits)])
