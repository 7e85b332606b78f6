"""Drain current of an NMOS transistor as a small closed form, bulk at 0 V, alike in both directions.

    i = scale (q_s^power - q_d^power) (1 + clm |v|) / (1 + bend |q_s - q_d|),   v = v_d - v_s
    q_s = ln(1 + exp((pinch + dibl |v| - v_s) / width)),   q_d likewise

It is the charge-based form of Enz, Krummenacher and Vittoz, "An analytical MOS transistor model valid in all regions of
operation and dedicated to low-voltage and low-current applications", Analog Integrated Circuits and Signal Processing
8, 83 (1995), where power = 2 and width = 2 kT/q, with a pinch-off voltage that drain-induced barrier lowering raises,
channel-length modulation, and velocity saturation. The coefficients are smooth functions of the gate voltage; |x| is
rounded at 0, so that all derivatives exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

ROUND_V, ROUND_Q = 0.05, 0.01
"""Where |v_d - v_s| (V) and |q_s - q_d| are rounded."""

_LOGARITHMS = ("scale", "width", "dibl", "clm", "bend")


class MosAtGate(NamedTuple):
    """The coefficients at gate voltages, each of their shape.

    Attributes:
        scale: A.
        pinch: pinch-off voltage without drain-source voltage, V.
        width: V.
        dibl: change of the pinch-off voltage with drain-source voltage.
        clm: 1/V.
        bend: of velocity saturation.
    """

    scale: Floats
    pinch: Floats
    width: Floats
    dibl: Floats
    clm: Floats
    bend: Floats


def at_gate(parameters: Mapping[str, Any], gate: Floats) -> MosAtGate:
    """The coefficients at gate voltages (V): polynomials, of the logarithm of all but `pinch`."""
    x = np.asarray(gate) / parameters["v_gate"]
    of = {name: np.polynomial.polynomial.polyval(x, np.asarray(parameters[name])) for name in MosAtGate._fields}
    return MosAtGate(**{name: np.exp(value) if name in _LOGARITHMS else value for name, value in of.items()})


def mos_iv(parameters: Mapping[str, Any], gate: Floats, drain: Floats, source: Floats) -> Floats:
    """Current (A) from drain to source at voltages (V) against the bulk; broadcasts."""
    at = at_gate(parameters, gate)
    v = drain - source
    size = np.sqrt(v**2 + ROUND_V**2) - ROUND_V
    pinch = at.pinch + at.dibl * size
    q_s, q_d = (np.logaddexp(0.0, (pinch - end) / at.width) for end in (source, drain))
    carried = at.scale * (q_s ** parameters["power"] - q_d ** parameters["power"])
    return np.asarray(carried * (1 + at.clm * size) / (1 + at.bend * np.hypot(q_s - q_d, ROUND_Q)))
