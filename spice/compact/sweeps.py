"""Currents of the 6T cell's transistors from ngspice, at the voltages that the cell puts on them.

A threshold shift moves a transistor's curves along its gate voltage, which costs nothing to tabulate; what else it
does (to the mobility and the body effect) is small and smooth, and so is what a thicker oxide does beyond raising the
threshold: a few shifts of a latch device tell both. The pass gate has its drain at the supply, and its gate there or at
0, so that its current depends on its source and its shifts alone.

Tables hold the logarithm of a chord conductance, current over drain-source voltage: over temperature and supply that
is nearly straight where the current itself spans decades.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from circuits.netlist import OPTIONS, Netlist
from circuits.own_cards import own_model
from circuits.technology import Device, Technology
from spice.engine import Engine
from spice.mismatch import model_values, set_model

Floats = np.ndarray[Any, np.dtype[np.float64]]

LATCH = ("pull_down", "pull_up")
SIGNS = {"pull_down": 1.0, "pull_up": -1.0}  # of the drain current, and of the shift of vth0 that weakens
REACH = 0.3  # V; of a threshold shift, to either side
OXIDES = (0.0, 0.12, -0.12)  # relative shifts of the oxide's thickness at which devices are swept
OXIDE_REACH = 0.2  # to either side
TOLD = ((0.0, 0.0), (0.15, 0.0), (-0.15, 0.0), (0.0, 0.12), (0.0, -0.12), (0.15, 0.12), (-0.15, -0.12))
# shifts of threshold (V) and oxide at which the latch devices are swept
WORD_LINES = ("read", "hold")  # the pass gate's gate at the supply, at 0

_SPACING = 0.025  # V; of gate and drain voltages
_LEAN_REACH = 0.1  # V; what an oxide's shift may add to a threshold
_LEAN_CURRENT = 1e-7  # A; at which that is told
_SHIFT_SPACING = 0.05  # V
_OUTPUT_SPACING = 1 / 48  # of the supply
_MARGIN = 4  # nodes beyond what is used: there the ends of the splines show
_LEAST = 1e-18  # S
FLOOR = 1e-15  # S; is added to the pass gate's chords, whose logarithm would end in noise where it is off
_OFF = 1.0  # V; a threshold's shift that leaves of a pass gate its junctions


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
        "gate": _grid(-REACH - _LEAN_REACH, highest + REACH + _LEAN_REACH, _SPACING),
        "drain": _grid(0.0, highest, _SPACING, between=True),
        "shift": _grid(-REACH - _LEAN_REACH, REACH + _LEAN_REACH, _SHIFT_SPACING),
        "output": _grid(0.0, 1.0, _OUTPUT_SPACING, between=True),
    }


@dataclass(frozen=True)
class Sweeps:
    """The devices of one corner at one temperature, as ngspice is to sweep them.

    Args:
        technology: gives the devices.
        corner: of the technology.
        temperature: C.

    Raises:
        ConfigError: unknown corner, or the technology lacks a device.
        NetlistError: a card gives no oxide thickness.
    """

    technology: Technology
    corner: str
    temperature: float

    def latch_netlist(self) -> Netlist:
        """The latch devices, each at every shift of `TOLD`: vx is their overdrive, vy the drain-source voltage."""
        lines = ["vx x 0 0", "vy y 0 0", "exn xn 0 x 0 -1", "eyn yn 0 y 0 -1"]  # xn and yn: the same, seen by a PMOS
        for role, (g, d) in zip(LATCH, (("x", "y"), ("xn", "yn")), strict=True):
            for k, (shift, oxide) in enumerate(TOLD):  # the gate follows the shift, so that the overdrive is x
                delvto, device = SIGNS[role] * shift, self._device(role, oxide)
                lines += [f"vg_{role}{k} g_{role}{k} {g} {delvto!r}", f"vd_{role}{k} {d} d_{role}{k} 0"]
                lines.append(device.line(f"{role}{k}", f"d_{role}{k}", f"g_{role}{k}", "0", "0", delvto=delvto))
        return self._netlist(LATCH, lines)

    def access_netlist(self) -> Netlist:
        """Pass gates at every shift of oxide and of the grid "shift".

        Source vhigh is the supply, vgate the word line, vy the output of the half-cell.
        """
        lines = ["vhigh high 0 1", "vgate gate 0 1", "vy y 0 0"]
        for n, oxide in enumerate(OXIDES):
            device = self._device("pass_gate", oxide)
            for k, shift in enumerate(grids(1.0)["shift"].nodes.tolist()):
                name = f"{n}_{k}"
                lines += [f"vs{name} s{name} y 0", device.line(name, "high", "gate", f"s{name}", "0", delvto=shift)]
        junctions = self._device("pass_gate", 0.0).line("junctions", "j", "0", "j", "0", delvto=_OFF)
        return self._netlist(("pass_gate",), [*lines, "vj y j 0", junctions])

    def latch_chords(self, engine: Engine, highest: float) -> Floats:
        """Logarithms of the chord conductances (S) of the latch devices up to a highest supply (V).

        Args:
            engine: whose circuit is replaced.
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
        self._load(engine, self.latch_netlist(), LATCH)
        swept = engine.run(f"dc {positive.sweep('vy')} {gate.sweep('vx')}")
        shape = (gate.count, positive.count)
        currents = [[SIGNS[r] * swept[f"vd_{r}{k}#branch"].reshape(shape) for k in range(len(TOLD))] for r in LATCH]
        chords = _logarithm(np.array(currents) / positive.nodes)
        steps = np.arange(-below, 0)
        return np.concatenate([chords[..., :1] + steps * (chords[..., 1:2] - chords[..., :1]), chords], axis=-1)

    def access_chords(self, engine: Engine, supplies: Floats) -> tuple[Floats, Floats]:
        """The pass gate's channel and its junction, its drain at the supply.

        The junction, which ngspice gives a conductance and a saturation current, carries femtoamperes; they set the
        curves of a slow cell that is cold at a low supply.

        Args:
            engine: whose circuit is replaced.
            supplies: V, shape (supplies,).

        Returns:
            Logarithms of the channel's chord conductances (S), with `FLOOR` in them, over supply, word line (of
            `WORD_LINES`), oxide (of `OXIDES`), shift and output (grids "shift" and "output"); and currents from output
            to bulk (A) over supply and output.

        Raises:
            SimulationError: ngspice refused.
        """
        known = grids(1.0)
        output, shape = known["output"], (len(OXIDES), known["shift"].count)
        self._load(engine, self.access_netlist(), ("pass_gate",))
        chords, junctions = [], []
        for supply in supplies.tolist():
            engine.alter("vhigh", "dc", supply)
            scaled = Grid(output.first * supply, output.spacing * supply, output.count)
            for gate in (supply, 0.0):
                engine.alter("vgate", "dc", gate)
                swept = engine.run("dc " + scaled.sweep("vy"))
                currents = np.array([swept[f"vs{n}_{k}#branch"] for n, k in np.ndindex(shape)])
                junction = 0.5 * swept["vj#branch"]
                chords.append((currents + junction) / (supply - scaled.nodes) + FLOOR)
            junctions.append(junction)
        whole = np.reshape(chords, (supplies.size, len(WORD_LINES), *shape, output.count))
        return _logarithm(whole), np.array(junctions)

    def _device(self, role: str, oxide: float) -> Device:
        """The role's device on the card of this oxide."""
        device = self.technology.device(role)
        return replace(device, name=own_model(device.name, _tag(oxide)))

    def _load(self, engine: Engine, netlist: Netlist, roles: tuple[str, ...]) -> None:
        engine.load(netlist)
        for role in roles:
            card = self.technology.card(role, self.corner)
            for oxide in OXIDES:
                set_model(engine, card, _tag(oxide), model_values(card, {"toxe": oxide}))

    def _netlist(self, roles: tuple[str, ...], lines: list[str]) -> Netlist:
        copies: dict[str, str] = {}
        for card in (self.technology.card(role, self.corner) for role in roles):
            copies |= {name: card.renamed(name).text for name in (own_model(card.name, _tag(t)) for t in OXIDES)}
        text = "\n".join([OPTIONS, f".temp {self.temperature!r}", *lines, *copies.values()])
        title = f"transistors of the 6T cell, {self.technology.name} {self.corner}, {self.temperature:g} C"
        return Netlist(title, text)


def lean(chords: Floats, highest: float) -> Floats:
    """What a relative shift of the oxide adds to a device's threshold (V) at a current of 100 nA, about.

    Args:
        chords: of `Sweeps.latch_chords` at one temperature.
        highest: of those.

    Returns:
        Of pull-down, pass gate (taken to be as the pull-down's: it only says along what the tables are told) and
        pull-up, shape (3,).
    """
    known = grids(highest)
    middle = known["drain"].count // 2
    level = np.log(_LEAN_CURRENT / known["drain"].nodes[middle])
    gate = known["gate"].nodes
    thick, thin = TOLD.index((0.0, OXIDES[1])), TOLD.index((0.0, OXIDES[2]))
    found = []
    for device in chords:
        above, below = (np.interp(level, device[k, :, middle], gate) for k in (thick, thin))
        found.append((above - below) / (OXIDES[1] - OXIDES[2]))
    return np.array([found[0], found[0], found[1]])


def lean_latch(chords: Floats, lean: Floats, gate: Grid) -> Floats:
    """Chords of the latch devices (over temperature, device, told shift, ...) with the overdrive less its lean."""
    moved = chords.copy()
    for device, by in enumerate((lean[0], lean[2])):
        for k, (_, oxide) in enumerate(TOLD):
            if oxide:
                spline = CubicSpline(gate.nodes, chords[:, device, k], axis=1)
                moved[:, device, k] = spline(gate.nodes + by * oxide)
    return moved


def lean_access(chords: Floats, lean: Floats, shift: Grid) -> Floats:
    """Chords of the pass gate (over temperature, supply, word line, oxide, shift, output), the lean in the shift."""
    moved = chords.copy()
    for k, oxide in enumerate(OXIDES):
        if oxide:
            moved[:, :, :, k] = CubicSpline(shift.nodes, chords[:, :, :, k], axis=3)(shift.nodes - lean[1] * oxide)
    return moved


def _tag(oxide: float) -> str:
    """Owner of the card with this oxide."""
    return f"oxide{OXIDES.index(oxide)}"


def _logarithm(chords: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(chords, _LEAST)))
