"""Integer rescaling by a multiplier and a shift, with a named rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import INT32, Bounds, Operator, Shape

if TYPE_CHECKING:
    import torch

HALF_EVEN = "half_even"
HALF_AWAY = "half_away"
MULTIPLIER_BITS = 16
_MAX_SHIFT = 62


def multiplier_and_shift(ratio: float, bits: int = MULTIPLIER_BITS) -> tuple[int, int]:
    """The integers m < 2^bits and s >= 0 with ``m / 2^s`` nearest to a positive ratio.

    The relative error is at most 2^-bits, as long as the ratio is above 2^(bits - 62).

    Raises:
        ConfigError: the ratio is not positive and finite, or too large for the multiplier.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ConfigError(f"requantise: a ratio of {ratio} has no multiplier and shift")
    mantissa, exponent = math.frexp(ratio)  # ratio = mantissa 2^exponent, 1/2 <= mantissa < 1
    multiplier, shift = round(math.ldexp(mantissa, bits)), bits - exponent
    if multiplier == 2**bits:
        multiplier, shift = multiplier // 2, shift - 1
    if shift > _MAX_SHIFT:
        multiplier, shift = round(math.ldexp(ratio, _MAX_SHIFT)), _MAX_SHIFT
    if shift < 0:
        multiplier, shift = multiplier << -shift, 0
    if multiplier >= 2**31:
        raise ConfigError(f"requantise: the ratio {ratio} is too large for a 31-bit multiplier")
    return multiplier, shift


def multipliers(ratios: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[IntArray, IntArray]:
    """Multiplier and shift of each ratio, shapes (channels,); of 0 they are 0.

    Raises:
        ConfigError: as of `multiplier_and_shift`.
    """
    pairs = [multiplier_and_shift(ratio) if ratio else (0, 0) for ratio in ratios.tolist()]
    multiplier, shift = np.array(pairs, dtype=np.int64).T
    return multiplier, shift


@dataclass(frozen=True, eq=False)
class Requantise(Operator):
    """``clamp(round(x * multiplier / 2^shift), low, high)``; with low = 0 it is the ReLU too.

    Args:
        multiplier: 0 to 2^31 - 1, shape (1,) for a tensor or (channels,).
        shift: 0 to 62, the multiplier's shape.
        low: least result.
        high: greatest result.
        rounding: of ties, "half_even" (to the even neighbour) or "half_away" (away from zero).
    """

    multiplier: IntArray
    shift: IntArray
    low: int
    high: int
    rounding: str = HALF_EVEN

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multiplier.ndim != 1 or self.shift.shape != self.multiplier.shape:
            raise ConfigError(
                f"requantise: multiplier {self.multiplier.shape} and shift {self.shift.shape} must have one axis, alike"
            )
        if np.any((self.multiplier < 0) | (self.multiplier > INT32[1])):
            raise ConfigError("requantise: a multiplier is not within 0 and 2^31 - 1")
        if np.any((self.shift < 0) | (self.shift > _MAX_SHIFT)):
            raise ConfigError(f"requantise: a shift is not within 0 and {_MAX_SHIFT}")
        if self.rounding not in (HALF_EVEN, HALF_AWAY):
            raise ConfigError(f"requantise: rounding {self.rounding!r} is neither {HALF_EVEN!r} nor {HALF_AWAY!r}")
        if self.low > self.high:
            raise ConfigError(f"requantise: low = {self.low} is above high = {self.high}")

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        channels = len(self.multiplier)
        if channels not in (1, shapes[0][-1]):
            raise ConfigError(f"requantise: {channels} multipliers for an input of shape {shapes[0]}")
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:
        """The rescaled bounds of the input, within low and high."""
        ends = self.run(np.repeat(np.array([bounds[0]]).T, len(self.multiplier), axis=1))
        return int(ends.min()), int(ends.max())

    def run(self, *inputs: IntArray) -> IntArray:
        """Exact in int64: an int32 times a 31-bit multiplier needs 62 bits."""
        from nn.ops._rescale import rescale  # numba takes a while to load

        (x,) = inputs
        flat = np.ascontiguousarray(x, dtype=np.int64).reshape(-1, x.shape[-1])
        result = np.empty_like(flat)
        multiplier, shift = (
            np.ascontiguousarray(np.broadcast_to(each, flat.shape[1:])) for each in (self.multiplier, self.shift)
        )
        rescale(flat, multiplier, shift, self.low, self.high, int(self.rounding == HALF_EVEN), result)
        return result.reshape(x.shape)

    @property
    def ratios(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """What results are of inputs: multiplier / 2^shift."""
        return np.asarray(np.ldexp(self.multiplier.astype(float), -self.shift))

    def scaled_by(self, factor: float | np.ndarray[Any, np.dtype[np.float64]]) -> Requantise:
        """The operator whose results are those of inputs `factor` times as large: one number, or one a channel."""
        multiplier, shift = multipliers(self.ratios * factor)
        return replace(self, multiplier=multiplier, shift=shift)

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The gradient is that of the clamp before rounding."""
        import torch

        from nn.straight_through import as_run

        return as_run(self, (inputs[0] * torch.tensor(self.ratios)).clamp(self.low, self.high), *inputs)

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """One multiplication an element; the shift is wiring, the rounding one addition."""
        return {"multiply": math.prod(shapes[0]), "add": math.prod(shapes[0])}
