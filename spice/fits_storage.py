"""Models of an SRAM macro used as storage, over temperature and supply, as spice/storage_samples.py simulates it.

- `storage.read_current`, `storage.cell_write_time`: of a cell whose left bit line falls, reading and writing 0:
  quadratics in the thresholds and linear in other shifts, of logarithms. A cell is symmetric: both sides are samples.
- `storage.drv`, `storage.lean`: of a cell at rest, as spice/storage_retention.py has them.
- `storage.offset`: of an amplifier, linear in its shifts.
- `storage.swing_time`, `storage.loss_<bit>`: of the nominal column, against its swing.
- `storage.<figure>` of the macro.

Coefficients are polynomials through the nodes of both conditions, ends included; the residuals are those between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Floats, Input, Residual, quadratic_terms, residual
from bitline.core.samples import Samples
from spice.characterise import Provenance
from spice.macro import FIGURES as MACRO
from spice.storage_drawing import DRAWN
from spice.storage_grid import Grid, Shifts, inside_or_nan, series_of
from spice.storage_retention import check_retention, fit_retention
from spice.storage_samples import FIELDS
from spice.storage_setting import ORDERS, SWINGS, WIDTH

FEWEST = 8  # mismatch samples, for the residuals
OF_CELLS: Mapping[str, tuple[str, str]] = {
    "read_current": ("read_current_left", "read_current_right"),
    "cell_write_time": ("write_time_0", "write_time_1"),
}
"""Columns of the samples behind a model: its own, and what it gives of the mirrored cell."""
_RELATIVE_LIMIT = 0.1
_OFFSET_LIMIT = 0.01  # V


def fit_storage(nominal: Record, design: Samples, provenance: Provenance) -> list[FittedModel]:
    """All models, from the record of `StorageNominal` and the samples of `StorageDesign`.

    Those of the nominal macro and column have their residual at the conditions between; those of cells and amplifiers
    are left to `check_storage`.

    Raises:
        FitError: a condition of the fit could not be simulated, or leaves too few cells.
    """
    if design.failures:
        index, reason = next(iter(design.failures.items()))
        raise FitError(f"storage: condition {index} of the fit could not be simulated: {reason}")
    grid = Grid.of(design)
    found = [*_of_cells(nominal, design, grid), *_of_macro(nominal, design, grid)]
    return [replace(model, origin=SIMULATED, provenance=dict(provenance)) for model in found]


def check_storage(models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
    """Residuals of cells and amplifiers that no fit has seen, at conditions that it has not seen."""
    own, amplifier = (Shifts.of(nominal, name) for name in ("cell", "amplifier"))
    at = [np.asarray(nominal[f"other_{name}"])[None] for name in ("temperature", "vdd")]
    scores = samples.valid("cell_scores")
    left, right = (np.moveaxis(of * own.sigma, -1, 0)[..., None] for of in (scores, scores[:, own.mirror]))
    other = np.moveaxis(samples.valid("amplifier_scores") * amplifier.sigma, -1, 0)[..., None]
    found = {}
    for name, columns in OF_CELLS.items():
        model = models[f"storage.{name}"]
        pairs = [(model, (*at, *x), column) for x, column in zip((left, right), columns, strict=True)]
        found[model.name] = _residual(pairs, samples, "1", _RELATIVE_LIMIT)
    offset = models["storage.offset"]
    found[offset.name] = _residual([(offset, (*at, *other), "offset")], samples, "V", _OFFSET_LIMIT)
    return found | check_retention(models, own, at[0], samples)


def _residual(
    pairs: Sequence[tuple[FittedModel, tuple[Floats, ...], str]],
    samples: Samples,
    unit: str,
    limit: float,
) -> Residual:
    predicted, truths, outside = [], [], 0
    for model, inputs, column in pairs:
        truth = samples.valid(column)
        inside = model.covers(*inputs) & np.isfinite(truth)
        predicted.append(inside_or_nan(model, inside, *inputs)[inside])
        truths.append(truth[inside])
        outside += int(np.count_nonzero(~inside))
    return residual(np.concatenate(predicted), np.concatenate(truths), unit, outside, limit)


def _of_cells(nominal: Record, design: Samples, grid: Grid) -> list[FittedModel]:
    own, amplifier = (Shifts.of(nominal, name) for name in ("cell", "amplifier"))
    scores, other = design["cell_scores"], design["amplifier_scores"]
    both = np.concatenate([scores, scores[..., own.mirror]], axis=1)
    found = []
    for name, columns in OF_CELLS.items():
        truth = np.concatenate([design[column] for column in columns], axis=1)
        found.append(_over_conditions(name, DRAWN[columns[0]], own, both, np.log(truth), grid, squares=True))
    found.append(_over_conditions("offset", "V", amplifier, other, design["offset"], grid, squares=False))
    return [*found, *fit_retention(own, design)]


def _over_conditions(
    name: str,
    unit: str,
    shifts: Shifts,
    scores: Floats,
    values: Floats,
    grid: Grid,
    *,
    squares: bool,
) -> FittedModel:
    """A quadratic of values[condition, cell] in scores[condition, cell, shift] at each node, joined over them."""
    kept = shifts.kept(squares=squares)
    coefficients = np.zeros((*ORDERS, len(kept)))
    for place, index in np.ndenumerate(grid.nodes):
        coefficients[place][kept] = _least_squares(name, scores[index], values[index], kept)
    return FittedModel(
        name=f"storage.{name}",
        kind="quadratics_over_conditions",
        inputs=(*grid.inputs, *shifts.inputs),
        output=name,
        unit=unit,
        parameters={
            "temperatures": list(grid.ranges[0]),
            "supplies": list(grid.ranges[1]),
            "scale": shifts.sigma.tolist(),
            "coefficients": [np.moveaxis(grid.series(coefficients), -1, 0).tolist()],
            **({"logarithm": True} if squares else {}),
        },
        residual=Residual(0.0, 0.0, 0, unit),
        origin=SIMULATED,
    )


def _least_squares(name: str, scores: Floats, values: Floats, kept: np.ndarray[Any, Any]) -> Floats:
    """Weighted as spice/sram_design.py does: a fit is best where cells are."""
    known = np.isfinite(values)
    if np.count_nonzero(known) < np.count_nonzero(kept):
        raise FitError(
            f"storage: {np.count_nonzero(known)} cells of a condition have a {name}, its model has "
            f"{np.count_nonzero(kept)} terms; ask for more cells, or let the supplies start higher",
        )
    weights = np.exp(-np.sum(scores[known] ** 2, axis=-1) * (1 - WIDTH**-2) / 4)
    terms = quadratic_terms(scores[known])[:, kept]
    solved, *_ = np.linalg.lstsq(weights[:, None] * terms, weights * values[known], rcond=None)
    return np.asarray(solved)


def _of_macro(nominal: Record, design: Samples, grid: Grid) -> list[FittedModel]:
    found = [_nominal_model(n, MACRO[n], (), design, grid, f"macro_{n}") for n in FIELDS if n != "leakage"]
    found.append(_leakage(design, grid))
    found.append(_nominal_model("replica_time", "s", (), design, grid))
    swing = Input("swing", "V", SWINGS[0], SWINGS[-1])
    found.append(_nominal_model("swing_time", "s", (swing,), design, grid))
    levels = np.asarray(nominal["loss_swing"])
    over = Input("swing", "V", float(levels[0]), float(levels[-1]))
    return [*found, *(_loss(bit, levels, over, design, grid) for bit in (0, 1))]


def _nominal_model(
    name: str,
    unit: str,
    more: tuple[Input, ...],
    design: Samples,
    grid: Grid,
    column: str = "",
) -> FittedModel:
    """A positive figure of the nominal macro by its logarithm, over the conditions and the nodes of `more`."""
    values = np.log(design[column or name])
    coefficients = grid.series(values[grid.nodes])
    if more:
        coefficients = np.einsum("si,tvi->tvs", series_of(values.shape[1]), coefficients)
    model = _chebyshev(name, unit, more, coefficients, grid, logarithm=True)
    return _checked(model, SWINGS if more else (), design[column or name], design, grid)


def _leakage(design: Samples, grid: Grid) -> FittedModel:
    """Its logarithm through more temperatures than the rest has.

    From hot to cold the current below thresholds, exponential in 1 / T, gives way to the one that drains leak under
    their gates, which hardly knows the temperature; no low order follows both.
    """
    temperatures, truth = design["rest_temperature"], design["rest_leakage"]
    values = np.moveaxis(np.log(truth[grid.nodes]), 1, 2).reshape(-1, ORDERS[1])  # from temperatures, supplies, more
    coefficients = np.einsum("ti,vj,ij->tv", series_of(len(values)), series_of(ORDERS[1]), values)
    model = _chebyshev("leakage", MACRO["leakage"], (), coefficients, grid, logarithm=True)
    found = model(temperatures[grid.unseen], design["vdd"][grid.unseen, None])
    return replace(model, residual=residual(found, truth[grid.unseen], "1", 0, _RELATIVE_LIMIT))


def _loss(bit: int, levels: Floats, over: Input, design: Samples, grid: Grid) -> FittedModel:
    """The loss of a read: a polynomial through the levels of swing, which are no Chebyshev points."""
    values = design["loss"][:, bit]
    scaled = (2 * levels - over.low - over.high) / (over.high - over.low)
    inverse = np.linalg.inv(np.polynomial.chebyshev.chebvander(scaled, len(levels) - 1))
    coefficients = np.einsum("si,tvi->tvs", inverse, grid.series(values[grid.nodes]))
    model = _chebyshev(f"loss_{bit}", "V", (over,), coefficients, grid, logarithm=False)
    return _checked(model, levels, values, design, grid)


def _chebyshev(
    name: str,
    unit: str,
    more: tuple[Input, ...],
    coefficients: Floats,
    grid: Grid,
    *,
    logarithm: bool,
) -> FittedModel:
    inputs = (*grid.inputs, *more)
    return FittedModel(
        name=f"storage.{name}",
        kind="chebyshev",
        inputs=inputs,
        output=name,
        unit=unit,
        parameters={
            "ranges": [[known.low, known.high] for known in inputs],
            "coefficients": coefficients.tolist(),
            "logarithm": logarithm,
        },
        residual=Residual(0.0, 0.0, 0, unit),
        origin=SIMULATED,
    )


def _checked(
    model: FittedModel, levels: Sequence[float] | Floats, truth: Floats, design: Samples, grid: Grid
) -> FittedModel:
    at = [design[name][grid.unseen] for name in ("temperature", "vdd")]
    inputs = [values[:, None] for values in at] + [np.asarray(levels)] if len(levels) else at
    unit, limit = ("1", _RELATIVE_LIMIT) if model.parameters["logarithm"] else (model.unit, None)
    return replace(model, residual=residual(model(*inputs), truth[grid.unseen], unit, 0, limit))
