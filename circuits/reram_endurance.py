"""Endurance: how the window between the highest and the lowest conductance closes with cycles. An input.

Either a law or a CSV file of one's own with the columns ``cycles``, ``g_on (uS)`` and ``g_off (uS)``, for example

    cycles,g_on (uS),g_off (uS)
    1,45,2
    1e5,44,2.2
    1e6,38,4

Lines that start with # are comments; cycles rise. Between the lines both are interpolated over the logarithm of cycles.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.figures import ESTIMATED, OWN_DATA
from circuits.reram_measured import csv_rows, positive_number

Floats = np.ndarray[Any, np.dtype[np.float64]]

LAW = "law"  # as settings write it
_HEADER = ("cycles", "g_on (us)", "g_off (us)")
_MICRO = 1e-6


class Endurance(Protocol):
    """What is known of a window."""

    @property
    def kind(self) -> str:
        """Where it comes from, as figures say it."""

    @property
    def source(self) -> str:
        """The publication or the file."""

    @property
    def least(self) -> float:
        """Cycles from which on it is known."""

    @property
    def most(self) -> float:
        """Cycles up to which it is known."""

    def window(self, cycles: Floats | float, g_on: float, g_off: float) -> tuple[Floats, Floats]:
        """Highest and lowest conductance (S) after `cycles`, of a device that had `g_on` and `g_off` (S) when new.

        Raises:
            ModelRangeError: fewer cycles than `least`, or more than `most`.
        """


@dataclass(frozen=True)
class EnduranceLaw:
    """Power laws: g_off grows as (1 + n / n_off)^p_off and g_on falls as (1 + n / n_on)^-p_on, until they meet.

    Args:
        n_on: cycles after which g_on begins to fall.
        n_off: after which g_off begins to grow.
        p_on: exponent.
        p_off: exponent.
        least: cycles from which on they are asked for.
        most: cycles up to which they are.
    """

    n_on: float = 1e6
    n_off: float = 1e5
    p_on: float = 0.15
    p_off: float = 0.4
    least: float = 1.0
    most: float = 1e9
    kind: str = ESTIMATED
    source: str = (
        "power laws chosen here, to degrade after 1e5 to 1e6 cycles as HfOx cells of several levels: Huang et al., "
        "IEDM 2013; give measurements of your own"
    )

    def window(self, cycles: Floats | float, g_on: float, g_off: float) -> tuple[Floats, Floats]:
        """See `Endurance.window`."""
        n = _within(cycles, self)
        high, low = g_on * (1 + n / self.n_on) ** -self.p_on, g_off * (1 + n / self.n_off) ** self.p_off
        return high, np.minimum(low, high)


@dataclass(frozen=True)
class MeasuredEndurance:
    """A file of measurements; the conductances are its own, whatever the new device had.

    Args:
        source: the file.
        cycles: shape (n,), rising.
        g_on: S, shape (n,).
        g_off: S, shape (n,).
    """

    source: str
    cycles: Floats
    g_on: Floats
    g_off: Floats
    kind: str = OWN_DATA

    @property
    def least(self) -> float:
        """The first cycle of the file."""
        return float(self.cycles[0])

    @property
    def most(self) -> float:
        """The last cycle of the file."""
        return float(self.cycles[-1])

    def window(self, cycles: Floats | float, g_on: float, g_off: float) -> tuple[Floats, Floats]:
        """See `Endurance.window`."""
        del g_on, g_off
        n = np.log(_within(cycles, self))
        known = np.log(self.cycles)
        return np.interp(n, known, self.g_on), np.interp(n, known, self.g_off)


def load_endurance(name: str = LAW) -> Endurance:
    """The law, or a file of one's own by its path.

    Raises:
        ConfigError: the file cannot be read, or holds something else than the module says; names line and column.
    """
    if name == LAW:
        return EnduranceLaw()
    path = Path(name)
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a CSV file ({error}); endurance is '{LAW}' or a file") from error
    rows = list(csv_rows(lines))
    if not rows or tuple(cell.lower() for cell in rows[0][1]) != _HEADER:
        raise ConfigError(f"{path}: its first line names the columns: cycles,g_on (uS),g_off (uS)")
    values = []
    for number, row in rows[1:]:
        if len(row) != len(_HEADER):
            raise ConfigError(f"{path}:{number}: {len(row)} values, but the header names {len(_HEADER)} columns")
        named = zip(_HEADER, row, strict=True)
        values.append([positive_number(f"{path}:{number}: column '{name}'", text) for name, text in named])
        if values[-1][0] < 1 or (len(values) > 1 and values[-1][0] <= values[-2][0]):
            raise ConfigError(f"{path}:{number}: cycles start at 1 or more and rise from line to line")
        if values[-1][1] <= values[-1][2]:
            raise ConfigError(f"{path}:{number}: g_on is not above g_off; leave out lines after the window has closed")
    if len(values) < 2:
        raise ConfigError(f"{path}: {len(values)} lines of data; an endurance takes two or more")
    cycles, g_on, g_off = np.array(values).T
    source = f"measured: {path.name} (sha256 {hashlib.sha256(content).hexdigest()[:12]})"
    return MeasuredEndurance(source, cycles, _MICRO * g_on, _MICRO * g_off)


def _within(cycles: Floats | float, known: Endurance) -> Floats:
    n = np.asarray(cycles, dtype=np.float64)
    outside = ~((n >= known.least) & (n <= known.most))
    if np.any(outside):
        raise ModelRangeError(f"endurance covers {known.least:g} to {known.most:g} cycles, not {n[outside].flat[0]:g}")
    return n
