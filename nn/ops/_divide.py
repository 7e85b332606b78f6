"""Division of integers with a named rounding, exactly."""

from __future__ import annotations

import numpy as np

from bitline.core.array import IntArray
from nn.ops.requantise import HALF_EVEN


def divided(numerator: IntArray, denominator: IntArray | int, rounding: str) -> IntArray:
    """``numerator / denominator`` to the nearest integer.

    Args:
        numerator: of magnitude below 2^62.
        denominator: positive, below 2^62; broadcasts against the numerator.
        rounding: of ties, as in nn.ops.requantise.
    """
    floor, rest = np.divmod(numerator, denominator)
    tie_goes_up = (floor & 1) == 1 if rounding == HALF_EVEN else numerator >= 0
    up = (2 * rest > denominator) | ((2 * rest == denominator) & tie_goes_up)
    result: IntArray = floor + up
    return result


def square_root(x: IntArray) -> IntArray:
    """The greatest integer whose square is not above x; x is 0 to 2^62."""
    root: IntArray = np.sqrt(x.astype(float)).astype(np.int64)  # off by one at most, where x has more bits than a float
    root -= root * root > x
    root += (root + 1) * (root + 1) <= x
    return root
