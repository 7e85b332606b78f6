"""A column of 8T cells as its read port sees it: read bit line, precharge, and the ports of all its cells.

    far end   port  port  ...  port | precharge
    rbl o------+-----+----...---+---+-- rbl<n>

A read is single-ended: the read bit line falls where a cell stores a 0 in q, and should stay where it stores a 1. What
pulls it down in that case are the closed ports, most where they store a 0: their lower transistor conducts. Storage
nodes are at the rails, which a cell at rest keeps within microvolts. Ports that see equal voltages are one, multiplied;
junctions are those of a cell (circuits/wiring.py), the bit line is an RC ladder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits.measures import derived, value
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Technology
from circuits.wiring import Draft, Wiring

RAMP, RAMP_TIME = 0.2, 1e-9  # V, s: of the bench that measures the bit line's capacitance
SLEW = 50e-12  # s, of every ideal edge
SUPPLIES = ("precharge", "rwl", "pre_b")  # sources v<name> that a cycle's energy comes from
_STEPS = 400


@dataclass(frozen=True)
class PortColumn:
    """What a column is made of.

    Args:
        cells: on one read bit line.
        sections: of its ladder.
        port: role of both transistors of a read port.
        wiring: wires and diffusions.
    """

    cells: int = 128
    sections: int = 4
    port: str = "nmos_small"
    wiring: Wiring = field(default_factory=Wiring)

    def __post_init__(self) -> None:
        for name in ("cells", "sections"):
            value = getattr(self, name)
            if value < 1 or value != int(value):
                raise ConfigError(f"8T column: {name} = {value}; a column has at least one, and whole ones")


@dataclass(frozen=True)
class Open:
    """Which rows are opened together, from the far end on.

    Args:
        zeros: how many of them store a 0 in q and discharge the bit line.
        ones: how many store a 1.
    """

    zeros: int = 1
    ones: int = 0


@dataclass(frozen=True)
class Pulse:
    """One cycle, all times in s: precharge ends, the word line rises and falls, precharge starts again.

    Args:
        precharge_off: when the precharge ends.
        word_line_on: when the word lines rise.
        word_line_off: and fall.
        precharge_on: when the precharge starts again.
        end: of the cycle.
    """

    precharge_off: float
    word_line_on: float
    word_line_off: float
    precharge_on: float
    end: float


def cycle(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    design: PortColumn,
    opened: Open,
    others: int,
    pulse: Pulse,
) -> Netlist:
    """A column through one read: node rbl<sections> is sensed, sources `v<name>` of `SUPPLIES` give the energy.

    The opened cells are instances xzero (those that store 0) and xone, at the far end; all others store `others`.

    Raises:
        ConfigError: unknown corner, a role is missing, or more rows are opened than there are cells.
    """
    draft, near = Draft(technology, design.wiring), f"rbl{design.sections}"
    levels = ((0.0, 0.0), (pulse.precharge_off, vdd), (pulse.precharge_on, 0.0))
    word = ((0.0, 0.0), (pulse.word_line_on, vdd), (pulse.word_line_off, 0.0))
    text = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        ".param mult=1",
        *_column(draft, design, opened, others),
        draft.transistor("pmos", "precharge", f"{near} pre_b vdd_precharge vdd_precharge", 2),
        f"vhigh high 0 dc {vdd!r}",
        f"vprecharge vdd_precharge 0 dc {vdd!r}",
        f"vpre_b pre_b 0 {_edges(levels)}",
        f"vrwl rwl 0 {_edges(word)}",
        f".save v(rwl) v(pre_b) v({near}) " + " ".join(f"i(v{name})" for name in SUPPLIES),
    ]
    title = f"8T column of {design.cells} cells, read, {technology.name} {corner}, {temperature:g} C"
    step = pulse.end / _STEPS
    return Netlist(title, "\n".join(text), (f".tran {step!r} {pulse.end!r} 0 {step!r}",))


def closed(
    technology: Technology, corner: str, vdd: float, temperature: float, design: PortColumn, stored: int
) -> Netlist:
    """A column without open rows and precharge, all cells storing `stored`, at a source `vrbl` that falls by `RAMP`.

    Its tolerances are below the leakage of a junction.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    draft = Draft(technology, design.wiring)
    text = [
        f".options reltol=1e-4 gmin=1e-20 abstol=1e-18 temp={temperature!r}",
        technology.cards(corner),
        ".param mult=1",
        *_column(draft, design, Open(0, 0), stored),
        f"vhigh high 0 dc {vdd!r}",
        f"vrbl rbl{design.sections} 0 dc {vdd!r} pwl(0 {vdd!r} {RAMP_TIME!r} {vdd!r} {2 * RAMP_TIME!r} {vdd - RAMP!r})",
        "vrwl rwl 0 dc 0",
        ".save i(vrbl)",
    ]
    title = f"8T column of {design.cells} cells, closed, {technology.name} {corner}, {temperature:g} C"
    leakage = f"bit_line_leakage_{stored}"
    measures = [value("at_rest", "i(vrbl)", 0.0), derived(leakage, "0-at_rest")]
    if stored:  # of the figure
        measures.append(f".meas tran charge integ i(vrbl) from={RAMP_TIME!r} to={2 * RAMP_TIME!r}")
        measures.append(derived("bit_line_capacitance", f"(charge+{RAMP_TIME!r}*{leakage})/{RAMP!r}"))
    return Netlist(title, "\n".join(text), (f".tran 1p {2 * RAMP_TIME!r} 0 5p",), tuple(measures))


def _column(draft: Draft, design: PortColumn, opened: Open, others: int) -> Iterator[str]:
    """The ladder, the opened rows at its far end and all others spread over its sections."""
    count = opened.zeros + opened.ones
    if min(opened.zeros, opened.ones) < 0 or count > design.cells:
        raise ConfigError(f"8T column: {count} rows are opened of {design.cells}")
    port = draft.technology.device(design.port)
    yield ".subckt port rbl rwl qb mult=1"
    yield draft.cell_device(port, "read_gate", "rbl rwl middle 0")
    yield draft.cell_device(port, "read_driver", "middle qb 0 0")
    yield ".ends"
    nodes = [f"rbl{number}" for number in range(design.sections + 1)]
    yield from draft.ladder(design.wiring.bit_line, design.cells * design.wiring.cell_height, nodes)
    for name, gate, rows in (("zero", "high", opened.zeros), ("one", "0", opened.ones)):
        if rows:
            yield f"x{name} rbl0 rwl {gate} port mult={rows}"
    places: Sequence[int] = [row * design.sections // design.cells for row in range(count, design.cells)]
    gate = "0" if others else "high"
    for section in sorted(set(places)):
        yield f"xrest{section} rbl{section} 0 {gate} port mult={places.count(section)}"


def _edges(levels: Sequence[tuple[float, float]]) -> str:
    """A source that takes each (time, level) within `SLEW`."""
    (_, level), *rest = levels
    points = [(0.0, level)]
    for time, following in rest:
        points += [(time, level), (time + SLEW, following)]
        level = following
    return f"dc {levels[0][1]!r} pwl({' '.join(f'{time!r} {value!r}' for time, value in points)})"
