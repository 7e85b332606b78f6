"""What a read does to a 6T cell of the other value: the netlists of read disturb in a computing column.

Rows that hold a 1 pull the bit line down. A cell that holds a 0 (1 in q) has its word line on as well, and the bit line
that falls writes into it: it flips once the bit line has been below its write-trip voltage for as long as it needs.

- `falling`: the cell against a source that takes the bit line down slowly; where q and qb cross is its static trip.
- `victim`: the cell in its column, whose bit line floats and is discharged by k rows during one pulse.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitline.core.errors import ConfigError
from circuits.cim_column import CimDesign, port, pulse, transient
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Technology
from circuits.wiring import Draft

RAMP = 200e-9  # s that the bit line of `falling` takes for the supply: slow for the cell
_SAVED = ".save v(q) v(qb) v(bl)"


def falling(technology: Technology, corner: str, vdd: float, temperature: float, word_line: float) -> Netlist:
    """A 6T cell that holds 1 in q, its word line at `vwl`, while source `vbl` takes its bit line from vdd to -vdd / 2.

    The bit-line voltage at which q and qb cross is where the cell flips; below 0 V it says by how much it does not.

    Raises:
        ConfigError: unknown corner, or the technology lacks a role.
    """
    low = -vdd / 2
    stop = RAMP * (vdd - low) / vdd
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        *_cell(Draft(technology), vdd),
        f"vwl wl 0 dc {word_line!r}",
        f"vbl bl 0 dc {vdd!r} pwl(0 {vdd!r} {stop!r} {low!r})",
    ]
    title = f"6T cell against a falling bit line, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(lines), (f".tran {stop / 400!r} {stop!r} 0 {stop / 400!r}",))


def victim(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    design: CimDesign,
    on: int,
    width: float,
    stop: float,
) -> Netlist:
    """The column of `design.cells` 6T cells: `on` rows with a 1 and one cell that holds 1 in q are pulsed for `width`.

    Nodes q and qb are the cell's, bl its floating bit line; the other one stays at the supply. Rows that are on are
    one, multiplied, and so are those that are off.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V.
        temperature: C.
        design: of the column; `word_line` is that of all rows that are on.
        on: rows that discharge the bit line, the cell itself not counted.
        width: of the pulse, s.
        stop: of the transient, s.

    Raises:
        ConfigError: no 6T column, unknown corner, a role is missing, or more rows than the column has.
    """
    if design.cell != "6t":
        raise ConfigError(f"cim column: cell = {design.cell!r}; a bit line writes into 6T cells alone")
    off = design.cells - 1 - on
    if on < 1 or off < 0:
        raise ConfigError(f"cim column: {on} rows and a cell are on; the column has {design.cells} cells")
    draft = Draft(technology, design.wiring)
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        port(draft, design),
        *_cell(draft, vdd),
        f"c_bl bl 0 {design.wire_capacitance!r}",
        f".ic v(bl)={vdd!r}",
        pulse("wl", width, design.word_line),
        f"xon bl wl vdd vdd port mult={on}",
    ]
    if off:
        lines.append(f"xoff bl 0 vdd vdd port mult={off}")
    title = f"6T cell in a column that {on} rows discharge, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(lines), (transient(stop),))


def _cell(draft: Draft, vdd: float) -> Iterator[str]:
    """The cell between bl, the supply as its other bit line, and wl; q starts at vdd."""
    yield ".param mult=1"
    for side, out, other, line in (("left", "q", "qb", "bl"), ("right", "qb", "q", "blb")):
        yield draft.cell_transistor(f"pull_down_{side}", f"{out} {other} 0 0")
        yield draft.cell_transistor(f"pull_up_{side}", f"{out} {other} vdd vdd")
        yield draft.cell_transistor(f"pass_gate_{side}", f"{line} wl {out} 0")
    yield f"vdd vdd 0 dc {vdd!r}"
    yield f"vblb blb 0 dc {vdd!r}"
    yield f".ic v(q)={vdd!r} v(qb)=0"
    yield _SAVED
