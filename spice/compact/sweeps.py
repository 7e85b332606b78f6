"""Currents of the 6T cell's transistors from ngspice, at the voltages that the cell puts on them while it is read.

A threshold shift moves a transistor's curves along its gate voltage, which costs nothing to tabulate; what else it
does (to the mobility and the body effect) is small and smooth, so three shifts of a latch device tell it. The pass gate
has its gate and drain at the supply, so that its current depends on its source and its shift alone.

Tables hold the logarithm of a chord conductance, current over drain-source voltage: over temperature and supply that
is nearly straight where the current itself spans decades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Technology
from spice.engine import Engine

Floats = np.ndarray[Any, np.dtype[np.float64]]

LATCH = ("pull_down", "pull_up")
SIGNS = {"pull_down": 1.0, "pull_up": -1.0}  # of the drain current, and of the shift of vth0 that weakens
REACH = 0.3  # V; of a threshold shift, to either side
TOLD = (0.0, 0.15, -0.15)  # V; shifts at which the latch devices are swept

_SPACING = 0.025  # V; of gate and drain voltages
_SHIFT_SPACING = 0.05  # V
_OUTPUT_SPACING = 1 / 48  # of the supply
_MARGIN = 4  # nodes beyond what is used: there the ends of the splines show
_LEAST = 1e-18  # S


@dataclass(frozen=True)
class Grid:
    """Evenly spaced nodes.

    Args:
        first: node.
        spacing: of the nodes.
        count: of them.
    """

    first: float
    spacing: float
    count: int

    @property
    def nodes(self) -> Floats:
        """All of them, shape (count,)."""
        return np.asarray(self.first + self.spacing * np.arange(self.count), dtype=np.float64)

    def sweep(self, source: str) -> str:
        """What `dc` takes to put a source through the nodes."""
        last = self.first + (self.count - 0.75) * self.spacing  # past the last node, before the next
        return f"{source} {self.first!r} {last!r} {self.spacing!r}"


def _grid(low: float, high: float, spacing: float, *, between: bool = False) -> Grid:
    """A grid that covers low to high with margins and has `low` as a node, or midway between two."""
    first = low - (_MARGIN - 0.5 * between) * spacing
    return Grid(first, spacing, int(np.ceil((high - first) / spacing)) + 1 + _MARGIN)


def grids(highest: float) -> dict[str, Grid]:
    """Nodes of gate and drain voltage (V), threshold shift (V) and output (of the supply), up to a highest supply (V).

    None is at zero drain-source voltage, where a chord has no slope.
    """
    return {
        "gate": _grid(-REACH, highest + REACH, _SPACING),
        "drain": _grid(0.0, highest, _SPACING, between=True),
        "shift": _grid(-REACH, REACH, _SHIFT_SPACING),
        "output": _grid(0.0, 1.0, _OUTPUT_SPACING, between=True),
    }


def latch_netlist(technology: Technology, corner: str, temperature: float) -> Netlist:
    """The latch devices, each at every shift of `TOLD`: source vx is their overdrive, vy their drain-source voltage.

    Args:
        technology: gives the devices.
        corner: of the technology.
        temperature: C.

    Raises:
        ConfigError: unknown corner, or the technology lacks a device.
    """
    lines = ["vx x 0 0", "vy y 0 0", "exn xn 0 x 0 -1", "eyn yn 0 y 0 -1"]  # xn and yn: the same, seen by a PMOS
    for role, (g, d) in zip(LATCH, (("x", "y"), ("xn", "yn")), strict=True):
        device = technology.device(role)
        for k, shift in enumerate(TOLD):  # the gate follows the shift, so that the overdrive is x
            delvto = SIGNS[role] * shift
            lines += [f"vg_{role}{k} g_{role}{k} {g} {delvto!r}", f"vd_{role}{k} {d} d_{role}{k} 0"]
            lines.append(device.line(f"{role}{k}", f"d_{role}{k}", f"g_{role}{k}", "0", "0", delvto=delvto))
    return _netlist(technology, corner, temperature, LATCH, lines)


def access_netlist(technology: Technology, corner: str, temperature: float) -> Netlist:
    """Pass gates at every shift of the grid "shift": source vhigh is the supply, vy the output of the half-cell.

    Args:
        technology: gives the device.
        corner: of the technology.
        temperature: C.

    Raises:
        ConfigError: unknown corner, or the technology lacks the device.
    """
    lines, device = ["vhigh high 0 1", "vy y 0 0"], technology.device("pass_gate")
    for k, shift in enumerate(grids(1.0)["shift"].nodes.tolist()):
        lines += [f"vs{k} s{k} y 0", device.line(f"{k}", "high", "high", f"s{k}", "0", delvto=shift)]
    return _netlist(technology, corner, temperature, ("pass_gate",), lines)


def latch_chords(engine: Engine, netlist: Netlist, highest: float) -> Floats:
    """Logarithms of the chord conductances (S) of the latch devices.

    Args:
        engine: whose circuit is replaced.
        netlist: of `latch_netlist`.
        highest: supply, V.

    Returns:
        Over device (of `LATCH`), shift (of `TOLD`), gate overdrive and drain voltage (grids "gate" and "drain").
        Drain voltages below 0 continue the chord's logarithm straight: beyond 0 source and drain change places, and
        a spline would ring at the kink.

    Raises:
        SimulationError: ngspice refused.
    """
    known = grids(highest)
    gate, drain = known["gate"], known["drain"]
    below = int(np.sum(drain.nodes < 0))
    positive = Grid(float(drain.nodes[below]), drain.spacing, drain.count - below)
    engine.load(netlist)
    swept = engine.run(f"dc {positive.sweep('vy')} {gate.sweep('vx')}")
    shape = (gate.count, positive.count)
    currents = [[SIGNS[r] * swept[f"vd_{r}{k}#branch"].reshape(shape) for k in range(len(TOLD))] for r in LATCH]
    chords = _logarithm(np.array(currents) / positive.nodes)
    steps = np.arange(-below, 0)
    return np.concatenate([chords[..., :1] + steps * (chords[..., 1:2] - chords[..., :1]), chords], axis=-1)


def access_chords(engine: Engine, netlist: Netlist, supplies: Floats) -> Floats:
    """Logarithms of the chord conductances (S) of the pass gate, its gate and drain at the supply.

    Args:
        engine: whose circuit is replaced.
        netlist: of `access_netlist`.
        supplies: V, shape (supplies,).

    Returns:
        Over supply, shift and output (grids "shift" and "output").

    Raises:
        SimulationError: ngspice refused.
    """
    known = grids(1.0)
    output, shifts = known["output"], known["shift"].count
    engine.load(netlist)
    chords = []
    for supply in supplies.tolist():
        engine.alter("vhigh", "dc", supply)
        scaled = Grid(output.first * supply, output.spacing * supply, output.count)
        swept = engine.run("dc " + scaled.sweep("vy"))
        chords.append(np.stack([swept[f"vs{k}#branch"] for k in range(shifts)]) / (supply - scaled.nodes))
    return _logarithm(np.stack(chords))


def _logarithm(chords: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(chords, _LEAST)))


def _netlist(
    technology: Technology, corner: str, temperature: float, roles: tuple[str, ...], lines: list[str]
) -> Netlist:
    cards = {technology.card(role, corner).name: technology.card(role, corner).text for role in roles}
    text = "\n".join([OPTIONS, f".temp {temperature!r}", *lines, *cards.values()])
    return Netlist(f"transistors of the 6T cell, {technology.name} {corner}, {temperature:g} C", text)
