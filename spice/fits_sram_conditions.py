"""Models of the 6T cell's figures over temperature, supply and the six threshold shifts, one corner at a time.

At every pair of Chebyshev points of temperature and supply, ends included, each lobe takes a quadratic in the shifts,
as in `spice.fits_sram`; each of its coefficients is then the polynomial through its values at the points. A corner is a
category, not a coordinate: another corner is another fit. The residual is that at conditions between the points, of
cells drawn as a Monte Carlo draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bitline.core.errors import FitError
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Floats, Input, Residual
from bitline.core.samples import Samples
from circuits import cells
from circuits.technology import load_technology
from spice.characterise import Provenance, Span, Survey
from spice.fits_sram import LOGARITHMIC, PARTS, check_sram, coefficients
from spice.sram import FIGURES, SHIFTS
from spice.sram_design import CELLS, UNITS, SramDesign

KIND = "quadratics_over_conditions"
_ORDERS = (4, 6)  # points of temperature and of supply
_BETWEEN = (  # where the residual is taken, in parts of both ranges
    (0.03, 0.04),
    (0.13, 0.9),
    (0.36, 0.35),
    (0.55, 0.74),
    (0.66, 0.13),
    (0.9, 0.56),
)
_CHECKED = 24  # cells at each of them


def survey(span: Span) -> Survey:
    """What is simulated for the models of a span, and how they are fitted to it.

    Raises:
        ConfigError: unknown technology or corner.
    """
    load_technology(span.technology).cards(span.corner)
    nodes = [points(*limits, order) for limits, order in zip(_limits(span), _ORDERS, strict=True)]
    conditions = tuple((float(t), float(v)) for t in nodes[0] for v in nodes[1])
    between = tuple(
        (t0 + at * (t1 - t0), v0 + of * (v1 - v0)) for (t0, t1), (v0, v1) in [_limits(span)] for at, of in _BETWEEN
    )
    shared = (span.technology, span.corner)
    return Survey(
        design=SramDesign(*shared, conditions, span.seed),
        samples=len(conditions) * CELLS,
        held_out=SramDesign(*shared, between, span.seed, _CHECKED, wide=False),
        held_out_samples=len(between) * _CHECKED,
        units=UNITS,
        fit=lambda design, held_out, provenance: _fit(span, design, held_out, provenance),
    )


def points(low: float, high: float, count: int) -> Floats:
    """Extrema of a Chebyshev polynomial over a range, both ends among them."""
    return np.asarray((low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(count) / (count - 1)))


def _limits(span: Span) -> tuple[tuple[float, float], tuple[float, float]]:
    return span.temperatures, span.supplies


def _fit(span: Span, design: Samples, held_out: Samples, provenance: Provenance) -> list[FittedModel]:
    models = {f"sram.{name}": _model(name, span, design, provenance) for name in PARTS}
    checked = check_sram(models, held_out)
    return [replace(model, residual=checked[name]) for name, model in models.items()]


def _model(name: str, span: Span, samples: Samples, provenance: Mapping[str, str | float | int]) -> FittedModel:
    technology = load_technology(span.technology)
    scale = np.array([technology.device(device).sigma("vth") for device in cells.DEVICES])
    shifts = np.stack([samples.valid(shift) for shift in SHIFTS], axis=-1)
    truth = np.stack([samples.valid(part) for part in PARTS[name]], axis=-1)
    weights, known = samples.valid("weight"), np.isfinite(truth).all(axis=1)
    at = np.stack([samples.valid(key) for key in ("temperature", "vdd")], axis=-1)
    grids = [points(*limits, order) for limits, order in zip(_limits(span), _ORDERS, strict=True)]
    found, low, high = [], np.full(len(SHIFTS), -np.inf), np.full(len(SHIFTS), np.inf)
    for condition in np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2):
        kept = known & (at == condition).all(axis=1)
        if np.count_nonzero(kept) < 2 * (len(SHIFTS) + 1):
            raise FitError(
                f"at {condition[0]:g} C and {condition[1]:g} V only {np.count_nonzero(kept)} cells of {CELLS} have a "
                f"{name}: let the supplies start higher"
            )
        found.append(coefficients(name, shifts[kept] / scale, truth[kept], weights[kept]))
        low, high = np.maximum(low, shifts[kept].min(axis=0)), np.minimum(high, shifts[kept].max(axis=0))
    values = np.stack(found, axis=-1).reshape(len(PARTS[name]), -1, *_ORDERS)
    series = [np.linalg.inv(np.polynomial.chebyshev.chebvander(points(-1.0, 1.0, n), n - 1)) for n in _ORDERS]
    fitted = np.einsum("rkij,ti,vj->rktv", values, *series)
    return FittedModel(
        name=f"sram.{name}",
        kind=KIND,
        inputs=(
            Input("temperature", "C", *span.temperatures),
            Input("vdd", "V", *span.supplies),
            *(Input(n, "V", float(a), float(b)) for n, a, b in zip(SHIFTS, low, high, strict=True)),
        ),
        output=name,
        unit=FIGURES[name],
        parameters={
            "temperatures": list(span.temperatures),
            "supplies": list(span.supplies),
            "scale": scale.tolist(),
            "coefficients": fitted.tolist(),
            **({"logarithm": True} if name in LOGARITHMIC else {}),
        },
        residual=Residual(0.0, 0.0, 0, FIGURES[name]),
        origin=SIMULATED,
        provenance=dict(provenance),
    )
