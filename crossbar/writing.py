"""Writing one cell of a passive array: what reaches it, and what half-selected cells see meanwhile.

The schemes are those of `circuits.terminals.writing`. Wires take a part of the voltage before it reaches the cell, the
most at the corner that is farthest from the drivers; what the other cells see decides whether they are disturbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.crossbar import Floats, Wires, checked_conductances
from circuits.terminals import Ends, Scheme, writing
from crossbar.cells import Law
from crossbar.lines import solve_lines
from crossbar.newton import solve_cells
from crossbar.nodes import Nodes


@dataclass(frozen=True)
class Write:
    """What a write does.

    Attributes:
        scheme: of the lines without the cell.
        cell: (word line, bit line).
        v_cell: voltage across the selected cell (V).
        ir_loss: what wires take of the write voltage (V).
        i_cell: current of the selected cell (A).
        i_word: current out of the drivers of the selected word line (A); what it is more than `i_cell` goes through
            half-selected cells.
        v_half: the largest voltage, of either sign, across a cell of the selected word or bit line (V).
        v_unselected: the largest across any other cell (V); 0 where there is none.
        power: out of all the lines' drivers (W).
    """

    scheme: Scheme
    cell: tuple[int, int]
    v_cell: float
    ir_loss: float
    i_cell: float
    i_word: float
    v_half: float
    v_unselected: float
    power: float

    @property
    def v_disturb(self) -> float:
        """The largest voltage across a cell that is not to be written (V)."""
        return max(self.v_half, self.v_unselected)

    @property
    def margin(self) -> float:
        """What the selected cell sees more than any other (V); below 0 another one is written first."""
        return abs(self.v_cell) - self.v_disturb


def write_cell(
    g: Any,
    wires: Wires,
    cell: tuple[int, int],
    v_write: float,
    scheme: Scheme = "half",
    law: Law | None = None,
    drive: Ends = "first",
    sense: Ends = "last",
) -> Write:
    """Voltages and currents while one cell is written.

    Args:
        g: cell conductances (S), shape (m, n) = [word_line, bit_line]; with a `law` only their shape counts.
        wires: resistances of the lines.
        cell: (word line, bit line).
        v_write: from the cell's word line to its bit line (V).
        scheme: what the other lines are at.
        law: current of nonlinear cells; linear without.
        drive: ends of the word lines that are connected.
        sense: ends of the bit lines that are connected.

    Raises:
        ConfigError: g is no array of conductances, the cell is outside, or v_write is 0.
        ConvergenceError: nonlinear cells found no solution.
    """
    g = checked_conductances(g)
    if not (np.isfinite(v_write) and v_write != 0):
        raise ConfigError(f"v_write is {v_write!r} V; it must be finite and not 0")
    i, j = cell
    ends = writing((g.shape[0], g.shape[1]), [cell], v_write, scheme, drive, sense)
    nodes = solve_lines(g, wires, ends) if law is None else solve_cells(law, wires, ends)
    across = nodes.word[0] - nodes.bit[0]
    half = np.zeros(g.shape, dtype=np.bool_)
    half[i], half[:, j] = True, True
    others = ~half
    half[i, j] = False
    current = g * across if law is None else law(nodes.word[0], nodes.bit[0]).i
    ends_of = (ends.wl_first, ends.wl_last, ends.bl_first, ends.bl_last)
    return Write(
        scheme=scheme,
        cell=(int(i), int(j)),
        v_cell=float(across[i, j]),
        ir_loss=float(v_write - across[i, j]),
        i_cell=float(current[i, j]),
        i_word=float(nodes.i_wl_first[0, i] + nodes.i_wl_last[0, i]),
        v_half=float(np.abs(across[half]).max(initial=0.0)),
        v_unselected=float(np.abs(across[others]).max(initial=0.0)),
        power=_power(nodes, *(np.nan_to_num(volts[0]) for volts in ends_of)),
    )


def worst_cell(shape: tuple[int, int], drive: Ends = "first", sense: Ends = "last") -> tuple[int, int]:
    """The cell that is farthest from what holds its lines: of equal cells, the one that wires take most from."""
    m, n = shape
    bit_line = {"first": n - 1, "last": 0, "both": n // 2}[drive]
    return {"first": m - 1, "last": 0, "both": m // 2}[sense], bit_line


def _power(nodes: Nodes, wl_first: Floats, wl_last: Floats, bl_first: Floats, bl_last: Floats) -> float:
    out = wl_first @ nodes.i_wl_first[0] + wl_last @ nodes.i_wl_last[0]
    return float(out - bl_first @ nodes.i_bl_first[0] - bl_last @ nodes.i_bl_last[0])
