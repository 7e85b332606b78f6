"""A designer's own 6T cell: which of its transistors is which, read from how they are connected.

A pass gate is an NFET from a bit line to a storage node with its gate at the word line; a pull-down an NFET from a
storage node to ground, a pull-up a PFET from it to the supply, each with its gate at the other storage node.
Transistors of one kind in parallel at one place are one. Whatever else touches the storage nodes or bit lines, as the
parasitic devices of a published netlist, is kept as it is: it does not vary from cell to cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bitline.core.errors import NetlistError
from circuits.device import Device
from circuits.flatten import Capacitor, Transistor

PINS: Mapping[str, str] = {
    "bit_line": "bl",
    "bit_line_bar": "blb",
    "word_line": "wl",
    "supply": "vdd",
    "ground": "0",
    "n_well": "vdd",
    "p_well": "0",
}
"""Node of the cell's decks by what the pin map calls a pin; the wells are optional."""

SIDES: Mapping[str, tuple[str, str, str]] = {"left": ("q", "qb", "bl"), "right": ("qb", "q", "blb")}
"""Storage node, the other one, and bit line of either side."""

_JUNCTIONS = {"ad": "as", "pd": "ps", "nrd": "nrs", "as": "ad", "ps": "pd", "nrs": "nrd"}


@dataclass(frozen=True)
class Extra:
    """A transistor beyond the six; nodes in the order drain, gate, source, bulk, as the closed cell calls them."""

    name: str
    side: str
    nodes: tuple[str, str, str, str]
    device: Device


@dataclass(frozen=True)
class OwnCell:
    """A cell as its decks need it.

    Attributes:
        devices: its six transistors, by "pull_down_left" and so on.
        extras: further transistors.
        capacitors: with nodes as the closed cell calls them.
    """

    devices: Mapping[str, Device]
    extras: tuple[Extra, ...] = ()
    capacitors: tuple[Capacitor, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is two equal halves of three transistors each."""
        sides = ({name.rpartition("_")[0]: d for name, d in self.devices.items() if name.endswith(s)} for s in SIDES)
        left, right = sides
        return not self.extras and left == right


@dataclass(frozen=True)
class Described:
    """A transistor of the netlist with its device."""

    line: Transistor
    device: Device


def own_cell(
    where: str,
    transistors: Sequence[Described],
    capacitors: Iterable[Capacitor],
    pins: Mapping[str, str],
    storage: tuple[str, str] | None = None,
) -> OwnCell:
    """Sort a flattened cell.

    Args:
        where: the netlist and the subcircuit, for errors.
        transistors: all of them.
        capacitors: all of them.
        pins: of `PINS`, by the subcircuit's own node, in lower case.
        storage: the storage nodes at bit_line and at bit_line_bar, checked where given, else found.

    Raises:
        NetlistError: it is no 6T cell; says what is missing or in the way.
    """
    nodes = {"0": "0", "gnd": "0"} | {node: PINS[pin] for node, pin in pins.items()}
    nodes |= _storage(where, transistors, nodes, storage)
    placed = [_Placed(each, tuple(nodes.get(node, node) for node in each.line.nodes)) for each in transistors]
    devices: dict[str, Device] = {}
    rest = placed
    for side, (own, other, bit_line) in SIDES.items():
        for role, ends, gate, bulk, polarity in (
            ("pull_down", (own, "0"), other, "0", "nmos"),
            ("pass_gate", (bit_line, own), "wl", "0", "nmos"),
            ("pull_up", (own, "vdd"), other, "vdd", "pmos"),
        ):
            found = [each for each in rest if each.is_between(ends, gate, polarity)]
            rest = [each for each in rest if each not in found]
            devices[f"{role}_{side}"] = _one(where, f"{role}_{side}", found, ends, gate, bulk, polarity)
    extras = tuple(_extra(where, each, placed) for each in rest)
    kept = tuple(_capacitor(where, each, nodes) for each in capacitors)
    return OwnCell(devices, extras, kept)


@dataclass(frozen=True)
class _Placed:
    """A transistor with its nodes as the cell's decks call them."""

    described: Described
    nodes: tuple[str, ...]

    def is_between(self, ends: tuple[str, str], gate: str, polarity: str) -> bool:
        drain, at, source, _ = self.nodes
        return {drain, source} == set(ends) and at == gate and self.described.device.polarity == polarity

    @property
    def name(self) -> str:
        return f"{self.described.line.name} ({self.described.line.where})"


def _storage(
    where: str, transistors: Sequence[Described], nodes: Mapping[str, str], given: tuple[str, str] | None
) -> dict[str, str]:
    """Storage node by the netlist's own name."""
    found: dict[str, set[str]] = {"bl": set(), "blb": set()}
    for each in transistors:
        drain, gate, source, _ = each.line.nodes
        for line, node in ((drain, source), (source, drain)):
            at = nodes.get(line, "")
            if at in found and nodes.get(gate) == "wl" and node not in nodes and each.device.polarity == "nmos":
                found[at].add(node)
    for line, ends in found.items():
        pin = "bit_line" if line == "bl" else "bit_line_bar"
        if len(ends) != 1:
            many = f"NFETs to {', '.join(sorted(ends))}" if ends else "no NFET"
            raise NetlistError(
                f"{where}: no 6T cell: between '{pin}' and one storage node there must be a pass gate, an NFET with "
                f"its gate at 'word_line'; there is {many}"
            )
    left, right = found["bl"].pop(), found["blb"].pop()
    if left == right:
        raise NetlistError(f"{where}: no 6T cell: both pass gates end at node '{left}'")
    if given and given != (left, right):
        raise NetlistError(
            f"{where}: 'cell.q' and 'cell.q_bar' are {' and '.join(given)}, but the pass gates of 'bit_line' and "
            f"'bit_line_bar' lead to {left} and {right}; swap the pins or correct the nodes"
        )
    return {left: "q", right: "qb"}


def _one(
    where: str, name: str, found: Sequence[_Placed], ends: tuple[str, str], gate: str, bulk: str, polarity: str
) -> Device:
    """The one device that the parallel transistors are."""
    if not found:
        what = "an NFET" if polarity == "nmos" else "a PFET"
        raise NetlistError(
            f"{where}: no 6T cell: {name} is missing, {what} between {ends[0]} and {ends[1]} with its gate at {gate} "
            "(bl, blb, wl, vdd and 0 are the pins, q and qb the storage nodes)"
        )
    for each in found:
        if each.nodes[3] != bulk:
            well = "supply' or 'n_well" if bulk == "vdd" else "ground' or 'p_well"
            raise NetlistError(f"{where}: the bulk of {each.name} is at '{each.nodes[3]}'; it must be at '{well}'")
    devices = [_turned(each, ends[0]) for each in found]
    if any(
        (d.name, d.w, d.l, d.parameters) != (devices[0].name, devices[0].w, devices[0].l, devices[0].parameters)
        for d in devices
    ):
        names = " and ".join(each.name for each in found)
        raise NetlistError(f"{where}: {names} stand parallel as {name} but differ; make them alike")
    first = devices[0]
    m = sum(device.m for device in devices)
    return Device(first.name, first.polarity, first.w, first.l, first.mismatch, m, first.parameters)


def _turned(placed: _Placed, drain: str) -> Device:
    """The device with its junctions as the decks draw it, whichever end the netlist calls the drain."""
    device = placed.described.device
    if placed.nodes[0] == drain:
        return device
    parameters = {_JUNCTIONS.get(key, key): value for key, value in device.parameters.items()}
    return Device(device.name, device.polarity, device.w, device.l, device.mismatch, device.m, parameters)


def _extra(where: str, placed: _Placed, everything: Sequence[_Placed]) -> Extra:
    known = {*PINS.values(), "q", "qb"}
    touched = {node for node in (placed.nodes[0], placed.nodes[2]) if node in known}
    side = "right" if touched & {"qb", "blb"} or (not touched & {"q", "bl"} and placed.nodes[1] == "qb") else "left"
    _, _, far_line = SIDES["right" if side == "left" else "left"]
    joins = {"q", "qb"} <= touched or far_line in placed.nodes
    loose = [node for node in placed.nodes if node not in known]
    shared = [node for node in loose if sum(each.nodes.count(node) for each in everything) > 1]
    if joins or shared:
        why = f"at the inner node {shared[0]}" if shared else "between the two sides"
        raise NetlistError(f"{where}: no 6T cell: {placed.name} is one transistor too many, {why}")
    drain, gate, source, bulk = placed.nodes
    line = placed.described.line
    return Extra(f"extra_{line.name.replace('.', '_')}", side, (drain, gate, source, bulk), placed.described.device)


def _capacitor(where: str, capacitor: Capacitor, nodes: Mapping[str, str]) -> Capacitor:
    first, second = (nodes.get(node, node) for node in capacitor.nodes)
    for node, name in ((first, capacitor.nodes[0]), (second, capacitor.nodes[1])):
        if node not in {*PINS.values(), "q", "qb"}:
            raise NetlistError(f"{where}: capacitor {capacitor.name} is at '{name}', no pin and no storage node")
    return Capacitor(capacitor.name.replace(".", "_"), (first, second), capacitor.value)
