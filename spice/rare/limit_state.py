"""What fails: margins over standard-normal scores, below zero where the circuit fails."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class LimitState(Protocol):
    """The failure of a circuit whose variation is independent and standard normal in `dimension` scores.

    It has one margin for each way to fail, each smooth in the scores where their minimum has a crease; it fails where
    any is below 0, and where it could not be simulated.
    """

    @property
    def dimension(self) -> int:
        """How many scores there are."""

    @property
    def simulations(self) -> int:
        """How many points were simulated so far, all of them counted."""

    def margins(self, points: Floats) -> Floats:
        """Margins at points, shape (points, dimension) -> (points, ways to fail); NaN where a simulation failed."""


def fails(margins: Floats) -> Flags:
    """Which of the points fail, shape (points,)."""
    return np.asarray(~np.all(margins >= 0, axis=1))  # NaN fails
