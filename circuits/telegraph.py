"""Random telegraph noise of cells as a publication or one's own measurement gives it: an input, never an outcome."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Telegraph:
    """Cells with one trap each: two states, between which they jump as a Markov process does.

    With its trap filled a cell conducts less by `amplitude` of its conductance. What is programmed is the mean over
    time, so that telegraph noise moves no level.

    Args:
        source: where the numbers come from.
        share: of all cells, that have a trap.
        amplitude: relative difference of the two conductances; a number, or a function of the conductance (S).
        tau_capture: mean time (s) that a trap stays empty.
        tau_emission: mean time (s) that it stays filled.
        interval: between the starts of two products of a tile (s); None for one right after the other.
        error_limit: share of the largest current by which first order may miss what changed cells do; beyond it the
            tile's matrix is solved anew.

    Raises:
        ConfigError: a value that no trap can have.
    """

    source: str
    share: float
    amplitude: float | Callable[[Floats], Floats]
    tau_capture: float
    tau_emission: float
    interval: float | None = None
    error_limit: float = 1e-3

    def __post_init__(self) -> None:
        amplitude = 0.0 if callable(self.amplitude) else self.amplitude
        for name, value, high in (("share", self.share, 1.0), ("amplitude", amplitude, 1.0)):
            if not 0 <= value <= high:
                raise ConfigError(f"telegraph noise: {name} is {value!r}; it must be from 0 to {high:g}")
        positive = {"tau_capture": self.tau_capture, "tau_emission": self.tau_emission, "error_limit": self.error_limit}
        if self.interval is not None:
            positive["interval"] = self.interval
        for name, value in positive.items():
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"telegraph noise: {name} is {value!r}; it must be finite and above 0")

    @property
    def filled(self) -> float:
        """Share of time that a trap is filled."""
        return self.tau_emission / (self.tau_capture + self.tau_emission)

    @property
    def rate(self) -> float:
        """At which a state is forgotten (1/s): its autocorrelation is exp(-rate t)."""
        return 1 / self.tau_capture + 1 / self.tau_emission

    def relative(self, g: Floats) -> Floats:
        """Amplitude at conductances `g` (S), relative.

        Raises:
            ConfigError: the amplitude is a function that leaves 0 to 1.
        """
        each = np.asarray(self.amplitude(g) if callable(self.amplitude) else np.full(g.shape, self.amplitude))
        if each.shape != g.shape or not ((each >= 0) & (each <= 1)).all():
            raise ConfigError("telegraph noise: amplitude(g) must give a number from 0 to 1 for every conductance")
        return each
