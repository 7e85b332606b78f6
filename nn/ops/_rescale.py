"""Rescaling at speed: one pass over the tensor."""

from __future__ import annotations

import numpy as np
from numba import njit

from bitline.core.array import IntArray


@njit(cache=True, nogil=True)
def rescale(
    x: IntArray, multiplier: IntArray, shift: IntArray, low: int, high: int, even: int, result: IntArray
) -> None:
    """``result = clamp(x * multiplier / 2^shift, low, high)``, rounded to the nearest integer, in integers only.

    Args:
        x: int32 values, shape (vectors, channels).
        multiplier: shape (channels,).
        shift: likewise, 0 to 62.
        low: least result.
        high: greatest result.
        even: 1 where ties go to the even neighbour, 0 where they go away from zero.
        result: shape (vectors, channels).
    """
    for k in range(x.shape[0]):
        for c in range(x.shape[1]):
            value = x[k, c] * multiplier[c]
            floor = value >> shift[c]
            one = np.int64(1) << shift[c]
            twice_rest = (value - (floor << shift[c])) << 1
            tie_goes_up = (floor & 1) == 1 if even else value >= 0
            up = (twice_rest > one) | ((twice_rest == one) & tie_goes_up)
            result[k, c] = min(max(floor + np.int64(up), low), high)
