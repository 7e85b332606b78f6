"""Mixture importance sampling, guided by a quadratic per margin, with ngspice verdicts where that is in doubt.

1. A quadratic a margin is fitted to points drawn wide; it gives the likely failures, the points of least norm in each
   region that fails. Points about them are simulated and the quadratics fitted again, until the likely failures rest.
2. Points are drawn from unit normals about the likely failures, one a region: a single shift would miss every region
   but one. They are many, since only the quadratics see them: point i has the weight w_i = normal / mixture density,
   and fails with probability s_i by the quadratics and the error they claim.
3. Some of the points are simulated: point i with a probability q_i that is large where w_i matters and s_i is neither
   0 nor 1, and nowhere 0. With its verdict v_i, 0 or 1,

       p = mean of w_i s_i over all points + mean of w_i (v_i - s_i) / (n q_i) over those n that were simulated

   has no bias, whatever the quadratics are worth; where they are poor, its error grows and shows. Verdicts come in
   rounds; a round's quadratics know those of the rounds before. Rounds are averaged by the error that was predicted
   before each, which keeps the average free of bias.

After Kanj, Joshi and Nassif (DAC 2006) for the mixture, with the control variate and the choice of verdicts added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.seeds import stream
from spice.rare.estimate import Curve, Estimate, from_weights, told_curve
from spice.rare.limit_state import Floats, LimitState, fails
from spice.rare.subset import subset
from spice.rare.surrogate import Surrogate, fit

METHOD = "mixture importance sampling"
_LEAST_GUESS = 1e-24  # beyond the reach
REACH = 10.0  # sigma: beyond it lies a probability below 1e-22
_WIDE = 2.5  # sigma of the first points
_NEAR = 0.8  # sigma of the points about a likely failure
_RESTS = 0.3  # sigma that a likely failure may move in a round of training
_POOL = 50_000
_TOLD = 10_000  # of them tell the curve
_LIMITS = np.linspace(-1.0, 1.0, 17)  # of the curve, in sigma at the likeliest failure
_AS_ASKED = np.zeros(1)
_BLIND = 0.1  # share of verdicts that do not ask the quadratics where
_AROUND = 0.2  # share of them that ask where other limits of the curve are in doubt
_EVEN = 0.2  # share of points that every region has alike, however unlikely it is
_FAINT = 5.0  # regions less likely than the likeliest by a factor of exp(5) do not matter
_LEAST_ROUNDS = 2
_CONTRADICTIONS = 0.05  # share of a round's verdicts
_APART = 4.0  # standard errors between two estimates of the same
_APART_GUESSES = 3.0  # the same, where one error is claimed on the large side
_GUESSES = 40_000  # points a level of a subset simulation without ngspice
_REMEDY = "allow more simulations, or try the method subset"
_SURE = 1e-3  # a verdict that had less probability than this contradicts the quadratics


@dataclass
class _Study:
    """What has been simulated, and what was learnt of it."""

    limit: LimitState
    seed: int
    points: Floats = field(init=False)
    margins: Floats = field(init=False)
    surrogates: list[Surrogate] = field(default_factory=list)
    known: Floats = field(init=False)
    drawn: int = 0

    def __post_init__(self) -> None:
        self.known = np.zeros((0, self.limit.dimension))
        self.points = np.zeros((0, self.limit.dimension))
        self.margins = np.zeros((0, 0))

    def stream(self) -> np.random.Generator:
        self.drawn += 1
        return stream(self.seed, "rare.mixture", self.drawn)

    def simulate(self, points: Floats) -> Floats:
        margins = self.limit.margins(points)
        self.margins = np.concatenate([self.margins, margins]) if len(self.margins) else margins
        self.points = np.concatenate([self.points, points])
        return margins

    def fit(self) -> None:
        """Fit all margins, each about the likely failures it had before."""
        nothing = np.zeros((0, self.limit.dimension))
        centres = [s.most_likely_failures(REACH) for s in self.surrogates] or [nothing] * self.margins.shape[1]
        self.surrogates = [
            fit(self.points, margins, about) for margins, about in zip(self.margins.T, centres, strict=True)
        ]

    def regions(self) -> Floats:
        """Likely failures of all margins that matter beside the likeliest."""
        found = np.concatenate([surrogate.most_likely_failures(REACH) for surrogate in self.surrogates])
        if len(found) == 0 and len(self.known) > 0:  # a poor fit of later verdicts may lose them
            return self.known
        if len(found) == 0:
            raise SimulationError(
                f"{self.limit.simulations} simulations show nothing that fails within {REACH:g} standard deviations of "
                "the nominal circuit: its probability is too small to matter; raise the limit to see one"
            )
        squared = np.sum(found**2, axis=1)
        self.known = np.asarray(found[squared < squared.min() + 2 * _FAINT])
        return self.known

    def slope(self) -> float:
        """How far one sigma moves the margin that is likeliest to fail, there."""
        found = [
            (float(np.linalg.norm(u)), s.steepness(u)) for s in self.surrogates for u in s.most_likely_failures(REACH)
        ]
        return min(found)[1] if found else 0.0

    def failing(self, points: Floats, tightened: Floats = _AS_ASKED) -> Floats:
        """Probability, by the quadratics, that each point fails limits so tightened, shape (limits, points)."""
        holds = np.ones((len(tightened), len(points)))
        for surrogate in self.surrogates:
            holds *= norm.cdf((surrogate.mean(points) - tightened[:, None]) / surrogate.sigma(points))
        return np.asarray(1 - holds)


@dataclass(frozen=True)
class _Round:
    """One unbiased estimate.

    Attributes:
        value: of the probability.
        guess: of the same, by the quadratics alone.
        variance: of it, as seen.
        predicted: the same, as the quadratics had it before the verdicts.
        verdicts: how many points were simulated.
        contradictions: verdicts that the quadratics had been sure against.
        curve: value and variance at other limits, shape (2, limits).
    """

    value: float
    guess: float
    variance: float
    predicted: float
    verdicts: int
    contradictions: int
    curve: Floats


def mixture(limit: LimitState, seed: int, relative_error: float, most: int) -> Estimate:
    """Estimate a failure probability.

    Args:
        limit: what fails.
        seed: of every draw.
        relative_error: wanted relative standard error.
        most: simulations at most; the training takes its share first.

    Raises:
        ConfigError: `most` does not suffice for the training.
        SimulationError: nothing fails within reach, or the first points could not be simulated.
    """
    study = _Study(limit, seed)
    size = _verdicts_a_round(limit.dimension)
    _train(study, most, size)
    tightened = study.slope() * _LIMITS
    rounds: list[_Round] = []
    while len(rounds) < _LEAST_ROUNDS or not _settled(rounds, relative_error):
        if len(rounds) >= _LEAST_ROUNDS:
            size = max(size, min(limit.simulations // 4, most - limit.simulations))
            if limit.simulations + size > most:
                break
        rounds.append(_round(study, size, tightened))
        study.fit()
    value, sigma = _average(rounds)
    doubts = (*_doubts(rounds, relative_error), *_missed(study, rounds[-1]))
    return replace(
        from_weights(value, sigma, limit.simulations, METHOD, doubts),
        likely=tuple(tuple(map(float, found)) for found in sorted(study.regions(), key=np.linalg.norm)),
        curve=_curve(rounds, tightened),
    )


def _train(study: _Study, most: int, size: int) -> None:
    """Fit the quadratics where the circuit is likely to fail, with half of the simulations at most."""
    dimension = study.limit.dimension
    first, near = 16 + 4 * dimension, 4 + dimension
    if most < (least := first + near + _LEAST_ROUNDS * size):
        raise ConfigError(f"{METHOD} in {dimension} dimensions takes {least} simulations at least; allow more")
    most = max(most // 2, first + near)
    study.simulate(study.stream().standard_normal((first, dimension)) * _WIDE)
    study.fit()
    found = study.regions()
    while study.limit.simulations + near * len(found) <= most:
        scores = study.stream().standard_normal((len(found), near, dimension)) * _NEAR
        study.simulate((found[:, None] + scores).reshape(-1, dimension))
        study.fit()
        before, found = found, study.regions()
        if len(found) == len(before) and np.all(_nearest(found, before) < _RESTS):
            return


def _round(study: _Study, verdicts: int, tightened: Floats) -> _Round:
    """Draw the many points, simulate `verdicts` of them; and what they say of tightened limits."""
    rng, regions = study.stream(), study.regions()
    shares = np.exp(-(np.sum(regions**2, axis=1) - np.min(np.sum(regions**2, axis=1))) / 2)
    shares = _EVEN / len(regions) + (1 - _EVEN) * shares / shares.sum()
    chosen = rng.choice(len(regions), size=_POOL, p=shares)
    points = regions[chosen] + rng.standard_normal((_POOL, study.limit.dimension))
    distance = np.sum((points[:, None] - regions[None]) ** 2, axis=2)
    weight = np.exp(-np.sum(points**2, axis=1) / 2 - logsumexp(-distance / 2, b=shares, axis=1))
    failing = study.failing(points)[0]

    doubt = weight * np.sqrt(failing * (1 - failing))
    around = study.failing(points, tightened)
    around = weight * np.sqrt(np.mean(around * (1 - around), axis=0))
    asked = (1 - _BLIND - _AROUND) * doubt / (doubt.sum() or 1.0) + _BLIND / _POOL
    asked += _AROUND * around / (around.sum() or 1.0)
    asked /= asked.sum()
    picked = rng.choice(_POOL, size=verdicts, p=asked)
    margins = study.simulate(points[picked])
    verdict = fails(margins)
    by_surrogate = weight * failing
    corrected = weight[picked] / (_POOL * asked[picked])
    corrections = corrected * (verdict - failing[picked])
    pool_variance = float(np.var(by_surrogate)) / _POOL
    return _Round(
        value=float(np.mean(by_surrogate) + np.mean(corrections)),
        guess=float(np.mean(by_surrogate)),
        variance=pool_variance + float(np.var(corrections, ddof=1)) / verdicts,
        predicted=pool_variance + float(np.sum((doubt / _POOL) ** 2 / asked)) / verdicts,
        verdicts=verdicts,
        contradictions=int(np.sum(np.where(verdict, failing[picked], 1 - failing[picked]) < _SURE)),
        curve=_moved(study, tightened, (points[:_TOLD], weight[:_TOLD]), (points[picked], corrected), margins),
    )


def _moved(
    study: _Study, tightened: Floats, told: tuple[Floats, Floats], asked: tuple[Floats, Floats], margins: Floats
) -> Floats:
    """Value and variance at tightened limits, from points and their weights and those with verdicts, (2, limits)."""
    by_surrogate = told[1] * study.failing(told[0], tightened)
    verdicts = np.array([fails(margins - shift) for shift in tightened])
    corrections = asked[1] * (verdicts - study.failing(asked[0], tightened))
    variance = by_surrogate.var(axis=1) / len(told[1]) + corrections.var(axis=1, ddof=1) / len(margins)
    return np.stack([by_surrogate.mean(axis=1) + corrections.mean(axis=1), variance])


def _average(rounds: Sequence[_Round]) -> tuple[float, float]:
    """The rounds' probability and its standard error.

    A round of few verdicts may see less than its error, so it has at least the one that was predicted.
    """
    shares = np.array([1 / made.predicted for made in rounds])
    shares /= shares.sum()
    variances = np.array([max(made.variance, made.predicted) for made in rounds])
    return float(shares @ [made.value for made in rounds]), math.sqrt(float(shares**2 @ variances))


def _curve(rounds: Sequence[_Round], tightened: Floats) -> Curve | None:
    """The rounds' curve, averaged as they are."""
    shares = np.array([1 / made.predicted for made in rounds])
    shares /= shares.sum()
    values = shares @ [made.curve[0] for made in rounds]
    sigmas = np.sqrt(shares**2 @ np.array([made.curve[1] for made in rounds]))
    return told_curve(
        tightened.tolist(),
        [from_weights(*pair, 0, METHOD) for pair in zip(values.tolist(), sigmas.tolist(), strict=True)],
    )


def _settled(rounds: Sequence[_Round], relative_error: float) -> bool:
    value, sigma = _average(rounds)
    return sigma <= relative_error * value and not _contradicted(rounds)


def _contradicted(rounds: Sequence[_Round]) -> bool:
    """Whether the last verdicts still contradict the quadratics."""
    return rounds[-1].contradictions > _CONTRADICTIONS * rounds[-1].verdicts


def _doubts(rounds: Sequence[_Round], wanted: float) -> tuple[str, ...]:
    """What the verdicts themselves say against the estimate."""
    value, sigma = _average(rounds)
    said = []
    if sigma > wanted * value:
        what = f"{sigma / value:.2g} ({(value / sigma) ** 2:.1f} effective samples)" if value > 0 else "over 1"
        said.append(f"the relative error is {what}, not {wanted:g}: {_REMEDY}")
    if _contradicted(rounds):
        last = rounds[-1]
        said.append(f"{last.contradictions} of the last {last.verdicts} verdicts contradict the quadratics: {_REMEDY}")
    apart = max(abs(made.value - value) / math.sqrt(max(made.variance, made.predicted)) for made in rounds)
    if apart > _APART:
        said.append(f"the rounds disagree by {apart:.1f} standard errors: {_REMEDY}")
    return tuple(said)


def _missed(study: _Study, last: _Round) -> tuple[str, ...]:
    """Whether shifts to the likely failures miss what fails: subset simulation of the quadratics needs no shifts."""
    levels = 2 + math.ceil(-math.log10(min(max(last.guess, _LEAST_GUESS), 1.0)))
    found = subset(_Guess(study), study.seed, 1.0, levels * _GUESSES, levels)
    ratio = found.probability / last.guess if last.guess > 0 else math.inf
    if 0 < ratio < math.inf and abs(math.log(ratio)) < _APART_GUESSES * found.relative_error:
        return ()
    return (f"subset simulation of the quadratics themselves gives {ratio:.2g} times as much: {_REMEDY}",)


class _Guess:
    """The quadratics in place of ngspice."""

    def __init__(self, study: _Study) -> None:
        self.dimension = study.limit.dimension
        self.simulations = 0
        self._surrogates = study.surrogates

    def margins(self, points: Floats) -> Floats:
        self.simulations += len(points)
        return np.stack([surrogate.mean(points) for surrogate in self._surrogates], axis=1)


def _nearest(points: Floats, others: Floats) -> Floats:
    return np.asarray(np.min(np.linalg.norm(points[:, None] - others[None], axis=2), axis=1))


def _verdicts_a_round(dimension: int) -> int:
    return 20 + dimension // 2
