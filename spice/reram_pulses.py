"""Programming pulses on a 1T1R ReRAM cell in ngspice: one transient a pulse, with the read that verifies it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.netlist import Netlist
from circuits.reram import access_device, load_device
from circuits.reram.pulsed import READ, Pulse, pulsed_cell
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine

Floats = np.ndarray[Any, np.dtype[np.float64]]

SUPPLIES = ("top", "bottom", "gate")
_ACCESS, _STATE, _HEAT = "m.xcell.maccess", "c.xcell.xdevice.cstate", "r.xcell.xdevice.rheat"
_SETTLED = 0.9  # of the read: when its current is sampled


@dataclass(frozen=True)
class Pulsed:
    """What one pulse did.

    Args:
        state: of the device afterwards.
        conductance: of the cell at the read voltage, S.
        energy: that all supplies gave in pulse and read, J; what a line returns in falling is taken off.
        run: the vectors.
    """

    state: float
    conductance: float
    energy: float
    run: Vectors


class PulseBench:
    """A 1T1R cell that takes pulses, loaded in this process's ngspice.

    Args:
        conditions: corner and temperature; the gate is at vdd in a read.
        device: name of the device model.
        v_read: V.
        c_mid: of the wire between device and transistor, F.

    Raises:
        ConfigError: unknown technology, corner or device, or impossible values.
    """

    def __init__(self, conditions: Conditions, device: str, v_read: float, c_mid: float = 0.0) -> None:
        if not (math.isfinite(v_read) and v_read > 0):
            raise ConfigError(f"v_read = {v_read} V: a read takes a voltage above 0 V")
        if not (math.isfinite(c_mid) and c_mid >= 0):
            raise ConfigError(f"c_mid = {c_mid} F: a capacitance is 0 or above")
        self.device, self.v_read, self.vdd = load_device(device), v_read, conditions.vdd
        technology = load_technology(conditions.technology)
        self.access = access_device(technology)
        nothing = Pulse(0.0, 0.0, 0.0, 100e-9)
        arguments = (conditions.corner, conditions.temperature, nothing, v_read, conditions.vdd, c_mid)
        self.netlist: Netlist = pulsed_cell(self.device, technology, *arguments)
        self._ngspice = engine()

    @property
    def heats(self) -> bool:
        """Whether the device model has a thermal resistance."""
        return any(line.startswith("rheat ") for line in self.device.dynamics())

    def apply(self, pulse: Pulse, state: float, access_vth: float = 0.0, heating: float = 1.0) -> Pulsed:
        """One pulse and its read on a device in `state`.

        Args:
            pulse: the pulse.
            state: of the device before it.
            access_vth: shift of the transistor's threshold, V.
            heating: thermal resistance of this device over the model's; 1 for a model that does not heat.
        """
        if self._ngspice.netlist is not self.netlist:
            self._ngspice.load(self.netlist)
        self._ngspice.alter(_ACCESS, "delvto", access_vth)
        self._ngspice.alter(_STATE, "ic", state)
        if self.heats:
            self._ngspice.alter(_HEAT, "resistance", heating)
        for supply, level, read in (
            ("top", pulse.top, self.v_read),
            ("bottom", pulse.bottom, 0.0),
            ("gate", pulse.gate, self.vdd),
        ):
            corners = " ".join(repr(float(corner)) for corner in pulse.corners(level, read))
            self._ngspice.command(f"alter @v{supply}[pwl] = [ {corners} ]")
        run = self._ngspice.run(f"tran 1n {pulse.ends!r} 0 5n uic")
        time = run["time"]
        energy = sum(-np.trapezoid(run[supply] * run[f"v{supply}#branch"], time) for supply in SUPPLIES)
        return Pulsed(float(run["state"][-1]), self._conductance(pulse, run), float(energy), run)

    def read(self, state: float, access_vth: float = 0.0, heating: float = 1.0) -> Pulsed:
        """The read alone, as the first verify makes it: a pulse of no voltage."""
        return self.apply(Pulse(0.0, 0.0, 0.0, 0.0), state, access_vth, heating)

    def _conductance(self, pulse: Pulse, run: Vectors) -> float:
        current = -np.interp(pulse.read_starts + _SETTLED * READ, run["time"], run["vtop#branch"])
        return float(current) / self.v_read
