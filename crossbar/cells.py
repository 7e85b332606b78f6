"""What cells at the crossings carry: current against the voltages of their two lines.

A law is called with both voltages of every cell and gives its current and how that changes. Currents grow with the
word line's voltage and fall with the bit line's: `crossbar.newton` takes any law that keeps to this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import FittedModel
from circuits import crossbar_cells
from circuits.crossbar import Cell, checked_conductances

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MOST_BENT = 600.0  # bend times voltage: its exponential leaves room for products with conductances


class Carried(NamedTuple):
    """Of every cell, each of shape (m, n).

    Attributes:
        i: current (A) from the word line to the bit line.
        by_word: d i / d (word line's voltage), S.
        by_bit: -d i / d (bit line's voltage), S.
    """

    i: Floats
    by_word: Floats
    by_bit: Floats


class Law(Protocol):
    """Cells of an array."""

    @property
    def shape(self) -> tuple[int, int]:
        """(word lines, bit lines)."""

    def __call__(self, word: Floats, bit: Floats) -> Carried:
        """Currents at the voltages (V) of both lines at every cell, shape (m, n) each, however far out."""

    def check(self, word: Floats, bit: Floats) -> None:
        """Raise ModelRangeError where these voltages are beyond what the law was fitted to."""


@dataclass(frozen=True)
class SinhCells:
    """Cells with i = amplitude sinh(bend v); a bend of 0 is a resistor of conductance `amplitude`.

    Args:
        amplitude: A, or S where the bend is 0; shape (m, n).
        bend: 1/V, shape (m, n).
        reach: voltages up to which the law was fitted (V); infinite where it is exact.
    """

    amplitude: Floats
    bend: Floats
    reach: float = np.inf

    @property
    def shape(self) -> tuple[int, int]:
        """(word lines, bit lines)."""
        return self.amplitude.shape[0], self.amplitude.shape[1]

    def __call__(self, word: Floats, bit: Floats) -> Carried:
        """See `Law`.

        Raises:
            ConfigError: the bend is so great that the current overflows.
        """
        i, slope = np.empty_like(word), np.empty_like(word)
        bent = _sinh(self.amplitude, self.bend, word, bit, i, slope)
        if bent > _MOST_BENT:
            raise ConfigError(
                f"the bend of an I-V times the voltage of its cell is {bent:.3g}, and a current that grows with the "
                "exponential of that is no number; give a bend (1/V) of some tens over the voltage at most"
            )
        return Carried(i, slope, slope)

    def check(self, word: Floats, bit: Floats) -> None:
        """See `Law`."""
        most = float(np.abs(word - bit)[self.amplitude > 0].max(initial=0.0))
        if most > self.reach * (1 + 1e-9):
            raise ModelRangeError(f"a cell sees {most:.3g} V; its current was fitted up to {self.reach:.3g} V")

    def elements(self) -> tuple[Cell, str]:
        """The same cells in a netlist, and the lines they need."""
        return crossbar_cells.sinh_cells(self.amplitude, self.bend)


def sinh_cells(g: Any, bend: float) -> SinhCells:
    """Cells with i = g sinh(bend v) / bend, of conductance g[word_line, bit_line] (S) at 0 V.

    Raises:
        ConfigError: g is no array of conductances, or the bend (1/V) is negative.
    """
    g = checked_conductances(g)
    if not (np.isfinite(bend) and bend >= 0):
        raise ConfigError(f"the bend of an I-V is {bend!r} per volt; it is finite and 0 or more")
    return SinhCells(g / bend if bend > 0 else g, np.full_like(g, bend))


def fitted_cells(g: Any, read_iv: FittedModel) -> SinhCells:
    """Cells of conductance g[word_line, bit_line] (S) at the read voltage, as `reram.read_iv` has them; 0 S is open.

    Raises:
        ConfigError: g is no array of conductances, or the model is of another kind.
        ModelRangeError: a conductance outside the model's range.
    """
    g = checked_conductances(g)
    if read_iv.kind != "sinh_iv":
        raise ConfigError(f"the I-V {read_iv.name} is of kind {read_iv.kind!r}; cells take 'sinh_iv'")
    volts, conductances = read_iv.inputs
    some = g[g > 0]
    if not conductances.covers(some).all():
        raise ModelRangeError(
            f"model {read_iv.name}: conductances are {some.min():g} to {some.max():g} S; it was fitted from "
            f"{conductances.low:g} to {conductances.high:g} S"
        )
    return SinhCells(*_amplitudes(read_iv.parameters, g), reach=volts.high)


def _amplitudes(parameters: Mapping[str, Any], g: Floats) -> tuple[Floats, Floats]:
    bend = np.polynomial.polynomial.polyval(g, np.asarray(parameters["k"]))
    return g * parameters["v_ref"] / np.sinh(bend * parameters["v_ref"]), bend


@njit(cache=True, nogil=True, error_model="numpy")
def _sinh(amplitude: Floats, bend: Floats, word: Floats, bit: Floats, i: Floats, slope: Floats) -> float:
    """Fill in current and slope, and give the greatest bend times voltage of a cell that is not open."""
    m, n = word.shape
    most = 0.0
    for row in range(m):
        for col in range(n):
            a, k, v = amplitude[row, col], bend[row, col], word[row, col] - bit[row, col]
            if k == 0 or a == 0:
                i[row, col], slope[row, col] = a * v, a
                continue
            most = max(most, abs(k * v))
            up = np.exp(k * v)
            down = 1 / up
            if abs(k * v) < 1e-3:  # the difference of exponentials would lose digits
                i[row, col] = a * k * v * (1 + (k * v) ** 2 / 6)
            else:
                i[row, col] = 0.5 * a * (up - down)
            slope[row, col] = 0.5 * a * k * (up + down)
    return most
