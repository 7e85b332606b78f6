"""Fitted models of a computing column: the discharge against its dose, a row's factor against mismatch, disturb.

`cim.current` i(v): of a row with a 1. `cim.discharge` v(s): the bit line after a dose s (cell seconds). `cim.lost`:
what edges add to a pulse's width, and word lines that are on to every row's dose. `cim.zero_row`: dose of a pulsed row
with a 0. `cim.log_current`: ln of a row's factor over the shifts of its transistors. 6T also: `cim.disturb`, a lower
bound of the reliability index of a cell of the other value over word line, rows on and the bit line at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import KINDS, FittedModel, Input, Residual, quadratic_terms, residual
from bitline.core.monomials import monomials
from bitline.core.samples import Samples
from spice.mismatch import UNITS, VARIATIONS

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 80
FAR = 1.5  # a sample's shifts times this are measured too, so that the fit covers rarer cells
_KNOTS = 4  # widths that the dose of a row of 0 is fitted at
_TIE = 1e-5  # V a ps between neighbouring ones: what decides where no pulse was that long
_PICO = 1e-12
_HELD_OUT = 4
_LIMITS = {"discharge": 0.02, "log_current": 0.3, "disturb": 0.1}  # V; ln; sigma
_INPUTS = tuple(
    f"d{parameter}_{name}"
    for parameter in VARIATIONS["full"]
    for name in ("read_gate", "read_driver", "pass_gate_left", "pull_down_left")
)
_QUADRATIC = "minimum_of_quadratics"


@dataclass(frozen=True)
class Discharge:
    """The voltage as a function of the dose.

    Args:
        lost: what edges add to a pulse (s, negative), and what each row that is on adds to all pulses, over `deepest`.
        width: widths (s) at which `zero` is given.
        zero: dose of a pulsed row with a 0, cell seconds.
        s: doses of the curve, from 0.
        v: its voltages.
        deepest: k w of the deepest pulse seen, s.
    """

    lost: Floats
    width: Floats
    zero: Floats
    s: Floats
    v: Floats
    deepest: float

    @classmethod
    def of(cls, nominal: Record) -> Discharge:
        """Fit: the curve goes through the pulses seen; `lost` and `zero` make every other checked pair agree."""
        k, z, w, v = _pulses(nominal, "checked")
        fitted = np.arange(len(v)) % 4 < 2  # pairs without and with rows of 0

        def wrong(unknown: Floats) -> Floats:
            made = cls._through(nominal, unknown * _PICO)
            apart = (made.at(made.doses(k, z, w)) - v)[fitted]
            return np.concatenate([apart, _TIE * np.diff(unknown[2:])])

        found = least_squares(
            wrong, np.concatenate([[-10.0, 0.0], np.full(_KNOTS, 2.0)]), diff_step=[1e-3] * (2 + _KNOTS)
        ).x
        return cls._through(nominal, found * _PICO)

    @classmethod
    def _through(cls, nominal: Record, unknown: Floats) -> Discharge:
        k, _, w, v = _pulses(nominal, "seen")
        _, _, checked, _ = _pulses(nominal, "checked")
        width = np.geomspace(checked.min(), checked.max(), _KNOTS)
        start, deepest = np.asarray(nominal["current_v"])[-1], float(np.max(k * w))
        lost = unknown[:2]
        s = np.concatenate([[0.0], k * (w + lost[0]) * (1 + lost[1] * k / deepest)])
        return cls(lost, width, unknown[2:], s, np.minimum.accumulate(np.concatenate([[start], v])), deepest)

    def doses(self, k: Floats, z: Floats, w: Floats) -> Floats:
        """Of pulses of width w (s) on k rows with a 1 and z with a 0."""
        rows = k * (w + self.lost[0]) + z * PchipInterpolator(self.width, self.zero)(w)
        return np.asarray(rows * (1 + self.lost[1] * (k + z) / self.deepest))

    def at(self, s: Floats) -> Floats:
        """Voltage (V) after doses."""
        return np.asarray(PchipInterpolator(self.s, self.v)(np.clip(s, self.s[0], self.s[-1])))

    def dose(self, v: float) -> float:
        """That takes the bit line down to v (V)."""
        return float(np.interp(-v, -self.v, self.s))

    def held_out(self, nominal: Record) -> tuple[Floats, Floats]:
        """Error (V) and voltage at the checked pulses that were not fitted and lie on the curve."""
        k, z, w, v = _pulses(nominal, "checked")
        s = self.doses(k, z, w)
        kept = (np.arange(len(v)) % 4 >= 2) & (s <= self.s[-1])
        return self.at(s)[kept] - v[kept], v[kept]


def fit_cim(nominal: Record, samples: Samples, provenance: Mapping[str, str | float | int]) -> list[FittedModel]:
    """All models from the record of `CimNominal` and the samples of `CimMonteCarlo`.

    Raises:
        FitError: fewer samples than `FEWEST` could be simulated.
    """
    if samples.count - len(samples.failures) < FEWEST:
        raise FitError(f"the computing column needs {FEWEST} samples to be fitted: ask for more")
    found = [*_discharge(nominal), _current(nominal), _log_current(nominal, samples)]
    if "disturb_beta" in nominal:
        found.append(_disturb(nominal))
    return [FittedModel(**{**vars(model), "provenance": dict(provenance)}) for model in found]


def check_cim(models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
    """The models against the nominal record's held-out pulses, and samples that they have not seen."""
    known = {name: model for name, model in models.items() if name.startswith("cim.")}
    found = {name: model.residual for name, model in known.items()}
    model = models["cim.log_current"]
    x = [samples.valid(each.name) for each in model.inputs]
    inside = model.covers(*x)
    truth = samples.valid("log_current")[inside]
    outside = int(np.count_nonzero(~inside))
    found[model.name] = residual(model(*(each[inside] for each in x)), truth, "ln", outside, _LIMITS["log_current"])
    error, v = Discharge.of(nominal).held_out(nominal)
    found["cim.discharge"] = residual(v + error, v, "V", limit=_LIMITS["discharge"])
    return found


def _pulses(nominal: Record, kind: str) -> tuple[Floats, Floats, Floats, Floats]:
    k, z, w, v = (np.asarray(nominal[f"{kind}_{name}"], dtype=np.float64) for name in "kzwv")
    return k, z, w, v


def _discharge(nominal: Record) -> list[FittedModel]:
    made = Discharge.of(nominal)
    error, v = made.held_out(nominal)
    off = residual(v + error, v, "V", limit=_LIMITS["discharge"])
    dose, depth = Input("dose", "s", 0.0, float(made.s[-1])), Input("depth", "1", 0.0, 1.0)
    width = Input("width", "s", float(made.width[0]), float(made.width[-1]))
    curve = {"x": made.s.tolist(), "y": made.v.tolist()}
    none = Residual(0.0, 0.0, 0, "s")  # they are part of the discharge's residual
    lost = {
        "coefficients": made.lost.tolist(),
        "deepest": made.deepest,
        "capacitance": float(nominal["bit_line_capacitance"]),
    }
    zero = {"x": made.width.tolist(), "y": made.zero.tolist()}
    return [
        FittedModel("cim.discharge", "interpolation", (dose,), "bit line", "V", curve, off, SIMULATED),
        FittedModel("cim.lost", "polynomial", (depth,), "width that edges add", "s", lost, none, SIMULATED),
        FittedModel("cim.zero_row", "interpolation", (width,), "dose of a row of 0", "s", zero, none, SIMULATED),
    ]


def _current(nominal: Record) -> FittedModel:
    """Through every other point of the curve; the rest is held out."""
    v, i = np.asarray(nominal["current_v"]), np.asarray(nominal["current_i"])
    parameters = {"x": v[::2].tolist(), "y": i[::2].tolist()}
    off = residual(KINDS["interpolation"](parameters, v[1:-1:2]), i[1:-1:2], "A")
    inputs = (Input("v_bl", "V", float(v[0]), float(v[-1])),)
    return FittedModel("cim.current", "interpolation", inputs, "row current", "A", parameters, off, SIMULATED)


def _log_current(nominal: Record, samples: Samples) -> FittedModel:
    """A polynomial in the shifts of the two transistors, through the samples and those `FAR` times as far out."""
    eight = "dvth_read_gate" in samples.columns
    names = [name for name in _INPUTS if name in samples.columns and ("_read_" in name) == eight]
    x = np.stack([samples.valid(name) for name in names], axis=-1)
    y, far = samples.valid("log_current"), samples.valid("log_current_far")
    held_out = np.arange(len(y)) % _HELD_OUT == _HELD_OUT - 1
    scale = np.asarray(nominal["shift_sigma"])
    seen = np.concatenate([x[~held_out], FAR * x[~held_out]])
    powers, z = _powers(names), seen / scale
    terms = np.stack(list(monomials(z.T, powers)), axis=-1) if powers else quadratic_terms(z)
    solved, *_ = np.linalg.lstsq(terms, np.concatenate([y[~held_out], far[~held_out]]), rcond=None)
    solved[0] = 0.0  # a row without shifts has the factor 1
    if powers:
        kind, parameters = "monomials", {"powers": powers, "coefficients": solved.tolist()}
    else:
        kind, parameters = _QUADRATIC, {"coefficients": [solved.tolist()]}
    parameters["scale"] = scale.tolist()
    ranges = zip(names, seen.min(axis=0), seen.max(axis=0), strict=True)
    known = tuple(Input(name, UNITS[name[1:].partition("_")[0]], float(a), float(b)) for name, a, b in ranges)
    off = residual(KINDS[kind](parameters, *x[held_out].T), y[held_out], "ln", limit=_LIMITS["log_current"])
    return FittedModel("cim.log_current", kind, known, "ln of a row's factor", "1", parameters, off, SIMULATED)


def _powers(names: Sequence[str]) -> list[list[int]]:
    """Exponents of the shifts: all products of two, and of three of one transistor; none for thresholds alone.

    A lowered word line leaves a transistor near its threshold, where ln(current) bends from an exponential's to a
    square's. That is one curve for a single shift, which a quadratic follows to a thousandth, and not for the sum of
    three.
    """
    devices = [name.partition("_")[2] for name in names]
    if len(set(devices)) == len(devices):
        return []
    every = range(len(names))
    products = [each for degree in range(4) for each in combinations_with_replacement(every, degree)]
    kept = [each for each in products if len(each) < 3 or len({devices[i] for i in each}) == 1]
    return [[each.count(i) for i in every] for each in kept]


def _disturb(nominal: Record) -> FittedModel:
    """The table; residual: by how much it is above the index at points between its knots, where it is to be a bound."""
    lines, rows, depths = (np.asarray(nominal[f"disturb_{name}"]) for name in ("line", "rows", "depth"))
    parameters = {
        "knots": [lines.tolist(), rows.tolist(), depths.tolist()],
        "values": np.asarray(nominal["disturb_beta"]).tolist(),
    }
    ranges = (("word_line", "V", lines), ("rows", "1", rows), ("bit_line", "V", depths))
    inputs = tuple(Input(name, unit, float(knots[0]), float(knots[-1])) for name, unit, knots in ranges)
    truth = np.asarray(nominal["disturb_checked_beta"])
    bound = KINDS["least_corner"](parameters, *np.asarray(nominal["disturb_checked"]).T)
    off = residual(np.maximum(bound, truth), truth, "sigma", limit=_LIMITS["disturb"])
    said = "reliability index of a read"
    return FittedModel("cim.disturb", "least_corner", inputs, said, "1", parameters, off, SIMULATED)
