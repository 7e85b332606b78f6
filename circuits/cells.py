"""The 6T SRAM cell: whole, cut open for its butterfly curves, and cut open for its write margins.

Node `q` is the left storage node, `qb` the right one; the left bit line `bl` meets `q` through `pass_gate_left`, the
right one `blb` meets `qb`. Devices take the sizes of the technology's roles pull_down, pass_gate and pull_up (sky130:
the OpenRAM single-port cell), without junction areas, parasitic devices or wiring; a technology with a cell of its own
gives that cell's transistors, the further ones too (`mextra_<name>`), with the junctions that its netlist has.

A cell that is cut open has one solution at every point of a sweep: it needs no initial state and cannot snap between
states, so its curves are smooth in every parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from circuits.netlist import OPTIONS, Netlist
from circuits.own_cell import SIDES as SIDE_NODES
from circuits.technology import Technology

ROLES = ("pull_down", "pass_gate", "pull_up")
SIDES = ("left", "right")
DEVICES = tuple(f"{role}_{side}" for side in SIDES for role in ROLES)
STEPS = 180  # of a butterfly's sweep over the supply
WRITE_STEPS = 90  # of a write bench's

# Write benches: which bit line is pulled low, and what is lowered or raised until the cell flips
WRITES = tuple(f"{line}_{side}" for line in ("bl", "wl") for side in SIDES)


def cell(technology: Technology, corner: str, vdd: float, temperature: float, stored: int = 0) -> Netlist:
    """The closed cell with sources on the word line and both bit lines, all at `vdd`.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V.
        temperature: C.
        stored: 0 or 1, where `q` starts (a .nodeset).

    Returns:
        A netlist with sources vdd, vbl, vblb, vwl and devices `m<role>_<side>`.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    q, qb = (vdd, 0.0) if stored else (0.0, vdd)
    lines = [
        *_supplies(vdd, ("vdd", "wl", "bl", "blb")),
        *_half(technology, "left", gate="qb", out="q", bit_line="bl"),
        *_half(technology, "right", gate="q", out="qb", bit_line="blb"),
        f".nodeset v(q)={q!r} v(qb)={qb!r}",
    ]
    return _netlist("6T cell", technology, corner, temperature, lines, ".op")


def butterfly(technology: Technology, corner: str, vdd: float, temperature: float) -> Netlist:
    """Both inverters of the cell, loaded by their pass gates, driven by one source `vin`.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V; bit lines and word line (`vwl`) are at it.
        temperature: C.

    Returns:
        A netlist with sources vin, vwl, vbl, vblb, vdd_left, vdd_right; `q` and `qb` are the inverters' outputs.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    lines = [
        *_supplies(vdd, ("vdd_left", "vdd_right", "wl", "bl", "blb")),
        "vin in 0 0",
        *_half(technology, "left", gate="in", out="q", bit_line="bl", supply="vdd_left"),
        *_half(technology, "right", gate="in", out="qb", bit_line="blb", supply="vdd_right"),
    ]
    sweep = f".dc vin 0 {vdd!r} {vdd / STEPS!r}"
    return _netlist("6T butterfly", technology, corner, temperature, lines, sweep)


def write(technology: Technology, corner: str, vdd: float, temperature: float) -> Netlist:
    """Four cells being written, the node that falls held by `vin` in each.

    In bench `bl_left` the left bit line falls (source `vbl_left`) at a word line of `vdd`; in `wl_left` the left bit
    line is at 0 and the word line rises (source `vwl_left`); `bl_right` and `wl_right` mirror them. The other bit line
    stays at `vdd`. The current that `vin` must push into a held node is that of the zero-volt source `vhold_<bench>`;
    where it is zero the cell is in equilibrium.

    Args:
        technology: gives the devices.
        corner: of the technology.
        vdd: supply, V.
        temperature: C.

    Returns:
        A netlist with devices `m<role>_<side>_<bench>`.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    lines = [*_supplies(vdd, ("vdd", "high")), "vin in 0 0"]
    for bench in WRITES:
        line, held = bench.split("_")
        other = "right" if held == "left" else "left"
        word, bit = ("high", f"moved_{bench}") if line == "bl" else (f"moved_{bench}", "0")
        follower, node = f"follower_{bench}", f"held_{bench}"
        lines += [
            f"v{bench} moved_{bench} 0 {vdd!r}",
            f"vhold_{bench} in {node} 0",
            *_half(technology, held, gate=follower, out=node, bit_line=bit, word_line=word, suffix="_" + bench),
            *_half(technology, other, gate=node, out=follower, bit_line="high", word_line=word, suffix="_" + bench),
        ]
    sweep = f".dc vin {vdd!r} 0 {-vdd / WRITE_STEPS!r}"
    return _netlist("6T write benches", technology, corner, temperature, lines, sweep)


def _half(
    technology: Technology,
    side: str,
    *,
    gate: str,
    out: str,
    bit_line: str,
    word_line: str = "wl",
    supply: str = "vdd",
    suffix: str = "",
) -> Iterator[str]:
    """One inverter and its pass gate, and what further transistors the side has."""
    name = f"{side}{suffix}"
    yield technology.device(f"pull_down_{side}").line(f"pull_down_{name}", out, gate, "0", "0")
    yield technology.device(f"pull_up_{side}").line(f"pull_up_{name}", out, gate, supply, supply)
    yield technology.device(f"pass_gate_{side}").line(f"pass_gate_{name}", bit_line, word_line, out, "0")
    nodes = half_nodes(side, gate=gate, out=out, bit_line=bit_line, word_line=word_line, supply=supply)
    for extra in technology.cell.extras if technology.cell else ():
        if extra.side == side:
            drain, at, source, bulk = (nodes.get(node, f"{node}{suffix}") for node in extra.nodes)
            yield extra.device.line(f"{extra.name}{suffix}", drain, at, source, bulk)


def half_nodes(side: str, *, gate: str, out: str, bit_line: str, word_line: str, supply: str) -> dict[str, str]:
    """What a deck calls the nodes that one half of a closed cell meets, by their names there."""
    own, other, line = SIDE_NODES[side]
    return {own: out, other: gate, line: bit_line, "wl": word_line, "vdd": supply, "0": "0"}


def _supplies(vdd: float, nodes: tuple[str, ...]) -> Iterator[str]:
    for node in nodes:
        name = node if node.startswith("v") else "v" + node
        yield f"{name} {node} 0 {vdd!r}"


def _netlist(
    what: str, technology: Technology, corner: str, temperature: float, lines: list[str], *analyses: str
) -> Netlist:
    head = [OPTIONS, f".temp {temperature!r}", *lines]
    title = f"{what}, {technology.name} {corner}, {temperature:g} C"
    return Netlist(title, "\n".join([*head, *_cards(technology, corner)]), analyses)


def _cards(technology: Technology, corner: str) -> list[str]:
    """The cards of the cell's own models: a deck that is loaded for every sample should not carry the rest."""
    wanted = {technology.device(name).name.lower() for name in DEVICES}
    wanted |= {extra.device.name.lower() for extra in technology.cell.extras} if technology.cell else set()
    blocks = re.split(r"^(?=\.model\s)", technology.cards(corner), flags=re.IGNORECASE | re.MULTILINE)
    return [block.strip() for block in blocks[1:] if block.split()[1].lower() in wanted]
