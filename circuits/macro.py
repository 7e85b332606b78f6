"""A self-timed SRAM macro: decoder, word-line drivers, columns, replica bit line and control.

One word a row: no multiplexer. A cycle is one clock pulse: the clock's rise ends the precharge and opens the row that
the address has selected; in a read a replica bit line, which `replica_cells` cells discharge together, enables the
sense amplifiers when it passes an inverter's threshold, and that closes the word line. In a write the row stays open
until the clock falls. The clock's fall starts the precharge; outputs hold while the clock is high. Address, data and
clock come from ideal sources; there are no input registers.

The critical path is the same netlist with equals lumped: rows whose predecoded lines do the same are one row
multiplied, and a column's closed cells are lumped as in circuits/column.py. Nothing else is left out but the word
lines of rows that stay closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits import column, decoder
from circuits.netlist import OPTIONS, Netlist
from circuits.periphery import WRITE_GATES, gates, precharge
from circuits.technology import Technology
from circuits.wiring import Draft, Wiring

COMPONENTS = ("decoder", "word_line", "cells", "bit_line", "sense", "write", "control")  # supplies v<name>
# before the cycle; the new one has every bit set and the row farthest from decoder and sense amplifiers
OLD_ADDRESS = 0
_STEP, _STEPS = 10e-12, 400  # s; the longest time step, and least steps of a long cycle


@dataclass(frozen=True)
class MacroDesign:
    """What the macro is made of.

    Args:
        address_bits: 2 to 9; the rows are all addresses.
        word_bits: columns.
        replica_cells: that discharge the replica bit line: when it is at half the supply, a column's own has fallen by
            half the supply over this.
        sections: of a bit line's ladder.
        wiring: wires and diffusions.
    """

    address_bits: int = 7
    word_bits: int = 16
    replica_cells: int = 8
    sections: int = 4
    wiring: Wiring = field(default_factory=Wiring)

    def __post_init__(self) -> None:
        decoder.groups(self.address_bits)
        for name in ("word_bits", "replica_cells", "sections"):
            if getattr(self, name) < 1:
                raise ConfigError(f"macro: {name} = {getattr(self, name)}; it has at least one")
        if self.replica_cells >= self.rows:
            raise ConfigError(f"macro: replica_cells = {self.replica_cells}; a column has only {self.rows} cells")

    @property
    def rows(self) -> int:
        """Words."""
        return int(2**self.address_bits)

    @property
    def column(self) -> column.ColumnDesign:
        """One column of it."""
        return column.ColumnDesign(self.rows, 1, self.sections, wiring=self.wiring)


@dataclass(frozen=True)
class MacroAccess:
    """One cycle; times in s.

    Args:
        stored: the word in the row before, bit of column 0 first.
        written: the word that is written, or None for a read.
        address_at: when the address changes.
        clock_rise: when the clock starts to rise.
        clock_fall: and to fall.
        end: of the cycle.
        slew: of every ideal edge.
        falling: whether the bits of the address fall, and not rise.
        address_until: when the address changes back; None is never.
        data: when the written bits come and go, before and after which they are opposite; None is never.
        enable: likewise the write enable, which in a read comes when it falls and goes when it rises.
        load: at every output, F.
    """

    stored: Sequence[int]
    written: Sequence[int] | None
    address_at: float
    clock_rise: float
    clock_fall: float
    end: float
    slew: float = 50e-12
    falling: bool = False
    address_until: float | None = None
    data: tuple[float, float] | None = None
    enable: tuple[float, float] | None = None
    load: float = 0.0


def macro(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    design: MacroDesign,
    access: MacroAccess,
    *,
    full: bool = False,
) -> Netlist:
    """The macro through one cycle, as its critical path or in full.

    Nodes: clk, wl_far (the open row's far end), pre_b, en, rbl, sl<c>, slb<c>, dout<c>; `xcolumn<c>.xcell.q` and `.qb`
    of the open row's cell in column c (the last column is the farthest). Each of `COMPONENTS` has a supply
    `v<component>`.

    Raises:
        ConfigError: unknown corner, a role that the technology lacks, or words of another length.
    """
    if any(len(word) != design.word_bits for word in (access.stored, access.written or access.stored)):
        raise ConfigError(f"macro: a word has {design.word_bits} bits")
    draft = Draft(technology, design.wiring)
    contents = [_content(design, bit, full=full) for bit in access.stored]
    replica = [column.Row("cell", "wl", 0, 0, design.replica_cells), *_rest(design, 0, design.replica_cells)]
    step = max(_STEP, access.end / _STEPS)
    last = design.word_bits - 1
    shown = f"clk wl_far pre_b en rbl sl{last} slb{last} dout{last} xcolumn{last}.xcell.q xcolumn{last}.xcell.qb"
    others = _lumped(design, access)
    closed = () if full else [f"closed{number}" for number in range(len(others))]
    saved = [
        *(f"v({node})" for node in (*shown.split(), *_rows_selects(design), *closed)),
        *(f"i(v{name})" for name in COMPONENTS),
    ]
    text = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        ".param mult=1",
        *_subcircuits(draft, design, contents[0], replica),
        *(f"v{name} vdd_{name} 0 dc {vdd!r}" for name in COMPONENTS),
        *_inputs(design, access, vdd),
        *decoder.predecoder(draft, design.address_bits, design.rows * design.wiring.cell_height),
        _open_row(design, access),
        *(_full_rows(draft, design, access) if full else _lumped_rows(others)),
        *_columns(design, access, full=full),
        *_control(draft, design),
        *column.states("xreplica", replica, vdd),
    ]
    for number, content in enumerate(contents):
        text += column.states(f"xcolumn{number}", content, vdd)
    if access.load:
        text += [f"c_load{number} dout{number} 0 {access.load!r}" for number in range(design.word_bits)]
    text.append(".save " + " ".join(saved))
    what = f"SRAM macro of {design.rows} x {design.word_bits} bits, {'whole' if full else 'critical path'}"
    title = f"{what}, {'read' if access.written is None else 'write'}, {technology.name} {corner}, {temperature:g} C"
    measures = tuple(f".meas tran charge_{name} integ i(v{name})" for name in COMPONENTS)
    return Netlist(title, "\n".join(text), (f".tran {step!r} {access.end!r} 0 {step!r}",), measures)


def _rows_selects(design: MacroDesign) -> tuple[str, ...]:
    return ("xrow_open.row", "a0", f"wl_en_{decoder.PLACES[2]}", f"d{design.word_bits - 1}")


def _content(design: MacroDesign, stored: int, *, full: bool) -> list[column.Row]:
    """A column's rows; the open one is `cell` at the far end, the rest hold the opposite."""
    if not full:
        return column.rows(design.column, stored)
    rows, last = design.rows, design.sections
    rest = [column.Row(f"row{i}", f"wl{i}", (rows - 1 - i) * last // rows, 1 - stored) for i in range(rows - 1)]
    return [column.Row("cell", "wl", 0, stored), *rest]


def _rest(design: MacroDesign, stored: int, opened: int) -> list[column.Row]:
    """Closed cells of the replica, evenly along it."""
    count, places = design.rows - opened, design.sections
    shares = [count // places + (place < count % places) for place in range(places)]
    return [column.Row(f"rest{k}", "0", k, 1 - stored, share) for k, share in enumerate(shares) if share]


def _strength(load: int, most: int) -> int:
    return max(1, min(most, load))


def _strengths(design: MacroDesign) -> dict[str, int]:
    """Strengths of drivers by what they drive; about the same delay at any size."""
    return {"columns": _strength(design.word_bits // 2, 64), "rows": _strength(design.rows // 8, 64)}


def _subcircuits(
    draft: Draft, design: MacroDesign, content: Sequence[column.Row], replica: Sequence[column.Row]
) -> Iterator[str]:
    strengths = [1, 2, 4, 8, *_strengths(design).values()]
    inverters = [("nand", 1, strength) for strength in strengths]
    yield gates(draft, [*WRITE_GATES, *decoder.GATES, *inverters, ("nand", 2, 2), ("nand", 3, 2)])
    yield decoder.row(len(decoder.groups(design.address_bits)))
    yield column.cell(draft)
    yield precharge(draft)
    yield column.column(draft, design.column, content)
    yield column.column(draft, design.column, replica, "replica")
    yield column.sensing(draft)


def _inputs(design: MacroDesign, access: MacroAccess, vdd: float) -> Iterator[str]:
    slew = access.slew
    address = _window(access.address_at, access.address_until, slew, vdd, high=not access.falling)
    for bit in range(design.address_bits):
        yield f"v_a{bit} a{bit} 0 {address}"
    yield f"v_clk clk 0 {_window(access.clock_rise, access.clock_fall, slew, vdd, high=True)}"
    writes = access.written is not None
    yield f"v_we we 0 {_window(*access.enable, slew, vdd, high=writes) if access.enable else f'dc {vdd * writes!r}'}"
    for number, bit in enumerate(access.written or [0] * design.word_bits):
        wave = _window(*access.data, slew, vdd, high=bool(bit)) if access.data else f"dc {vdd * bit!r}"
        yield f"v_d{number} d{number} 0 {wave}"


def _window(at: float, until: float | None, slew: float, vdd: float, *, high: bool) -> str:
    """A source that is `high` from `at` to `until`, and the opposite before and after."""
    rest, level = (0, repr(vdd)) if high else (repr(vdd), 0)
    points = f"0 {rest} {at!r} {rest} {at + slew!r} {level}"
    if until is not None:
        points += f" {until!r} {level} {until + slew!r} {rest}"
    return f"dc {rest} pwl({points})"


def _row(name: str, nodes: Sequence[str], place: str, word_line: str, count: int = 1) -> str:
    ends = f"wl_en_{place} {word_line} vdd_decoder vdd_word_line"
    return f"x{name} {' '.join(nodes)} {ends} row mult={count}"


def _mirrored(design: MacroDesign, access: MacroAccess, address: int) -> int:
    """An address, or its complement where bits fall."""
    return address ^ (design.rows - 1) if access.falling else address


def _open_row(design: MacroDesign, access: MacroAccess) -> str:
    chosen = decoder.values(_mirrored(design, access, design.rows - 1), design.address_bits)
    nodes = [decoder.line(group, value, "far") for group, value in enumerate(chosen)]
    return _row("row_open", nodes, "far", "wl_0")


def _full_rows(draft: Draft, design: MacroDesign, access: MacroAccess) -> Iterator[str]:
    for i in range(design.rows - 1):
        place = decoder.PLACES[i * 3 // design.rows]
        found = decoder.values(_mirrored(design, access, i), design.address_bits)
        yield _row(f"row{i}", [decoder.line(g, value, place) for g, value in enumerate(found)], place, f"wl{i}_0")
        yield from _word_line(draft, design, f"wl{i}_")


def _lumped(design: MacroDesign, access: MacroAccess) -> Counter[tuple[int, ...]]:
    """Closed rows by what their lines do: select, deselect, or neither (one such line stands for all of a group)."""
    new, old = (
        decoder.values(_mirrored(design, access, address), design.address_bits)
        for address in (design.rows - 1, OLD_ADDRESS)
    )
    alike: Counter[tuple[int, ...]] = Counter()
    for i in range(design.rows - 1):
        found = decoder.values(_mirrored(design, access, i), design.address_bits)
        alike[tuple(v if v in (new[g], old[g]) else 1 for g, v in enumerate(found))] += 1
    return alike


def _lumped_rows(others: Counter[tuple[int, ...]]) -> Iterator[str]:
    for number, (found, count) in enumerate(sorted(others.items())):
        nodes = [decoder.line(group, value, "middle") for group, value in enumerate(found)]
        yield _row(f"rows{number}", nodes, "middle", f"closed{number}", count)


def _word_line(draft: Draft, design: MacroDesign, prefix: str) -> Iterator[str]:
    """A ladder of one section a column from the driver's node <prefix>0."""
    nodes = [f"{prefix}{number}" for number in range(design.word_bits + 1)]
    return draft.ladder(design.wiring.word_line, design.word_bits * design.wiring.cell_width, nodes)


def _columns(design: MacroDesign, access: MacroAccess, *, full: bool) -> Iterator[str]:
    draft_rows = range(design.rows - 1) if full else ()
    for number in range(len(access.stored)):
        ports = [f"wl_{number + 1}", *(f"wl{i}_{number + 1}" for i in draft_rows)]
        yield f"xcolumn{number} sl{number} slb{number} pre_b vdd_cells vdd_bit_line {' '.join(ports)} column"
        yield f"xsensing{number} sl{number} slb{number} en we_i d{number} dout{number} vdd_sense vdd_write sensing"


def _control(draft: Draft, design: MacroDesign) -> Iterator[str]:
    """Clock, precharge, word-line enable, replica and sense enable, all on vdd_control but the enable's driver."""
    strength = _strengths(design)
    across = design.word_bits * design.wiring.cell_width
    down = design.rows * design.wiring.cell_height
    replica_row = " ".join(["vdd_control"] * len(decoder.groups(design.address_bits)))
    yield from _word_line(draft, design, "wl_")
    yield f"r_wl_far wl_{design.word_bits} wl_far 1e-3"
    yield from draft.ladder(design.wiring.bit_line, down, [f"wl_en_{place}" for place in decoder.PLACES])
    for name in ("pre_b", "en", "we_i", "rwl"):
        yield f"c_{name} {name} 0 {design.wiring.word_line.c * across!r}"
    yield from (
        "x_clk_b clk clk_b vdd_control nand1_x4",
        "x_clk_i clk_b clk_i vdd_control nand1_x4",
        f"x_pre_b clk_b pre_b vdd_control nand1_x{strength['columns']}",
        "x_we_b clk_i we we_b vdd_control nand2_x2",
        f"x_we_i we_b we_i vdd_control nand1_x{strength['columns']}",
        "x_re we re vdd_control nand1_x1",
        "x_go_b clk_i stop_b go_b vdd_control nand2_x2",
        "x_go go_b go vdd_control nand1_x4",
        "x_go_2 go go_b2 vdd_word_line nand1_x8",
        f"x_wl_en go_b2 wl_en_near vdd_word_line nand1_x{strength['rows']}",
        f"xreplica_row {replica_row} wl_en_far rwl vdd_control vdd_control row",
        "xreplica rbl rblb pre_b vdd_control vdd_control rwl replica",
        "x_done rbl done vdd_control nand1_x1",
        "x_en_b done clk_i re en_b vdd_control nand3_x2",
        f"x_en en_b en vdd_control nand1_x{strength['columns']}",
        "x_stop en stop_b vdd_control nand1_x1",
    )
