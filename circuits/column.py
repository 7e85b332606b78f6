"""A column of 6T cells: bit lines, precharge, multiplexer, latch sense amplifier and write driver, and its bench.

    far end   cell  cell  ...  cell | precharge | multiplexer | sense amplifier, write driver
    bl   o-----+-----+----...---+---------+------------+-- sl
    blb  o-----+-----+----...---+---------+------------+-- slb

The cell that is accessed lies at the far end and the bit lines are RC ladders. All other cells store the opposite
value, so that their leakage pulls down the bit line that should stay up: the worst pattern to read. They are lumped,
one multiplied cell at each node of the ladder, unless `explicit` asks for one by one. With a multiplexer the other
columns of the row, their bit lines discharged and precharged for nothing, are one multiplied column.

The sense amplifier is that of circuits/sense_amp.py, its lumped internal capacitances standing for its junctions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits import sense_amp
from circuits.netlist import OPTIONS, Netlist
from circuits.periphery import WRITE_GATES, gates, multiplexer, precharge, write_driver
from circuits.technology import Technology
from circuits.wiring import Draft, Wiring

SENSE_CAPACITANCE = 5e-15  # F on each internal node of the amplifier and on its output, as in its own bench
RAMP, RAMP_TIME = 0.2, 1e-9  # V, s: of the bench that measures the bit line's capacitance
COMPONENTS = ("cells", "bit_line", "sense", "write", "control")  # each with a supply of its own, v<name>
BUFFERS = ("nand1_x1", "nand1_x4")  # between an ideal source and a control line
_STEP, _STEPS = 10e-12, 400  # s; the longest time step, and least steps of a long cycle
CELL_PORTS = "bl blb wl vdd"


@dataclass(frozen=True)
class ColumnDesign:
    """What a column is made of.

    Args:
        cells: of one column.
        ways: columns that share a sense amplifier; 1 leaves the multiplexer out.
        sections: of the bit line's ladder.
        explicit: every cell by itself; slow, and what the lumped one is checked against.
        wiring: wires and diffusions.
    """

    cells: int = 128
    ways: int = 4
    sections: int = 4
    explicit: bool = False
    wiring: Wiring = field(default_factory=Wiring)

    def __post_init__(self) -> None:
        for name in ("cells", "ways", "sections"):
            if getattr(self, name) < 1 or getattr(self, name) != int(getattr(self, name)):
                raise ConfigError(f"column: {name} = {getattr(self, name)}; a column has at least one, and whole ones")


@dataclass(frozen=True)
class Row:
    """Cells of a column that share their word line's voltage, their place and their value.

    Args:
        name: of the cell's instance, after the "x".
        word_line: node; "0" is a row that stays closed, any other a port of the column.
        section: of the bit line's ladder, 0 at the far end.
        stored: value of q, 0 or 1.
        count: cells.
    """

    name: str
    word_line: str
    section: int
    stored: int
    count: int = 1


def rows(design: ColumnDesign, stored: int) -> list[Row]:
    """The accessed cell at the far end on word line `wl`, and the rest with the opposite value."""
    last = design.sections
    found = [Row("cell", "wl", 0, stored)]
    rest = [Row(f"row{i}", "0", i * last // design.cells, 1 - stored) for i in range(1, design.cells)]
    if design.explicit:
        return found + rest
    for section in range(last):
        count = sum(row.section == section for row in rest)
        if count:
            found.append(Row(f"rest{section}", "0", section, 1 - stored, count))
    return found


def cell(draft: Draft) -> str:
    """`.subckt cell bl blb wl vdd` with nodes q (at bl) and qb, junctions included."""
    lines = [f".subckt cell {CELL_PORTS} mult=1"]
    for side, out, other, bit_line in (("left", "q", "qb", "bl"), ("right", "qb", "q", "blb")):
        lines.append(draft.cell_transistor(f"pull_down_{side}", f"{out} {other} 0 0"))
        lines.append(draft.cell_transistor(f"pull_up_{side}", f"{out} {other} vdd vdd"))
        lines.append(draft.cell_transistor(f"pass_gate_{side}", f"{bit_line} wl {out} 0"))
    if own := draft.technology.cell:
        lines += [draft.cell_device(extra.device, extra.name, " ".join(extra.nodes)) for extra in own.extras]
        lines += [f"c{c.name} {' '.join(c.nodes)} {{{c.value!r}*mult}}" for c in own.capacitors]
    return "\n".join([*lines, ".ends"])


def column(draft: Draft, design: ColumnDesign, content: Sequence[Row], name: str = "column") -> str:
    """`.subckt <name> bl<n> blb<n> pre_b vdd_cells vdd_bit_line <word lines>`: bit lines, cells and precharge.

    The ports bl<n>, blb<n> (n = design.sections) are the near ends. Needs `cell` and `precharge`.
    """
    last = design.sections
    length = design.cells * design.wiring.cell_height
    words = list(dict.fromkeys(row.word_line for row in content if row.word_line != "0"))
    lines = [f".subckt {name} bl{last} blb{last} pre_b vdd_cells vdd_bit_line {' '.join(words)} mult=1"]
    for line in ("bl", "blb"):
        lines += draft.ladder(design.wiring.bit_line, length, [f"{line}{i}" for i in range(last + 1)])
    for row in content:
        nodes = f"bl{row.section} blb{row.section} {row.word_line} vdd_cells"
        lines.append(f"x{row.name} {nodes} cell mult={{{row.count}*mult}}")
    lines.append(f"xprecharge bl{last} blb{last} pre_b vdd_bit_line precharge mult={{mult}}")
    return "\n".join([*lines, ".ends"])


def sensing(draft: Draft) -> str:
    """`.subckt sensing sl slb en we d dout vdd_sense vdd_write`: sense amplifier with its load, and write driver."""
    return f"""{sense_amp.subckt(draft.technology, SENSE_CAPACITANCE)}
{write_driver(draft)}
.subckt sensing sl slb en we d dout vdd_sense vdd_write
xsense sl slb dout en vdd_sense sense_amp
c_dout dout 0 {SENSE_CAPACITANCE!r}
xwrite sl slb d we vdd_write write_driver
.ends"""


def states(instance: str, content: Sequence[Row], vdd: float) -> Iterator[str]:
    """.ic lines that put the cells of a column's instance into their states: a .nodeset can end between them."""
    for row in content:
        q, qb = (vdd, 0.0) if row.stored else (0.0, vdd)
        node = f"{instance}.x{row.name}"
        yield f".ic v({node}.q)={q!r} v({node}.qb)={qb!r}"


@dataclass(frozen=True)
class Access:
    """One cycle of a column: what happens when, with edges of `slew`, all times in s.

    Args:
        stored: value of the accessed cell before, 0 or 1.
        written: value that is written, or None for a read.
        precharge_off: when the precharge ends.
        word_line_on: when the word line is told to rise.
        word_line_off: and to fall.
        enable_on: when the sense amplifier is told to decide; None leaves it off.
        enable_off: and to rest.
        precharge_on: when the precharge starts again.
        end: of the cycle.
        slew: of every ideal edge.
    """

    stored: int
    written: int | None
    precharge_off: float
    word_line_on: float
    word_line_off: float
    enable_on: float | None
    enable_off: float
    precharge_on: float
    end: float
    slew: float = 50e-12


def bench(
    technology: Technology, corner: str, vdd: float, temperature: float, design: ColumnDesign, access: Access
) -> Netlist:
    """One column through one cycle; control lines have buffers, and each of `COMPONENTS` a supply `v<component>`.

    Nodes: wl, pre_b, en, we, sl, slb, dout; xcolumn.xcell.q and .qb of the accessed cell.

    Raises:
        ConfigError: unknown corner, or the technology lacks a role.
    """
    draft = Draft(technology, design.wiring)
    content = rows(design, access.stored)
    last = design.sections
    text = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        *parts(draft, design, content),
        *(f"v{name} vdd_{name} 0 dc {vdd!r}" for name in COMPONENTS),
        *_controls(access, vdd),
        *states("xcolumn", content, vdd),
    ]
    joined = ("sl", "slb") if design.ways == 1 else (f"bl{last}", f"blb{last}")
    text.append(f"xcolumn {' '.join(joined)} pre_b vdd_cells vdd_bit_line wl column")
    if design.ways > 1:
        others = f"xothers sl slb pre_b vdd_cells vdd_bit_line wl vdd_control others mult={design.ways - 1}"
        text += [f"xmux bl{last} blb{last} sl slb vdd_control 0 vdd_control multiplexer", others]
        text += states("xothers.xcolumn", content, vdd)
    text.append("xsensing sl slb en we d dout vdd_sense vdd_write sensing")
    nodes = "wl pre_b en we sl slb dout xcolumn.xcell.q xcolumn.xcell.qb"
    saved = [*(f"v({node})" for node in nodes.split()), *(f"i(v{name})" for name in COMPONENTS)]
    text.append(".save " + " ".join(saved))
    what = "read" if access.written is None else "write"
    step = max(_STEP, access.end / _STEPS)
    title = f"column of {design.cells} cells, {what}, {technology.name} {corner}, {temperature:g} C"
    measures = tuple(f".meas tran charge_{name} integ i(v{name})" for name in COMPONENTS)
    return Netlist(title, "\n".join(text), (f".tran {step!r} {access.end!r} 0 {step!r}",), measures)


def parts(draft: Draft, design: ColumnDesign, content: Sequence[Row]) -> Iterator[str]:
    """All subcircuits of a column."""
    last = design.sections
    inverters = (("nand", 1, 1), ("nand", 1, 4))
    yield gates(draft, [*WRITE_GATES, *inverters])
    yield cell(draft)
    yield precharge(draft)
    yield column(draft, design, content)
    yield sensing(draft)
    if design.ways > 1:
        yield multiplexer(draft)
        yield f""".subckt others sl slb pre_b vdd_cells vdd_bit_line wl vdd_control mult=1
xcolumn bl{last} blb{last} pre_b vdd_cells vdd_bit_line wl column mult={{mult}}
xmux bl{last} blb{last} sl slb 0 vdd_control vdd_control multiplexer mult={{mult}}
.ends"""


def _controls(access: Access, vdd: float) -> Iterator[str]:
    """Ideal edges into buffers that drive the control lines: a buffer inverts twice."""
    on_off: dict[str, tuple[float | None, float]] = {
        "pre_b": (access.precharge_off, access.precharge_on),
        "wl": (access.word_line_on, access.word_line_off),
        "en": (access.enable_on, access.enable_off),
        "we": (None if access.written is None else access.precharge_off, access.precharge_on),
    }
    for line, (on, off) in on_off.items():
        yield f"v_{line} {line}_in 0 {_edges(on, off, access.slew, vdd)}"
        yield f"x_{line}_1 {line}_in {line}_b vdd_control {BUFFERS[0]}"
        yield f"x_{line}_2 {line}_b {line} vdd_control {BUFFERS[1]}"
    yield f"v_d d 0 dc {vdd * (access.written or 0)!r}"


def _edges(on: float | None, off: float, slew: float, vdd: float) -> str:
    if on is None:
        return "dc 0"
    return f"dc 0 pwl(0 0 {on!r} 0 {on + slew!r} {vdd!r} {off!r} {vdd!r} {off + slew!r} 0)"


def bit_line_bench(
    technology: Technology, corner: str, vdd: float, temperature: float, design: ColumnDesign, stored: int
) -> Netlist:
    """A closed column (no row opened, no precharge) between sources `vbl` and `vblb`: its capacitance and leakage.

    Both bit lines start at vdd and `vbl` falls by `RAMP` in `RAMP_TIME`.

    Raises:
        ConfigError: unknown corner, or the technology lacks a role.
    """
    draft = Draft(technology, design.wiring)
    content = rows(design, stored)
    text = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        cell(draft),
        precharge(draft),
        column(draft, design, content),
        f"vdd vdd 0 dc {vdd!r}",
        f"vbl bl 0 dc {vdd!r} pwl(0 {vdd!r} {RAMP_TIME!r} {vdd!r} {2 * RAMP_TIME!r} {vdd - RAMP!r})",
        f"vblb blb 0 dc {vdd!r}",
        "xcolumn bl blb vdd vdd vdd 0 column",
        *states("xcolumn", content, vdd),
        ".save v(bl) i(vbl) i(vblb) i(vdd)",
    ]
    title = f"bit lines of {design.cells} cells, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(text), (f".tran 1p {2 * RAMP_TIME!r} 0 5p",))
