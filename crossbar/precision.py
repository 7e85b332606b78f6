"""Whether single precision is enough for a tile's currents: half the time of double.

A sum of n products of a float x float rounding to u = 2^-24 is off by at most n u times the sum of their magnitudes
(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2002, eq. 3.5); conductances and offset are rounded once
each besides. Rounding goes either way: what is found is a hundredth of that or less. So where the bound is a small
part of an LSB, a code differs from double precision's only where the level is that near to a boundary of two codes.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Precision = Literal["auto", "single", "double"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

ROUNDING = 2.0**-24
SINGLE_LIMIT = 1 / 16
"""Bound (LSB) up to which "auto" takes single precision: one code in some ten thousand may then differ, by one."""


def single_error(gain: Floats, offset: Floats, largest: float) -> float:
    """Bound on what single precision is off, in LSB.

    Args:
        gain: level (LSB) of an input digit of 1, shape (rows, channels).
        offset: of the converters (LSB), shape (channels,).
        largest: input digit.
    """
    reach = float((np.abs(gain).sum(axis=0) * largest).max(initial=0.0))
    return ROUNDING * ((len(gain) + 2) * reach + 2 * float(np.abs(offset).max(initial=0.0)))


def level_type(precision: Precision, gain: Floats, offset: Floats, largest: float) -> type[np.floating[Any]]:
    """The type in which levels are found; arguments as `single_error`'s.

    Raises:
        ConfigError: no such precision.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"no precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if precision == "auto":
        precision = "single" if single_error(gain, offset, largest) <= SINGLE_LIMIT else "double"
    return np.float32 if precision == "single" else np.float64
