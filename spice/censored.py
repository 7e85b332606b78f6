"""Mean and spread of samples of which some are only known to lie below a bound (a left-censored normal, Tobit's).

A cell without a second state has no noise margin, but its margin is below 0: left out, it would make a population look
better the worse it is. Its likelihood is that of lying below the bound (Tobin, Econometrica 26, 24, 1958), maximised
by expectation and maximisation (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1, 1977).

Margins are signed, so some cells are known to lie below 0 while others, likely the deepest, are not known there: the
missing ones are no fair draw of those below. So where any is missing, every value below the bound counts as one below
it. What is fitted is the upper part, as if it were a normal population's; the smaller of two lobes is not quite one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import log_ndtr

from bitline.core.figures import COUNTED, MODELLED, Figure
from bitline.core.samples import Samples

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDS = 1000
_SETTLED = 1e-9  # of sigma


def with_bounds(
    found: Mapping[str, Figure], samples: Samples, bounds: Mapping[str, float], source: str
) -> dict[str, Figure]:
    """Figures of a spread where some samples lack a figure that would lie below a bound.

    Args:
        found: figures with `<name>_mean` and `<name>_sigma` over the samples that have one.
        samples: which lack it where it is NaN.
        bounds: by figure, in its unit, V.
        source: what varies.

    Returns:
        `found`, and where any sample lacks a figure `<name>_bounded`, how many lie below its bound, known there or not.
        Its mean and sigma are then modelled, or left out where fewer than two samples lie above.
    """
    said = dict(found)
    for name, bound in bounds.items():
        values = samples.valid(name)
        if not np.isnan(values).any():
            continue
        above = values[values >= bound]
        spread = dict.fromkeys((f"{name}_mean", f"{name}_sigma"), math.nan)
        if len(above) > 1:
            spread = dict(zip(spread, normal(above, bound, len(values) - len(above)), strict=True))
        kept = {key: Figure(value, "V", MODELLED, source) for key, value in spread.items() if math.isfinite(value)}
        said = {key: figure for key, figure in said.items() if key not in spread} | kept
        said[f"{name}_bounded"] = Figure(len(values) - len(above), "1", COUNTED)
    return said


def normal(values: Floats, bound: float, below: int) -> tuple[float, float]:
    """Mean and standard deviation of a normal population.

    Args:
        values: those that are known, at least two that differ.
        bound: the others lie below it.
        below: how many others.
    """
    mean, sigma = float(np.mean(values)), float(np.std(values))
    count, total, squares = len(values) + below, float(np.sum(values)), float(np.sum(values**2))
    for _ in range(_ROUNDS if below and sigma > 0 else 0):
        score = (bound - mean) / sigma
        tail = math.exp(-(score**2) / 2 - float(log_ndtr(score))) / math.sqrt(2 * math.pi)  # -E[z | z < score]
        first = mean - sigma * tail
        second = mean**2 - 2 * mean * sigma * tail + sigma**2 * (1 - score * tail)
        before = mean, sigma
        mean = (total + below * first) / count
        sigma = math.sqrt((squares + below * second) / count - mean**2)
        if abs(mean - before[0]) + abs(sigma - before[1]) < _SETTLED * sigma:
            break
    return mean, sigma * math.sqrt(count / (count - 1))
