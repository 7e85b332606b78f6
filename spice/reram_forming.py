"""Forming of the 1T1R ReRAM cell in ngspice: a pristine device, a voltage ramp, the transistor's gate as compliance.

The pristine gap and its spread are inputs; the voltage at which the device forms, the current that overshoots its
compliance while the wire between device and transistor is charged, and what the select transistor bears meanwhile are
what ngspice gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import ESTIMATED, PUBLISHED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.reram import access_device, load_device
from circuits.reram.forming import Ramp, forming
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.spread import count, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

RATES = (1e4, 1e5, 1e6, 1e7)  # V / s
GATES = (0.75, 0.8, 0.9, 1.0, 1.1, 1.2)  # V
WIRES = (0.0, 10e-15, 30e-15, 100e-15, 300e-15)  # F
TEMPERATURES = (-40.0, 27.0, 85.0, 125.0)  # C
GAPS = (0.9, 0.95, 1.0, 1.05)  # of the pristine gap
V_READ = 0.2  # V, of the formed device's conductance
SHOWN = 400  # points of the ramp's waveform
BEFORE, AFTER = 20e-12, 0.5e-9  # s about the peak: what is shown of the runaway
VARIATION = "reram_forming.variation"

_ACCESS, _STATE = "m.xcell.maccess", "c.xcell.xdevice.cstate"
FIGURES = {
    "v_form": "V",
    "compliance": "A",
    "peak_current": "A",
    "overshoot": "1",
    "overshoot_charge": "C",
    "g_formed": "S",
    "form_energy": "J",
    "v_gs": "V",
    "v_ds": "V",
    "v_gd": "V",
    "overdrive": "1",
}
SWEEPS = {"rate": "V/s", "gate": "V", "wire": "F", "temperature": "C", "pristine_gap": "1"}
UNITS: dict[str, str] = {
    **FIGURES,
    "formed": "1",
    **{f"swept_{name}": unit for name, unit in SWEEPS.items()},
    **{f"v_form_by_{name}": "V" for name in SWEEPS},
    "overshoot_by_wire": "1",
    "charge_by_wire": "C",
    "peak_by_wire": "A",
    "compliance_by_gate": "A",
    "overshoot_by_gate": "1",
    "formed_by_gate": "1",
    "g_by_gate": "S",
    "ramp_time": "s",
    "ramp_top": "V",
    "ramp_mid": "V",
    "ramp_i": "A",
    "ramp_state": "1",
    "runaway_time": "s",
    "runaway_i": "A",
    "runaway_mid": "V",
    "runaway_state": "1",
    "pristine": "1",  # in the device's own unit
    "access_vth": "V",
    "v_limit": "V",
}
_PDK = 1.95  # V
_PDK_SOURCE = "SKY130 PDK documentation, 1.8 V NMOS: models valid up to this V_GS and V_DS; 130 nm"
_PRISTINE = 1.9
_GAP_SOURCE = "Stanford RRAM model 1.0.0 (Jiang and Wong, 2014): its benchmarks' widest gap is 1.9 nm"


@dataclass(frozen=True)
class FormingNominal:
    """Task: forming without mismatch or spread. One sample, index 0.

    Args:
        conditions: corner and temperature.
        device: name of the device model.
        pristine: its state before forming, in its own unit.
        ramp: how it is formed.
        v_limit: what the select transistor may bear between gate, drain and source, V.
        sigma: of the pristine state over devices, in its unit.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    pristine: float = _PRISTINE
    ramp: Ramp = field(default_factory=Ramp)
    v_limit: float = _PDK
    sigma: float = 0.03

    def __post_init__(self) -> None:
        if not (math.isfinite(self.v_limit) and self.v_limit > 0):
            raise ConfigError(f"v_limit = {self.v_limit} V: a transistor bears a voltage above 0 V")
        if not 0 <= self.sigma < 0.1 * self.pristine:
            raise ConfigError(f"sigma = {self.sigma}: of the pristine state, at least 0 and below a tenth of it")
        load_device(self.device).pristine(self.pristine)

    def prepare(self) -> None:
        """Nothing: each run loads its own circuit."""

    def run(self, context: None, index: int) -> Record:
        """The figures, their dependence on `SWEEPS`, and the waveforms.

        Raises:
            SimulationError: the device does not form.
        """
        del context, index
        run = self._simulate()
        found = self.measured(run)
        if not found["formed"]:
            raise SimulationError(
                f"the cell does not form on a ramp up to {self.ramp.peak:g} V at a gate of {self.ramp.gate:g} V; raise "
                "peak or gate, or start from a smaller pristine state"
            )
        record: Record = {**found, "v_limit": self.v_limit, "pristine": self.pristine}
        record |= _waveforms(run)
        swept = {
            "rate": [replace(self, ramp=replace(self.ramp, rate=rate)) for rate in RATES],
            "gate": [replace(self, ramp=replace(self.ramp, gate=gate)) for gate in GATES],
            "wire": [replace(self, ramp=replace(self.ramp, c_node=wire)) for wire in WIRES],
            "temperature": [replace(self, conditions=replace(self.conditions, temperature=t)) for t in TEMPERATURES],
            "pristine_gap": [replace(self, pristine=share * self.pristine) for share in GAPS],
        }
        axes = (RATES, GATES, WIRES, TEMPERATURES, tuple(share * self.pristine for share in GAPS))
        by_axis = {name: [task.measured(task._simulate()) for task in tasks] for name, tasks in swept.items()}  # noqa: SLF001
        record |= {f"swept_{name}": np.array(axis) for name, axis in zip(swept, axes, strict=True)}
        record |= {f"v_form_by_{name}": _column(each, "v_form") for name, each in by_axis.items()}
        by = {"wire": ("overshoot", "peak_current", "overshoot_charge"), "gate": ("compliance", "overshoot", "formed")}
        short = {"peak_current": "peak", "overshoot_charge": "charge"}
        for name, keys in by.items():
            record |= {f"{short.get(key, key)}_by_{name}": _column(by_axis[name], key) for key in keys}
        return record | {"g_by_gate": _column(by_axis["gate"], "g_formed")}

    def netlist(self) -> Netlist:
        """The circuit."""
        device = load_device(self.device).pristine(self.pristine)
        technology = load_technology(self.conditions.technology)
        return forming(device, technology, self.conditions.corner, self.conditions.temperature, self.ramp)

    def measured(self, run: Vectors) -> dict[str, float]:
        """The figures of a run; those of forming are NaN where the device did not form, and `formed` is 0."""
        device = load_device(self.device).pristine(self.pristine)
        time, current, top, mid = run["time"], -run["vtop#branch"], run["top"], run["xcell.mid"]
        state, gate = run["state"], run["gate"]
        stress = {"v_gs": np.max(gate), "v_ds": np.max(mid), "v_gd": np.max(np.abs(gate - mid))}
        found = dict.fromkeys(FIGURES, math.nan) | {key: float(value) for key, value in stress.items()}
        found["overdrive"] = max(stress.values()) / self.v_limit
        start = float(state[0])
        half = (start + device.lrs) / 2
        beyond = np.flatnonzero((state - half) * (start - half) < 0)
        if len(beyond) == 0:
            return found | {"formed": 0.0}
        peak = int(np.argmax(current))
        settled = peak + int(np.argmin(current[peak:]))
        compliance = float(current[settled])
        excess = np.trapezoid(current[beyond[0] : settled + 1] - compliance, time[beyond[0] : settled + 1])
        return found | {
            "formed": 1.0,
            "v_form": float(top[beyond[0]]),
            "compliance": compliance,
            "peak_current": float(current[peak]),
            "overshoot": float(current[peak]) / compliance,
            "overshoot_charge": float(excess),
            "g_formed": float(device.current(V_READ, float(state[-1]))) / V_READ,
            "form_energy": float(np.trapezoid(top * current, time)),
        }

    def _simulate(self, pristine: float | None = None, access_vth: float = 0.0) -> Vectors:
        ngspice, netlist = engine(), self.netlist()
        ngspice.load(netlist)
        if pristine is not None:
            ngspice.alter(_STATE, "ic", pristine)
        ngspice.alter(_ACCESS, "delvto", access_vth)
        return ngspice.run(netlist.analyses[0].removeprefix("."))


@dataclass(frozen=True)
class FormingMonteCarlo(FormingNominal):
    """Task: one cell with a pristine state and a transistor of its own."""

    def run(self, context: None, index: int) -> Record:
        """The figures of cell `index` and what was drawn."""
        del context
        drawn = stream(self.conditions.seed, VARIATION, index).standard_normal(2)
        pristine = self.pristine + self.sigma * float(drawn[0])
        access = access_device(load_technology(self.conditions.technology))
        access_vth = float(access.sigma("vth") * drawn[1])
        return {**self.measured(self._simulate(pristine, access_vth)), "pristine": pristine, "access_vth": access_vth}


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures of forming.

    Returns:
        The keys of `FIGURES`; `v_limit` and `pristine`, inputs; `v_form_per_decade`, the slope over the ramp's rate;
        `v_form_per_kelvin`. With samples `<name>_mean` and `<name>_sigma` of those that formed, `cells_not_formed`,
        `samples`, `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), unit) for name, unit in FIGURES.items()}
    limit = float(nominal["v_limit"])
    kind, source = (PUBLISHED, _PDK_SOURCE) if limit == _PDK else (ESTIMATED, "setting v_limit")
    found["v_limit"] = Figure(limit, "V", kind, source)
    pristine = float(nominal["pristine"])
    given = _GAP_SOURCE if pristine == _PRISTINE else "setting pristine"
    found["pristine"] = Figure(pristine, "1", ESTIMATED, f"state in the device's own unit; {given}")
    found["v_form_per_decade"] = Figure(_slope(np.log10(RATES), nominal["v_form_by_rate"]), "V")
    found["v_form_per_kelvin"] = Figure(_slope(np.array(TEMPERATURES), nominal["v_form_by_temperature"]), "V/K")
    if samples is None or samples.count == 0:
        return found
    if samples.columns:
        formed = samples.valid("formed") == 1
        for name, unit in FIGURES.items():
            values = samples.valid(name)[formed]
            if len(values) > 1:
                said = "pristine state and transistor vary; the state's spread is chosen here"
                found[f"{name}_mean"] = Figure(float(np.mean(values)), unit, source=said)
                found[f"{name}_sigma"] = Figure(float(np.std(values, ddof=1)), unit, source=said)
        found["cells_not_formed"] = count(int(np.sum(~formed)))
    return found | counts(samples)


def _slope(x: Floats, y: Any) -> float:
    values = np.asarray(y, dtype=np.float64)
    formed = np.isfinite(values)
    return float(np.polyfit(x[formed], values[formed], 1)[0]) if np.sum(formed) > 1 else math.nan


def _column(measured: list[dict[str, float]], name: str) -> Floats:
    return np.array([each[name] for each in measured])


def _waveforms(run: Vectors) -> Record:
    """The whole ramp at even times, and the runaway about the current's peak at ngspice's own."""
    time = run["time"]
    peak = float(time[np.argmax(-run["vtop#branch"])])
    spans = {
        "ramp": np.linspace(0.0, time[-1], SHOWN),
        "runaway": time[(time >= peak - BEFORE) & (time <= peak + AFTER)],
    }
    record: Record = {}
    for name, at in spans.items():
        record[f"{name}_time"] = at - at[0]
        record[f"{name}_i"] = np.interp(at, time, -run["vtop#branch"])
        record[f"{name}_mid"] = np.interp(at, time, run["xcell.mid"])
        record[f"{name}_state"] = np.interp(at, time, run["state"])
    return record | {"ramp_top": np.interp(spans["ramp"], time, run["top"])}
