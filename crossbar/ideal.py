"""An array without any fault: the integer product itself, for tests and for the accuracy to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats

Ints = np.ndarray[Any, np.dtype[np.int64]]


class IdealArray:
    """Multiplies exactly; a code is a product.

    Attributes:
        rows: inputs it takes; 0 before `program`.
        cols: outputs it gives.
        scale: 1.
    """

    scale = 1.0

    def __init__(self) -> None:
        self.rows, self.cols = 0, 0
        self._weights: Ints = np.zeros((0, 0), dtype=np.int64)

    def program(self, weights: Ints, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Keep integer weights of any shape (rows, cols)."""
        self._weights = np.asarray(weights, dtype=np.int64)
        self.rows, self.cols = self._weights.shape

    def required_range(self, x: Ints) -> float:  # noqa: ARG002 - the protocol's
        """Any range does."""
        return 1.0

    def set_range(self, full_scale: float) -> None:
        """Has no converter."""

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:  # noqa: ARG002 - the protocol's
        """The product x @ weights."""
        return np.asarray(x, dtype=np.int64) @ self._weights, Stats(products=len(x))

    def cost(self, stats: Stats) -> Cost:  # noqa: ARG002 - the protocol's
        """Costs nothing, as no hardware does this."""
        return Cost({}, {})
