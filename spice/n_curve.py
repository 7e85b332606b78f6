"""Geometry of the N-curve: the current into a storage node that is held at a voltage, while the cell is read.

From 0 the curve crosses zero at A (the stored 0, lifted by the bit line), B (the state between) and C (the stored 1).
Of Grossar et al., IEEE JSSC 41, 2577 (2006): the static voltage noise margin SVNM is B - A and the static current
noise margin SINM the peak between; the write-trip voltage WTV is C - B and the write-trip current WTI the depth
between. A cell is easier to write the smaller these two are.

At a low supply, where no transistor conducts around B, the curve can cross zero more than once there: then SVNM ends at
the first and WTV starts at the last of these crossings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from bitline.core.errors import SimulationError

Curve = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class NCurve:
    """Margins of one N-curve.

    Args:
        svnm: static voltage noise margin, V.
        sinm: static current noise margin, A.
        wtv: write-trip voltage, V.
        wti: write-trip current, A, positive.
    """

    svnm: float
    sinm: float
    wtv: float
    wti: float


def margins(voltage: Curve, current: Curve) -> NCurve:
    """Margins from the held voltage (V, rising, shape (points,)) and the current pushed into the node (A).

    Raises:
        SimulationError: the curve does not cross zero three times or more: the cell has one state when it is read.
    """
    smooth = PchipInterpolator(voltage, current)
    roots = np.unique(np.asarray(smooth.roots(extrapolate=False), dtype=np.float64))
    if roots.size < 3 or roots.size % 2 == 0:
        raise SimulationError(
            f"no N-curve: it crosses zero {roots.size} times instead of three, so the cell holds one state when "
            "it is read; try a higher vdd, another corner or other sizes"
        )
    a, fall, start, c = (float(roots[index]) for index in (0, 1, -2, -1))
    turns = np.asarray(smooth.derivative().roots(extrapolate=False), dtype=np.float64)
    peak = max(float(smooth(v)) for v in turns if a < v < fall)
    depth = min(float(smooth(v)) for v in turns if start < v < c)
    return NCurve(fall - a, peak, c - start, -depth)
