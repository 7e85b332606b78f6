"""Device-to-device and cycle-to-cycle variation of programming a 1T1R ReRAM cell in ngspice, and which is how much.

A cell keeps its transistor's threshold and its device's thermal resistance; how far a pulse moves the state is drawn
anew for every pulse. The sizes of both are inputs; ngspice gives what they do to pulses, energy and conductance. Every
cell is programmed several times, so that the variance between cells can be told from that within one (one-way analysis
of variance with random effects), and the former be split by regression on what each cell was given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import ESTIMATED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.reram import load_device
from circuits.reram.pulsed import Pulse
from circuits.reram_measured import variance_components
from spice.characterise import Conditions
from spice.reram_programming import SET_TOP, Cell, Scheme, program
from spice.reram_pulses import PulseBench
from spice.spread import count, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

SINGLE_GATE = 0.95  # V, of the one SET without verify
LEAST_HEATING = 0.2  # of the model's thermal resistance: where a drawn one is cut
DEVICE, CYCLE = "reram_variability.device", "reram_variability.cycle"

FIGURES = {"set_g": "S", "pulses": "1", "program_energy": "J", "conductance": "S"}
UNITS: dict[str, str] = {
    **FIGURES,
    "target": "S",
    "reached": "1",
    "access_vth": "V",
    "heating": "1",
    "device_sigma": "1",
    "cycle_sigma": "1",
    "trace_g": "S",
    "tolerance": "1",
}
_OF = "device_sigma and cycle_sigma as set"
_SOURCE = "setting; chosen here. Statistics of SET and RESET in HfOx: Ambrogio et al., IEEE TED 61, 2912 (2014)"


@dataclass(frozen=True)
class Variation:
    """What varies besides the transistor; both relative standard deviations are inputs.

    Args:
        device: of a device's thermal resistance, which decides at what voltage it switches.
        cycle: of how far one pulse moves the state.
        repeats: how often each cell is programmed.

    Raises:
        ConfigError: an impossible value.
    """

    device: float = 0.05
    cycle: float = 0.2
    repeats: int = 3

    def __post_init__(self) -> None:
        for name, value in (("device_sigma", self.device), ("cycle_sigma", self.cycle)):
            if not 0 <= value < 1:
                raise ConfigError(f"{name} = {value}: a relative standard deviation lies between 0 and 1")
        if self.repeats < 2:
            raise ConfigError(f"repeats = {self.repeats}: cells are told from cycles by programming each twice or more")


@dataclass(frozen=True)
class VariabilityNominal:
    """Task: the cell in which nothing varies. One sample, index 0.

    Args:
        conditions: corner, temperature.
        device: name of the device model.
        v_read: of the verify, V.
        target: S.
        scheme: of programming.
        variation: what varies.

    Raises:
        ConfigError: devices are to differ by their thermal resistance and the model has none.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2
    target: float = 20e-6
    scheme: Scheme = field(default_factory=Scheme)
    variation: Variation = field(default_factory=Variation)

    def __post_init__(self) -> None:
        heats = any(line.startswith("rheat ") for line in load_device(self.device).dynamics())
        if self.variation.device > 0 and not heats:
            raise ConfigError(f"{self.device} has no thermal resistance that could vary; set device_sigma=0")

    def prepare(self) -> PulseBench:
        """The loaded cell."""
        return PulseBench(self.conditions, self.device, self.v_read)

    def run(self, context: PulseBench, index: int) -> Record:
        """One programming, and the conductance that one SET pulse without verify gives."""
        del index
        given = {"device_sigma": self.variation.device, "cycle_sigma": self.variation.cycle}
        return self._programmed(context, Cell()) | given | {"target": self.target, "tolerance": self.scheme.tolerance}

    def _programmed(self, bench: PulseBench, cell: Cell) -> Record:
        start = bench.device.fresh if self.scheme.erased else bench.device.lrs
        single = cell.pulsed(bench, Pulse(SET_TOP, 0.0, SINGLE_GATE, self.scheme.width), start)
        done = program(bench, self.target, self.scheme, cell)
        trace = np.full(self.scheme.most + 1, np.nan)
        trace[: len(done.reads)] = done.reads
        kept = {key: value for key, value in done.record(self.target).items() if key in (*FIGURES, "reached")}
        return {**kept, "set_g": single.conductance, "trace_g": trace}


@dataclass(frozen=True)
class VariabilityMonteCarlo(VariabilityNominal):
    """Task: one cell, programmed `repeats` times from the same start."""

    def run(self, context: PulseBench, index: int) -> Record:
        """The figures of cell `index` by repeat, shape (repeats,); `trace_g` is of the first one."""
        seed = self.conditions.seed
        drawn = stream(seed, DEVICE, index).standard_normal(2)
        access_vth = float(context.access.sigma("vth") * drawn[0])
        heating = max(1 + self.variation.device * float(drawn[1]), LEAST_HEATING)
        cells = [
            Cell(access_vth, heating, self.variation.cycle, stream(seed, CYCLE, index, repeat))
            for repeat in range(self.variation.repeats)
        ]
        records = [self._programmed(context, cell) for cell in cells]
        found: Record = {key: np.array([float(each[key]) for each in records]) for key in (*FIGURES, "reached")}
        return {**found, "access_vth": access_vth, "heating": heating, "trace_g": records[0]["trace_g"]}


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures of variability.

    Returns:
        The keys of `FIGURES` where nothing varies; `device_sigma` and `cycle_sigma`, inputs. With samples of each
        `<name>_mean`, `<name>_sigma`, of which `<name>_cell_to_cell` and `<name>_cycle_to_cycle` are the parts between
        and within cells, and `<name>_by_transistor` and `<name>_by_device` those of the part between cells that goes
        with the one or the other draw; `not_reached` (of all programmings), `samples`, `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), unit) for name, unit in FIGURES.items()}
    for name in ("device_sigma", "cycle_sigma"):
        found[name] = Figure(float(nominal[name]), "1", ESTIMATED, _SOURCE)
    if samples is None or samples.count == 0:
        return found
    if samples.columns and len(samples.valid("heating")) > 1:
        drawn = {"transistor": samples.valid("access_vth"), "device": samples.valid("heating")}
        for name, unit in FIGURES.items():
            parts = decomposed(samples.valid(name), drawn)
            found |= {f"{name}_{part}": Figure(value, unit, source=_OF) for part, value in parts.items()}
        found["not_reached"] = count(int(np.sum(samples.valid("reached") == 0)))
    return found | counts(samples)


def decomposed(values: Floats, drawn: dict[str, Floats]) -> dict[str, float]:
    """Standard deviations that a spread is made of.

    Args:
        values: shape (cells, repeats).
        drawn: what each cell was given, by name, shape (cells,); independent of each other.

    Returns:
        `mean`, `sigma` (root of the sum of both parts' squares), `cell_to_cell`, `cycle_to_cycle`, and for each name
        `by_<name>`: slope of the cells' means over it, times its standard deviation, less what chance makes of it (0
        where that is all).
    """
    cell, cycle = variance_components(list(values))
    means = np.mean(values, axis=1)
    found = {"mean": float(np.mean(values)), "sigma": float(np.hypot(cell, cycle))}
    found |= {"cell_to_cell": cell, "cycle_to_cycle": cycle}
    scores = {name: _score(given) for name, given in drawn.items()}
    table = np.column_stack([np.ones(len(means)), *scores.values()])
    fitted = np.linalg.lstsq(table, means, rcond=None)[0]
    freedom = max(len(means) - table.shape[1], 1)
    chance = float(np.sum((means - table @ fitted) ** 2)) / freedom / (len(means) - 1)
    parts = np.sqrt(np.maximum(fitted[1:] ** 2 - chance, 0.0))
    return found | {f"by_{name}": float(part) for name, part in zip(scores, parts, strict=True)}


def _score(given: Floats) -> Floats:
    spread = float(np.std(given, ddof=1))
    return (given - np.mean(given)) / spread if spread > 0 else np.zeros(len(given))
