"""Fitted models of the sense amplifier: the spread of its offset, and its delay against overdrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import norm

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Input, Residual, residual
from bitline.core.samples import Samples
from spice.compared import Compared
from spice.mismatch import UNITS

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 24  # samples: twice the terms of the linear function that the offset is checked for, and some
_FARTHEST = 4.0  # standard deviations
_STANDARD_ERRORS = 4.0  # an exact model is beyond it once in 10,000 checks
_DELAY_LIMIT = 0.1  # of the mean delay
_LINEAR = 0.1  # of sigma: how far offsets may stray from a linear function of the threshold shifts


def fit_sense_amp(nominal: Record, samples: Samples, provenance: Mapping[str, str | float | int]) -> list[FittedModel]:
    """Models from the record of `SenseAmpNominal` and the samples of `SenseAmpMonteCarlo`.

    Returns:
        `sense_amp.offset`: offset (V) at a standard normal score, at the stated common mode. Fitted to all samples; its
        residual is that of one half's mean and spread against a fit to the other half, in standard errors.
        `sense_amp.delay`: delay (s) at an overdrive |input difference - offset| (V), a + b ln overdrive. Fitted to the
        nominal amplifier; its residual is over the Monte Carlo samples, none of which it saw.

    Raises:
        FitError: too few samples, or an offset that is not linear in the thresholds, so that no normal tail is known.
    """
    kept = samples.count - len(samples.failures)
    needed = fewest(drawn_shifts(samples).shape[1]) if kept else FEWEST
    if kept < needed:
        raise FitError(f"the sense amplifier's offset needs {needed} samples to be fitted, there are {kept}")
    common_mode = float(np.asarray(nominal["common_mode"]))
    return [_offset(samples, common_mode, provenance), _delay(nominal, samples, provenance)]


def check_sense_amp(models: Mapping[str, FittedModel], _nominal: Record, samples: Samples) -> dict[str, Residual]:
    """The models against samples that they have not seen.

    The offset's mean and spread stand against the model's, in standard errors of both; a delay whose overdrive lies
    outside the model's range, or that is none, is counted as outside.
    """
    offset, delay = models["sense_amp.offset"], models["sense_amp.delay"]
    known = (offset.parameters["mean"], offset.parameters["sigma"], offset.parameters["samples"])
    return {offset.name: agreement(*known, samples.valid("offset")), delay.name: _delay_residual(delay, samples)}


def compare_sense_amp(
    models: Mapping[str, FittedModel], nominal: Record, _fitted: Samples | None, samples: Samples
) -> list[Compared]:
    """Offsets in order beside the normal distribution's quantiles, and delays beside the model."""
    offset, delay = models["sense_amp.offset"], models["sense_amp.delay"]
    kept = np.array([index for index in range(samples.count) if index not in samples.failures], dtype=np.int64)
    found = samples.valid("offset")
    order = np.argsort(found)
    score = norm.ppf((np.arange(len(found)) + 0.5) / len(found))
    normal = Compared(offset.name, "V", found[order], offset(score), np.zeros(len(found), dtype=bool), kept[order])
    overdrive, took = samples.valid("checked_overdrive"), samples.valid("checked_delay")
    inside = delay.covers(overdrive) & np.isfinite(took)
    fitted = np.asarray(nominal["overdrive"], dtype=np.float64)
    delays = Compared(
        delay.name,
        "s",
        np.concatenate([np.asarray(nominal["overdrive_delay"], dtype=np.float64), took[inside]]),
        np.concatenate([delay(fitted), delay(overdrive[inside])]),
        np.repeat(np.array([False, True]), np.array([len(fitted), np.count_nonzero(inside)])),
        np.concatenate([np.arange(len(fitted)), kept[inside]]),
    )
    return [normal, delays]


def agreement(mean: float, sigma: float, count: int, found: Floats) -> Residual:
    """How far mean and spread of `found` lie from those of a normal fit to `count` samples, in standard errors."""
    if len(found) < 2:
        return Residual(0.0, 0.0, 0, "standard errors", limit=_STANDARD_ERRORS)
    z_mean = (float(np.mean(found)) - mean) / (sigma * math.sqrt(1 / len(found) + 1 / count))
    apart = math.log(float(np.std(found, ddof=1)) / sigma)
    z_sigma = apart / math.sqrt(1 / (2 * (len(found) - 1)) + 1 / (2 * (count - 1)))
    worst, rms = max(abs(z_mean), abs(z_sigma)), math.hypot(z_mean, z_sigma) / math.sqrt(2)
    return Residual(rms, worst, len(found), "standard errors", limit=_STANDARD_ERRORS)


def _delay_residual(model: FittedModel, samples: Samples) -> Residual:
    """At the overdrive that each sample drew for this alone."""
    overdrive, delay = samples.valid("checked_overdrive"), samples.valid("checked_delay")
    inside = model.covers(overdrive) & np.isfinite(delay)
    limit = _DELAY_LIMIT * float(np.mean(delay[inside])) if inside.any() else None
    return residual(model(overdrive[inside]), delay[inside], "s", int(np.count_nonzero(~inside)), limit)


def _offset(samples: Samples, common_mode: float, provenance: Mapping[str, str | float | int]) -> FittedModel:
    offset = samples.valid("offset")
    mean, sigma, count = float(np.mean(offset)), float(np.std(offset, ddof=1)), len(offset)
    if np.ptp(offset) == 0:
        raise FitError("the sense amplifier's offset is the same in all samples: characterise it with a variation")
    stray = _stray(offset, drawn_shifts(samples))
    if stray > _LINEAR * sigma:
        raise FitError(
            f"the sense amplifier's offset strays {stray:.2g} V from a linear function of its thresholds, against a "
            f"sigma of {sigma:.2g} V: a normal distribution does not describe it"
        )
    return FittedModel(
        name="sense_amp.offset",
        kind="normal",
        inputs=(Input("score", "1", -_FARTHEST, _FARTHEST),),
        output="offset",
        unit="V",
        parameters={
            "mean": mean,
            "sigma": sigma,
            "samples": count,
            "common_mode": common_mode,
            "mean_standard_error": sigma / math.sqrt(count),
            "sigma_standard_error": sigma / math.sqrt(2 * (count - 1)),
            "nonlinearity": stray,
        },
        residual=halves(offset),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def fewest(variables: int) -> int:
    """Samples that the fit needs where so many shifts are drawn for each."""
    return max(FEWEST, 2 * (variables + 1) + 4)


def drawn_shifts(samples: Samples) -> Floats:
    """All shifts that were drawn, shape (samples, variables)."""
    return np.concatenate([samples.valid(name) for name in UNITS if name in samples.columns], axis=1)


def _stray(offset: Floats, shifts: Floats) -> float:
    """RMS distance (V) of offset[sample] from its best linear function of the drawn shifts[sample, variable]."""
    terms = np.column_stack([np.ones(len(offset)), shifts])
    best, *_ = np.linalg.lstsq(terms, offset, rcond=None)
    spare = max(len(offset) - terms.shape[1], 1)
    return float(np.sqrt(np.sum((terms @ best - offset) ** 2) / spare))


def halves(offset: Floats) -> Residual:
    """The odd samples against a normal fit to the even ones."""
    even, odd = offset[::2], offset[1::2]
    return agreement(float(np.mean(even)), float(np.std(even, ddof=1)), len(even), odd)


def _delay(nominal: Record, samples: Samples, provenance: Mapping[str, str | float | int]) -> FittedModel:
    overdrive = np.asarray(nominal["overdrive"], dtype=np.float64)
    delay = np.asarray(nominal["overdrive_delay"], dtype=np.float64)
    reference = float(overdrive[0])
    slope, at_reference = np.polyfit(np.log(overdrive / reference), delay, 1)
    model = FittedModel(
        name="sense_amp.delay",
        kind="log_linear",
        inputs=(Input("overdrive", "V", float(overdrive[0]), float(overdrive[-1])),),
        output="delay",
        unit="s",
        parameters={"a": float(at_reference), "b": float(slope), "x0": reference},
        residual=Residual(0.0, 0.0, 0, "s"),
        origin=SIMULATED,
        provenance=dict(provenance),
    )
    return replace(model, residual=_delay_residual(model, samples))
