"""A column that computes: many word lines at once discharge one bit line, and its benches.

Row i holds a bit w_i and its word line is pulsed to `word_line` for a width in proportion to its input x_i; a row with
w_i = 1 then draws current from the bit line, which was precharged to the supply and floats:

    C(v) dv/dt = -sum of the currents of the rows that are on

Two cells do it. "8t": the read port of circuits/eight_t.py, whose storage node is its driver's gate, so that nothing
flows into the cell. "6t": the left half of the 6T cell, whose bit 1 is a 0 in q; here the bit line that falls writes
into the cells that hold the other value, which is what circuits/cim_disturb.py is for.

In the lumped column rows that see the same voltages are one, multiplied, and the storage node at the gates is ideal;
`whole_column` has every cell with all its transistors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits import column
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Device, Technology
from circuits.wiring import Draft, Wiring

CELLS = ("8t", "6t")
EDGE = 20e-12  # s, of a word line's pulse
SHORTEST = 3 * EDGE  # s, of a pulse
START = 0.1e-9  # s, when a pulse starts to rise
SETTLED = 0.1e-9  # s after the last edge, when the bit line is read


@dataclass(frozen=True)
class CimDesign:
    """A computing column.

    Args:
        cells: of one column.
        cell: "8t" or "6t".
        word_line: voltage of a word line that is on, V.
        port: role of both transistors of an 8T cell's read port.
        extra: capacitance added to the bit line, F.
        wiring: wires and diffusions.
    """

    cells: int = 256
    cell: str = "8t"
    word_line: float = 0.8
    port: str = "nmos_small"
    extra: float = 0.0
    wiring: Wiring = field(default_factory=Wiring)

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ConfigError(f"cim column: cell = {self.cell!r}; it is one of {', '.join(CELLS)}")
        if self.cells < 1 or self.cells != int(self.cells):
            raise ConfigError(f"cim column: cells = {self.cells}; a column has at least one, and whole ones")
        if not self.word_line > 0:
            raise ConfigError(f"cim column: word_line = {self.word_line:g} V; it is above 0")
        if not self.extra >= 0:
            raise ConfigError(f"cim column: extra = {self.extra:g} F; it is 0 or more")

    def instance(self, name: str, place: str) -> str:
        """That of `whole_column`'s cell at `place` ("row_column") for a transistor that carries a bit's current."""
        return f"m{name}_{place}" if self.cell == "8t" else f"m.x{place}.m{name}"

    @property
    def roles(self) -> dict[str, str]:
        """Of the transistors that a bit's current flows through, by instance, the one at the bit line first."""
        if self.cell == "8t":
            return dict.fromkeys(("read_gate", "read_driver"), self.port)
        return {"pass_gate_left": "pass_gate", "pull_down_left": "pull_down"}

    @property
    def wire_capacitance(self) -> float:
        """Of the bit line's wire and what is added to it, F; the junctions are the transistors' own."""
        return self.cells * self.wiring.cell_height * self.wiring.bit_line.c + self.extra

    def transistors(self, technology: Technology) -> dict[str, Device]:
        """Those of `roles`."""
        return {name: technology.device(role) for name, role in self.roles.items()}


@dataclass(frozen=True)
class Rows:
    """Rows of a column that are alike.

    Args:
        bit: what they hold.
        width: of their pulse, s; 0 leaves them off.
        count: how many.
    """

    bit: int
    width: float
    count: int = 1


def port(draft: Draft, design: CimDesign) -> str:
    """`.subckt port bl wl gate`: what a row hangs on its bit line; `gate` is high for a bit of 1."""
    lines = [".subckt port bl wl gate vdd mult=1"]
    device = draft.technology.device
    if design.cell == "8t":
        read = device(design.port)
        lines.append(draft.cell_device(read, "read_gate", "bl wl middle 0"))
        lines.append(draft.cell_device(read, "read_driver", "middle gate 0 0"))
    else:
        lines.append(draft.cell_device(device("pass_gate_left"), "pass_gate", "bl wl middle 0"))
        lines.append(draft.cell_device(device("pull_down_left"), "pull_down", "middle gate 0 0"))
        lines.append(draft.cell_device(device("pull_up_left"), "pull_up", "middle gate vdd vdd"))
    return "\n".join([*lines, ".ends"])


def current(technology: Technology, corner: str, vdd: float, temperature: float, design: CimDesign) -> Netlist:
    """One row between sources: `vbl` on the bit line, `vwl`, and `vgate` at `vdd` (a bit of 1).

    Raises:
        ConfigError: unknown corner, or the technology lacks a role.
    """
    lines = [f"{OPTIONS} temp={temperature!r}", technology.cards(corner)]
    for (name, device), nodes in zip(
        design.transistors(technology).items(), ("bl wl middle 0", "middle gate 0 0"), strict=True
    ):
        lines.append(device.line(name, *nodes.split()))
    lines += [f"vbl bl 0 dc {vdd!r}", f"vwl wl 0 dc {design.word_line!r}", f"vgate gate 0 dc {vdd!r}"]
    title = f"row of a computing {design.cell.upper()} column, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(lines), (f".dc vbl 0 {vdd!r} {vdd / 90!r}",))


def discharge(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    design: CimDesign,
    rows: Sequence[Rows],
    stop: float,
) -> Netlist:
    """The lumped column from its precharged bit line `bl`; rows that are alike are one. Their sum is `design.cells`.

    Raises:
        ConfigError: unknown corner, a role is missing, or the rows are not as many as the column has.
    """
    count = sum(each.count for each in rows)
    if count != design.cells:
        raise ConfigError(f"cim column: {count} rows are described, and it has {design.cells}")
    draft = Draft(technology, design.wiring)
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        port(draft, design),
        f"vdd vdd 0 dc {vdd!r}",
        f"c_bl bl 0 {design.wire_capacitance!r}",
        f".ic v(bl)={vdd!r}",
    ]
    for number, each in enumerate(rows):
        if each.count:
            lines += [pulse(f"wl{number}", each.width, design.word_line)]
            lines += [f"xrow{number} bl wl{number} {'vdd' if each.bit else '0'} vdd port mult={each.count}"]
    title = f"computing column of {design.cells} {design.cell.upper()} cells, {technology.name} {corner}"
    return Netlist(title, "\n".join(lines), (transient(stop),))


def whole_column(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    design: CimDesign,
    columns: Sequence[Sequence[Rows]],
) -> Netlist:
    """Columns with every cell and all its transistors; bit line j is `bl<j>`, the word lines are shared.

    A 6T cell's other bit line and an 8T cell's write bit lines stay at the supply; an 8T cell's write word line is off.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V.
        temperature: C.
        design: of every column; `cells` is the rows that are described.
        columns: rows of each column, each of count 1, with the same widths in all.

    Raises:
        ConfigError: unknown corner, a role is missing, or the rows do not fit.
    """
    widths = [each.width for each in columns[0]]
    for found in columns:
        if len(found) != design.cells or [each.width for each in found] != widths:
            raise ConfigError("cim column: columns share their word lines, one row a cell")
    draft = Draft(technology, design.wiring)
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        ".param mult=1",
        column.cell(draft),
        f"vdd vdd 0 dc {vdd!r}",
    ]
    lines += [pulse(f"wl{i}", width, design.word_line) for i, width in enumerate(widths)]
    for j, found in enumerate(columns):
        lines += [f"c_bl{j} bl{j} 0 {design.wire_capacitance!r}", f".ic v(bl{j})={vdd!r}"]
        for i, each in enumerate(found):
            lines += _whole_cell(draft, design, f"{i}_{j}", (f"bl{j}", f"wl{i}"), each.bit, vdd)
    longest = max(widths)
    stop = START + 2 * EDGE + longest + SETTLED
    lines.append(".save " + " ".join(f"v(bl{j})" for j in range(len(columns))))
    size = f"{design.cells} x {len(columns)}"
    title = f"{size} computing {design.cell.upper()} cells, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(lines), (transient(stop),))


def _whole_cell(
    draft: Draft, design: CimDesign, place: str, nodes: tuple[str, str], bit: int, vdd: float
) -> Iterator[str]:
    """A cell with its bit, 0 in q for a 1."""
    bit_line, word_line = nodes
    six = f"x{place}"
    if design.cell == "8t":
        yield f"{six} vdd vdd 0 vdd cell"
        read = draft.technology.device(design.port)
        yield draft.cell_device(read, f"read_gate_{place}", f"{bit_line} {word_line} middle_{place} 0")
        yield draft.cell_device(read, f"read_driver_{place}", f"middle_{place} {six}.qb 0 0")
    else:
        yield f"{six} {bit_line} vdd {word_line} vdd cell"
    q, qb = (0.0, vdd) if bit else (vdd, 0.0)
    yield f".ic v({six}.q)={q!r} v({six}.qb)={qb!r}"


def pulse(line: str, width: float, high: float) -> str:
    """Source of a word line's pulse, `width` (s) at half its height; off for no width."""
    if width <= 0:
        return f"v{line} {line} 0 dc 0"
    falls = START + width
    return f"v{line} {line} 0 dc 0 pwl(0 0 {START!r} 0 {START + EDGE!r} {high!r} {falls!r} {high!r} {falls + EDGE!r} 0)"


def transient(stop: float) -> str:
    """Analysis of `stop` s in steps that show an edge."""
    step = stop / 400
    return f".tran {step!r} {stop!r} 0 {step!r}"
