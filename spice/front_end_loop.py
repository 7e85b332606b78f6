"""Loop gain from two injections at one point of a closed loop, and the phase margin it leaves.

Middlebrook, Int. J. Electronics 38, 485 (1975): with T_v and T_i the voltage and current gains around the loop at the
point of injection, T = (T_v T_i - 1) / (T_v + T_i + 2), whatever the impedances on either side.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Complexes = np.ndarray[Any, np.dtype[np.complex128]]


def loop_gain(driven: Complexes, gate: Complexes, probe: Complexes) -> Complexes:
    """T(f) of the loop.

    Args:
        driven: voltage on the side that drives the point, with the voltage source between at 1 V.
        gate: voltage on the other side, likewise.
        probe: current through that source towards the gate with 1 A injected into the gate's side.
    """
    voltage = -driven / gate
    current = -probe / (1 + probe)
    return np.asarray((voltage * current - 1) / (voltage + current + 2))


def unity(frequency: Floats, gain: Complexes) -> tuple[float, float]:
    """Unity-gain frequency (Hz) and phase margin (degrees) of a loop gain T(f); NaN where |T| never passes 1."""
    decibel = np.log(np.abs(gain))
    below = np.flatnonzero((decibel[1:] < 0) & (decibel[:-1] >= 0))
    if below.size == 0:
        return math.nan, math.nan
    k = below[0]
    share = decibel[k] / (decibel[k] - decibel[k + 1])
    phase = np.degrees(np.unwrap(np.angle(gain)))
    at = math.exp(math.log(frequency[k]) + share * math.log(frequency[k + 1] / frequency[k]))
    return at, 180.0 + float(phase[k] + share * (phase[k + 1] - phase[k]))


def bandwidth(frequency: Floats, response: Complexes) -> float:
    """Frequency (Hz) at which |response| has fallen by 3 dB from its value at the lowest one; NaN if it never does."""
    relative = np.log(np.abs(response) / np.abs(response[0])) + math.log(2) / 2
    below = np.flatnonzero(relative < 0)
    if below.size == 0:
        return math.nan
    k = below[0] - 1
    share = relative[k] / (relative[k] - relative[k + 1])
    return math.exp(math.log(frequency[k]) + share * math.log(frequency[k + 1] / frequency[k]))
