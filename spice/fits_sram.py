"""Models of the 6T cell's figures over the six threshold shifts, fitted to samples of one condition.

Each lobe of a noise margin is a smooth function of the shifts and takes a quadratic; their minimum has a crease, and a
quadratic through it would be fifty times worse. So the lobes are fitted apart, and the model takes the least. Currents
are positive and, where they leak, spread over decades: quadratics of their logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Floats, Input, Residual, quadratic_terms, residual
from bitline.core.samples import Samples
from spice.compared import Compared, every_column
from spice.sram import FIGURES, SHIFTS

KIND = "minimum_of_quadratics"
_LIMIT = 0.5  # of a figure's spread: a model that strays further explains too little of it
HELD_OUT = 4  # every so many-th sample is kept for the residual, where a fit has no samples of its own
FEWEST = 2 * HELD_OUT  # samples

# Model -> the smooth columns that it is the least of
PARTS: Mapping[str, tuple[str, ...]] = {
    "hold_snm": ("hold_snm_q0", "hold_snm_q1"),
    "read_snm": ("read_snm_q0", "read_snm_q1"),
    "write_margin_bl": ("write_margin_bl",),
    "write_margin_wl": ("write_margin_wl",),
    "read_current": ("read_current",),
    "leakage": ("leakage",),
}
LOGARITHMIC = ("read_current", "leakage")


def fit_sram(samples: Samples, provenance: Mapping[str, str | float | int]) -> list[FittedModel]:
    """Fit every figure to samples of one condition.

    Samples of `spice.sram_design.SramDesign` all go into a weighted least squares fit, whose residual is left to be
    taken from other samples (`check_sram`). Of any others three in four are fitted and the fourth is held out for the
    residual. The quadratic has 28 coefficients; where the fitted samples are fewer than twice that, it is cut to its
    linear terms or its constant, which the residual shows. A cell that lacks a figure is left out of that figure's fit.

    Args:
        samples: of one condition.
        provenance: of the samples; each model keeps it.

    Returns:
        Models `sram.<figure>` of the six shifts (V), valid in the range of each shift that was fitted.

    Raises:
        FitError: fewer than 8 samples have a figure.
    """
    every = len(samples.valid(SHIFTS[0])) if samples.columns else 0
    held_out = np.zeros(every, dtype=bool)
    if "weight" not in samples.columns:
        held_out = np.arange(every) % HELD_OUT == HELD_OUT - 1
    if every < FEWEST:
        raise FitError(f"the 6T cell has {every} valid samples, a fit needs {FEWEST}: ask for more samples")
    return [_fit(name, samples, held_out, provenance) for name in PARTS]


def _fit(
    name: str,
    samples: Samples,
    held_out: np.ndarray[Any, np.dtype[np.bool_]],
    provenance: Mapping[str, str | float | int],
) -> FittedModel:
    shifts = np.stack([samples.valid(shift) for shift in SHIFTS], axis=-1)
    truth = np.stack([samples.valid(part) for part in PARTS[name]], axis=-1)
    known = np.isfinite(truth).all(axis=1) & ~held_out
    if np.count_nonzero(known) < FEWEST - FEWEST // HELD_OUT:
        raise FitError(f"only {np.count_nonzero(known)} cells have a {name}: ask for more samples or a higher vdd")
    seen, weights = shifts[known], samples.valid("weight")[known] if "weight" in samples.columns else None
    scale = np.std(seen, axis=0)
    ranges = zip(SHIFTS, seen.min(axis=0), seen.max(axis=0), strict=True)
    model = FittedModel(
        name=f"sram.{name}",
        kind=KIND,
        inputs=tuple(Input(shift, "V", float(low), float(high)) for shift, low, high in ranges),
        output=name,
        unit=FIGURES[name],
        parameters={
            "scale": scale.tolist(),
            "coefficients": coefficients(name, seen / scale, truth[known], weights).tolist(),
            **({"logarithm": True} if name in LOGARITHMIC else {}),
        },
        residual=Residual(0.0, 0.0, 0, FIGURES[name]),
        origin=SIMULATED,
        provenance=dict(provenance),
    )
    if not held_out.any():
        return model
    columns = {column: samples.valid(column)[held_out] for column in (*SHIFTS, name)}
    # the fourth samples are of the same draws: the ends of their range count as inside
    wide = replace(model, inputs=tuple(replace(known, low=-np.inf, high=np.inf) for known in model.inputs))
    found = _residual(wide, Samples(int(np.count_nonzero(held_out)), columns))
    return replace(model, residual=replace(found, limit=None))


def coefficients(name: str, scaled: Floats, truth: Floats, weights: Floats | None = None) -> Floats:
    """Quadratics of the parts of a figure by least squares, over as many orders as the samples bear.

    Args:
        name: of the figure.
        scaled: shifts over their scale, shape (samples, 6).
        truth: the figure's parts, shape (samples, parts).
        weights: by which a sample's error counts, shape (samples,); None for all alike.

    Returns:
        Shape (parts, 28); those that are not fitted are 0.
    """
    terms = quadratic_terms(scaled)
    values = np.log(truth) if name in LOGARITHMIC else truth
    orders = (terms.shape[1], 1 + scaled.shape[1], 1)
    kept = next((count for count in orders if 2 * count <= len(values)), 1)
    by = np.ones((len(values), 1)) if weights is None else weights[:, None]
    solved, *_ = np.linalg.lstsq(by * terms[:, :kept], by * values, rcond=None)
    return np.asarray(np.pad(solved.T, ((0, 0), (0, terms.shape[1] - kept))))


def check_sram(models: Mapping[str, FittedModel], samples: Samples) -> dict[str, Residual]:
    """The models against samples that they have not seen, counting those outside a model's range.

    The error of a current is relative.
    """
    return {model.name: _residual(model, samples) for model in _of_sram(models)}


def by_lobe(model: FittedModel) -> list[FittedModel]:
    """The smooth models that a model of this module, or of `spice.fits_sram_conditions`, is the least of."""
    rows = model.parameters["coefficients"]
    return [
        replace(model, name=f"sram.{part}", output=part, parameters={**model.parameters, "coefficients": [row]})
        for part, row in zip(PARTS[model.output], rows, strict=True)
    ]


def _of_sram(models: Mapping[str, FittedModel]) -> list[FittedModel]:
    return [models[f"sram.{name}"] for name in PARTS if f"sram.{name}" in models]


def _residual(model: FittedModel, samples: Samples) -> Residual:
    inputs = [samples.valid(known.name) for known in model.inputs]
    truth = samples.valid(model.output)
    inside = model.covers(*inputs) & np.isfinite(truth)
    predicted = model(*(values[inside] for values in inputs))
    relative = model.output in LOGARITHMIC
    limit = _LIMIT * float(np.nanstd(np.log(truth) if relative else truth))
    unit = "1" if relative else model.unit
    return residual(predicted, truth[inside], unit, int(np.count_nonzero(~inside)), limit)


def compare_sram(
    models: Mapping[str, FittedModel], _nominal: Record, fitted: Samples | None, held_out: Samples
) -> list[Compared]:
    """Every lobe of every model beside its samples.

    Args:
        models: of this module or of `spice.fits_sram_conditions`, by name.
        fitted: the samples of their fit alone; None where it took three of four of the others.
        held_out: the others.
    """
    lobes = {lobe.name: lobe for model in _of_sram(models) for lobe in by_lobe(model)}
    if fitted is not None:
        return every_column(lobes, ((fitted, False), (held_out, True)))
    unseen = np.arange(held_out.count - len(held_out.failures)) % HELD_OUT == HELD_OUT - 1
    kept = {name: held_out.valid(name) for name in (*SHIFTS, *(lobe.output for lobe in lobes.values()))}
    halves = [
        Samples(len(unseen), {n: np.where(part, v, np.nan) for n, v in kept.items()}) for part in (~unseen, unseen)
    ]
    return every_column(lobes, ((halves[0], False), (halves[1], True)))
