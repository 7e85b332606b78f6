"""Reads at the macro's own enable: its timing spread, and the read failures that an early enable costs.

All columns of a macro are enabled together. The time from word line to enable is that of its replica, normal over
macros; a read failure's probability falls with it. So a macro that is enabled early fails in many cells at once, which
a mean probability would not show.

Between the sensing times for which a probability is given its normal quantile is interpolated over the logarithm of the
time (a margin that grows with time against normal spreads is nearly straight so). A macro that is enabled before
the first of them counts as failing, one after the last as if enabled at the last: both are on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from bitline.core.errors import ConfigError

_SIGMAS = 9.0  # of enable times that are summed over: beyond lies 1e-19
_NODES = 91


@dataclass(frozen=True)
class ReadTiming:
    """When the macro's amplifiers are enabled, and what that costs.

    Args:
        times: sensing times, rising, s.
        failures: probability that a read of one cell fails at each.
        enable: mean time from the word line to the enable, s.
        sigma: of it over macros, s.

    Raises:
        ConfigError: fewer than two times, an order or probabilities that are impossible, or an enable outside of them.
    """

    times: tuple[float, ...]
    failures: tuple[float, ...]
    enable: float
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if len(self.times) < 2 or len(self.times) != len(self.failures):
            raise ConfigError("macro timing: give the read failure at two sensing times at least")
        if (
            any(after <= before for before, after in zip(self.times, self.times[1:], strict=False))
            or self.times[0] <= 0
        ):
            raise ConfigError("macro timing: sensing times are above 0 and all different")
        if any(not 0 < failure < 1 for failure in self.failures):
            raise ConfigError("macro timing: a read failure is a probability between 0 and 1")
        if any(after >= before for before, after in zip(self.failures, self.failures[1:], strict=False)):
            raise ConfigError("macro timing: a later enable has to fail more rarely; estimate the read failures again")
        if not self.times[0] <= self.enable <= self.times[-1]:
            raise ConfigError(
                f"macro timing: an enable at {self.enable:g} s is outside of the sensing times that read failures are "
                f"given for, {self.times[0]:g} to {self.times[-1]:g} s; estimate one beyond it"
            )
        if self.sigma < 0:
            raise ConfigError(f"macro timing: a spread of {self.sigma:g} s is below 0")

    def failure_at(self, time: float) -> float:
        """Probability that a read fails at a sensing time (s) within the given ones, or that of the last beyond."""
        quantiles = PchipInterpolator(np.log(self.times), np.asarray(norm.isf(self.failures), dtype=np.float64))
        return float(norm.sf(quantiles(math.log(min(time, self.times[-1])))))

    @property
    def early(self) -> float:
        """How far before the mean enable the first sensing time lies, in sigmas of the enable."""
        return (self.enable - self.times[0]) / self.sigma if self.sigma > 0 else math.inf


def mean_over_macros(timing: ReadTiming, failure: Callable[[float], float], early: float = 1.0) -> float:
    """Mean of what depends on a read failure's probability, as the share of failing macros.

    Args:
        timing: of the macros' enables.
        failure: share of failing macros at a read failure's probability.
        early: the same of macros that are enabled before the first sensing time.
    """
    if timing.sigma == 0:
        return failure(timing.failure_at(timing.enable))
    scores = np.linspace(-min(timing.early, _SIGMAS), _SIGMAS, _NODES)
    step = scores[1] - scores[0]
    weights = norm.pdf(scores) * step
    weights[[0, -1]] /= 2
    too_early = float(norm.sf(min(timing.early, 40.0)))
    weights *= (1 - too_early) / weights.sum()
    times = np.maximum(timing.enable + timing.sigma * scores, timing.times[0])
    found = [failure(timing.failure_at(float(time))) for time in times]
    return too_early * early + float(weights @ found)
