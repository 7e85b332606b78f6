"""Which value a cell of an SRAM macro loses at rest, and at which supply: models over its shifts and temperature.

As thresholds change, the supply at which a cell loses its 0 changes smoothly, and so does that at which it loses its 1.
Where a cell turns from the one to the other the figure jumps by tens of millivolts (spice/drv.py says why). So there
are two models, each with its own residual:

- `storage.drv`: supply (V) below which a stored 0 is lost, of cells that lose it; a quadratic. The other value is the
  one state that is left. A cell that loses its 1 is the mirror image of one that loses its 0.
- `storage.lean`: above 0 where the 0 is lost: log odds of a logistic regression, a quadratic, odd under mirroring.
  Its residual is what the cells that it takes for the other kind do to `storage.drv`, 0 for the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from bitline.core.errors import FitError
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Floats, Input, Residual, quadratic_terms, residual
from bitline.core.samples import Samples
from spice.storage_grid import Shifts, inside_or_nan
from spice.storage_setting import WIDTH

LIMIT = 0.03  # V, of the retention voltage
_DEGREES = 100.0  # C: scale of the temperature
_RIDGE = 0.1  # of the log odds' coefficients: cells that part without an exception leave them finite


def fit_retention(own: Shifts, design: Samples) -> list[FittedModel]:
    """Both models, from the samples of `StorageDesign`.

    Raises:
        FitError: fewer cells than terms.
    """
    scores = np.concatenate([design[f"{of}_scores"].reshape(-1, len(own.names)) for of in ("cell", "rest")])
    drv, lost = (
        np.concatenate([design[f"{of}{name}"].ravel() for of in ("", "rest_")]) for name in ("drv", "drv_lost")
    )
    temperature = np.concatenate(
        [np.repeat(design["temperature"], design[f"{of}_scores"].shape[1]) for of in ("cell", "rest")]
    )
    known = np.isfinite(drv)
    at, left, zero = temperature[known] / _DEGREES, scores[known], lost[known] == 0
    seen = np.where(zero[:, None], left, left[:, own.mirror])  # whose 0 goes
    kept = own.kept(squares=True, before=1)
    if np.count_nonzero(known) < np.count_nonzero(kept):
        raise FitError(f"storage: {np.count_nonzero(known)} cells at rest, {np.count_nonzero(kept)} terms; more cells")
    weights = np.exp(-np.sum(seen**2, axis=-1) * (1 - WIDTH**-2) / 4)
    terms = _terms(at, seen)[:, kept]
    voltage, lean = np.zeros(len(kept)), np.zeros(len(kept))
    voltage[kept] = np.linalg.lstsq(weights[:, None] * terms, weights * drv[known], rcond=None)[0]
    odd = (_terms(at, left) - _terms(at, left[:, own.mirror]))[:, kept]
    lean[kept] = _log_odds(odd, zero)
    lean -= lean[_mirrored_terms(own)]
    limits = float(design["temperature"].min()), float(design["temperature"].max())
    return [_model("drv", "V", voltage, own, limits), _model("lean", "1", lean, own, limits)]


def check_retention(
    models: Mapping[str, FittedModel], own: Shifts, temperatures: Floats, samples: Samples
) -> dict[str, Residual]:
    """Residuals of both models on mismatch samples at temperatures (C) of shape (1, conditions)."""
    drv, lean = models["storage.drv"], models["storage.lean"]
    scores, truth = samples.valid("cell_scores"), samples.valid("drv")
    left, right = (np.moveaxis(of * own.sigma, -1, 0)[..., None] for of in (scores, scores[:, own.mirror]))
    inside = drv.covers(temperatures, *left) & np.isfinite(truth)
    zero, one = (inside_or_nan(drv, inside, temperatures, *x)[inside] for x in (left, right))
    lost = np.where(samples.valid("drv_lost")[inside] == 0, zero, one)
    taken = np.where(inside_or_nan(lean, inside, temperatures, *left)[inside] > 0, zero, one)
    outside = int(np.count_nonzero(~inside))
    return {
        drv.name: residual(lost, truth[inside], "V", outside, LIMIT),
        lean.name: residual(taken, lost, "V", outside),
    }


def _log_odds(odd: Floats, zero: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """Coefficients c of terms[cell, term] whose sum is the log odds of `zero`: likelihood less a ridge's."""
    sign = np.where(zero, 1.0, -1.0)

    def cost(c: Floats) -> tuple[float, Floats]:
        margin = sign * (odd @ c)
        value = np.sum(np.logaddexp(0, -margin)) + _RIDGE * (c @ c)
        return float(value), 2 * _RIDGE * c - (sign * expit(-margin)) @ odd

    return np.asarray(minimize(cost, np.zeros(odd.shape[1]), jac=True, method="L-BFGS-B").x)


def _terms(at: Floats, scores: Floats) -> Floats:
    return quadratic_terms(np.column_stack([at, scores]))


def _mirrored_terms(own: Shifts) -> list[int]:
    """Index of each term of temperature and shifts as the mirrored cell has it."""
    place = [0, *(1 + index for index in own.mirror)]
    pairs = list(itertools.combinations_with_replacement(range(len(place)), 2))  # in the order of quadratic_terms
    index = {pair: 1 + len(place) + k for k, pair in enumerate(pairs)}
    linear = [1 + one for one in place]
    return [0, *linear, *(index[min(place[i], place[j]), max(place[i], place[j])] for i, j in pairs)]


def _model(name: str, unit: str, row: Floats, own: Shifts, limits: tuple[float, float]) -> FittedModel:
    return FittedModel(
        name=f"storage.{name}",
        kind="minimum_of_quadratics",
        inputs=(Input("temperature", "C", *limits), *own.inputs),
        output=name,
        unit=unit,
        parameters={"scale": [_DEGREES, *own.sigma.tolist()], "coefficients": [row.tolist()]},
        residual=Residual(0.0, 0.0, 0, unit),
        origin=SIMULATED,
    )
