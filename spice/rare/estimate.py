"""What a method says of a failure probability, and how far it may be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta, norm

CONFIDENCE = 0.95
_TELLING = 30.0  # effective samples that a place of a curve has at least
_FEWEST = 3  # places of a curve


@dataclass(frozen=True)
class Curve:
    """A probability against the limit, from the points of one estimate.

    Attributes:
        tightened: the probability is that of a margin below this, where the estimate's own is that of one below 0.
        probability: at each.
        ci_low: lower end of its 95 % confidence interval.
        ci_high: upper end.
    """

    tightened: tuple[float, ...]
    probability: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]


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
        likely: scores of the most likely failure of each region that fails, the likeliest first, where the method
            looks for them.
        curve: the probability at other limits, where the method's points tell it.
    """

    probability: float
    ci_low: float
    ci_high: float
    relative_error: float
    simulations: int
    method: str
    warnings: tuple[str, ...] = ()
    likely: tuple[tuple[float, ...], ...] = ()
    curve: Curve | None = None

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


def told_curve(tightened: Sequence[float], found: Sequence[Estimate]) -> Curve | None:
    """A curve as far to both sides of the asked limit as its estimates can tell it.

    Away from the asked limit one blind verdict may weigh so much that the curve kinks. It ends before a place with
    fewer than 30 effective samples, and before one where it would fall although the limit is tightened.

    Args:
        tightened: places of the curve, rising; that nearest to 0 is as asked.
        found: an estimate for each.

    Returns:
        None where fewer than three places are left, or the asked one is not told.
    """
    told = [one.probability > 0 and one.effective_samples >= _TELLING for one in found]
    asked = first = last = min(range(len(found)), key=lambda place: abs(tightened[place]))
    while first > 0 and told[first - 1] and found[first - 1].probability < found[first].probability:
        first -= 1
    while last + 1 < len(found) and told[last + 1] and found[last + 1].probability > found[last].probability:
        last += 1
    kept = found[first : last + 1]
    if not told[asked] or len(kept) < _FEWEST:
        return None
    return Curve(
        tuple(tightened[first : last + 1]),
        tuple(one.probability for one in kept),
        tuple(one.ci_low for one in kept),
        tuple(one.ci_high for one in kept),
    )
