"""Reading a ReRAM device and its 1T1R cell in ngspice: at a held state, in steady state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize_scalar

from bitline.core.errors import ConfigError, ModelRangeError
from circuits.netlist import Netlist
from circuits.reram import access_device, load_device
from circuits.reram.benches import read
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import engine

Floats = np.ndarray[Any, np.dtype[np.float64]]

STATES = 81  # of the map between state and conductance, over all that the device can reach
VOLTAGES = 21  # of a read I-V from 0 to twice the read voltage
_ACCESS = "m.xcell.maccess"
_BENDS = (0.05, 20.0)  # 1 / V; below the first the curve is straight within 1e-5
_EXACT, _STEPS = 1e-7, 5  # relative error of a state's conductance, and the most steps to it


def netlist(conditions: Conditions, device: str, v_read: float) -> Netlist:
    """A device and a cell, read at `v_read` (V) with the gate at the supply.

    Raises:
        ConfigError: unknown technology, corner or device, or impossible voltages.
    """
    if not (math.isfinite(v_read) and 0 < 2 * v_read < conditions.vdd):
        raise ConfigError(f"v_read = {v_read} V: reads go from 0 to twice that, below the supply ({conditions.vdd} V)")
    return read(
        load_device(device),
        load_technology(conditions.technology),
        conditions.corner,
        conditions.temperature,
        v_gate=conditions.vdd,
        v_read=v_read,
    )


def bend(v: Floats, current: Floats, v_ref: float) -> float:
    """The k (1 / V) of i = i(v_ref) sinh(k v) / sinh(k v_ref) with the least relative error.

    Args:
        v: V, shape (n,), above 0 and rising.
        current: A, shape (n,).
        v_ref: V, within them.
    """
    at_ref = float(np.interp(v_ref, v, current))

    def misfit(k: float) -> float:
        return float(np.sum((at_ref * np.sinh(k * v) / np.sinh(k * v_ref) / current - 1) ** 2))

    return float(minimize_scalar(misfit, bounds=_BENDS, method="bounded", options={"xatol": 1e-6}).x)


class ReadBench:
    """The read circuit, loaded in this process's ngspice.

    Args:
        conditions: corner, temperature; the gate is at vdd.
        device: name of the device model.
        v_read: V.

    Attributes:
        state: shape (STATES,), from the highest to the lowest conductance.
        voltage: shape (VOLTAGES,), 0 to 2 v_read.
        cell_current: A, shape (STATES, VOLTAGES).
    """

    def __init__(self, conditions: Conditions, device: str, v_read: float) -> None:
        self.device, self.v_read, self.vdd = load_device(device), v_read, conditions.vdd
        self.access = access_device(load_technology(conditions.technology))
        self.netlist = netlist(conditions, device, v_read)
        self._ngspice = engine()
        self.state = np.linspace(self.device.lrs, self.device.hrs, STATES)
        self.voltage = np.linspace(0.0, 2 * v_read, VOLTAGES)
        self.cell_current = self._map()
        conductance = self.conductance_of_state()[::-1]
        self._inverse = PchipInterpolator(np.log(conductance), self.state[::-1])
        self._slope = self._inverse.derivative()
        self.low, self.high = float(conductance[0]), float(conductance[-1])

    def load(self) -> None:
        """Make sure that ngspice holds this circuit."""
        if self._ngspice.netlist is not self.netlist:
            self._ngspice.load(self.netlist)

    def conductance_of_state(self) -> Floats:
        """Current over voltage of the cell at v_read, S, at every state of `state`."""
        return np.asarray(self.cell_current[:, VOLTAGES // 2] / self.v_read)

    def state_for(self, conductance: float) -> float:
        """The state at which the cell without mismatch has this conductance (S) at v_read, found in ngspice.

        The map gives the first guess and the slope; a few operating points take it to `_EXACT`.

        Raises:
            ModelRangeError: the device cannot reach it.
        """
        if not self.low <= conductance <= self.high:
            raise ModelRangeError(
                f"a 1T1R cell of {self.device.name} reaches {self.low * 1e6:.3g} to {self.high * 1e6:.3g} uS, not "
                f"{conductance * 1e6:.3g} uS; choose levels in that range"
            )
        wanted = math.log(conductance)
        state = float(self._inverse(wanted))
        for _ in range(_STEPS):
            current, _mid = self.point(state)
            error = wanted - math.log(current / self.v_read)
            if abs(error) < _EXACT:
                break
            state += error * float(self._slope(wanted))
        return state

    def curves(self, state: float) -> Mapping[str, Floats]:
        """I-V at a state over `voltage`: `device_i` (A), `cell_i` (A), `mid` (V, between device and transistor)."""
        self._set(state, 0.0, self.vdd)
        swept = self._ngspice.run(f"dc vread 0 {2 * self.v_read!r} {2 * self.v_read / (VOLTAGES - 1)!r}")
        return {"device_i": swept["valone#branch"], "cell_i": swept["vcell#branch"], "mid": swept["xcell.mid"]}

    def point(
        self, state: float, access_vth: float = 0.0, v_gate: float | None = None, v: float | None = None
    ) -> tuple[float, float]:
        """Cell current (A) and v(mid) (V) at `v` (v_read), the transistor's threshold shifted by `access_vth` (V)."""
        self._set(state, access_vth, self.vdd if v_gate is None else v_gate)
        self._ngspice.alter("vread", "dc", self.v_read if v is None else v)
        solved = self._ngspice.run("op")
        return float(solved["vcell#branch"][0]), float(solved["xcell.mid"][0])

    def _set(self, state: float, access_vth: float, v_gate: float) -> None:
        self.load()
        self._ngspice.alter("vstate", "dc", state)
        self._ngspice.alter("vgate", "dc", v_gate)
        self._ngspice.alter(_ACCESS, "delvto", access_vth)

    def _map(self) -> Floats:
        return np.array([self.curves(float(state))["cell_i"] for state in self.state])
