"""Fitted models of driver, transimpedance front end and integrator: transfer curves, and the spread of offsets.

A transfer curve is fitted to every second point of its sweep and checked at the others. Its parameters also carry the
figures that an array needs beside it (resistance, bandwidth, noise, energy), as they were simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import KINDS, FittedModel, Input, Residual, residual
from bitline.core.samples import Samples
from spice.fits_sense_amp import agreement, halves

Provenance = Mapping[str, str | float | int]

FEWEST = 24  # samples: sigma to 15 %
_FARTHEST = 4.0  # standard deviations
_CURVES = {  # fields of the curve's x and y
    "tia": ("current", "v_out"),
    "integrator": ("current", "v_out"),
    "dac_driver": ("swept_load", "swept_out"),
}
_INPUTS = {  # of the model, and the figure that its range ends at
    "tia": ("current", "i_full_scale"),
    "integrator": ("current", "i_full_scale"),
    "dac_driver": ("load_current", "load_limit"),
}


def transfer(
    name: str,
    nominal: Record,
    axes: tuple[Input, str, str],
    limit: float,
    beside: Sequence[str],
    provenance: Provenance,
) -> FittedModel:
    """A curve of the nominal record as a model.

    Args:
        name: as "tia.output".
        nominal: the record.
        axes: input, whose range is what of the curve is taken, and the fields of the curve's x and y (V).
        limit: of the residual's maximum, V.
        beside: figures of the record that go into the parameters.
        provenance: of the numbers.

    Raises:
        FitError: too few points in the range.
    """
    known, x_name, y_name = axes
    x, y = (np.asarray(nominal[field], dtype=np.float64) for field in (x_name, y_name))
    kept = known.covers(x)
    x, y = x[kept], y[kept]
    if x.size < 5:
        raise FitError(f"{name}: {x.size} points between {known.low:g} and {known.high:g} {known.unit}; 5 are needed")
    ends = np.unique([*range(0, x.size, 2), x.size - 1])
    others = np.setdiff1d(np.arange(x.size), ends)
    parameters = {"x": x[ends].tolist(), "y": y[ends].tolist()}
    error = residual(KINDS["interpolation"](parameters, x[others]), y[others], "V", limit=limit)
    figures = {field: float(nominal[field]) for field in beside}
    return FittedModel(
        name=name,
        kind="interpolation",
        inputs=(Input(known.name, known.unit, float(x[0]), float(x[-1])),),
        output="output voltage",
        unit="V",
        parameters={**parameters, **figures},
        residual=error,
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def _present(name: str, nominal: Record, fields: Sequence[str]) -> None:
    """Refuse a circuit without one of the figures."""
    missing = [field for field in fields if not np.isfinite(float(nominal[field]))]
    if missing:
        raise FitError(
            f"{name}: the nominal circuit has no {', '.join(missing)}: it does not settle, or is loaded beyond what it "
            "drives; change its settings"
        )


def offset(name: str, samples: Samples, provenance: Provenance) -> FittedModel:
    """Offset (V) at a standard normal score; its residual is one half of the samples against a fit to the other.

    Raises:
        FitError: too few samples.
    """
    found = samples.valid("offset") if samples.columns else np.zeros(0)
    if len(found) < FEWEST:
        raise FitError(f"{name} needs {FEWEST} samples to be fitted, there are {len(found)}")
    return FittedModel(
        name=name,
        kind="normal",
        inputs=(Input("score", "1", -_FARTHEST, _FARTHEST),),
        output="offset",
        unit="V",
        parameters={
            "mean": float(np.mean(found)),
            "sigma": float(np.std(found, ddof=1)),
            "samples": len(found),
        },
        residual=halves(found),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def check_offset(model: FittedModel, samples: Samples) -> Residual:
    """Mean and spread of samples that it has not seen, in standard errors."""
    known = (model.parameters["mean"], model.parameters["sigma"], model.parameters["samples"])
    return agreement(*known, samples.valid("offset"))


def check_transfer(model: FittedModel, nominal: Record, axes: tuple[str, str]) -> Residual:
    """The curve of another record against the model; its points beyond the range are counted."""
    x, y = (np.asarray(nominal[field], dtype=np.float64) for field in axes)
    inside = model.covers(x)
    outside = int(np.count_nonzero(~inside))
    return residual(model(x[inside]), y[inside], "V", outside, model.residual.limit)


def fit_tia(nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
    """`tia.output`: output voltage over current, to full scale, to a tenth of a code; `tia.offset`.

    Raises:
        FitError: too few samples, or a figure that the circuit does not have.
    """
    limit = 0.1 * float(nominal["lsb"]) * float(nominal["r_f"])
    beside = ("r_in", "transimpedance", "bandwidth", "settling_time", "noise", "power", "energy")
    return _models("tia", limit, beside, nominal, samples, provenance)


def fit_integrator(nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
    """`integrator.output`: held output voltage over current, to full scale, to a tenth of a code; `integrator.offset`.

    Raises:
        FitError: as of `fit_tia`.
    """
    beside = ("c_int", "gain_error", "pedestal", "droop", "reset_noise", "ktc_noise", "energy")
    return _models("integrator", 0.1 * float(nominal["lsb"]), beside, nominal, samples, provenance)


def fit_dac_driver(nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
    """`dac_driver.output`: voltage at the top code over load current, up to `load_limit`; `dac_driver.offset`.

    Raises:
        FitError: as of `fit_tia`.
    """
    beside = ("r_out", "settling_time", "noise", "static_power", "energy", "switching_energy")
    return _models("dac_driver", 0.1 * float(nominal["lsb"]), beside, nominal, samples, provenance)


def _models(
    part: str, limit: float, beside: Sequence[str], nominal: Record, samples: Samples, provenance: Provenance
) -> list[FittedModel]:
    """`<part>.output` and `<part>.offset`."""
    (x, y), (name, end) = _CURVES[part], _INPUTS[part]
    _present(f"{part}.output", nominal, (end, *beside))
    axes = (Input(name, "A", 0.0, float(nominal[end])), x, y)
    return [
        transfer(f"{part}.output", nominal, axes, limit, beside, provenance),
        offset(f"{part}.offset", samples, provenance),
    ]


def _check(part: str, models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
    """The models of a part against another record and samples."""
    return {
        f"{part}.output": check_transfer(models[f"{part}.output"], nominal, _CURVES[part]),
        f"{part}.offset": check_offset(models[f"{part}.offset"], samples),
    }


check_tia, check_integrator, check_dac_driver = (partial(_check, part) for part in _CURVES)
