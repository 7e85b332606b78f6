"""A column that computes, in ngspice: how many rows at once discharge a bit line, and what mismatch does to a row.

The bit line starts at vdd and ends, after k rows that hold a 1 and z rows that hold a 0 had a pulse of width w, at a
voltage that depends on one number alone, the dose

    s = (k (w + lost) + z zero) (1 + lift (k + z))      (cell seconds)

because all rows see the same voltage: dv/dt = -f(v) sum_i x_i (1 + e_i) / C(v) separates. `lost` is what the edges take
of a pulse; `lift`: word lines that are on lift the bit line by their gates' capacitance, whatever their rows hold, and
rows of 1 draw more from it; `zero` is the charge that a row with a 0 takes for the node between
its transistors, which depends on the width. Each product starts from rest, with those nodes discharged: what they still
hold after a product before it is not counted.

- `row_current`, `row_current_low`: of a row with a 1, at vdd and at 0.4 vdd on the bit line.
- `dose`: cell seconds that take the bit line from vdd to 0.4 vdd; `bit_line_capacitance`: what that charge makes it.
- `discharge_error`: largest error of the voltage from the dose alone, over pulses that the curve has not seen (V).
- `log_current_sigma`: of ln(current) over mismatch, at 0.75 vdd; `separability`: rms over samples of the difference
  between ln of a row's factor at 0.4 vdd and at 0.75 vdd: what taking e_i as constant in v costs.
- `trip` (6T): bit-line voltage at which a cell of the other value flips while it falls slowly, at the word line's
  voltage; negative where the bit line would have to go below ground.
- `disturb_index` (6T): reliability index of such a cell where all other rows empty the bit line; `disturb_ratio`: the
  probability of its flip by importance sampling in ngspice over Phi(-index), with its relative standard error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.cim_column import SHORTEST
from spice.cim_bench import LOW, CimBench, CimSetting
from spice.cim_disturb import UNITS as DISTURB_UNITS
from spice.cim_disturb import DisturbBench, disturbed
from spice.cim_fits import FAR, Discharge
from spice.mismatch import shifts
from spice.spread import counts, with_spread

Floats = np.ndarray[Any, np.dtype[np.float64]]

STAGE = "cim.mismatch"
FIGURES: dict[str, str] = {
    "row_current": "A",
    "row_current_low": "A",
    "dose": "s",
    "bit_line_capacitance": "F",
    "discharge_error": "V",
}
SIX = {"trip": "V", "disturb_index": "1", "disturb_ratio": "1", "disturb_ratio_error": "1"}
UNITS: dict[str, str] = {
    **FIGURES,
    "current_v": "V",
    "current_i": "A",
    **{f"{kind}_{name}": unit for kind in ("seen", "checked") for name, unit in (("k", "1"), ("z", "1"), ("w", "s"))},
    "shift_sigma": "1",
    "seen_v": "V",
    "checked_v": "V",
    "wave_time": "s",
    **{f"wave_{share}": "V" for share in (2, 4, 8, 16)},
    **{f"log_current{where}": "1" for where in ("", "_low", "_far")},
    "trip": "V",
    **DISTURB_UNITS,
}
_SEEN = 33  # pulses that the discharge curve goes through
_SHOWN = 401


@dataclass(frozen=True)
class CimNominal:
    """Task: the column without mismatch; one sample, index 0.

    Args:
        setting: conditions and design.
    """

    setting: CimSetting = field(default_factory=CimSetting)

    def prepare(self) -> CimBench:
        """The benches."""
        return DisturbBench(self.setting) if self.setting.design.cell == "6t" else CimBench(self.setting)

    def run(self, context: CimBench, index: int) -> Record:
        """The current, the discharge at pulses to fit and pulses to check, waveforms, and for 6T the disturb."""
        del index
        v, i = context.curve()
        dose = self._dose(context, v, i)
        record: Record = {
            "log_current": 0.0,
            "current_v": v,
            "current_i": i,
            "row_current": float(np.interp(context.vdd, v, i)),
            "shift_sigma": np.array([each.sigma for each in context.inputs]),
        }
        record["row_current_low"] = float(np.interp(LOW * context.vdd, v, i))
        for kind, (k, z, w) in (("seen", self._seen(dose)), ("checked", self._checked(dose))):
            ends = [context.end(int(a), int(b), float(c)) for a, b, c in zip(k, z, w, strict=True)]
            record |= {f"{kind}_k": k, f"{kind}_z": z, f"{kind}_w": w, f"{kind}_v": np.array(ends)}
        record |= self._waves(context, dose)
        if isinstance(context, DisturbBench):
            record["trip"] = context.trip(self.setting.design.word_line, np.zeros(len(context.varied)))
            record |= disturbed(context)
        return record | self._figures(record)

    def _dose(self, context: CimBench, v: Floats, i: Floats) -> float:
        """Cell seconds to 0.3 vdd, about: the wire's capacitance and half as much of junctions."""
        span = v >= 0.3 * context.vdd
        each = np.sum((1 / i[span][1:] + 1 / i[span][:-1]) / 2 * np.diff(v[span]))
        return float(1.2 * self.setting.design.wire_capacitance * each)

    def _seen(self, dose: float) -> tuple[Floats, Floats, Floats]:
        k = max(1, self.setting.design.cells // 16)
        w = np.linspace(SHORTEST, max(1.4 * dose / k, 2 * SHORTEST), _SEEN)
        return np.full(_SEEN, float(k)), np.zeros(_SEEN), w

    def _checked(self, dose: float) -> tuple[Floats, Floats, Floats]:
        """Other numbers of rows, half of them with rows of 0 beside."""
        n = self.setting.design.cells
        rows = []
        for share in (4, 8, 32):
            k = max(1, n // share)
            for part in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9):
                width = max(part * dose / k, SHORTEST)
                rows += [(k, 0, width), (k, n // 2, width)]
        k, z, w = np.array(rows, dtype=np.float64).T
        return k, z, w

    def _waves(self, context: CimBench, dose: float) -> Record:
        n = self.setting.design.cells
        stop = 16 * dose / n
        time = np.linspace(0.0, stop, _SHOWN)
        found: Record = {"wave_time": time}
        for share in (2, 4, 8, 16):
            wave = context.wave(max(1, n // share), 0, 2 * stop, stop)
            found[f"wave_{share}"] = np.interp(time, wave["time"], wave["bl"])
        return found

    def _figures(self, record: Record) -> Record:
        fitted, vdd = Discharge.of(record), self.setting.conditions.vdd
        dose = fitted.dose(LOW * vdd)
        charged = np.asarray(record["current_v"]) >= LOW * vdd
        v, i = (np.asarray(record[name])[charged] for name in ("current_v", "current_i"))
        mean = float((v[-1] - v[0]) / np.sum((1 / i[1:] + 1 / i[:-1]) / 2 * np.diff(v)))  # over time
        error = float(np.max(np.abs(fitted.held_out(record)[0])))
        return {"dose": dose, "bit_line_capacitance": dose * mean / ((1 - LOW) * vdd), "discharge_error": error}


@dataclass(frozen=True)
class CimMonteCarlo(CimNominal):
    """Task: rows, and for 6T whole cells, with drawn mismatch; the record also has every shift by its name."""

    def run(self, context: CimBench, index: int) -> Record:
        """Draw row `index`."""
        scores = stream(self.setting.conditions.seed, STAGE, index).standard_normal(len(context.varied))
        drawn = shifts(context.varied, scores)
        nominal = context.currents(shifts(context.varied, 0 * scores))
        middle, low = np.log(np.array(context.currents(drawn)) / nominal)
        far = np.log(context.currents(shifts(context.varied, FAR * scores))[0] / nominal[0])
        record: Record = {"log_current": float(middle), "log_current_low": float(low), "log_current_far": float(far)}
        if isinstance(context, DisturbBench):
            record["trip"] = context.trip(self.setting.design.word_line, scores)
        return record | {each.name: drawn[each.device][each.parameter] for each in context.varied}


def figures(nominal: Record, samples: Samples | None, source: str) -> dict[str, Figure]:
    """Figures of the column, with the spread of a row's current and of the trip voltage where samples were drawn."""
    known: Mapping[str, str] = FIGURES | (SIX if "trip" in nominal else {})
    if "trip" in nominal:
        found = with_spread(nominal, samples, known, ("trip",), source)
    else:
        found = with_spread(nominal, None, known) | ({} if samples is None else counts(samples))
    if samples is not None and samples.columns:
        middle, low = samples.valid("log_current"), samples.valid("log_current_low")
        if middle.size > 1:
            found["log_current_sigma"] = Figure(float(np.std(middle, ddof=1)), "1", source=source)
            found["separability"] = Figure(float(np.sqrt(np.mean((middle - low) ** 2))), "1", source=source)
    return found
