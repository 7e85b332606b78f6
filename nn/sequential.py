"""When enough chips have been drawn: a stopping rule that keeps the interval's coverage.

Chips are looked at in fixed blocks: the first `first`, then `BLOCK` more at a time. After each look Student's half
width of the mean accuracy is h = t_{n - 1} s / sqrt(n), and drawing ends at the first look with h <= w, the half width
wanted (a purely sequential procedure: Chow and Robbins, Ann. Math. Stat. 36:457, 1965). Looks are at fixed numbers
of chips, taken in order, so that how many are drawn depends on their accuracies alone.

Drawing tends to end when s happens to be small, so that h itself would cover too seldom: 93 % of the time in place of
95 %, at worst. The interval stated is therefore the mean +- max(h, w): of normal chips it covers in 95 % of studies or
more, whatever their spread (95 to 96 % where 30 chips or more are drawn, more where fewer are enough). The first look
has at least `FEWEST` chips because with fewer that no longer holds. It says nothing of a population with rare bad
chips: of those the first looks may have seen none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bitline.core.errors import ConfigError
from nn.statistics import FloatArray, chips_half_width

BLOCK = 10  # chips between looks
FEWEST = 8  # chips of the first look


@dataclass(frozen=True)
class Stopping:
    """Draw chips until the half width of the mean accuracy is small enough.

    Args:
        half_width: that is wanted, a share of 1.
        first: chips before the first look.
        most: chips at which drawing ends whatever the half width.
        confidence: of the interval.
    """

    half_width: float
    first: int
    most: int
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not self.half_width > 0 or not FEWEST <= self.first <= self.most:
            raise ConfigError(
                f"stopping: half width {self.half_width}, {self.first} to {self.most} chips; a half width above 0 and "
                f"{FEWEST} chips or more, the first look no later than the last, are needed"
            )

    def looks(self) -> Iterator[int]:
        """Numbers of chips at which it is decided whether to go on."""
        yield from range(self.first, self.most, BLOCK)
        yield self.most

    def reached(self, accuracies: FloatArray) -> bool:
        """Whether these chips are enough; failed ones are NaN and left out."""
        kept = accuracies[~np.isnan(accuracies)]
        return bool(chips_half_width(kept, self.confidence) <= self.half_width)  # NaN of one chip is not enough
