"""What happens to a programmed conductance afterwards, as published: inputs, never outcomes of a simulation here.

Relaxation moves the conductances of a level apart and, for some devices, down with the logarithm of time; read noise
(1/f and telegraph noise together) changes it from one read to the next. For Wan et al. 2022 the spread at a later time
is an entry of `circuits.variation.SPREADS` ("wan2022_1day", "wan2022_2days"), which holds the programming too and so
takes the place of the entry at 1 s; the ageing "wan2022" here is what comes on top of the entry at 1 s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.suggest import suggestion
from circuits.variation import SPREADS, ConductanceSpread

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MICRO = 1e-6
_YEAR = 365.25 * 86400


class Retention(Protocol):
    """What becomes of programmed conductances."""

    def aged(self, programmed: Floats, time: float, scores: Floats) -> Floats:
        """Conductances (S) at `time` (s) after programming of devices with their own standard normal `scores`."""


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
        return self.aged(programmed, time, rng.standard_normal(np.shape(programmed)))

    def aged(self, programmed: Floats, time: float, scores: Floats) -> Floats:
        """As `draw`, of devices whose own `scores` (standard normal, of one shape with them) are fixed.

        A device keeps its score for good, so that what it relaxed by at one time it has relaxed by at a later one.

        Raises:
            ModelRangeError: a time or a conductance that the publication does not cover.
        """
        g = self._conductance(programmed)
        return np.maximum(g + self.mean_shift(time) + self.relaxation_sigma(time) * scores, 0.0)

    def _log(self, time: float) -> float:
        return math.log(self._time(time))

    def _time(self, time: float) -> float:
        return _covered(time, self.last)

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


@dataclass(frozen=True)
class SpreadGrowth:
    """Relaxation between two published spreads, of which the later holds the earlier; the mean stays.

    What is added has the difference of the variances. The publication gives the two ends; that the variance grows in
    proportion to ln(t) between them is an assumption. Where the later spread is the smaller, nothing is added.

    Args:
        source: the publication.
        early: spread at 1 s.
        late: spread at `last`.
        last: s, and the latest time covered.
    """

    source: str
    early: ConductanceSpread
    late: ConductanceSpread
    last: float

    def sigma(self, g: Floats | float, time: float) -> Floats:
        """Standard deviation (S) of what has been added at `time` (s) to cells programmed to `g` (S).

        Raises:
            ModelRangeError: a time or a conductance that the publication does not cover.
        """
        share = math.log(_covered(time, self.last)) / math.log(self.last)
        return np.sqrt(np.maximum(self.late.sigma(g) ** 2 - self.early.sigma(g) ** 2, 0.0) * share)

    def aged(self, programmed: Floats, time: float, scores: Floats) -> Floats:
        """Conductances (S) at `time` (s) of devices with their own standard normal `scores`: cut at zero.

        Raises:
            ModelRangeError: a time that the publication does not cover.
        """
        # a cell that was programmed beyond the published targets relaxes as the nearest of them
        target = np.clip(programmed, max(self.early.low, self.late.low), min(self.early.high, self.late.high))
        return np.maximum(np.asarray(programmed + self.sigma(target, time) * scores), 0.0)


@dataclass(frozen=True)
class PowerLaw:
    """Drift g(t) = g (t / start)^-nu, with an exponent nu of each device's own, fixed for good.

    The law of phase-change cells (Pirovano et al., IEEE Trans. Electron Devices 51(5), 714, 2004), for one's own
    measured exponents of any device.

    Args:
        source: of the exponents.
        exponent: mean nu.
        spread: standard deviation of nu over devices.
        start: s after programming, from which time on it drifts.
    """

    source: str
    exponent: float
    spread: float
    start: float = 1.0

    def aged(self, programmed: Floats, time: float, scores: Floats) -> Floats:
        """Conductances (S) at `time` (s) of devices with their own standard normal `scores`.

        Raises:
            ModelRangeError: a time before `start`.
        """
        if not time >= self.start:
            raise ModelRangeError(f"drift covers {self.start:g} s after programming and later, not {time:g} s")
        return np.asarray(programmed * (time / self.start) ** -(self.exponent + self.spread * scores))


def _covered(time: float, last: float) -> float:
    if not 1.0 <= time <= last:
        raise ModelRangeError(f"ageing covers 1 to {last:.3g} s after programming, not {time:g} s")
    return time


AGEINGS: Mapping[str, Retention] = MappingProxyType(
    {
        "cmo_hfox": CMO_HFOX,
        "wan2022": SpreadGrowth(
            source="Wan et al., Nature 608, 504 (2022), 130 nm: spreads at 1 s and at 1 day",
            early=SPREADS["wan2022"],
            late=SPREADS["wan2022_1day"],
            last=86400.0,
        ),
    }
)


def load_ageing(name: str) -> Retention:
    """The published ageing `name`.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in AGEINGS:
        raise ConfigError(f"no ageing {name!r}{suggestion(name, list(AGEINGS))}; there are {', '.join(AGEINGS)}")
    return AGEINGS[name]
