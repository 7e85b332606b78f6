"""Numbers read off waveforms: crossings, differences and the energy that a supply gave."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Wave = np.ndarray[Any, np.dtype[np.float64]]


def crossing(time: Wave, wave: Wave, level: float, *, rising: bool, after: float = 0.0) -> float:
    """First time (s), not before `after`, at which `wave` passes `level` in the direction; NaN if it never does."""
    sign = 1.0 if rising else -1.0
    above = sign * (wave - level) >= 0
    steps = np.flatnonzero(~above[:-1] & above[1:])
    for k in steps:
        share = (level - wave[k]) / (wave[k + 1] - wave[k])
        at = float(time[k] + share * (time[k + 1] - time[k]))
        if at >= after:
            return at
    return math.nan


def settling(time: Wave, wave: Wave, level: float, *, after: float) -> float:
    """Time (s) from which `wave` stays below `level`, at or after `after`; NaN if it ends above."""
    late = np.flatnonzero(wave >= level)
    if late.size == 0 or time[late[-1]] < after:
        return after
    k = late[-1]
    if k + 1 == time.size:
        return math.nan
    share = (wave[k] - level) / (wave[k] - wave[k + 1])
    return float(time[k] + share * (time[k + 1] - time[k]))


def energy(time: Wave, current: Wave, voltage: float) -> float:
    """Energy (J) from a source of constant `voltage` whose branch current (into its plus, A) is `current`."""
    return -voltage * float(np.sum((current[1:] + current[:-1]) / 2 * np.diff(time)))
