"""Geometry of butterfly curves: static noise margins and the states that a cell rests in.

The curves are the two inverters of a cell, each loaded as in use: `q(vin)` of the left one and `qb(vin)` of the right.
Drawn as qb over q, they are (vin, qb(vin)) and (q(vin), vin). In axes turned by 45 degrees,
u = (q - qb) / sqrt(2) and v = (q + qb) / sqrt(2), both are functions of u, and their distance along v is the diagonal
of the square that fits between them there (Seevinck, List and Lohstroh, IEEE JSSC 22, 748, 1987).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from bitline.core.errors import SimulationError

Curve = np.ndarray[Any, np.dtype[np.float64]]

ONE_STATE = "the cell has one state only, its curves have no second lobe"
_GRID = 721  # points of u; the extrema are refined between them


@dataclass(frozen=True)
class Butterfly:
    """Both curves of a cell on one grid of inputs.

    Args:
        vin: inputs, V, rising, shape (points,).
        q: output of the left inverter, V, falling, shape (points,).
        qb: output of the right inverter, V, falling, shape (points,).
    """

    vin: Curve
    q: Curve
    qb: Curve

    def lobes(self) -> tuple[float, float]:
        """Static noise margins of the cell storing 0 and 1 in q: side of the largest square in either lobe, V.

        Signed: where a cell no longer holds a state, the noise (as two equal sources in series with the inverters'
        inputs) that would make it hold it again, negative. NaN for a lobe that is not even there inside out, as no
        noise would do: its margin is below 0, and that is all that is known of it.
        """
        distance = self._distance
        inner = distance[1:-1]
        peaks = 1 + np.flatnonzero((inner >= distance[:-2]) & (inner > distance[2:]))
        troughs = 1 + np.flatnonzero((inner <= distance[:-2]) & (inner < distance[2:]))
        if peaks.size and troughs.size:  # a lobe that is lost lies on its own side of the one that is left
            peak, trough = peaks[np.argmax(distance[peaks])], troughs[np.argmin(distance[troughs])]
            if distance[peak] > -distance[trough]:
                troughs = troughs[troughs > peak]
            else:
                peaks = peaks[peaks < trough]
        upper = max((_vertex(distance, int(index)) for index in peaks), default=math.nan)
        lower = max((_vertex(-distance, int(index)) for index in troughs), default=math.nan)
        return upper / math.sqrt(2), lower / math.sqrt(2)

    def margin(self) -> float:
        """Static noise margin of the cell: that of its smaller lobe, V.

        Raises:
            SimulationError: the curves have no second lobe.
        """
        margins = self.lobes()
        if any(map(math.isnan, margins)):
            raise SimulationError(ONE_STATE)
        return min(margins)

    def rest(self, start: float) -> tuple[float, float]:
        """State (q, qb), V, that the cell settles in when q starts at `start` V: 0 finds a stored 0, if it has one."""
        left, right = self._transfer
        q = start
        for _ in range(500):
            qb = float(right(q))
            settled = float(left(qb))
            if abs(settled - q) < 1e-9:
                break
            q = settled
        return q, qb

    @cached_property
    def _transfer(self) -> tuple[PchipInterpolator, PchipInterpolator]:
        return PchipInterpolator(self.vin, self.q), PchipInterpolator(self.vin, self.qb)

    @cached_property
    def _distance(self) -> Curve:
        """Right curve above the left one along v, on a grid of u that both cover."""
        right_u, right_v = self.vin - self.qb, self.vin + self.qb
        left_u, left_v = (self.q - self.vin)[::-1], (self.q + self.vin)[::-1]
        grid = np.linspace(max(right_u[0], left_u[0]), min(right_u[-1], left_u[-1]), _GRID)
        above: Curve = PchipInterpolator(right_u, right_v)(grid) - PchipInterpolator(left_u, left_v)(grid)
        return above / math.sqrt(2)


def _vertex(y: Curve, index: int) -> float:
    """Height of the parabola through three neighbours about a local maximum."""
    before, here, after = y[index - 1 : index + 2]
    curvature = before - 2 * here + after
    return float(here - (after - before) ** 2 / (8 * curvature)) if curvature < 0 else float(here)
