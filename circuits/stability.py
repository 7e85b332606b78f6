"""Benches of the 6T cell beyond its butterfly: the N-curve, retention at a low supply, and a write against time.

The N-curve's cell is that of circuits/cells.py, cut open by the source that holds its left node. In the other two the
cell has its junctions (circuits/wiring.py): a write's speed depends on them, and so does retention, since a BSIM3
transistor without a junction area gets a saturation current of 1e-14 A, more than the transistors of a cell at a low
supply give.
"""

from __future__ import annotations

from circuits import cells
from circuits.column import cell
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Technology
from circuits.wiring import Draft

N_CURVE_STEPS = 360
RETENTION_STEPS = 120
WORD_LINE_SLEW = 50e-12  # s, from 0 to vdd
WORD_LINE_START = 50e-12  # s
SUPPLIES = ("vdd_left", "vdd_right", "vbl", "vblb")  # sources of the retention bench
WRITTEN = "xcell"  # the written cell's instance


def n_curve(technology: Technology, corner: str, vdd: float, temperature: float) -> Netlist:
    """A cell as it is read, its node q held by `vin`, whose current is the N-curve.

    Word line and both bit lines are at `vdd`. Devices are `m<role>_<side>` as in the closed cell.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    whole = cells.cell(technology, corner, vdd, temperature)
    kept = [line for line in whole.text.splitlines() if not line.startswith(".nodeset")]
    text = "\n".join([*kept, "vin q 0 dc 0"])
    title = f"6T N-curve, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, text, (f".dc vin 0 {vdd!r} {vdd / N_CURVE_STEPS!r}",))


def retention(technology: Technology, corner: str, vdd: float, temperature: float) -> Netlist:
    """Both halves of a cell at rest, driven by `vin`, with the sources `SUPPLIES` at `vdd` and the word line at 0.

    Nodes in, q and qb are those of a butterfly; devices are `m<role>_<side>`. Tolerances are below its currents.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    draft = Draft(technology)
    text = [
        f".options reltol=1e-4 gmin=1e-20 abstol=1e-20 temp={temperature!r}",
        technology.cards(corner),
        ".param mult=1",
        "vin in 0 dc 0",
        *(f"{source} {source.removeprefix('v')} 0 dc {vdd!r}" for source in SUPPLIES),
    ]
    for side, out, line in (("left", "q", "bl"), ("right", "qb", "blb")):
        text += [
            draft.cell_transistor(f"pull_down_{side}", f"{out} in 0 0"),
            draft.cell_transistor(f"pull_up_{side}", f"{out} in dd_{side} dd_{side}"),
            draft.cell_transistor(f"pass_gate_{side}", f"{line} 0 {out} 0"),
        ]
        nodes = cells.half_nodes(side, gate="in", out=out, bit_line=line, word_line="0", supply=f"dd_{side}")
        text += [
            draft.cell_device(extra.device, extra.name, " ".join(nodes.get(node, node) for node in extra.nodes))
            for extra in (technology.cell.extras if technology.cell else ())
            if extra.side == side
        ]
    title = f"6T retention, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(text), (f".dc vin 0 {vdd!r} {vdd / RETENTION_STEPS!r}",))


def write_step(
    technology: Technology, corner: str, vdd: float, temperature: float, written: int, stop: float
) -> Netlist:
    """A cell that holds the opposite of `written`; its bit lines stand at `written` when the word line rises.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V.
        temperature: C.
        written: 0 or 1.
        stop: end of the transient, s.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    draft = Draft(technology)
    high, low = (vdd, 0.0) if written else (0.0, vdd)
    edge = f"{WORD_LINE_START!r} 0 {WORD_LINE_START + WORD_LINE_SLEW!r} {vdd!r}"
    step = max(1e-12, stop / 1000)
    text = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        cell(draft),
        f"vdd vdd 0 dc {vdd!r}",
        f"vbl bl 0 dc {high!r}",
        f"vblb blb 0 dc {low!r}",
        f"vwl wl 0 dc 0 pwl(0 0 {edge})",
        f"{WRITTEN} bl blb wl vdd cell",
        f".ic v({WRITTEN}.q)={low!r} v({WRITTEN}.qb)={high!r}",
        f".save v(wl) v({WRITTEN}.q) v({WRITTEN}.qb)",
    ]
    title = f"6T cell, write {written}, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join(text), (f".tran {step!r} {stop!r} 0 {step!r}",))
