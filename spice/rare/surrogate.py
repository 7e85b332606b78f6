"""A quadratic for one margin, sharp where that margin is likely to fail, that knows how far it may be trusted.

Bayesian linear regression: observations count less with their distance from the likely failures (what a quadratic
leaves out grows with the distance cubed), curvatures have a prior about zero whose width is chosen by the error of
predicting each point from the others, and so does the error that predictions claim.

In more than a dozen dimensions few matter: products of scores are then kept only among those that a fit of slopes and
squares finds to move the margin most. What is so left out shows in the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize

from bitline.core.errors import SimulationError
from spice.rare.limit_state import Floats

_RIDGES = 10.0 ** np.arange(-5, 3.5, 0.5)
_FREE = 1e-9  # prior weight of constant and slopes
_SAME = 1.0  # in sigma: failure points nearer than this are one
_CROSSED = 12  # dimensions among which products are kept

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Surrogate:
    """Prediction of a margin over standard-normal scores.

    Attributes:
        coefficients: of 1, the scores, and the products of `pairs`.
        pairs: dimensions of each product, shape (2, products).
        centres: likely failures that it was fitted about, shape (centres, dimension).
        scatter: covariance of the coefficients over the squared error.
        error: standard deviation of an observation near a centre about the quadratic.
    """

    coefficients: Floats
    pairs: Indices
    centres: Floats
    scatter: Floats
    error: float

    def mean(self, points: Floats) -> Floats:
        """Predicted margins, shape (points,)."""
        slope = self.coefficients[1 : 1 + points.shape[1]] + points @ self._hessian / 2
        return np.asarray(self.coefficients[0] + np.sum(slope * points, axis=1))

    def sigma(self, points: Floats) -> Floats:
        """Standard deviations of the truth about them, shape (points,)."""
        terms = _terms(points, self.pairs)
        spread = np.sum((terms @ self.scatter) * terms, axis=1)
        return np.asarray(self.error * np.sqrt(1 / _weights(points, self.centres) + spread))

    def most_likely_failures(self, reach: float) -> Floats:
        """Points of least norm with a margin of 0, one for each region that fails; shape (regions, dimension).

        The origin, where that fails already; none, where nothing within `reach` standard deviations does.
        """
        dimension = self.centres.shape[1]
        if self.mean(np.zeros((1, dimension)))[0] <= 0:
            return np.zeros((1, dimension))
        on_the_edge: Any = {"type": "eq", "fun": lambda u: self.mean(u[None])[0] / self._scale, "jac": self._slope}
        found: list[Floats] = []
        for start in self._starts(reach):
            solved = minimize(_squared, start, method="SLSQP", jac=_twice, constraints=on_the_edge)
            point, norm = solved.x, float(np.linalg.norm(solved.x))
            if not solved.success or norm > reach or abs(self.mean(point[None])[0]) > 1e-3 * self._scale:
                continue
            if all(np.linalg.norm(point - other) > _SAME for other in found):
                found.append(point)
        return np.array(found).reshape(-1, dimension)

    def steepness(self, point: Floats) -> float:
        """How much one sigma changes the predicted margin at a point, shape (dimension,)."""
        return float(np.linalg.norm(self._slope(point))) * self._scale

    @property
    def _scale(self) -> float:
        """A typical slope."""
        return float(np.linalg.norm(self.coefficients[1:])) or 1.0

    @cached_property
    def _hessian(self) -> Floats:
        dimension = self.centres.shape[1]
        hessian = np.zeros((dimension, dimension))
        hessian[self.pairs[0], self.pairs[1]] = self.coefficients[1 + dimension :]
        return hessian + hessian.T

    def _slope(self, u: Floats) -> Floats:
        return np.asarray((self.coefficients[1 : 1 + len(u)] + self._hessian @ u) / self._scale)

    def _starts(self, reach: float) -> list[Floats]:
        """Where the margin is 0 down its gradient, and both ways along the axes of its curvature."""
        dimension = self.centres.shape[1]
        gradient, hessian = self.coefficients[1 : 1 + dimension], self._hessian
        axes = np.linalg.eigh(hessian)[1].T
        starts = []
        for ray in (-gradient / (np.linalg.norm(gradient) or 1.0), *axes, *-axes):
            roots = np.roots([ray @ hessian @ ray / 2, gradient @ ray, self.coefficients[0]])
            ahead = [root.real for root in roots if abs(root.imag) < 1e-9 and 0 < root.real < 2 * reach]
            starts += [ray * min(ahead)] if ahead else []
        return starts


def _squared(u: Floats) -> float:
    return float(u @ u)


def _twice(u: Floats) -> Floats:
    return 2 * u


def fit(points: Floats, margins: Floats, centres: Floats) -> Surrogate:
    """Fit one margin.

    Args:
        points: scores, shape (points, dimension).
        margins: simulated, shape (points,); NaN ones are left out.
        centres: likely failures, near which it should be sharp, shape (centres, dimension); may be none.

    Raises:
        SimulationError: too few points could be simulated.
    """
    seen, dimension = ~np.isnan(margins), points.shape[1]
    if np.sum(seen) < dimension + 2:
        raise SimulationError(
            f"only {np.sum(seen)} of {len(seen)} points could be simulated, too few to tell failures from others; "
            "look at one of them with characterize, or count failures with the method plain"
        )
    points, margins = points[seen], margins[seen]
    squares = np.stack([np.arange(dimension)] * 2)
    if dimension <= _CROSSED:
        return _regress(points, margins, centres, np.stack(np.triu_indices(dimension)))
    screened = _regress(points, margins, centres, squares).coefficients[1:]
    moved = screened[:dimension] ** 2 + 2 * screened[dimension:] ** 2  # variance of the margin by each score
    kept = np.sort(np.argsort(moved)[-_CROSSED:])
    products = np.stack(np.triu_indices(_CROSSED, 1))
    return _regress(points, margins, centres, np.concatenate([squares, kept[products]], axis=1))


def _regress(points: Floats, margins: Floats, centres: Floats, pairs: Indices) -> Surrogate:
    """The quadratic with these products, its ridge chosen by leaving each point out."""
    root = np.sqrt(_weights(points, centres))
    a, y = _terms(points, pairs) * root[:, None], margins * root
    candidates = []
    for ridge in _RIDGES:
        prior = np.full(a.shape[1], _FREE)
        prior[1 + points.shape[1] :] = ridge
        scatter = np.linalg.inv(a.T @ a + np.diag(prior))
        coefficients = scatter @ (a.T @ y)
        leverage = np.sum((a @ scatter) * a, axis=1)
        left_out = (y - a @ coefficients) / np.maximum(1 - leverage, 1e-6)
        candidates.append((float(np.sqrt(np.mean(left_out**2))), coefficients, scatter))
    error, coefficients, scatter = min(candidates, key=lambda candidate: candidate[0])
    return Surrogate(coefficients, pairs, centres, np.asarray(scatter, dtype=np.float64), error)


def _terms(points: Floats, pairs: Indices) -> Floats:
    """1, the scores, and the products of pairs, shape (points, terms)."""
    products = points[:, pairs[0]] * points[:, pairs[1]]
    return np.concatenate([np.ones((len(points), 1)), points, products], axis=1)


def _weights(points: Floats, centres: Floats) -> Floats:
    """How much an observation counts: 1 near a centre, falling with the sixth power of the distance far from all."""
    if len(centres) == 0:
        return np.ones(len(points))
    distance = np.min(np.linalg.norm(points[:, None] - centres[None], axis=2), axis=1)
    return np.asarray(1 / (1 + (distance / (1.0 + np.sqrt(points.shape[1]))) ** 6))
