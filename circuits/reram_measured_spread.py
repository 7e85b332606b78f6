"""The spread of programmed conductance that measured reads give, in place of a published one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, FitError
from bitline.core.figures import OWN_DATA
from circuits.reram_measured import Measured, read_measured
from circuits.variation import ConductanceSpread

Floats = np.ndarray[Any, np.dtype[np.float64]]

FEWEST = 20  # reads of a bin: half of them give sigma within about a quarter
BINS = 24  # at most
_SUFFIX = ".csv"
_MICRO = 1e-6


@dataclass(frozen=True)
class MeasuredSpread(ConductanceSpread):
    """A spread fitted to measured reads.

    Args:
        reads: that it was fitted to.
        bins: of the targets.
        bias: largest mean difference of a bin's conductances from their targets, S; not part of sigma, nor of what
            `draw` draws.
        residual: rms over bins of sigma predicted by a fit to one half of the reads, over that of the other half,
            minus 1.
        expected: what sampling alone would make of `residual`.
    """

    reads: int = 0
    bins: int = 0
    bias: float = 0.0
    residual: float = 0.0
    expected: float = 0.0

    @property
    def kind(self) -> str:
        """Where the numbers come from, as figures say it."""
        return OWN_DATA


def is_measured(name: str) -> bool:
    """Whether `name` names a file of measured reads, with or without a time after "@"."""
    return name.partition("@")[0].lower().endswith(_SUFFIX)


def load_measured_spread(name: str) -> MeasuredSpread:
    """The spread of "cells.csv", or of "cells.csv@1", the reads about 1 s after programming.

    Raises:
        ConfigError: the file or the time is wrong, or the file has many times and none is chosen.
        FitError: too few reads.
    """
    path, at, text = name.partition("@")
    measured = read_measured(path)
    if at:
        return measured_spread(measured.at(_seconds(name, text)), name)
    low, high = float(np.min(measured.time)), float(np.max(measured.time))
    if high > 1.5**2 * low:
        raise ConfigError(
            f"{path}: reads from {low:g} to {high:g} s after programming; choose a time in seconds, as '{path}@{low:g}'"
        )
    return measured_spread(measured, name)


def measured_spread(measured: Measured, name: str = "") -> MeasuredSpread:
    """Fit sigma against target: standard deviation by bin, then a polynomial weighted by how well each is known.

    Targets that are levels make a bin each, and levels with too few reads join the next; the degree is 3 with six bins
    or more, 2 with four, 1 with two, and less where the polynomial would not stay above zero. The range is the data's.

    Raises:
        FitError: fewer reads than one bin takes, or reads that do not spread.
    """
    bins = _bins(measured.target)
    if not bins:
        raise FitError(f"{measured.name}: {len(measured.g)} reads; a spread takes {FEWEST} or more")
    low, high = float(np.min(measured.target)), float(np.max(measured.target))
    target, error = measured.target / _MICRO, (measured.g - measured.target) / _MICRO
    whole = _points(target, error, bins)
    halves = [_points(target, error, [rows[half::2] for rows in bins]) for half in (0, 1)]
    if min(sigma for points in halves for _, sigma, _ in points) <= 0:
        raise FitError(f"{measured.name}: reads of a target are all equal, so that they have no spread")
    residual, expected = _held_out(halves, low / _MICRO, high / _MICRO)
    times = measured.time[~np.isnan(measured.time)]
    when = f", {np.median(times):.3g} s after programming" if len(times) else ""
    return MeasuredSpread(
        name=name or measured.name,
        source=f"measured: {measured.name} (sha256 {measured.digest[:12]}), {len(measured.g)} reads{when}",
        low=low,
        high=high,
        microsiemens=tuple(_fit(whole, low / _MICRO, high / _MICRO)),
        reads=len(measured.g),
        bins=len(bins),
        bias=_MICRO * max((float(np.mean(error[rows])) for rows in bins), key=abs),
        residual=residual,
        expected=expected,
    )


def _bins(target: Floats) -> list[Any]:
    """Row numbers by bin, each of FEWEST or more; equal targets stay together. Shuffled rows give the same bins."""
    levels, counts = np.unique(target, return_counts=True)
    fewest = max(FEWEST, math.ceil(len(target) / BINS)) if len(levels) > BINS else FEWEST
    starts, held = [0], 0
    for number, count in enumerate(counts):
        held += int(count)
        if held >= fewest:
            starts.append(number + 1)
            held = 0
    if len(starts) == 1:
        return []
    if held:
        starts[-1] = len(levels)  # the rest joins the last bin
    bin_of = np.searchsorted(levels[starts[1:-1]], target, side="right") if len(starts) > 2 else np.zeros(len(target))
    return [np.flatnonzero(bin_of == number) for number in range(len(starts) - 1)]


def _fit(points: list[tuple[float, float, int]], low: float, high: float) -> Floats:
    """Coefficients, lowest first, of the polynomial through (target, sigma, reads), positive from low to high."""
    target, sigma, reads = np.array(points).T
    weight = np.sqrt(2 * (reads - 1)) / sigma  # one over the standard error of a standard deviation
    degree = next(found for found, fewest in ((3, 6), (2, 4), (1, 2), (0, 1)) if len(points) >= fewest)
    polynomial = np.polynomial.polynomial
    while True:
        fitted = np.asarray(polynomial.polyfit(target, sigma, degree, w=weight))
        if degree == 0 or np.all(polynomial.polyval(np.linspace(low, high, 201), fitted) > 0):
            return fitted
        degree -= 1


def _points(target: Floats, error: Floats, bins: list[Any]) -> list[tuple[float, float, int]]:
    """Mean target, standard deviation and reads of every bin."""
    return [(float(np.mean(target[rows])), float(np.std(error[rows], ddof=1)), len(rows)) for rows in bins]


def _held_out(halves: list[list[tuple[float, float, int]]], low: float, high: float) -> tuple[float, float]:
    """Relative rms residual of each half's fit on the other half, and what it would be for a perfect model.

    A half's sigma has a relative standard error of 1 / sqrt(2 (n - 1)), and a fit of p coefficients to k bins has, on
    average over the bins, p / k of that variance.
    """
    wrong, sampling = [], []
    for fitted, seen in (halves, halves[::-1]):
        coefficients = _fit(fitted, low, high)
        for at, sigma, reads in seen:
            wrong.append(float(np.polynomial.polynomial.polyval(at, coefficients)) / sigma - 1)
            sampling.append((1 + len(coefficients) / len(seen)) / (2 * (reads - 1)))
    return math.sqrt(np.mean(np.square(wrong))), math.sqrt(np.mean(sampling))


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"spread '{name}': '{text}' after '@' is no time; write seconds, as 'cells.csv@1'")
    return value
