"""What an SRAM macro used as storage is modelled on: its path, cells and amplifiers over temperature and supply.

A sample of the design is a condition: the nominal macro and column there, and cells and amplifiers whose shifts are
spread wide. A mismatch sample is one cell and one amplifier as they are drawn, at conditions that the design lacks.

- `read_current_<side>` and `offset`: as spice/column_samples.py.
- `write_time_<bit>`: as spice/stability.py, s.
- `drv`, `drv_lost`: as spice/stability.py; `rest_drv`, `rest_drv_lost`: likewise of further cells, other ones at every
  condition.
- `swing_time`: when the nominal lines are `SWINGS` apart, s after the word line; `loss`: of reads of 0 and of 1 there.
- `rest_leakage`: of the macro at `rest_temperature`, which are more than the conditions have.
- the macro's times, energies of a word and leakage as spice/macro.py; `replica_time`: from the word line's far end at
  vdd / 2 until the replica bit line is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from spice.characterise import Conditions
from spice.column_samples import ColumnSamplesNominal
from spice.macro import FIGURES as MACRO
from spice.macro import MacroNominal, leakages
from spice.macro import netlists as macro_netlists
from spice.macro_cycles import MacroSetting, nominal_cycles, rise
from spice.spread import VTH, counts
from spice.stability import Benches
from spice.storage_drawing import DRAWN, RESTING, Drawing, drawn, resting
from spice.storage_setting import ORDERS, SWINGS, StorageSetting, resting_scores, wide_scores
from spice.waves import crossing

Floats = np.ndarray[Any, np.dtype[np.float64]]

STAGE = "sram_storage.mismatch"
FIELDS = (
    *("access_time", "word_line_time", "sensing_time", "write_time", "precharge_time", "cycle_time"),
    *("read_energy", "write_energy", "leakage"),
)
"""Figures of the macro that are kept, as records name them after `macro_`."""

UNITS: dict[str, str] = {
    **DRAWN,
    **{f"rest_{name}": DRAWN[name] for name in RESTING},
    **{f"macro_{name}": MACRO[name] for name in FIELDS},
    **dict.fromkeys(("temperature", "other_temperature", "rest_temperature"), "C"),
    "rest_leakage": "A",
    **dict.fromkeys(("vdd", "other_vdd", "loss", "loss_swing"), "V"),
    **dict.fromkeys(("swing_time", "replica_time"), "s"),
    **dict.fromkeys(("cell_scores", "rest_scores", "amplifier_scores", "cell_sigma", "amplifier_sigma", "node"), "1"),
}


@dataclass(frozen=True)
class StorageDesign:
    """Task: a condition, nominal and with cells spread wide; sample `index` is condition `index`.

    The record holds of its cells and amplifiers the keys of `DRAWN` and their scores, shapes (cells,) and
    (cells, scores); NaN for a cell that has no two states or cannot be written. `node` is 1 for a point of the fit.

    Args:
        setting: conditions, ranges and design.
    """

    setting: StorageSetting = field(default_factory=StorageSetting)

    @property
    def conditions(self) -> list[Conditions]:
        """All of them: the fit's, then those between."""
        return [*self.setting.nodes(), *self.setting.between()]

    def prepare(self) -> None:
        """Nothing is shared between conditions."""

    def run(self, context: None, index: int) -> Record:
        """Measure condition `index`.

        Raises:
            SimulationError: the nominal macro or column does not work there.
        """
        del context
        conditions = self.conditions[index]
        drawing = Drawing(self.setting, conditions)
        return {
            **_nominal(self.setting, conditions),
            **drawn(self.setting, drawing, *wide_scores(self.setting)),
            **resting(self.setting, drawing, resting_scores(self.setting, index)),
            **_leaking(self.setting, conditions, self.setting.leakage_temperatures(index)),
            "node": float(index < math.prod(ORDERS)),
        }


@dataclass(frozen=True)
class StorageNominal:
    """Task: the macro, column, cell and amplifier without mismatch at the conditions; one sample, index 0.

    The record is that of a condition of `StorageDesign`, with `other_temperature` and `other_vdd` of mismatch samples,
    and of what varies the names (`cell_variables`, `amplifier_variables`, with commas) and sigmas (`cell_sigma`, ...).

    Args:
        setting: conditions, ranges and design.
    """

    setting: StorageSetting = field(default_factory=StorageSetting)

    def prepare(self) -> None:
        """Nothing."""

    def run(self, context: None, index: int) -> Record:
        """Measure it."""
        del context, index
        varied = dict(zip(("cell", "amplifier"), self.setting.varied(), strict=True))
        cell, amplifier = (np.zeros((1, len(one.variables))) for one in varied.values())
        others = self.setting.between()
        return {
            **{f"{name}_variables": ",".join(v.name for v in one.variables) for name, one in varied.items()},
            **{f"{name}_sigma": np.array([v.sigma for v in one.variables]) for name, one in varied.items()},
            **_nominal(self.setting, self.setting.conditions),
            **drawn(self.setting, Drawing(self.setting, self.setting.conditions), cell, amplifier),
            "other_temperature": np.array([one.temperature for one in others]),
            "other_vdd": np.array([one.vdd for one in others]),
        }


@dataclass(frozen=True)
class StorageMonteCarlo:
    """Task: a drawn cell and amplifier at the conditions between; keys of `DRAWN`, shape (conditions,), and scores.

    Args:
        setting: conditions, with the study's seed, ranges and design.
    """

    setting: StorageSetting = field(default_factory=StorageSetting)

    def prepare(self) -> list[Drawing]:
        """The benches at every condition."""
        return [Drawing(self.setting, one) for one in self.setting.between()]

    def run(self, context: list[Drawing], index: int) -> Record:
        """Draw and measure number `index`."""
        varied = self.setting.varied()
        rng = stream(self.setting.conditions.seed, STAGE, index)
        cell, amplifier = (rng.standard_normal(len(one.variables)) for one in varied)
        found = [drawing.measure(varied[0].at(cell), varied[1].at(amplifier)) for drawing in context]
        measured: Record = {name: np.array([float(one[name]) for one in found]) for name in DRAWN}
        return measured | {"cell_scores": cell, "amplifier_scores": amplifier}


def _nominal(setting: StorageSetting, conditions: Conditions) -> Record:
    """The macro and the column at a condition."""
    column = ColumnSamplesNominal(setting.samples(conditions))
    found = column.run(column.prepare(), 0)
    time, apart = (np.asarray(found[name])[0] for name in ("swing_time", "swing"))
    if apart[-1] < SWINGS[-1]:
        raise SimulationError(
            f"storage: the bit lines move {apart[-1]:.2g} V apart at {conditions.vdd:g} V, not {SWINGS[-1]:g} V; raise "
            "the lowest supply",
        )
    macro = MacroSetting(conditions, setting.design)
    task = MacroNominal(macro)
    figures_ = task.run(task.prepare(), 0)
    read = nominal_cycles(macro)[1]["read_1"]
    start = rise(macro, read, "wl_far")
    falls = crossing(read["time"], read[macro.node("rbl")], conditions.vdd / 2, rising=False)
    return {
        "temperature": conditions.temperature,
        "vdd": conditions.vdd,
        "swing_time": np.interp(SWINGS, apart, time),
        "loss": np.asarray(found["loss"])[0],
        "loss_swing": np.asarray(found["loss_swing"]),
        "replica_time": falls - start,
        **{f"macro_{name}": float(np.asarray(figures_[name])) for name in FIELDS},
    }


def _leaking(setting: StorageSetting, conditions: Conditions, temperatures: Floats) -> Record:
    macros = [MacroSetting(replace(conditions, temperature=float(each)), setting.design) for each in temperatures]
    return {
        "rest_temperature": temperatures,
        "rest_leakage": np.array([sum(leakages(macro).values()) for macro in macros]),
    }


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures at the conditions: the macro's, `drv` and `cell_write_time`; with samples their spread at the others.

    Args:
        nominal: record of `StorageNominal`.
        samples: of `StorageMonteCarlo`.
        source: what varies.
    """
    found = {name: Figure(float(np.asarray(nominal[f"macro_{name}"])), MACRO[name]) for name in FIELDS}
    found["drv"] = Figure(float(np.asarray(nominal["drv"])[0]), "V")
    found["cell_write_time"] = Figure(float(np.asarray(nominal["write_time_0"])[0]), "s")
    found["offset"] = Figure(float(np.asarray(nominal["offset"])[0]), "V")
    if samples is None or samples.count == 0:
        return found
    if samples.columns:
        for k, (temperature, vdd) in enumerate(_others(nominal)):
            at = f"{temperature:.3g}C_{vdd:.3g}V"
            for name in ("offset", "drv"):
                values = samples.valid(name)[:, k]
                if len(values) > 1:
                    found[f"{name}_sigma_{at}"] = Figure(float(np.std(values, ddof=1)), "V", source=source)
    return found | counts(samples)


def _others(nominal: Record) -> list[tuple[float, float]]:
    pairs = zip(np.asarray(nominal["other_temperature"]), np.asarray(nominal["other_vdd"]), strict=True)
    return [(float(t), float(v)) for t, v in pairs]


def netlists(setting: StorageSetting) -> dict[str, Netlist]:
    """Those of the macro, and the cell at rest."""
    at = setting.conditions
    return {
        **macro_netlists(MacroSetting(at, setting.design)),
        "retention": Benches(at, setting.variation).netlists()["retention"],
    }
