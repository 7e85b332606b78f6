"""SET and RESET of a ReRAM device and of its 1T1R cell in ngspice."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from circuits.netlist import Netlist
from circuits.reram import ReramDevice, load_device
from circuits.reram.benches import RAMP, cell_switching, hysteresis
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine

POINTS = 2001  # of a stored waveform, over four ramps
CELL_PEAK = 2.2  # V, of the ramps on a cell
# Gate during SET: it limits the current, and so the level that SET reaches. Gate during RESET: the transistor is a
# source follower and must pass more than the supply, so its gate is boosted.
CELL_GATES = (1.0, 2.5)
COMPLIANCE_GATES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1)

Floats = np.ndarray[Any, np.dtype[np.float64]]


def netlists(conditions: Conditions, device: str) -> dict[str, Netlist]:
    """The device's hysteresis and the cell's switching, by name."""
    return {"hysteresis": hysteresis(load_device(device), conditions.temperature), "cell": _cell(conditions, device)}


def device_loop(conditions: Conditions, device: str, v_read: float) -> Record:
    """The hysteresis of the device behind its series resistor.

    Returns:
        `loop_time`, `loop_source` (the ramp), `loop_v` (on the device), `loop_i`, `loop_state`, shape (POINTS,);
        `v_set` and `v_reset`, the ramp's voltages at which the state passes the middle between LRS and the fresh state;
        `g_lrs` and `g_hrs` at v_read, after SET and after RESET.

    Raises:
        SimulationError: the device does not switch.
    """
    model = load_device(device)
    run = _run(hysteresis(model, conditions.temperature))
    time = np.linspace(0.0, 4 * RAMP, POINTS)
    loop = {
        "loop_source": _at(time, run, "source"),
        "loop_v": _at(time, run, "te"),
        "loop_i": -_at(time, run, "vramp#branch"),
        "loop_state": _at(time, run, "state"),
    }
    falls = _part(time, 1), _part(time, 3)
    g_lrs, g_hrs = (_conductance(np.abs(loop["loop_v"][k]), np.abs(loop["loop_i"][k]), v_read) for k in falls)
    v_set, v_reset = _switching_voltages(model, time, loop["loop_source"], loop["loop_state"])
    return {"loop_time": time, **loop, "v_set": v_set, "v_reset": v_reset, "g_lrs": g_lrs, "g_hrs": g_hrs}


def cell_loop(conditions: Conditions, device: str) -> Record:
    """SET and RESET of the 1T1R cell, its gate at CELL_GATES.

    Returns:
        `cell_loop_v` (top minus bottom), `cell_loop_i` (into the top), `cell_loop_mid`, `cell_loop_state`, shape
        (POINTS,) over `loop_time`; `set_current`, the greatest current during SET.
    """
    run = _run(_cell(conditions, device))
    time = np.linspace(0.0, 4 * RAMP, POINTS)
    current = -_at(time, run, "vtop#branch")
    return {
        "cell_loop_v": _at(time, run, "top") - _at(time, run, "bottom"),
        "cell_loop_i": current,
        "cell_loop_mid": _at(time, run, "xcell.mid"),
        "cell_loop_state": _at(time, run, "state"),
        "set_current": float(np.max(current)),
    }


def compliance(conditions: Conditions, device: str, v_read: float) -> Record:
    """Conductance (S) of the device at v_read after SET through the cell, for each gate voltage of COMPLIANCE_GATES."""
    model = load_device(device)
    reached = []
    for gate in COMPLIANCE_GATES:
        run = _run(_cell(conditions, device, gate))
        state = float(np.interp(2 * RAMP, run["time"], run["state"]))
        reached.append(float(model.current(v_read, state)) / v_read)
    return {"compliance_gate": np.array(COMPLIANCE_GATES), "compliance_g": np.array(reached)}


def _cell(conditions: Conditions, device: str, set_gate: float = CELL_GATES[0]) -> Netlist:
    return cell_switching(
        load_device(device),
        load_technology(conditions.technology),
        conditions.corner,
        conditions.temperature,
        v_gate=(set_gate, CELL_GATES[1]),
        peak=CELL_PEAK,
    )


def _run(netlist: Netlist) -> Vectors:
    ngspice = engine()
    ngspice.load(netlist)
    return ngspice.run(netlist.analyses[0].removeprefix("."))


def _at(time: Floats, run: Vectors, node: str) -> Floats:
    return np.asarray(np.interp(time, run["time"], run[node]))


def _part(time: Floats, ramp: int) -> Any:
    """Indices within ramp number `ramp`."""
    return np.flatnonzero((time >= ramp * RAMP) & (time <= (ramp + 1) * RAMP))


def _conductance(voltage: Floats, current: Floats, v_read: float) -> float:
    """Current over voltage at v_read on a falling branch."""
    return float(np.interp(v_read, voltage[::-1], current[::-1])) / v_read


def _switching_voltages(device: ReramDevice, time: Floats, ramp: Floats, state: Floats) -> tuple[float, float]:
    middle = (device.lrs + device.fresh) / 2
    side = np.sign((state - middle) * (device.lrs - middle))  # 1 on the LRS side
    found = []
    for first, name, change in ((0, "SET", 1), (2, "RESET", -1)):
        within = np.flatnonzero((time >= first * RAMP) & (time < (first + 2) * RAMP))
        crossing = within[:-1][np.sign(np.diff(side[within])) == change]
        if len(crossing) == 0:
            raise SimulationError(f"{device.name} shows no {name} on its ramp; check its parameters and temperature")
        found.append(float(ramp[crossing[0]]))
    return found[0], found[1]
