"""Reads of drawn cells and amplifiers at a sensing time, modelled on what ngspice says of either.

A read fails when the bit lines have not moved apart by more than the amplifier's offset and the loss of a read (what
moving lines ask for beyond the offset on lines at rest, `spice.read_loss`) when it is enabled: stored 0 gives
v(blb) - v(bl) = +swing and reads 0 above the offset, stored 1 gives -swing and reads 1 below it. The samples:

- a cell's shifts and its read current at either side, an amplifier's shifts and its offset, at each point (a supply at
  a temperature). Fitted are ln(current), quadratic in the thresholds and linear in all else (one fit for both sides: a
  cell is symmetric), and the offset, linear in the shifts.
- the nominal column's swing against time and the loss against swing at each point. A cell with r times the nominal
  current is r times as fast, which holds to 3 % of its swing, and loses r times as much at the same swing, to 2 mV.
  Below and above the swings that it was simulated for (`spice.read_loss.SWINGS`) the loss is held.

The rates average the amplifier's normal offset exactly over drawn cells. Writes, cells that flip when read and the
amplifier's own time are not in them. Sensing times count from the word line at vdd / 2 to the enable at vdd / 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from bitline.core.errors import FitError, ModelRangeError
from bitline.core.executor import Record
from bitline.core.model_file import quadratic_terms
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 40  # samples: the quadratic has 28 coefficients, and a sample gives two currents
_THRESHOLDS = len(cells.DEVICES)  # of a cell, its first scores
HELD_OUT = 4  # every so many-th sample is kept for the residuals
_CELLS = 20_000  # drawn for a rate


@dataclass(frozen=True)
class ReadModel:
    """The reads of one design of column, at all its points.

    Args:
        vdd: V, shape (points,).
        temperature: C, shape (points,).
        time: after the word line, s, shape (points, times).
        swing: of the nominal column, V, likewise.
        loss: of its reads of 0 and of 1 from there, V, shape (points, 2, times).
        mirror: index of each of a cell's scores as its other side sees it, shape (cell scores,).
        current: coefficients of ln(read current / nominal) over the terms of a cell's scores, shape (points, terms).
        offset: of the amplifier over its scores, V: the mean, then slopes, shape (points, 1 + amplifier scores).
        residual: RMS of ln(current) and of the offset (V) over held-out samples, shape (points, 2).
        seed: the study's, of the cells that rates are averaged over.
    """

    vdd: Floats
    temperature: Floats
    time: Floats
    swing: Floats
    loss: Floats
    mirror: np.ndarray[Any, np.dtype[np.int64]]
    current: Floats
    offset: Floats
    residual: Floats
    seed: int = 1

    def at(self, vdd: float, temperature: float | None = None) -> int:
        """The point of a supply (V) and a temperature (C; the first one if None).

        Raises:
            ModelRangeError: it is none of those that were characterised.
        """
        temperature = float(self.temperature[0]) if temperature is None else temperature
        apart = np.maximum(np.abs(self.vdd - vdd), np.abs(self.temperature - temperature))
        near = int(np.argmin(apart))
        if apart[near] > 1e-6:
            known = ", ".join(f"{value:g}" for value in dict.fromkeys(self.vdd))
            degrees = ", ".join(f"{value:g}" for value in dict.fromkeys(self.temperature))
            raise ModelRangeError(
                f"bit errors: no samples at {vdd:g} V and {temperature:g} C, only at {known} V and {degrees} C; "
                "characterise that point"
            )
        return near

    def speeds(self, point: int, cells_scores: Floats, stored: int) -> Floats:
        """Read current, in nominal ones, of cells_scores[..., scores] reading `stored`."""
        scores = cells_scores if stored == 0 else cells_scores[..., self.mirror]
        return np.asarray(np.exp(_terms(scores) @ self.current[point]))

    def swings(self, point: int, sensing: Floats | float, cells_scores: Floats, stored: int) -> Floats:
        """How far (V) the bit lines are apart after `sensing` (s).

        Beyond the times that were simulated the swing stays at its last value.
        """
        reached = np.asarray(sensing) * self.speeds(point, cells_scores, stored)
        return np.asarray(np.interp(reached, self.time[point], self.swing[point]))

    def given(self, point: int, sensing: Floats | float, speed: Floats, stored: int) -> Floats:
        """What of the swing (V) stands against the offset: less the loss, of cells with this speed."""
        reached = np.asarray(sensing) * speed
        swing, loss = (np.interp(reached, self.time[point], of) for of in (self.swing[point], self.loss[point, stored]))
        return np.asarray(swing - speed * loss)

    def offsets(self, point: int, amplifier_scores: Floats) -> Floats:
        """Offset (V) of amplifiers with amplifier_scores[..., scores], on lines at rest."""
        mean, slopes = self.offset[point, 0], self.offset[point, 1:]
        return np.asarray(mean + amplifier_scores @ slopes)

    def rates(self, point: int, sensing: Floats) -> Floats:
        """Error rate of reads of 0 and of 1 after each time of `sensing` (s), shape (2, times).

        Over cells drawn from the seed, the same ones for every point and time; over the offset exactly.
        """
        return self.rates_and_errors(point, sensing)[0]

    def rates_and_errors(self, point: int, sensing: Floats) -> tuple[Floats, Floats]:
        """`rates`, and their standard errors over the drawn cells (Monte Carlo alone, not the model's)."""
        drawn = stream(self.seed, "bit_errors.rates").standard_normal((_CELLS, len(self.mirror)))
        mean, sigma = self.offset[point, 0], float(np.linalg.norm(self.offset[point, 1:]))
        rates, errors = np.empty((2, len(sensing))), np.empty((2, len(sensing)))
        for stored, sign in ((0, 1.0), (1, -1.0)):
            speed = self.speeds(point, drawn, stored)
            for k, time in enumerate(sensing):
                failing = ndtr((sign * mean - self.given(point, time, speed, stored)) / sigma)
                rates[stored, k] = np.mean(failing)
                errors[stored, k] = np.std(failing) / np.sqrt(_CELLS)
        return rates, errors

    def sensing_time(self, point: int, rate: float) -> float:
        """Sensing time (s) at which the mean of both values' error rates has fallen to `rate`; NaN if it does not."""
        last = float(self.time[point, -1]) / 2  # a cell of half the nominal current is then at the end of the curve

        def beyond(log_time: float) -> float:
            return float(np.log(np.maximum(np.mean(self.rates(point, np.exp([log_time]))), 1e-300) / rate))

        low, high = np.log(last / 1e3), np.log(last)
        return float(np.exp(brentq(beyond, low, high, rtol=1e-6))) if beyond(low) > 0 > beyond(high) else float("nan")


def read_model(nominal: Record, samples: Samples) -> ReadModel:
    """The model of a characterisation's nominal record and samples (spice/column_samples.py).

    Raises:
        FitError: fewer than `FEWEST` samples could be simulated, or than the fits need, or nothing varies in them.
    """
    count = samples.count - len(samples.failures)
    if count and samples.valid("cell_scores").shape[1] < _THRESHOLDS:
        raise FitError("bit errors: nothing varies in the samples; characterise with variation=vth or full")
    needed = fewest(samples.valid("amplifier_scores").shape[1]) if count else FEWEST
    if count < needed:
        raise FitError(f"bit errors: {count} valid samples; the model needs {needed}, ask for more")
    own, amplifier = (samples.valid(f"{name}_scores") for name in ("cell", "amplifier"))
    mirror = np.asarray(nominal["cell_mirror"], dtype=np.int64)
    unseen = np.arange(count) % HELD_OUT == HELD_OUT - 1
    terms = _terms(np.concatenate([own, own[:, mirror]]))
    linear = np.column_stack([np.ones(count), amplifier])
    nominal_current = np.asarray(nominal["read_current"], dtype=np.float64)
    currents = np.concatenate([samples.valid("read_current_left"), samples.valid("read_current_right")])
    current, current_residual = _least_squares(terms, np.log(currents / nominal_current), np.tile(unseen, 2))
    offset, offset_residual = _least_squares(linear, samples.valid("offset"), unseen)
    swing = np.asarray(nominal["swing"], dtype=np.float64)
    levels, loss = np.asarray(nominal["loss_swing"]), np.asarray(nominal["loss"])
    return ReadModel(
        vdd=np.asarray(nominal["vdd"], dtype=np.float64),
        temperature=np.asarray(nominal["temperature"], dtype=np.float64),
        time=np.asarray(nominal["swing_time"], dtype=np.float64),
        swing=swing,
        loss=np.array([[np.interp(swing[k], levels, one) for one in both] for k, both in enumerate(loss)]),
        mirror=mirror,
        current=current.T,
        offset=offset.T,
        residual=np.stack([current_residual, offset_residual], axis=-1),
        seed=int(np.asarray(nominal["seed"])),
    )


def fewest(amplifier_scores: int) -> int:
    """Samples that the model needs where so many shifts are drawn for an amplifier."""
    return max(FEWEST, 2 * amplifier_scores)


def _terms(scores: Floats) -> Floats:
    """Quadratic in a cell's thresholds, its first scores, and linear in all others."""
    return np.concatenate([quadratic_terms(scores[..., :_THRESHOLDS]), scores[..., _THRESHOLDS:]], axis=-1)


def _least_squares(terms: Floats, values: Floats, unseen: np.ndarray[Any, Any]) -> tuple[Floats, Floats]:
    """Coefficients of values[sample, supply] over all samples; RMS residual, on the unseen, of a fit to the seen."""
    coefficients, *_ = np.linalg.lstsq(terms, values, rcond=None)
    seen, *_ = np.linalg.lstsq(terms[~unseen], values[~unseen], rcond=None)
    residual = np.sqrt(np.mean((terms[unseen] @ seen - values[unseen]) ** 2, axis=0))
    return np.asarray(coefficients), np.asarray(residual)
