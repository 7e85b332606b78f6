"""What a crossbar's lines are connected to at their ends: voltages for reading, writing, and everything beside.

A word line has an end before bit line 0 and one past the last; a bit line one before word line 0 and one past the
last. The usual read drives word lines at their first end, senses bit lines at their last, at 0 V, and leaves the other
ends open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ends = Literal["first", "last", "both"]
Scheme = Literal["half", "third", "ground", "float"]

OPEN = float("nan")
"""The voltage of an end that is connected to nothing."""


@dataclass(frozen=True)
class Terminals:
    """Voltages (V) of the ends of all lines; nan is an open end.

    An end is open for all vectors of a batch or for none.

    Args:
        wl_first: of word lines before bit line 0, shape (batch, m).
        wl_last: of word lines past the last bit line, shape (batch, m).
        bl_first: of bit lines before word line 0, shape (batch, n).
        bl_last: of bit lines past the last word line, shape (batch, n).

    Raises:
        ConfigError: another shape, an infinite voltage, or an end that is open for some vectors only.
    """

    wl_first: Floats
    wl_last: Floats
    bl_first: Floats
    bl_last: Floats

    def __post_init__(self) -> None:
        for name in ("wl_first", "wl_last", "bl_first", "bl_last"):
            volts = getattr(self, name)
            beside = self.wl_first if name.startswith("wl") else self.bl_last
            if volts.ndim != 2 or volts.shape != (len(self.wl_first), beside.shape[-1]):
                raise ConfigError(f"{name} has shape {volts.shape}; it must be (batch, lines), {beside.shape} here")
            if np.isinf(volts).any():
                raise ConfigError(f"{name} holds an infinite voltage; an open end is nan")
            opened = np.isnan(volts)
            if (opened != opened[:1]).any():
                line = int(np.argwhere((opened != opened[:1]).any(axis=0))[0, 0])
                raise ConfigError(f"{name}: the end of line {line} is open for some vectors and held for others")

    @property
    def shape(self) -> tuple[int, int]:
        """(word lines, bit lines)."""
        return self.wl_first.shape[1], self.bl_last.shape[1]

    @property
    def batch(self) -> int:
        """How many vectors."""
        return len(self.wl_first)

    def vector(self, k: int) -> Terminals:
        """Those of vector k alone."""
        if self.batch == 1:
            return self
        return self.rows(slice(k, k + 1))

    def rows(self, rows: slice) -> Terminals:
        """Those of some vectors."""
        return Terminals(self.wl_first[rows], self.wl_last[rows], self.bl_first[rows], self.bl_last[rows])


def reading(v: Floats, bit_lines: int, drive: Ends = "first", sense: Ends = "last") -> Terminals:
    """Word lines driven by v[batch, word_line] or v[word_line] (V), bit lines sensed at 0 V.

    A word line whose voltage is nan is left floating.

    Args:
        v: V.
        bit_lines: how many.
        drive: ends of the word lines that are driven.
        sense: ends of the bit lines that are held at 0 V.
    """
    v = np.atleast_2d(np.asarray(v, dtype=np.float64))
    ground = np.zeros((len(v), bit_lines))
    return Terminals(
        np.where(drive in ("first", "both"), v, OPEN),
        np.where(drive in ("last", "both"), v, OPEN),
        np.where(sense in ("first", "both"), ground, OPEN),
        np.where(sense in ("last", "both"), ground, OPEN),
    )


def floating(v: Floats, bit_lines: int) -> Terminals:
    """Word lines driven by v[batch, word_line] (V) at their first ends, bit lines connected to nothing."""
    none = np.full((len(v), bit_lines), OPEN)
    return Terminals(v, np.full_like(v, OPEN), none, none)


def writing(
    shape: tuple[int, int],
    cells: Any,
    v_write: float,
    scheme: Scheme = "half",
    drive: Ends = "first",
    sense: Ends = "last",
) -> Terminals:
    """One cell written at a time: its word line at `v_write`, its bit line at 0 V, a negative voltage turned about.

    | scheme | other word lines | other bit lines | half-selected cells see | unselected cells see |
    |---|---|---|---|---|
    | half | v/2 | v/2 | v/2 | 0 |
    | third | v/3 | 2v/3 | v/3 | -v/3 |
    | ground | 0 | 0 | v (word line), 0 (bit line) | 0 |
    | float | open | open | what the sneak paths leave | what the sneak paths leave |

    Chen, A., "A Comprehensive Crossbar Array Model With Solutions for Line Resistance and Nonlinear Device
    Characteristics", IEEE Trans. Electron Devices 60(4), 2013, describes and compares the schemes.

    Args:
        shape: (word lines, bit lines).
        cells: (word line, bit line) of the cell of each vector, shape (batch, 2) or (2,).
        v_write: V.
        scheme: what lines without the cell are at.
        drive: ends of the word lines that are connected.
        sense: ends of the bit lines that are connected.

    Raises:
        ConfigError: a cell outside the array, or a scheme that is not there.
    """
    m, n = shape
    cells = np.atleast_2d(np.asarray(cells, dtype=np.int64))
    if cells.ndim != 2 or cells.shape[1] != 2 or (cells < 0).any() or (cells >= [m, n]).any():
        raise ConfigError(f"cells to write are (word line, bit line) within {m} x {n}; got {cells.tolist()}")
    others = {"half": (0.5, 0.5), "third": (1 / 3, 2 / 3), "ground": (0.0, 0.0), "float": (OPEN, OPEN)}
    if scheme not in others:
        raise ConfigError(f"no write scheme {scheme!r}; there are {', '.join(others)}")
    if scheme == "float" and len(cells) > 1:
        raise ConfigError("with floating lines each cell to write is a circuit of its own: pass one cell")
    word, bit = (
        np.full((len(cells), lines), v_write * share) for lines, share in zip(shape, others[scheme], strict=True)
    )
    each = np.arange(len(cells))
    word[each, cells[:, 0]] = v_write
    bit[each, cells[:, 1]] = 0.0
    return Terminals(
        np.where(drive in ("first", "both"), word, OPEN),
        np.where(drive in ("last", "both"), word, OPEN),
        np.where(sense in ("first", "both"), bit, OPEN),
        np.where(sense in ("last", "both"), bit, OPEN),
    )
