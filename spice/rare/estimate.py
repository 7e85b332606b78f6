"""What a method says of a failure probability, and how far it may be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import beta, norm

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """An estimated probability.

    Attributes:
        probability: the estimate.
        ci_low: lower end of its 95 % confidence interval.
        ci_high: upper end.
        relative_error: relative standard error.
        simulations: all that were run for it, training included.
        method: what made it.
        warnings: why it is not to be trusted; none, where nothing speaks against it.
    """

    probability: float
    ci_low: float
    ci_high: float
    relative_error: float
    simulations: int
    method: str
    warnings: tuple[str, ...] = ()

    @property
    def effective_samples(self) -> float:
        """How many failures a plain Monte Carlo would have to see for this relative error; a weight counts less."""
        return 1 / self.relative_error**2 if self.relative_error > 0 else math.inf


def from_weights(
    probability: float, sigma: float, simulations: int, method: str, warnings: tuple[str, ...] = ()
) -> Estimate:
    """With its standard error, and a log-normal interval: a weighted estimate is skewed.

    One that is not above 0, as corrections of a poor guess can make it, only bounds the probability.
    """
    score = float(norm.ppf((1 + CONFIDENCE) / 2))
    if probability <= 0:
        return Estimate(0.0, 0.0, min(score * sigma, 1.0), math.inf, simulations, method, warnings)
    error = sigma / probability
    width = math.exp(score * math.sqrt(math.log1p(error**2)))
    return Estimate(
        probability, probability / width, min(probability * width, 1.0), error, simulations, method, warnings
    )


def from_counts(failed: int, count: int, simulations: int, method: str, warnings: tuple[str, ...] = ()) -> Estimate:
    """With the exact binomial interval (Clopper and Pearson, Biometrika 26, 404, 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, failed, count - failed + 1)) if failed else 0.0
    high = float(beta.ppf(1 - tail, failed + 1, count - failed)) if failed < count else 1.0
    error = math.sqrt((1 - failed / count) / failed) if failed else math.inf
    return Estimate(failed / count, low, high, error, simulations, method, warnings)
