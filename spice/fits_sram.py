"""Models of the 6T cell's figures over the six threshold shifts, fitted to a Monte Carlo.

Each lobe of a noise margin is a smooth function of the shifts and takes a quadratic; their minimum has a crease, and a
quadratic through it would be fifty times worse. So the lobes are fitted apart, and the model takes the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bitline.core.errors import FitError
from bitline.core.figures import SIMULATED
from bitline.core.model_file import KINDS, FittedModel, Floats, Input, Residual, quadratic_terms, residual
from bitline.core.samples import Samples
from spice.sram import FIGURES, SHIFTS

KIND = "minimum_of_quadratics"
_LIMIT = 0.5  # of a figure's spread: a model that strays further explains too little of it
HELD_OUT = 4  # every so many-th sample is kept for the residual
FEWEST = 2 * HELD_OUT  # samples

# Model -> the smooth columns that it is the least of
_PARTS: Mapping[str, tuple[str, ...]] = {
    "hold_snm": ("hold_snm_q0", "hold_snm_q1"),
    "read_snm": ("read_snm_q0", "read_snm_q1"),
    "write_margin_bl": ("write_margin_bl",),
    "write_margin_wl": ("write_margin_wl",),
    "read_current": ("read_current",),
}


def fit_sram(samples: Samples, provenance: Mapping[str, str | float | int]) -> list[FittedModel]:
    """Fit every figure but the leakage to samples of `spice.sram.SramMonteCarlo`.

    Three samples in four are fitted by least squares and the fourth is held out for the residual. The quadratic has 28
    coefficients; where the fitted samples are fewer than twice that, it is cut to its linear terms or its constant,
    which the residual shows.

    Args:
        samples: of one condition.
        provenance: of the samples; each model keeps it.

    Returns:
        Models `sram.<figure>` of the six shifts (V), valid in the range of each shift that was fitted.

    Raises:
        FitError: fewer than 8 samples could be simulated.
    """
    shifts = np.stack([samples.valid(name) for name in SHIFTS], axis=-1)
    held_out = np.arange(len(shifts)) % HELD_OUT == HELD_OUT - 1
    if len(shifts) < FEWEST:
        raise FitError(f"the 6T cell has {len(shifts)} valid samples, a fit needs {FEWEST}: ask for more samples")
    return [_fit(name, parts, samples, shifts, held_out, provenance) for name, parts in _PARTS.items()]


def _fit(
    name: str,
    parts: tuple[str, ...],
    samples: Samples,
    shifts: Floats,
    held_out: np.ndarray[Any, np.dtype[np.bool_]],
    provenance: Mapping[str, str | float | int],
) -> FittedModel:
    """One model from shifts[sample, device] (V)."""
    seen = shifts[~held_out]
    scale = np.std(seen, axis=0)
    terms = quadratic_terms(seen / scale)
    coefficients = [_coefficients(terms, samples.valid(part)[~held_out]).tolist() for part in parts]
    parameters = {"scale": scale.tolist(), "coefficients": coefficients}
    ranges = zip(SHIFTS, seen.min(axis=0), seen.max(axis=0), strict=True)
    predicted = KINDS[KIND](parameters, *shifts[held_out].T)
    return FittedModel(
        name=f"sram.{name}",
        kind=KIND,
        inputs=tuple(Input(shift, "V", float(low), float(high)) for shift, low, high in ranges),
        output=name,
        unit=FIGURES[name],
        parameters=parameters,
        residual=residual(predicted, samples.valid(name)[held_out], FIGURES[name]),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def check_sram(models: Mapping[str, FittedModel], samples: Samples) -> dict[str, Residual]:
    """The models against samples that they have not seen; those outside a model's range are counted."""
    shifts = [samples.valid(name) for name in SHIFTS]
    found = {}
    for name in _PARTS:
        model = models[f"sram.{name}"]
        inside = model.covers(*shifts)
        predicted, truth = model(*(shift[inside] for shift in shifts)), samples.valid(name)
        limit = _LIMIT * float(np.std(truth))
        found[model.name] = residual(predicted, truth[inside], model.unit, int(np.count_nonzero(~inside)), limit)
    return found


def _coefficients(terms: Floats, values: Floats) -> Floats:
    """Least squares over as many orders as the samples bear; the rest of the coefficients are 0."""
    width = len(SHIFTS)
    orders = (terms.shape[1], 1 + width, 1)
    kept = next((count for count in orders if 2 * count <= len(values)), 1)
    solved, *_ = np.linalg.lstsq(terms[:, :kept], values, rcond=None)
    return np.pad(solved, (0, terms.shape[1] - kept))
