"""A binary-weighted capacitor array and what its mismatch does to a successive approximation, in plain numpy.

Capacitor k is 2^k unit capacitors, and one more unit ends the array. The input is sampled on the common plate; trial k
pulls the plate of capacitor k from the reference to 0, and keeps it there where the common plate is still above the
comparator's other input, the common mode. Code c is reached from the input
v(c) = v_cm + v_ref (sum of the capacitors in c) / (all capacitors).

Units are the MIM capacitors of SKY130 (PDK, sky130_fd_pr__cap_mim_m3_1: 2.0 fF/um^2 and 0.19 fF/um of edge at the
typical corner; the standard deviation of one is 2.8 % um / sqrt(area)): an input, not an outcome.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

SOURCE = "SKY130 PDK, sky130_fd_pr__cap_mim_m3_1: 2.8 % um of one capacitor"
DENSITY = "SKY130 PDK, sky130_fd_pr__cap_mim_m3_1: 2.0 fF/um^2 and 0.19 fF/um of edge"
_AREA, _EDGE = 2.0e-3, 0.19e-9  # F/m^2 and F/m
_MATCHING = 0.028e-6  # m, relative standard deviation of one capacitor times the square root of its area


@dataclass(frozen=True)
class CapacitorArray:
    """An array.

    Args:
        bits: of the converter.
        side: of a unit capacitor, which is a square, m.

    Raises:
        ConfigError: an array that cannot be.
    """

    bits: int = 8
    side: float = 2e-6

    def __post_init__(self) -> None:
        if not (2 <= self.bits <= 12 and int(self.bits) == self.bits):
            raise ConfigError(f"bits = {self.bits:g}: an array has 2 to 12")
        if not 1e-6 <= self.side <= 30e-6:
            raise ConfigError(f"side = {self.side:g} m: a unit capacitor is a square of 1 to 30 um")

    @property
    def unit(self) -> float:
        """Of one capacitor, F."""
        return _AREA * self.side**2 + _EDGE * 4 * self.side

    @property
    def unit_sigma(self) -> float:
        """Relative standard deviation of a unit capacitor."""
        return _MATCHING / self.side

    @property
    def units(self) -> Floats:
        """Unit capacitors of the last capacitor and of each bit, the least significant first, shape (bits + 1,)."""
        return np.concatenate([[1.0], 2.0 ** np.arange(self.bits)])

    @property
    def total(self) -> float:
        """All of it, F."""
        return float(self.units.sum()) * self.unit

    def drawn(self, rng: np.random.Generator) -> Floats:
        """Capacitors (F) in the order of `units`, every unit drawn by itself: the sum of m has sqrt(m) its sigma."""
        scores = rng.standard_normal(len(self.units))
        return self.unit * (self.units + self.unit_sigma * np.sqrt(self.units) * scores)

    def nominal(self) -> Floats:
        """Capacitors (F) in the order of `units`."""
        return self.unit * self.units


def levels(capacitors: Floats) -> Floats:
    """Share of the reference that each code stands for, shape (2^bits,), from capacitors in the order of `units`."""
    weights = capacitors[1:] / capacitors.sum()
    codes = np.arange(2 ** len(weights))
    return np.asarray(((codes[:, None] >> np.arange(len(weights))) & 1) @ weights)


def transitions(capacitors: Floats) -> Floats:
    """Inputs, as shares of the reference, at which the output passes to each code 1, 2, ..., shape (2^bits - 1,).

    The search is greedy, most significant bit first: an earlier trial's level bounds what later ones can still find,
    so that a code that a large mismatch leaves out has the same transition as its neighbour.
    """
    level, bits = levels(capacitors), len(capacitors) - 1
    found = []
    for code in range(1, 2**bits):
        low, high, trial = -math.inf, math.inf, 0
        for bit in reversed(range(bits)):
            tried = trial | (1 << bit)
            if code > tried:
                low, trial = max(low, float(level[tried])), tried
            elif code < tried:
                high = min(high, float(level[tried]))
            else:
                break
        found.append(min(max(float(level[code]), low), high))
    return np.array(found)


def nonlinearity(steps: Floats) -> tuple[Floats, Floats]:
    """INL of each transition and DNL of each code between two, in LSB, against the line through both ends.

    Args:
        steps: transitions, shape (codes - 1,).

    Returns:
        INL, shape (codes - 1,), and DNL, shape (codes - 2,).
    """
    lsb = (steps[-1] - steps[0]) / (len(steps) - 1)
    inl = (steps - steps[0]) / lsb - np.arange(len(steps))
    return np.asarray(inl), np.asarray(np.diff(steps) / lsb - 1)


def convert(inputs: Floats, steps: Floats) -> Ints:
    """Codes of inputs (shares of the reference, any shape) by the transitions."""
    return np.searchsorted(steps, inputs, side="right").astype(np.int64)
