"""What programming, reading and heat do to a 1T1R ReRAM cell, in ngspice.

Read disturb (`spice.reram_disturb`), the voltages on the select transistor while the cell switches, how far the current
of SET overshoots its compliance, and switching voltages and levels over temperature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import PUBLISHED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.reram import load_device
from circuits.reram.benches import RAMP
from circuits.reram.pulsed import EDGE, LEAD, Pulse
from circuits.technology import load_technology
from spice import reram_switching
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.reram_disturb import DisturbBench
from spice.reram_pulses import PulseBench
from spice.reram_read import ReadBench
from spice.spread import counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

LEVELS = (5.5e-6, 20e-6, 39e-6)  # S: next to the erased state, the middle, and the most that is programmed
TEMPERATURES = (-40.0, 0.0, 27.0, 85.0, 125.0)  # C
DISTURBS = (-0.4, -0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # V on the top
ACTIVATED = (0.05, 0.1, 0.2, 0.3, 0.4)  # V on the top, at which disturb is timed at every temperature
WIRES = (0.0, 30e-15, 100e-15, 300e-15)  # F between device and transistor: none, to a device on top of the metal
SET = Pulse(top=2.0, bottom=0.0, gate=1.0, width=100e-9)
MISMATCH = "reram_stress.mismatch"

TRANSISTOR = {
    "gate_stress_set": "V",
    "gate_stress_reset": "V",
    "drain_stress_set": "V",
    "drain_stress_reset": "V",
    "gate_overdrive": "1",
    "drain_overdrive": "1",
}
UNITS: dict[str, str] = {
    **TRANSISTOR,
    "v_rated": "V",
    "level": "S",
    "level_state": "1",
    "temperature": "C",
    "disturb_v": "V",
    "disturb_time": "s",
    "activated_v": "V",
    "activation": "eV",
    "device_ea": "eV",
    "hot_disturb_time": "s",
    "v_set_by_temperature": "V",
    "v_reset_by_temperature": "V",
    "g_by_temperature": "S",
    "wire": "F",
    "overshoot": "1",
    "set_g": "S",
    "overshoot_time": "s",
    "overshoot_i": "A",
    "overshoot_mid": "V",
    "compliance": "A",
    "access_vth": "V",
}
_BOLTZMANN = 8.617333262e-5  # eV / K
_FAR = "integral of the simulated rate of the state: an extrapolation of the model's rate equation, not a measured life"
_SLOPE = f"Arrhenius slope of the disturb time, {TEMPERATURES[0]:g} to {TEMPERATURES[-1]:g} C"
_RATING = "over the technology's nominal supply"


@dataclass(frozen=True)
class StressNominal:
    """Task: the cell without mismatch. One sample, index 0.

    Args:
        conditions: corner and temperature; the gate is at the supply in a read.
        device: name of the device model.
        v_read: V.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2

    def prepare(self) -> PulseBench:
        """The cell that takes pulses."""
        return PulseBench(self.conditions, self.device, self.v_read)

    def run(self, context: PulseBench, index: int) -> Record:
        """Read disturb, transistor stress, overshoot and temperature dependence, as `UNITS` lists them."""
        del index
        bench = ReadBench(self.conditions, self.device, self.v_read)
        states = [bench.state_for(level) for level in LEVELS]
        record: Record = {"level": np.array(LEVELS), "level_state": np.array(states)}
        record |= self._disturb(states)
        record |= transistor_stress(self.conditions, self.device)
        record |= self._overshoots(context)
        return record | self._temperatures(states)

    def _disturb(self, states: list[float]) -> Record:
        """Times to 1 %, rows by level, columns by DISTURBS; `hot_disturb_time` at v_read, columns by temperature.

        `activation`: rows by level, columns by `activated_v`, which ends with v_read; `device_ea` of the model.
        """
        bench = DisturbBench(self.conditions, self.device)
        times = [[bench.time(state, v, self.v_read) for v in DISTURBS] for state in states]
        voltages = (*ACTIVATED, self.v_read)
        hot = []
        for celsius in TEMPERATURES:
            bench = DisturbBench(replace(self.conditions, temperature=celsius), self.device)
            hot.append([[bench.time(state, v, self.v_read) for v in voltages] for state in states])
        by_heat = np.moveaxis(np.array(hot), 0, -1)  # level, voltage, temperature
        return {
            "disturb_v": np.array(DISTURBS),
            "disturb_time": np.array(times),
            "hot_disturb_time": by_heat[:, -1],
            "activated_v": np.array(voltages),
            "activation": activation(np.array(TEMPERATURES), by_heat),
            "device_ea": float(getattr(bench.device, "ea", math.nan)),
        }

    def _overshoots(self, context: PulseBench) -> Record:
        """SET of the erased cell for each capacitance of WIRES, the waveform of the largest."""
        found = []
        for wire in WIRES:
            bench = PulseBench(self.conditions, self.device, self.v_read, wire) if wire else context
            done = bench.apply(SET, bench.device.fresh)
            found.append((*compliance(done.run), done.conductance))
        record: Record = {"wire": np.array(WIRES), "compliance": np.array([each[0] for each in found])}
        record |= {"overshoot": np.array([each[1] for each in found]), "set_g": np.array([each[2] for each in found])}
        run = done.run
        within = run["time"] < LEAD + 2 * EDGE + SET.width
        return record | {
            "overshoot_time": run["time"][within],
            "overshoot_i": -run["vtop#branch"][within],
            "overshoot_mid": run["xcell.mid"][within],
        }

    def _temperatures(self, states: list[float]) -> Record:
        """Ramps of the device alone, and what the cell reads at states that were set at the task's own temperature."""
        loops, read = [], []
        for celsius in TEMPERATURES:
            conditions = replace(self.conditions, temperature=celsius)
            loops.append(reram_switching.device_loop(conditions, self.device, self.v_read))
            bench = DisturbBench(conditions, self.device)
            read.append([bench.current(state, self.v_read) / self.v_read for state in states])
        return {
            "temperature": np.array(TEMPERATURES),
            "v_set_by_temperature": np.array([loop["v_set"] for loop in loops]),
            "v_reset_by_temperature": np.array([loop["v_reset"] for loop in loops]),
            "g_by_temperature": np.array(read).T,
        }


@dataclass(frozen=True)
class StressMonteCarlo(StressNominal):
    """Task: one SET pulse on an erased cell with a transistor of its own."""

    def run(self, context: PulseBench, index: int) -> Record:
        """What mismatch does to the compliance (A), the overshoot and the conductance that SET reaches (S)."""
        drawn = stream(self.conditions.seed, MISMATCH, index).standard_normal()
        access_vth = float(context.access.sigma("vth") * drawn)
        done = context.apply(SET, context.device.fresh, access_vth)
        final, overshoot = compliance(done.run)
        return {"access_vth": access_vth, "compliance": final, "overshoot": overshoot, "set_g": done.conductance}


def netlists(conditions: Conditions, device: str, v_read: float) -> dict[str, Netlist]:
    """What is simulated, by name."""
    return {
        "pulse": PulseBench(conditions, device, v_read).netlist,
        "rate": DisturbBench(conditions, device).netlist,
        **reram_switching.netlists(conditions, device),
    }


def activation(celsius: Floats, times: Floats) -> Floats:
    """Apparent activation energy (eV): slope of ln(time) over 1 / kT, of least squares; NaN where no time ends.

    Args:
        celsius: temperatures, shape (n,).
        times: s, shape (..., n).
    """
    inverse = 1 / (_BOLTZMANN * (celsius + 273.15))
    centred = inverse - np.mean(inverse)
    ended = np.all(np.isfinite(times), axis=-1, keepdims=True)
    return np.asarray(np.sum(centred * np.log(np.where(ended, times, math.nan)), axis=-1) / np.sum(centred**2))


def compliance(run: Vectors) -> tuple[float, float]:
    """Of a SET pulse: the current (A) at the end of its flat part, and the peak from the rise on, over that."""
    time, current = run["time"], -run["vtop#branch"]
    end = LEAD + EDGE + SET.width
    final = float(np.interp(end, time, current))
    return final, float(np.max(current[time <= end])) / final


def transistor_stress(conditions: Conditions, device: str) -> Record:
    """Greatest gate and drain voltages (V) on the select transistor in the ramps of `spice.reram_switching`.

    Gate: the larger of |gate - drain| and |gate - source|; drain: |drain - source|. `gate_overdrive` and
    `drain_overdrive` are the greater of SET and RESET over the technology's nominal supply: above 1 the transistor is
    outside what it is rated for, and a thick-oxide one or a longer one is called for. `v_rated` is that supply.
    """
    netlist = reram_switching.netlists(conditions, device)["cell"]
    engine().load(netlist)
    run = engine().run(netlist.analyses[0].removeprefix("."))
    mid, bottom, gate = run["xcell.mid"], run["bottom"], run["gate"]
    on_gate = np.maximum(np.abs(gate - mid), np.abs(gate - bottom))
    on_drain = np.abs(mid - bottom)
    in_set = run["time"] < 2 * RAMP
    found = {
        "gate_stress_set": float(np.max(on_gate[in_set])),
        "gate_stress_reset": float(np.max(on_gate[~in_set])),
        "drain_stress_set": float(np.max(on_drain[in_set])),
        "drain_stress_reset": float(np.max(on_drain[~in_set])),
    }
    rated = load_technology(conditions.technology).vdd
    return {
        **found,
        "v_rated": rated,
        "gate_overdrive": max(found["gate_stress_set"], found["gate_stress_reset"]) / rated,
        "drain_overdrive": max(found["drain_stress_set"], found["drain_stress_reset"]) / rated,
    }


def figures(
    nominal: Record, samples: Samples | None = None, v_read: float = 0.2, device: str = "stanford_pku"
) -> dict[str, Figure]:
    """Figures of stress.

    Args:
        nominal: record of `StressNominal`.
        samples: of `StressMonteCarlo`.
        v_read: of both, V.
        device: of both.

    Returns:
        `disturb_time_<level>_<temperature>` at v_read, left out where the model is at rest, and with it
        `activation_energy_<level>`, beside `device_activation_energy` of the model; the keys of TRANSISTOR;
        `overshoot_<wire>`, `set_g_<wire>`; `v_set_<temperature>`, `v_reset_<temperature>`, `g_<level>_<temperature>` at
        a state held; `compliance`; with samples `compliance_mean`, `compliance_sigma`, `set_g_mean`, `set_g_sigma`,
        `samples`, `failed_samples`. Written as "20uS", "m40C", "100fF".
    """
    levels = [f"{level * 1e6:g}uS" for level in np.asarray(nominal["level"])]
    celsius = [_celsius(float(value)) for value in np.asarray(nominal["temperature"])]
    found = {"compliance": Figure(float(np.asarray(nominal["compliance"])[0]), "A")}
    for name, unit in TRANSISTOR.items():
        found[name] = Figure(float(nominal[name]), unit, source=_RATING if unit == "1" else "")
    for row, level in enumerate(levels):
        for column, temperature in enumerate(celsius):
            seconds = float(np.asarray(nominal["hot_disturb_time"])[row, column])
            if np.isfinite(seconds):
                found[f"disturb_time_{level}_{temperature}"] = Figure(seconds, "s", source=f"{v_read:g} V; {_FAR}")
        energy = float(np.asarray(nominal["activation"])[row, -1])
        if np.isfinite(energy):
            found[f"activation_energy_{level}"] = Figure(energy, "eV", source=f"{v_read:g} V; {_SLOPE}")
    if np.isfinite(float(nominal["device_ea"])):
        found["device_activation_energy"] = Figure(
            float(nominal["device_ea"]), "eV", PUBLISHED, load_device(device).source
        )
    found |= _by("overshoot", nominal, "overshoot", [_femto(float(c)) for c in np.asarray(nominal["wire"])], "1")
    found |= _by("set_g", nominal, "set_g", [_femto(float(c)) for c in np.asarray(nominal["wire"])], "S")
    found |= _by("v_set", nominal, "v_set_by_temperature", celsius, "V")
    found |= _by("v_reset", nominal, "v_reset_by_temperature", celsius, "V")
    for level, row in zip(levels, np.asarray(nominal["g_by_temperature"]), strict=True):
        found |= {f"g_{level}_{at}": Figure(float(g), "S") for at, g in zip(celsius, row, strict=True)}
    return found if samples is None else found | _spreads(samples)


def _by(name: str, nominal: Record, key: str, at: list[str], unit: str) -> dict[str, Figure]:
    values = np.asarray(nominal[key], dtype=np.float64)
    return {f"{name}_{where}": Figure(float(value), unit) for where, value in zip(at, values, strict=True)}


def _spreads(samples: Samples) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    for name, unit in (("compliance", "A"), ("set_g", "S")):
        values = samples.valid(name) if samples.columns else np.zeros(0)
        if len(values) > 1:
            found[f"{name}_mean"] = Figure(float(np.mean(values)), unit)
            found[f"{name}_sigma"] = Figure(float(np.std(values, ddof=1)), unit)
    return found | counts(samples)


def _celsius(value: float) -> str:
    return f"{value:g}C".replace("-", "m")


def _femto(value: float) -> str:
    return f"{value * 1e15:g}fF"
