"""What converters do, in plain numpy: the semantics that every array of whatever speed must show.

Inputs are bit-serial: plane p drives each word line with bit p of its unsigned input, least significant plane first.
The converter is a signed, uniform mid-tread quantiser: code k stands for k LSB, zero is a code, and full scale is the
largest code, 2^(bits - 1) - 1; the scale is symmetric, so the most negative two's-complement code is unused. Ties go
to the even code. What lies beyond the last code's half LSB saturates and is counted. The codes of the planes are
shifted and added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def largest_code(bits: int) -> int:
    """The code of full scale."""
    return int(2 ** (bits - 1) - 1)


def bit_planes(x: Ints, bits: int) -> Ints:
    """Bits of unsigned x[batch, rows]: planes[p, batch, rows], the least significant first."""
    return np.stack([(x >> p) & 1 for p in range(bits)])


def quantise(levels: Floats, bits: int) -> tuple[Ints, int]:
    """Codes of levels given in LSB (any shape), and how many saturated."""
    limit = largest_code(bits)
    nearest = np.rint(levels)
    return np.clip(nearest, -limit, limit).astype(np.int64), int(np.count_nonzero(np.abs(nearest) > limit))


def shift_add(codes: Ints) -> Ints:
    """Sum over planes p of codes[p, ...] times 2^p."""
    weights = 2 ** np.arange(codes.shape[0], dtype=np.int64)
    return np.asarray(np.tensordot(weights, codes, axes=1), dtype=np.int64)
