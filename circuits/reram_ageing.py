"""What happens to a programmed conductance afterwards, as published: inputs, never outcomes of a simulation here.

Relaxation moves the conductances of a level apart and, for some devices, down with the logarithm of time; read noise
(1/f and telegraph noise together) changes it from one read to the next. For Wan et al. 2022 the spread at a later time
is an entry of `circuits.variation.SPREADS` ("wan2022_1day", "wan2022_2days"), which holds the programming too and so
takes the place of the entry at 1 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ModelRangeError

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MICRO = 1e-6
_YEAR = 365.25 * 86400


@dataclass(frozen=True)
class Ageing:
    """Relaxation and read noise, linear in ln(time).

    Args:
        source: the publication, and who fitted it.
        low: least conductance covered, S.
        high: greatest, S.
        last: latest time covered, s; the earliest is 1 s.
        mean_slope: of the mean shift against ln(t / s), uS.
        sigma_start: relaxation at 1 s, uS.
        sigma_slope: of the relaxation's standard deviation against ln(t / s), uS.
        read_factor: of the read noise, uS.
        read_time: of one read, s.
    """

    source: str
    low: float
    high: float
    last: float
    mean_slope: float
    sigma_start: float
    sigma_slope: float
    read_factor: float
    read_time: float

    def mean_shift(self, time: float) -> float:
        """Mean change of the conductance (S) at `time` (s) after programming, the same for every level.

        Raises:
            ModelRangeError: a time before 1 s or after `last`.
        """
        return _MICRO * self.mean_slope * self._log(time) + 0.0  # never -0

    def relaxation_sigma(self, time: float) -> float:
        """Standard deviation (S) of a cell's change at `time` (s), about the mean one, the same for every level.

        Raises:
            ModelRangeError: a time before 1 s or after `last`.
        """
        return _MICRO * (self.sigma_start + self.sigma_slope * self._log(time))

    def read_sigma(self, g: Floats | float, time: float) -> Floats:
        """Standard deviation (S) of a read of conductance `g` (S) at `time` (s): 1/f noise from then to one read.

        Raises:
            ModelRangeError: a time or a conductance that the publication does not cover.
        """
        spectrum = math.log((self._time(time) + self.read_time) / (2 * self.read_time))
        return np.asarray(_MICRO * self.read_factor * np.log10(self._conductance(g) / _MICRO) * math.sqrt(spectrum))

    def draw(self, programmed: Floats, time: float, rng: np.random.Generator) -> Floats:
        """Conductances (S) at `time` (s) of cells programmed to `programmed` (S), without read noise: cut at zero.

        Raises:
            ModelRangeError: a time or a conductance that the publication does not cover.
        """
        g = self._conductance(programmed)
        aged = g + self.mean_shift(time) + self.relaxation_sigma(time) * rng.standard_normal(g.shape)
        return np.maximum(aged, 0.0)

    def _log(self, time: float) -> float:
        return math.log(self._time(time))

    def _time(self, time: float) -> float:
        if not 1.0 <= time <= self.last:
            raise ModelRangeError(f"ageing covers 1 to {self.last:.3g} s after programming, not {time:g} s")
        return time

    def _conductance(self, g: Floats | float) -> Floats:
        given = np.asarray(g, dtype=np.float64)
        outside = ~((given >= self.low) & (given <= self.high))
        if np.any(outside):
            raise ModelRangeError(
                f"ageing covers {self.low / _MICRO:g} to {self.high / _MICRO:g} uS, not "
                f"{given[outside].flat[0] / _MICRO:g} uS"
            )
        return given


CMO_HFOX = Ageing(
    source="Falcone et al., arXiv 2502.04524 (2025), CMO/HfOx; fit of aihwkit; the years of it extrapolated there",
    low=9e-6,
    high=88.19e-6,
    last=10 * _YEAR,
    mean_slope=-0.08900206,
    sigma_start=0.41183342,
    sigma_slope=0.04201137,
    read_factor=0.0277316483,
    read_time=1e-6,
)
