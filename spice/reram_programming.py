"""Program-and-verify of the 1T1R ReRAM cell in ngspice: pulses until the conductance read is near its target.

Each pulse is followed by a read. Below the target the next pulse is a SET whose gate rises by a step from one to the
next, as the transistor's current limits what SET reaches; above the target it is a RESET whose voltage rises likewise.
Each time the direction changes, the other's steps begin anew. (Incremental write-verify: Wan et al., Nature 608, 504,
2022, Extended Data Fig. 3.)

What ngspice gives is what the pulses do to a device that repeats itself exactly, and what the transistor's mismatch
adds. The cycle-to-cycle variation of a filament and the relaxation after programming are no part of it: published
spreads of what is programmed (`circuits.variation`) hold them, together with the tolerance of their own verify. Where a
cell is to vary from pulse to pulse, `program` takes that as an input (`spice.reram_variability`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.reram.pulsed import Pulse
from spice.characterise import Conditions
from spice.reram_pulses import PulseBench, Pulsed
from spice.spread import count, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

LEVELS = (2e-6, 5e-6, 10e-6, 20e-6, 30e-6, 39e-6)  # S
SHOWN = 20e-6  # S, the level whose sequence is kept as a waveform
SET_TOP, SET_GATE, SET_STEP, SET_GATE_LIMIT = 2.0, 0.80, 0.01, 1.6  # V
RESET_GATE, RESET_BOTTOM, RESET_STEP, RESET_BOTTOM_LIMIT = 2.5, 1.4, 0.02, 2.6  # V
MISMATCH = "reram_programming.mismatch"

# of a level: figure name -> field of a record and unit
FIGURES = {
    "pulses": ("pulses", "1"),
    "program_energy": ("program_energy", "J"),
    "program_error": ("program_error", "S"),
}
UNITS: dict[str, str] = {
    "target": "S",
    "pulses": "1",
    "set_pulses": "1",
    "reset_pulses": "1",
    "program_energy": "J",
    "conductance": "S",
    "program_error": "S",
    "state": "1",
    "reached": "1",
    "access_vth": "V",
    "level": "S",
    "verify_g": "S",
    "verify_gate": "V",
    "verify_bottom": "V",
    "sequence_time": "s",
    "sequence_top": "V",
    "sequence_bottom": "V",
    "sequence_gate": "V",
    "sequence_i": "A",
    "sequence_state": "1",
}


@dataclass(frozen=True)
class Scheme:
    """How a cell is programmed.

    Args:
        tolerance: of the conductance about its target, relative.
        most: pulses, after which the cell counts as not reached.
        width: of a pulse, s.
        erased: whether the cell starts as RESET leaves it, or else in its lowest-resistance state.

    Raises:
        ConfigError: an impossible value.
    """

    tolerance: float = 0.05
    most: int = 100
    width: float = 100e-9
    erased: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance = {self.tolerance}: it is relative to the target, between 0 and 1")
        if not (math.isfinite(self.width) and self.width > 0):
            raise ConfigError(f"width = {self.width} s: a pulse takes time")
        if self.most < 1:
            raise ConfigError(f"most = {self.most}: at least one pulse is needed")


@dataclass(frozen=True)
class Programmed:
    """A cell after program-and-verify.

    Args:
        pulses: that were given, in turn.
        reads: conductance (S) before the first pulse and after each.
        energy: of all pulses and reads, J.
        state: of the device.
        reached: whether the last read is within the tolerance.
        steps: what each pulse did, where that was asked for.
    """

    pulses: tuple[Pulse, ...]
    reads: tuple[float, ...]
    energy: float
    state: float
    reached: bool
    steps: tuple[Pulsed, ...]

    def record(self, target: float) -> Record:
        """The fields of a sample programmed to `target` (S)."""
        return {
            "target": target,
            "pulses": len(self.pulses),
            "set_pulses": sum(pulse.top > 0 for pulse in self.pulses),
            "reset_pulses": sum(pulse.bottom > 0 for pulse in self.pulses),
            "program_energy": self.energy,
            "conductance": self.reads[-1],
            "program_error": self.reads[-1] - target,
            "state": self.state,
            "reached": int(self.reached),
        }


@dataclass(frozen=True)
class Cell:
    """What is this cell's own.

    Args:
        access_vth: shift of the transistor's threshold, V.
        heating: thermal resistance of its device over the model's.
        cycle_sigma: of how far a pulse moves the state, relative, drawn anew for every pulse from `rng`.
        rng: where it is drawn from.
    """

    access_vth: float = 0.0
    heating: float = 1.0
    cycle_sigma: float = 0.0
    rng: np.random.Generator | None = None

    def pulsed(self, bench: PulseBench, pulse: Pulse, state: float) -> Pulsed:
        """The pulse on this cell; where pulses vary, the state and the conductance are those after this one."""
        done = bench.apply(pulse, state, self.access_vth, self.heating)
        if self.rng is None or self.cycle_sigma == 0:
            return done
        low, high = sorted((bench.device.lrs, bench.device.hrs))
        moved = (done.state - state) * (1 + self.cycle_sigma * float(self.rng.standard_normal()))
        read = bench.read(min(max(state + moved, low), high), self.access_vth, self.heating)
        return replace(done, state=read.state, conductance=read.conductance)


def program(
    bench: PulseBench, target: float, scheme: Scheme, cell: Cell | None = None, *, keep: bool = False
) -> Programmed:
    """Program a cell to `target` (S) at the bench's read voltage.

    Args:
        bench: the cell.
        target: S.
        scheme: how.
        cell: what is its own; nothing, if None.
        keep: the waveforms of every pulse.
    """
    cell = cell or Cell()
    start = bench.device.fresh if scheme.erased else bench.device.lrs
    done = bench.read(start, cell.access_vth, cell.heating)
    pulses: list[Pulse] = []
    reads, energy, steps = [done.conductance], done.energy, []
    while (wrong := abs(done.conductance - target) > scheme.tolerance * target) and len(pulses) < scheme.most:
        pulses.append(_next(pulses, done.conductance < target, scheme.width))
        done = cell.pulsed(bench, pulses[-1], done.state)
        reads.append(done.conductance)
        energy += done.energy
        if keep:
            steps.append(done)
    return Programmed(tuple(pulses), tuple(reads), energy, done.state, not wrong, tuple(steps))


def _next(given: list[Pulse], raise_it: bool, width: float) -> Pulse:  # noqa: FBT001 - private
    """The next pulse: a step above the last one of the same direction, or the first of a new direction."""
    last = given[-1] if given else None
    if raise_it:
        gate = min(last.gate + SET_STEP, SET_GATE_LIMIT) if last and last.top > 0 else SET_GATE
        return Pulse(SET_TOP, 0.0, gate, width)
    bottom = min(last.bottom + RESET_STEP, RESET_BOTTOM_LIMIT) if last and last.bottom > 0 else RESET_BOTTOM
    return Pulse(0.0, bottom, RESET_GATE, width)


@dataclass(frozen=True)
class ProgrammingNominal:
    """Task: the cell without mismatch programmed to each level. One sample, index 0.

    Args:
        conditions: corner, temperature; the gate is at the supply in a read.
        device: name of the device model.
        v_read: of the verify, V.
        scheme: of programming.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2
    scheme: Scheme = field(default_factory=Scheme)

    def prepare(self) -> PulseBench:
        """The loaded cell."""
        return PulseBench(self.conditions, self.device, self.v_read)

    def run(self, context: PulseBench, index: int) -> Record:
        """Every field of a sample by level, and one sequence: its verify reads and its waveforms."""
        del index
        records = [program(context, level, self.scheme).record(level) for level in LEVELS]
        record: Record = {name: np.array([each[name] for each in records]) for name in records[0] if name != "target"}
        return {"level": np.array(LEVELS), **record, **_sequence(program(context, SHOWN, self.scheme, keep=True))}


@dataclass(frozen=True)
class ProgrammingMonteCarlo(ProgrammingNominal):
    """Task: one cell with a transistor of its own; sample `index` takes the levels in turn."""

    def run(self, context: PulseBench, index: int) -> Record:
        """Pulses, energy (J), conductance (S) and error (S) of cell `index`; `reached` is 0 where it failed."""
        drawn = stream(self.conditions.seed, MISMATCH, index).standard_normal()
        access_vth = float(context.access.sigma("vth") * drawn)
        target = LEVELS[index % len(LEVELS)]
        done = program(context, target, self.scheme, Cell(access_vth))
        return done.record(target) | {"access_vth": access_vth}


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures of programming.

    Returns:
        `pulses_<level>`, `program_energy_<level>`, `program_error_<level>` (conductance read last, minus target) and
        `not_reached` (levels that the cell without mismatch did not reach); with samples each of the first three with
        `_mean` and `_sigma`, over all cells, those that failed too; `cells_not_reached`, `samples`, `failed_samples`.
        A level is written as "20uS".
    """
    levels = np.asarray(nominal["level"], dtype=np.float64)
    found: dict[str, Figure] = {}
    for name, (key, unit) in FIGURES.items():
        for level, value in zip(levels, np.asarray(nominal[key], dtype=np.float64), strict=True):
            found[f"{name}_{_name(level)}"] = Figure(float(value), unit)
            if samples is not None and samples.columns:
                found |= _spread(f"{name}_{_name(level)}", samples.valid(key)[samples.valid("target") == level], unit)
    found["not_reached"] = count(int(np.sum(np.asarray(nominal["reached"]) == 0)))
    if samples is None or samples.count == 0:
        return found
    if samples.columns:
        found["cells_not_reached"] = count(int(np.sum(samples.valid("reached") == 0)))
    return found | counts(samples)


def _spread(name: str, values: Floats, unit: str) -> dict[str, Figure]:
    if len(values) < 2:
        return {}
    source = "by the access transistor's mismatch alone"
    mean, sigma = float(np.mean(values)), float(np.std(values, ddof=1))
    return {
        f"{name}_mean": Figure(mean, unit, source=source),
        f"{name}_sigma": Figure(sigma, unit, source=source),
    }


def _sequence(done: Programmed) -> Record:
    """The waveforms of the pulses end to end, and the pulse voltages and reads; a cell that took none has none."""
    starts = np.cumsum([0.0, *(pulse.ends for pulse in done.pulses)])
    names = {"top": "top", "bottom": "bottom", "gate": "gate", "state": "state"}
    record: Record = {
        "verify_g": np.array(done.reads),
        "verify_gate": np.array([pulse.gate for pulse in done.pulses]),
        "verify_bottom": np.array([pulse.bottom for pulse in done.pulses]),
        "sequence_time": _joined([start + step.run["time"] for start, step in zip(starts, done.steps, strict=False)]),
        "sequence_i": _joined([-step.run["vtop#branch"] for step in done.steps]),
    }
    return record | {f"sequence_{key}": _joined([step.run[node] for step in done.steps]) for key, node in names.items()}


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)


def _name(level: float) -> str:
    return f"{level * 1e6:g}uS"
