"""Models of an SRAM macro used as storage, over temperature and supply, as spice/storage_samples.py simulates it.

- `storage.read_current`, `storage.cell_write_time`: of a cell whose left bit line falls, reading and writing 0:
  quadratics in the thresholds and linear in other shifts, of logarithms. A cell is symmetric: both sides are samples.
- `storage.drv`: supply (V) below which a stored 0 is lost, of cells that lose it. The other value is the one state that
  is left and is not lost; a cell that loses its 1 is its mirror image. `storage.lean`: above 0 where the 0 is lost, the
  linear function of the shifts that parts both best.
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
from spice.storage_grid import THRESHOLDS, Grid, Shifts, series_of
from spice.storage_samples import DRAWN, FIELDS
from spice.storage_setting import ORDERS, SWINGS, WIDTH

FEWEST = 8  # mismatch samples, for the residuals
OF_CELLS: Mapping[str, tuple[str, str]] = {
    "read_current": ("read_current_left", "read_current_right"),
    "cell_write_time": ("write_time_0", "write_time_1"),
}
"""Columns of the samples behind a model: its own, and what it gives of the mirrored cell."""
_DEGREES = 100.0  # C: scale of the temperature in the retention voltage
_RELATIVE_LIMIT = 0.1
_OFFSET_LIMIT = 0.01  # V
_RETENTION_LIMIT = 0.03  # V


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
    drv = models["storage.drv"]
    inside = drv.covers(at[0], *left)
    both = [_inside(drv, inside, at[0], *x) for x in (left, right)]
    lost = np.where(_inside(models["storage.lean"], inside, at[0], *left) > 0, *both)
    truth = samples.valid("drv")
    known = inside & np.isfinite(truth)
    outside = int(np.count_nonzero(~known))
    found[drv.name] = residual(lost[known], truth[known], "V", outside, _RETENTION_LIMIT)
    return found


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
        predicted.append(_inside(model, inside, *inputs)[inside])
        truths.append(truth[inside])
        outside += int(np.count_nonzero(~inside))
    return residual(np.concatenate(predicted), np.concatenate(truths), unit, outside, limit)


def _inside(model: FittedModel, inside: np.ndarray[Any, Any], *inputs: Floats) -> Floats:
    """The model where it has a value, NaN elsewhere."""
    found = np.full(inside.shape, np.nan)
    found[inside] = model(*(np.broadcast_to(values, inside.shape)[inside] for values in inputs))
    return found


def _of_cells(nominal: Record, design: Samples, grid: Grid) -> list[FittedModel]:
    own, amplifier = (Shifts.of(nominal, name) for name in ("cell", "amplifier"))
    scores, other = design["cell_scores"], design["amplifier_scores"]
    both = np.concatenate([scores, scores[..., own.mirror]], axis=1)
    found = []
    for name, columns in OF_CELLS.items():
        truth = np.concatenate([design[column] for column in columns], axis=1)
        found.append(_over_conditions(name, DRAWN[columns[0]], own, both, np.log(truth), grid, squares=True))
    found.append(_over_conditions("offset", "V", amplifier, other, design["offset"], grid, squares=False))
    return [*found, _retention(own, scores, design), _lean(own, scores, design)]


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


def _retention(own: Shifts, scores: Floats, design: Samples) -> FittedModel:
    """A quadratic in temperature and shifts of the lobe that goes first, seen from its side."""
    lost, drv = design["drv_lost"].ravel(), design["drv"].ravel()
    flat = scores.reshape(-1, scores.shape[-1])
    seen = np.where(lost[:, None] == 0, flat, flat[:, own.mirror])
    degrees = np.repeat(design["temperature"], scores.shape[1]) / _DEGREES
    known = np.isfinite(drv)
    z = np.column_stack([degrees, seen])
    widened = Shifts(["temperature", *own.names], np.concatenate([[_DEGREES], own.sigma]))
    pairs = np.stack(np.triu_indices(z.shape[1]))
    kept = np.concatenate([np.ones(1 + z.shape[1], bool), (pairs <= THRESHOLDS).all(axis=0)])
    weights = np.exp(-np.sum(seen[known] ** 2, axis=-1) * (1 - WIDTH**-2) / 4)
    terms = quadratic_terms(z[known])[:, kept]
    solved, *_ = np.linalg.lstsq(weights[:, None] * terms, weights * drv[known], rcond=None)
    row = np.zeros(len(kept))
    row[kept] = solved
    low, high = float(design["temperature"].min()), float(design["temperature"].max())
    return FittedModel(
        name="storage.drv",
        kind="minimum_of_quadratics",
        inputs=(Input("temperature", "C", low, high), *own.inputs),
        output="drv",
        unit="V",
        parameters={"scale": widened.sigma.tolist(), "coefficients": [row.tolist()]},
        residual=Residual(0.0, 0.0, 0, "V"),
        origin=SIMULATED,
    )


def _lean(own: Shifts, scores: Floats, design: Samples) -> FittedModel:
    """Odd under mirroring: least squares of +1 where 0 is lost and -1 where 1 is."""
    flat = scores.reshape(-1, scores.shape[-1])
    known = np.isfinite(design["drv"].ravel())
    sign = np.where(design["drv_lost"].ravel()[known] == 0, 1.0, -1.0)
    odd = (flat - flat[:, own.mirror])[known]
    weights = np.exp(-np.sum(flat[known] ** 2, axis=-1) * (1 - WIDTH**-2) / 4)
    solved, *_ = np.linalg.lstsq(weights[:, None] * odd, weights * sign, rcond=None)
    scale = np.concatenate([[_DEGREES], own.sigma])
    row = np.zeros(quadratic_terms(scale).shape[-1])
    row[2 : 2 + len(own.sigma)] = solved - solved[own.mirror]
    low, high = float(design["temperature"].min()), float(design["temperature"].max())
    return FittedModel(
        name="storage.lean",
        kind="minimum_of_quadratics",
        inputs=(Input("temperature", "C", low, high), *own.inputs),
        output="lean",
        unit="1",
        parameters={"scale": scale.tolist(), "coefficients": [row.tolist()]},
        residual=Residual(0.0, 0.0, 0, "1"),
        origin=SIMULATED,
    )


def _of_macro(nominal: Record, design: Samples, grid: Grid) -> list[FittedModel]:
    found = [_nominal_model(name, MACRO[name], (), design, grid, f"macro_{name}") for name in FIELDS]
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
