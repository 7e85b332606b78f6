"""Read disturb of the 1T1R ReRAM cell: how long a voltage may stay before the conductance has moved by 1 %.

At a read voltage this takes from seconds to centuries, which no transient covers. ngspice gives the rate of the state
at states held along the way, heat and transistor included, and the time is the integral of 1 / rate over them. At
voltages where a transient is possible, both give the same time. Far below those, the time is what the model's rate
equation says: nothing there was measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from circuits.netlist import Netlist
from circuits.reram import load_device
from circuits.reram.pulsed import state_rate
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import engine

Floats = np.ndarray[Any, np.dtype[np.float64]]

CHANGE = 0.01  # of the conductance
STEPS = 5  # states along the way
_NANO = 1e-9  # s that the device models count their rates in


class DisturbBench:
    """A 1T1R cell at a held state, loaded in this process's ngspice.

    Args:
        conditions: corner, temperature; the gate is at vdd.
        device: name of the device model.
    """

    def __init__(self, conditions: Conditions, device: str) -> None:
        self.device = load_device(device)
        technology = load_technology(conditions.technology)
        self.netlist: Netlist = state_rate(
            self.device, technology, conditions.corner, conditions.temperature, conditions.vdd
        )
        self._ngspice = engine()

    def rate(self, state: float, v: float) -> float:
        """How fast `v` (V) on the cell's top moves the state, in its unit a second."""
        return self._solve(state, v)[0] / _NANO

    def current(self, state: float, v: float) -> float:
        """Current into the cell's top, A."""
        return self._solve(state, v)[1]

    def time(self, state: float, v: float, v_read: float) -> float:
        """Time (s) at `v` (V) until the conductance at `v_read` (V) has moved by CHANGE; inf where it never does.

        It rises with a positive voltage and falls with a negative one.
        """
        end = self._moved(state, 1 + np.sign(v) * CHANGE, v_read)
        path = np.linspace(state, end, STEPS)
        rates = np.array([self.rate(float(x), v) for x in path])
        if np.any(rates * (end - state) <= 0):  # at rest below a threshold, or at the end of the range
            return float("inf")
        return float(np.trapezoid(1 / rates, path))

    def _moved(self, state: float, factor: float, v_read: float) -> float:
        """The state whose conductance is `factor` times that of `state`, by secant from a step of the range."""
        wanted = factor * self.current(state, v_read)
        step = 1e-3 * (self.device.lrs - self.device.hrs)
        towards = state + (step if factor > 1 else -step)
        first, second = (np.log(self.current(x, v_read)) for x in (state, towards))
        for _ in range(3):
            state, towards = towards, towards + (np.log(wanted) - second) * (towards - state) / (second - first)
            first, second = second, np.log(self.current(towards, v_read))
            if abs(np.log(wanted) - second) < 1e-3 * CHANGE:
                break
        return float(towards)

    def _solve(self, state: float, v: float) -> tuple[float, float]:
        if self._ngspice.netlist is not self.netlist:
            self._ngspice.load(self.netlist)
        self._ngspice.alter("vstate", "dc", state)
        self._ngspice.alter("vtop", "dc", v)
        solved = self._ngspice.run("op")
        return float(solved["vstate#branch"][0]), -float(solved["vtop#branch"][0])
