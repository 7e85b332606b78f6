"""Fitted models of the sense amplifier: the spread of its offset, and its delay against overdrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import KINDS, FittedModel, Input, Residual, residual
from bitline.core.samples import Samples

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 8  # samples; sigma is then known to 27 %
_FARTHEST = 4.0  # standard deviations
_LINEAR = 0.1  # of sigma: how far offsets may stray from a linear function of the threshold shifts


def fit_sense_amp(nominal: Record, samples: Samples, provenance: Mapping[str, str | float | int]) -> list[FittedModel]:
    """Models from the record of `SenseAmpNominal` and the samples of `SenseAmpMonteCarlo`.

    Returns:
        `sense_amp.offset`: offset (V) at a standard normal score. Fitted to all samples; its residual is that of each
        half's quantiles against a fit to the other half.
        `sense_amp.delay`: delay (s) at an overdrive |input difference - offset| (V), a + b ln overdrive. Fitted to the
        nominal amplifier; its residual is over the Monte Carlo samples, none of which it saw.

    Raises:
        FitError: too few samples, or an offset that is not linear in the thresholds, so that no normal tail is known.
    """
    kept = samples.count - len(samples.failures)
    if kept < FEWEST:
        raise FitError(f"the sense amplifier's offset needs {FEWEST} samples to be fitted, there are {kept}")
    return [_offset(samples, provenance), _delay(nominal, samples, provenance)]


def check_sense_amp(models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
    """The models against samples that they have not seen.

    The offset's quantiles stand against those of the model; a delay outside the model's range is left out.
    """
    offset, delay = models["sense_amp.offset"], models["sense_amp.delay"]
    found = samples.valid("offset")
    overdrive = found - float(np.asarray(nominal["delay_difference"]))
    inside = delay.covers(overdrive)
    return {
        offset.name: residual(offset(_scores(len(found))), np.sort(found), "V"),
        delay.name: residual(delay(overdrive[inside]), samples.valid("delay")[inside], "s"),
    }


def _scores(count: int) -> Floats:
    """Standard normal scores of `count` samples in order."""
    return np.asarray(norm.ppf((np.arange(count) + 0.5) / count))


def _offset(samples: Samples, provenance: Mapping[str, str | float | int]) -> FittedModel:
    offset = samples.valid("offset")
    mean, sigma, count = float(np.mean(offset)), float(np.std(offset, ddof=1)), len(offset)
    stray = _stray(offset, samples.valid("vth"))
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
            "mean_standard_error": sigma / math.sqrt(count),
            "sigma_standard_error": sigma / math.sqrt(2 * (count - 1)),
            "nonlinearity": stray,
        },
        residual=_halves(offset),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def _stray(offset: Floats, shifts: Floats) -> float:
    """RMS distance (V) of offset[sample] from its best linear function of the threshold shifts[sample, transistor]."""
    terms = np.column_stack([np.ones(len(offset)), shifts])
    best, *_ = np.linalg.lstsq(terms, offset, rcond=None)
    spare = max(len(offset) - terms.shape[1], 1)
    return float(np.sqrt(np.sum((terms @ best - offset) ** 2) / spare))


def _halves(offset: Floats) -> Residual:
    """Quantiles of each half of the samples against a normal fitted to the other half."""
    halves = offset[::2], offset[1::2]
    modelled, truth = [], []
    for seen, unseen in (halves, halves[::-1]):
        modelled.append(np.mean(seen) + np.std(seen, ddof=1) * _scores(len(unseen)))
        truth.append(np.sort(unseen))
    return residual(np.concatenate(modelled), np.concatenate(truth), "V")


def _delay(nominal: Record, samples: Samples, provenance: Mapping[str, str | float | int]) -> FittedModel:
    overdrive = np.asarray(nominal["overdrive"], dtype=np.float64)
    delay = np.asarray(nominal["overdrive_delay"], dtype=np.float64)
    reference = float(overdrive[0])
    slope, at_reference = np.polyfit(np.log(overdrive / reference), delay, 1)
    parameters = {"a": float(at_reference), "b": float(slope), "x0": reference}
    unseen = samples.valid("offset") - float(np.asarray(nominal["delay_difference"]))
    inside = (unseen >= overdrive[0]) & (unseen <= overdrive[-1])
    modelled = KINDS["log_linear"](parameters, unseen[inside])
    return FittedModel(
        name="sense_amp.delay",
        kind="log_linear",
        inputs=(Input("overdrive", "V", float(overdrive[0]), float(overdrive[-1])),),
        output="delay",
        unit="s",
        parameters=parameters,
        residual=residual(modelled, samples.valid("delay")[inside], "s"),
        origin=SIMULATED,
        provenance=dict(provenance),
    )
