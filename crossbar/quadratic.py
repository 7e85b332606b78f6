"""Quadratic forms of inputs as a diagonal and a few squares: x' Q x = x^2 @ own + sum of weight (x @ along)^2.

The squares are the leading eigenvectors of what the diagonal leaves of Q, in the measure of inputs as they are likely
to be; the diagonal makes up for the squares' own; and so by turns. The vectors are found by Lanczos' method, from
products with Q alone (Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circuits.crossbar import Floats

_MORE = 5  # steps of Lanczos' method than squares
_TURNS = 2


@dataclass(frozen=True, eq=False)
class Form:
    """Forms of many channels.

    Args:
        product: of each channel's Q with a vector of its own, shape (inputs, channels) both.
        diagonal: of each Q, likewise.
    """

    product: Callable[[Floats], Floats]
    diagonal: Floats

    def at(self, mean: float) -> Floats:
        """The diagonal that is right for inputs of 0 and `mean` of them 1, shape (inputs, channels)."""
        return np.asarray(self.diagonal + mean * (self.product(np.ones_like(self.diagonal)) - self.diagonal))


@dataclass(frozen=True, eq=False)
class Squares:
    """Forms of many channels as a diagonal and squares.

    Attributes:
        own: of each input's square, shape (inputs, channels).
        along: the vectors, shape (rank, inputs, channels).
        weights: of the squares of products with them, shape (rank, channels).
    """

    own: Floats
    along: Floats
    weights: Floats


def few_squares(form: Form, rank: int, likely: Floats) -> Squares:
    """Forms by so many squares, or as many as there are inputs.

    Args:
        form: the forms.
        rank: squares of each.
        likely: mean products of two inputs, positive definite, shape (inputs, inputs).
    """
    root, diagonal = np.linalg.cholesky(likely), form.diagonal
    found = Squares(diagonal, np.zeros((0, *diagonal.shape)), np.zeros((0, diagonal.shape[1])))

    def left(x: Floats) -> Floats:
        x = root @ x
        return np.asarray(root.T @ (form.product(x) - found.own * x))

    for _ in range(_TURNS):
        basis, inside = _krylov(left, diagonal.shape, min(rank + _MORE, len(diagonal)))
        values, vectors = np.linalg.eigh(inside, UPLO="U")
        largest = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :rank]
        weights = np.take_along_axis(values, largest, axis=1).T
        chosen = np.take_along_axis(vectors, largest[:, None], axis=2)
        along = np.linalg.solve(root.T, np.einsum("bic,cbr->ric", basis, chosen))
        found = Squares(diagonal - np.einsum("ric,rc->ic", along**2, weights), along, weights)
    return found


def _krylov(product: Callable[[Floats], Floats], shape: tuple[int, ...], steps: int) -> tuple[Floats, Floats]:
    """Orthonormal vectors, shape (steps, *shape), and the products within them, upper half, (channels, steps, steps).

    From vectors of equal entries on; vectors beyond those that products reach are 0.
    """
    basis, inside = np.zeros((steps, *shape)), np.zeros((shape[1], steps, steps))
    found = np.ones(shape)
    for k in range(steps):
        for _ in range(2):  # what is taken off leaves its rounding
            found -= np.einsum("bic,bc->ic", basis[:k], np.einsum("bic,ic->bc", basis[:k], found))
        size = np.sqrt(np.sum(found**2, axis=0))
        basis[k] = np.divide(found, size, out=np.zeros(shape), where=size > 0)
        found = product(basis[k])
        inside[:, : k + 1, k] = np.einsum("bic,ic->cb", basis[: k + 1], found)
    return basis, inside
