"""Read errors of SRAM columns from what ngspice says of cells, amplifiers and bit lines, with their correlations.

A read fails when the bit lines have not moved apart by more than the amplifier's offset when it is enabled: stored 0
gives v(blb) - v(bl) = +swing and reads 0 above the offset, stored 1 gives -swing and reads 1 below it. The samples:

- a cell's threshold shifts and its read current at either side, at each supply; an amplifier's shifts and its offset,
  at each supply. Fitted are ln(current), a quadratic in the shifts (one for both sides: a cell is symmetric), and the
  offset, linear in the shifts.
- the nominal column's swing against time at each supply. A cell with r times the nominal current is r times as
  fast, which holds to 3 % of its swing.

So one drawn chip (`Chip`) has an amplifier a column and shifts a cell that it keeps at every supply and sensing time:
an offset is its column's, a weak cell stays weak, and a failure depends on the stored value. The error rates (`rates`)
average the amplifier's normal offset exactly over drawn cells. Writes, cells that flip when read and the sensing
amplifier's own time are not in them. The swing is compared with the offset at rest, and an amplifier whose lines still
move needs more of it, 11 to 14 mV in whole-column reads at 150 ps, so these rates are optimistic; `bitline yield
read-access` takes that loss. Mismatch is "vth" variation; sensing times count from the word line at vdd / 2 to
the enable at vdd / 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from bitline.core.errors import FitError, ModelRangeError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.model_file import quadratic_terms
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells, sense_amp
from spice.spread import counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

MIRRORED = (3, 4, 5, 0, 1, 2)  # of a cell's six shifts, seen from its other side
OPTIMISTIC = "against the offset at rest, which is optimistic: moving lines need more swing"
RATES = (1e-3, 1e-6, 1e-9)  # that sensing times are given for
FEWEST = 40  # samples: the quadratic has 28 coefficients, and a sample gives two currents
HELD_OUT = 4  # every so many-th sample is kept for the residuals
_CELLS = 20_000  # drawn for a rate
_CHIPS = 400  # drawn for the share of failing chips


@dataclass(frozen=True)
class ReadModel:
    """The reads of one design of column, at all its supplies.

    Args:
        vdd: supplies, V, shape (supplies,).
        time: after the word line, s, shape (supplies, points).
        swing: of the nominal column, V, likewise.
        current: coefficients of ln(read current / nominal) over the scores of a cell's shifts, shape (supplies, 28).
        offset: of the amplifier over the scores of its shifts, V: the mean, then slopes, shape (supplies, 10).
        residual: RMS of ln(current) and of the offset (V) over held-out samples, shape (supplies, 2).
    """

    vdd: Floats
    time: Floats
    swing: Floats
    current: Floats
    offset: Floats
    residual: Floats

    def at(self, vdd: float) -> int:
        """Index of a supply.

        Raises:
            ModelRangeError: it is none of those that were characterised.
        """
        near = int(np.argmin(np.abs(self.vdd - vdd)))
        if abs(self.vdd[near] - vdd) > 1e-6:
            known = ", ".join(f"{value:g}" for value in self.vdd)
            raise ModelRangeError(f"bit errors: no samples at {vdd:g} V, only at {known} V; characterise that supply")
        return near

    def swings(self, supply: int, sensing: Floats | float, cells_scores: Floats, stored: int) -> Floats:
        """How far (V) the bit lines are apart after `sensing` (s), cells_scores[..., 6] reading `stored`.

        Beyond the times that were simulated the swing stays at its last value.
        """
        scores = cells_scores if stored == 0 else cells_scores[..., MIRRORED]
        speed = np.exp(quadratic_terms(scores) @ self.current[supply])
        return np.asarray(np.interp(np.asarray(sensing) * speed, self.time[supply], self.swing[supply]))

    def offsets(self, supply: int, amplifier_scores: Floats) -> Floats:
        """Offset (V) of amplifiers with amplifier_scores[..., 9]."""
        mean, slopes = self.offset[supply, 0], self.offset[supply, 1:]
        return np.asarray(mean + amplifier_scores @ slopes)

    def rates(self, supply: int, sensing: Floats, seed: int = 1) -> Floats:
        """Error rate of reads of 0 and of 1 after each time of `sensing` (s), shape (2, times).

        Over cells drawn from the seed, the same ones for every supply and time; over the offset exactly.
        """
        drawn = stream(seed, "bit_errors.rates").standard_normal((_CELLS, len(cells.DEVICES)))
        mean, sigma = self.offset[supply, 0], float(np.linalg.norm(self.offset[supply, 1:]))
        found = np.empty((2, len(sensing)))
        for k, time in enumerate(sensing):
            for stored, sign in ((0, 1.0), (1, -1.0)):
                swing = self.swings(supply, time, drawn, stored)
                found[stored, k] = np.mean(ndtr((sign * mean - swing) / sigma))
        return found

    def sensing_time(self, supply: int, rate: float, seed: int = 1) -> float:
        """Sensing time (s) at which the mean of both values' error rates has fallen to `rate`; NaN if it does not."""
        last = float(self.time[supply, -1]) / 2  # a cell of half the nominal current is then at the end of the curve

        def beyond(log_time: float) -> float:
            return float(np.log(np.maximum(np.mean(self.rates(supply, np.exp([log_time]), seed)), 1e-300) / rate))

        low, high = np.log(last / 1e3), np.log(last)
        return float(np.exp(brentq(beyond, low, high, rtol=1e-6))) if beyond(low) > 0 > beyond(high) else float("nan")


@dataclass(frozen=True)
class Chip:
    """One drawn chip: the shifts of its cells and of its columns' amplifiers, which it keeps.

    Args:
        model: of its reads.
        cells_scores: shifts of every cell in standard deviations, shape (rows, columns, 6).
        amplifier_scores: of every column's amplifier, shape (columns, 9).
    """

    model: ReadModel
    cells_scores: Floats
    amplifier_scores: Floats

    @staticmethod
    def draw(model: ReadModel, rows: int, columns: int, seed: int, number: int) -> Chip:
        """Chip `number` of a study's seed."""
        rng = stream(seed, "bit_errors.chip", number)
        shape = (rows, columns, len(cells.DEVICES))
        return Chip(model, rng.standard_normal(shape), rng.standard_normal((columns, len(sense_amp.TRANSISTORS))))

    def errors(self, supply: int, sensing: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each cell misreads each value after `sensing` (s), shape (2, rows, columns)."""
        offset = self.model.offsets(supply, self.amplifier_scores)
        zero, one = (self.model.swings(supply, sensing, self.cells_scores, stored) for stored in (0, 1))
        return np.stack([zero <= offset, -one >= offset])


@dataclass(frozen=True)
class Shmoo:
    """Error rate over supply and sensing time.

    Args:
        vdd: V, shape (supplies,).
        sensing: s, shape (times,).
        rate: of reads, mean of both values, shape (supplies, times).
    """

    vdd: Floats
    sensing: Floats
    rate: Floats


def read_model(nominal: Record, samples: Samples) -> ReadModel:
    """The model of a characterisation's nominal record and samples (spice/column_samples.py).

    Raises:
        FitError: fewer than `FEWEST` samples could be simulated.
    """
    count = samples.count - len(samples.failures)
    if count < FEWEST:
        raise FitError(f"bit errors: {count} valid samples; the model needs {FEWEST}, ask for more")
    own, amplifier = (
        samples.valid(f"{name}_vth") / np.asarray(nominal[f"{name}_sigma"]) for name in ("cell", "amplifier")
    )
    unseen = np.arange(count) % HELD_OUT == HELD_OUT - 1
    terms = quadratic_terms(np.concatenate([own, own[:, MIRRORED]]))
    linear = np.column_stack([np.ones(count), amplifier])
    nominal_current = np.asarray(nominal["read_current"], dtype=np.float64)
    currents = np.concatenate([samples.valid("read_current_left"), samples.valid("read_current_right")])
    current, current_residual = _least_squares(terms, np.log(currents / nominal_current), np.tile(unseen, 2))
    offset, offset_residual = _least_squares(linear, samples.valid("offset"), unseen)
    return ReadModel(
        vdd=np.asarray(nominal["vdd"], dtype=np.float64),
        time=np.asarray(nominal["swing_time"], dtype=np.float64),
        swing=np.asarray(nominal["swing"], dtype=np.float64),
        current=current.T,
        offset=offset.T,
        residual=np.stack([current_residual, offset_residual], axis=-1),
    )


def shmoo(model: ReadModel, sensing: Floats, seed: int = 1) -> Shmoo:
    """Error rates at every supply of the model and every time of `sensing` (s)."""
    rates = [np.mean(model.rates(supply, sensing, seed), axis=0) for supply in range(len(model.vdd))]
    return Shmoo(model.vdd, sensing, np.stack(rates))


def chip_failures(
    model: ReadModel, supply: int, sensing: float, rows: int, columns: int, seed: int
) -> Mapping[str, float]:
    """Over drawn chips: share with a misreading cell, the same if bits failed alone, and the error rate they had.

    A chip fails when any of its cells misreads 0 or 1; `independent` is what the same error rates would give without
    the columns' common offsets and the cells' common weakness.
    """
    errors = np.stack([Chip.draw(model, rows, columns, seed, n).errors(supply, sensing) for n in range(_CHIPS)])
    rate = float(np.mean(errors))
    failing = float(np.mean(errors.any(axis=(1, 2, 3))))
    return {"rate": rate, "failing": failing, "independent": 1 - (1 - rate) ** (2 * rows * columns)}


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures at the highest supply of the characterisation.

    Args:
        nominal: record of `ColumnSamplesNominal`.
        samples: of `ColumnSamples`; without enough of them there is only the nominal column's sensing time.

    Returns: `sensing_time` at which the nominal swing is reached; with samples `offset_mean`, `offset_sigma`,
        `read_current_sigma` (relative), `bit_error_rate_0` and `_1` at that time, `sensing_time_1e-<n>` for error
        rates, `samples` and `failed_samples`.
    """
    found = {"sensing_time": Figure(float(nominal["sensing_time"]), "s")}
    if samples is None or samples.count == 0:
        return found
    tail = counts(samples)
    if samples.count - len(samples.failures) < FEWEST:
        return found | tail
    model = read_model(nominal, samples)
    top = int(np.argmax(model.vdd))
    offset, current = samples.valid("offset")[:, top], samples.valid("read_current_left")[:, top]
    found |= {
        "offset_mean": Figure(float(np.mean(offset)), "V"),
        "offset_sigma": Figure(float(np.std(offset, ddof=1)), "V"),
        "read_current_sigma": Figure(float(np.std(current, ddof=1) / np.mean(current)), "1"),
    }
    zero, one = model.rates(top, np.array([found["sensing_time"].value]))[:, 0]
    found |= {
        "bit_error_rate_0": Figure(float(zero), "1", MODELLED, OPTIMISTIC),
        "bit_error_rate_1": Figure(float(one), "1", MODELLED, OPTIMISTIC),
    }
    for rate in RATES:
        found[f"sensing_time_{rate:.0e}"] = Figure(model.sensing_time(top, rate), "s", MODELLED, OPTIMISTIC)
    return found | tail


def _least_squares(terms: Floats, values: Floats, unseen: np.ndarray[Any, Any]) -> tuple[Floats, Floats]:
    """Coefficients of values[sample, supply] over all samples; RMS residual, on the unseen, of a fit to the seen."""
    coefficients, *_ = np.linalg.lstsq(terms, values, rcond=None)
    seen, *_ = np.linalg.lstsq(terms[~unseen], values[~unseen], rcond=None)
    residual = np.sqrt(np.mean((terms[unseen] @ seen - values[unseen]) ** 2, axis=0))
    return np.asarray(coefficients), np.asarray(residual)
