"""The scale of integer weights: what one unit is worth, so that little is lost by rounding and clipping."""

from __future__ import annotations

import numpy as np

from nn.layer import FloatArray

_FEW_BITS = 3  # up to so many, clipping loses less far below the maximum, and the search goes on from its best point


def weight_scale(weights: FloatArray, bits: int, weight_range: str = "mse", percentile: float = 100.0) -> float:
    """The scale of symmetric integers for these weights.

    One bit is the sign, whose scale is the mean magnitude: the least squared error (Rastegari et al., "XNOR-Net", ECCV
    2016, section 3.1). Two bits are ternary, -1, 0 and 1; their "mse" is the exact minimum over all thresholds, which
    Li and Liu approximate ("Ternary Weight Networks", arXiv:1605.04711, 2016, equation 3). More bits try clipping
    points from the maximum down.

    Args:
        weights: of a layer or of one output.
        bits: 1 to 8.
        weight_range: "max" never clips, "percentile" covers that share of the magnitudes, "mse" clips where squared
            error is least. One bit has no range.
        percentile: of "percentile".
    """
    magnitudes = np.abs(weights)
    most = float(magnitudes.max(initial=0.0))
    if most == 0.0:
        return 1.0
    if bits == 1:
        return float(magnitudes.mean())
    top: int = 2 ** (bits - 1) - 1
    if weight_range == "max":
        return most / top
    if weight_range == "percentile":
        return (float(np.percentile(magnitudes, percentile)) or most) / top
    if bits == 2:
        return _ternary(magnitudes)
    few = bits <= _FEW_BITS
    scales = (np.linspace(1.0, 0.05, 128) if few else np.linspace(1.0, 0.2, 64)) * most / top
    errors = [float(np.sum((np.clip(np.rint(weights / s), -top, top) * s - weights) ** 2)) for s in scales]
    best = float(scales[int(np.argmin(errors))])
    return _refined(weights, best, top) if few else best


def weight_codes(weights: FloatArray, scale: FloatArray, bits: int) -> FloatArray:
    """The nearest integers of `bits` in units of `scale`; of one bit the sign, +1 for 0."""
    if bits == 1:
        return np.where(weights < 0, -1.0, 1.0)
    top = 2 ** (bits - 1) - 1
    return np.clip(np.rint(weights / scale), -top, top)


def _ternary(magnitudes: FloatArray) -> float:
    """The mean of the k largest magnitudes, for the k with the least squared error.

    With k weights at +-a and the others at 0 the error is sum(w^2) - 2 a S + k a^2, S the sum of the k largest
    magnitudes; at a = S / k it is sum(w^2) - S^2 / k.
    """
    falling = np.sort(magnitudes, axis=None)[::-1]
    sums, counts = np.cumsum(falling), np.arange(1, falling.size + 1)
    best = int(np.argmax(sums**2 / counts))
    return float(sums[best] / counts[best])


def _refined(weights: FloatArray, scale: float, top: int) -> float:
    """Least squares for the codes, codes for the scale, in turn; no turn loses more (Lloyd's method)."""
    for _ in range(20):
        codes = np.clip(np.rint(weights / scale), -top, top)
        better = float((codes * weights).sum() / (codes * codes).sum())
        if better == scale:
            break
        scale = better
    return scale
