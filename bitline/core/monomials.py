"""Polynomials of many inputs, with only the products that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


def polynomial(parameters: Mapping[str, Any], *x: Floats) -> Floats:
    """Of the scaled inputs z = x / `scale`: the sum of `coefficients` times the products that `powers` describes."""
    scaled = zip(np.broadcast_arrays(*x), parameters["scale"], strict=True)
    products = monomials(np.stack([each / scale for each, scale in scaled]), parameters["powers"])
    total = np.zeros(np.broadcast_shapes(*(np.shape(each) for each in x)))
    for coefficient, product in zip(parameters["coefficients"], products, strict=True):
        total += coefficient * product
    return total


def monomials(z: Floats, powers: Sequence[Sequence[int]]) -> Iterator[Floats]:
    """Products of powers of inputs z[d, ...]: one a row of powers[terms, d], of z's shape without its first axis.

    They are multiplied out: exponents are small, and `**` is slow above 2.
    """
    for row in powers:
        product = np.ones(z.shape[1:])
        for each, power in zip(z, row, strict=True):
            for _ in range(power):
                product *= each
        yield product
