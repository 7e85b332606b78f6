"""Spread of programmed conductance, published or measured: an input to every simulation here, never an outcome.

Each entry is the standard deviation of a cell's conductance about its target, a polynomial in the target, with the
range its publication covers. Outside that range it raises `ModelRangeError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.figures import PUBLISHED
from bitline.core.suggest import suggestion

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MICRO = 1e-6


@dataclass(frozen=True)
class ConductanceSpread:
    """One published spread.

    Args:
        name: as configurations write it.
        source: the publication, and what the numbers hold.
        low: least target covered, S.
        high: greatest target covered, S.
        microsiemens: c[k] of sigma / uS = sum of c[k] (g / uS)^k, as published.
    """

    name: str
    source: str
    low: float
    high: float
    microsiemens: tuple[float, ...]

    @property
    def kind(self) -> str:
        """Where the numbers come from, as figures say it."""
        return PUBLISHED

    @property
    def coefficients(self) -> tuple[float, ...]:
        """c[k] of sigma = sum of c[k] g^k, both in S."""
        return tuple(c * _MICRO ** (1 - k) for k, c in enumerate(self.microsiemens))

    def sigma(self, target: Floats | float) -> Floats:
        """Standard deviation (S) of the conductance of cells programmed to `target` (S), same shape.

        Raises:
            ModelRangeError: a target outside the published range.
        """
        g = np.asarray(target, dtype=np.float64)
        outside = ~((g >= self.low) & (g <= self.high))  # NaN is outside too
        if np.any(outside):
            raise ModelRangeError(
                f"conductance spread '{self.name}' covers {self.low / _MICRO:g} to {self.high / _MICRO:g} uS, not "
                f"{g[outside].flat[0] / _MICRO:g} uS; choose conductances in that range or another spread"
            )
        return np.asarray(_MICRO * np.polynomial.polynomial.polyval(g / _MICRO, np.array(self.microsiemens)))

    def draw(self, target: Floats | float, rng: np.random.Generator) -> Floats:
        """Conductances (S) of cells programmed to `target` (S): normal, cut at zero.

        Raises:
            ModelRangeError: a target outside the published range.
        """
        g = np.asarray(target, dtype=np.float64)
        return np.maximum(g + self.sigma(g) * rng.standard_normal(g.shape), 0.0)


def _of_full_scale(full: float, coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """Coefficients of g / uS from those of g / `full` (uS)."""
    return tuple(c / full**k for k, c in enumerate(coefficients))


_WAN = "Wan et al., Nature 608, 504 (2022)"

SPREADS: Mapping[str, ConductanceSpread] = MappingProxyType(
    {
        spread.name: spread
        for spread in (
            ConductanceSpread(
                name="wan2022",
                source=(
                    f"{_WAN}, Extended Data Fig. 3, 1 s after programming: holds the verify "
                    "tolerance and the first relaxation; 130 nm; cubic fit of CrossSim"
                ),
                low=0.0,
                high=39.26e-6,
                microsiemens=(1.053, 0.2374, -1.167e-2, 1.536e-4),
            ),
            ConductanceSpread(
                name="wan2022_1day",
                source=f"{_WAN}, 1 day after programming, which it holds; 130 nm; quartic fit of aihwkit",
                low=0.0,
                high=40e-6,
                microsiemens=_of_full_scale(40, (0.701, 22.086, -50.773, 47.095, -16.458)),
            ),
            ConductanceSpread(
                name="wan2022_2days",
                source=f"{_WAN}, 2 days after programming, which it holds; 130 nm; quartic fit of aihwkit",
                low=0.0,
                high=40e-6,
                microsiemens=_of_full_scale(40, (0.782, 20.274, -43.507, 37.062, -11.934)),
            ),
            ConductanceSpread(
                name="milo2021",
                source="Milo et al., IRPS 2021, incremental step programming with verify; linear fit of CrossSim",
                low=50e-6,
                high=225e-6,
                microsiemens=(4.78, -0.0091),
            ),
        )
    }
)


def load_spread(name: str = "wan2022") -> ConductanceSpread:
    """The published spread `name`, or that of one's own measured reads by the path of their CSV file.

    Raises:
        ConfigError: there is no such spread, or the file is wrong (`circuits.reram_measured` says what it holds).
        FitError: the file has too few reads.
    """
    from circuits.reram_measured_spread import is_measured, load_measured_spread

    if is_measured(name):
        return load_measured_spread(name)
    if name not in SPREADS:
        hint = suggestion(name, list(SPREADS))
        raise ConfigError(f"no conductance spread '{name}'{hint} (or give the path of a .csv file of measured reads)")
    return SPREADS[name]
