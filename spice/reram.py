"""The ReRAM cell in ngspice: switching, reading, and the spread of what is programmed.

What ngspice gives here is the device's switching and I-V, the transistor's share of the voltage, and the circuit's
response. The spread of programmed conductance is an *input from a publication* (`circuits.variation`): a sample draws a
conductance about its target, holds the state that gives it, shifts the access transistor's threshold by the
technology's mismatch, and reads the cell.

A *level* is the conductance current / voltage of the 1T1R cell at the read voltage, gate at the supply.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.variation import ConductanceSpread, load_spread
from spice import reram_read, reram_switching
from spice.characterise import Conditions
from spice.reram_read import ReadBench, bend
from spice.spread import count, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

LEVELS = (1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 30e-6, 39e-6)  # S; a device that cannot reach one leaves it out
READS = (0.45, 1.0, 1.45)  # times v_read: where a sample is read; the fit's own voltages are others
PROGRAMMING, MISMATCH = "reram.programming", "reram.mismatch"

FIGURES = {
    "v_set": "V",
    "v_reset": "V",
    "g_lrs": "S",
    "g_hrs": "S",
    "on_off_ratio": "1",
    "read_nonlinearity": "1",
    "access_resistance": "ohm",
    "leakage": "A",
    "set_current": "A",
}
UNITS: dict[str, str] = {
    **FIGURES,
    "loop_time": "s",
    "loop_source": "V",
    "loop_v": "V",
    "loop_i": "A",
    "loop_state": "1",  # in the device's own unit: nm of gap, or a fraction
    "cell_loop_v": "V",
    "cell_loop_i": "A",
    "cell_loop_mid": "V",
    "cell_loop_state": "1",
    "compliance_gate": "V",
    "compliance_g": "S",
    "level": "S",
    "level_state": "1",
    "level_g": "S",
    "read_v": "V",
    "device_i": "A",
    "cell_i": "A",
    "mid": "V",
    "map_state": "1",
    "map_i": "A",
    "v_read": "V",
    "target": "S",
    "programmed": "S",
    "state": "1",
    "conductance": "S",
    "access_vth": "V",
    "out_of_reach": "1",
    "read_at": "V",
    "read_i": "A",
}


@dataclass(frozen=True)
class ReramNominal:
    """Task: the device and the cell without mismatch or spread. One sample, index 0.

    Args:
        conditions: corner, temperature; the gate is at the supply in a read.
        device: name of the device model.
        v_read: V.
        spread: name of the published spread.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2
    spread: str = "wan2022"

    def prepare(self) -> ReadBench:
        """The loaded read circuit and its map between state and conductance."""
        return ReadBench(self.conditions, self.device, self.v_read)

    def run(self, context: ReadBench, index: int) -> Record:
        """Switching of device and cell, I-V at the levels (row by level), the map, and the figures."""
        del index
        record = _levels(context, reachable(context, load_spread(self.spread)))
        record |= _figures(context, record)
        record |= reram_switching.device_loop(self.conditions, self.device, self.v_read)
        record |= reram_switching.cell_loop(self.conditions, self.device)
        record |= reram_switching.compliance(self.conditions, self.device, self.v_read)
        record["on_off_ratio"] = float(record["g_lrs"]) / float(record["g_hrs"])
        return record | {"map_state": context.state, "map_i": context.cell_current, "v_read": self.v_read}


@dataclass(frozen=True)
class ReramSpread(ReramNominal):
    """Task: one programmed and read cell; sample `index` takes the levels in turn."""

    def run(self, context: ReadBench, index: int) -> Record:
        """Target, programmed and read conductance (S) of cell `index`, and what was drawn.

        A draw that the device cannot reach ends at its nearest state; `out_of_reach` is 1 then.
        """
        seed, spread = self.conditions.seed, load_spread(self.spread)
        levels = reachable(context, spread)
        target = float(levels[index % len(levels)])
        programmed = float(spread.draw(target, stream(seed, PROGRAMMING, index)))
        reached = min(max(programmed, context.low), context.high)
        state = context.state_for(reached)
        access_vth = float(context.access.sigma("vth") * stream(seed, MISMATCH, index).standard_normal())
        read_at = np.array(READS) * self.v_read
        read_i = np.array([context.point(state, access_vth, v=float(v))[0] for v in read_at])
        current, mid = context.point(state, access_vth)
        return {
            "target": target,
            "programmed": reached,
            "state": state,
            "access_vth": access_vth,
            "read_at": read_at,
            "read_i": read_i,
            "conductance": current / self.v_read,
            "mid": mid,
            "out_of_reach": int(reached != programmed),
        }


def netlists(conditions: Conditions, device: str = "stanford_pku", v_read: float = 0.2) -> dict[str, Netlist]:
    """What is simulated, by name."""
    return {"read": reram_read.netlist(conditions, device, v_read), **reram_switching.netlists(conditions, device)}


def reachable(bench: ReadBench, spread: ConductanceSpread) -> tuple[float, ...]:
    """The levels that both the device and the published spread cover.

    Raises:
        ConfigError: none.
    """
    low, high = max(bench.low, spread.low), min(bench.high, spread.high)
    levels = tuple(g for g in LEVELS if low <= g <= high)
    if not levels and low < high:  # a device of other conductances than the usual
        levels = tuple(float(g) for g in np.linspace(low, high, len(LEVELS)))
    if not levels:
        raise ConfigError(
            f"{bench.device.name} reaches {bench.low * 1e6:.3g} to {bench.high * 1e6:.3g} uS and the spread "
            f"'{spread.name}' covers {spread.low * 1e6:g} to {spread.high * 1e6:g} uS: no level lies in both"
        )
    return levels


def figures(nominal: Record, samples: Samples | None = None, spread: str = "wan2022") -> dict[str, Figure]:
    """Figures of the cell.

    Args:
        nominal: record of `ReramNominal`.
        samples: of `ReramSpread`.
        spread: the published spread that they drew from.

    Returns:
        The keys of `FIGURES`; `programmed_sigma_<level>`, as published; for each level `cell_nonlinearity_<level>` (as
        `read_nonlinearity`) and `cell_bend_<level>`, the k of i ~ sinh(k v), and `device_...` of both for the device
        alone; with samples also `conductance_mean_<level>`
        and `conductance_sigma_<level>` as read, where cells that could not reach what was drawn count at the nearest
        they reach, `out_of_reach` (how many those are), `samples` and `failed_samples`. A level is written as "20uS".
    """
    published = load_spread(spread)
    found = {name: Figure(float(nominal[name]), unit) for name, unit in FIGURES.items()}
    levels = np.asarray(nominal["level"], dtype=np.float64)
    for level in levels:
        sigma = float(published.sigma(level))
        found[f"programmed_sigma_{_name(level)}"] = Figure(sigma, "S", published.kind, published.source)
    found |= _shape(nominal, levels)
    if samples is None or samples.count == 0:
        return found
    source = f"of cells programmed with this spread: {published.source}"
    for level in levels if samples.columns else ():
        read = samples.valid("conductance")[samples.valid("target") == level]
        if len(read) > 1:
            mean, sigma = float(np.mean(read)), float(np.std(read, ddof=1))
            found[f"conductance_mean_{_name(level)}"] = Figure(mean, "S", source=source)
            found[f"conductance_sigma_{_name(level)}"] = Figure(sigma, "S", source=source)
    if samples.columns:
        found["out_of_reach"] = count(int(samples.valid("out_of_reach").sum()))
    return found | counts(samples)


def _shape(nominal: Record, levels: Floats) -> dict[str, Figure]:
    """How bent the read I-V is at each level, of the cell and of the device alone."""
    v = np.asarray(nominal["read_v"], dtype=np.float64)
    v_read = float(np.asarray(nominal["v_read"]))
    found: dict[str, Figure] = {}
    for what in ("cell", "device"):
        for level, current in zip(levels, np.asarray(nominal[f"{what}_i"], dtype=np.float64), strict=True):
            at_read = float(np.interp(v_read, v, current))
            found[f"{what}_nonlinearity_{_name(level)}"] = Figure(float(current[-1]) / (2 * at_read) - 1, "1")
            found[f"{what}_bend_{_name(level)}"] = Figure(bend(v[1:], current[1:], v_read), "1/V")
    return found


def _levels(bench: ReadBench, levels: tuple[float, ...]) -> Record:
    states = [bench.state_for(level) for level in levels]
    curves = [bench.curves(state) for state in states]
    rows = {name: np.array([curve[name] for curve in curves]) for name in ("device_i", "cell_i", "mid")}
    at_read = reram_read.VOLTAGES // 2
    return {
        "level": np.array(levels),
        "level_state": np.array(states),
        "level_g": rows["cell_i"][:, at_read] / bench.v_read,
        "read_v": bench.voltage,
        **rows,
    }


def _figures(bench: ReadBench, levels: Record) -> Record:
    """Of the cell at its highest level, and its leakage.

    `read_nonlinearity`: current at twice the read voltage over twice the current at it, minus 1. `access_resistance`:
    the transistor's voltage over its current at the read voltage. `leakage`: current of a cell in its lowest-resistance
    state at the read voltage with its gate at 0.
    """
    current, mid = np.asarray(levels["cell_i"])[-1], np.asarray(levels["mid"])[-1]
    at_read = reram_read.VOLTAGES // 2
    leakage, _ = bench.point(bench.device.lrs, v_gate=0.0)
    return {
        "read_nonlinearity": float(current[-1] / (2 * current[at_read]) - 1),
        "access_resistance": float(mid[at_read] / current[at_read]),
        "leakage": leakage,
    }


def _name(level: float) -> str:
    return f"{level * 1e6:g}uS"
