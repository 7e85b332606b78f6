"""Layer norm of integers: mean, variance and square root in integers only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape
from nn.ops._divide import divided, square_root
from nn.ops.requantise import HALF_AWAY, HALF_EVEN

if TYPE_CHECKING:
    import torch

NORMAL_BITS = 10  # of the fraction of a normalised number
DEVIATION_BITS = 6  # of the fraction of a standard deviation
_MOST = 2**16  # an input's magnitude: with it, squares summed over 2^16 features fit 62 bits
_MOST_FEATURES = 2**16


@dataclass(frozen=True, eq=False)
class LayerNorm(Operator):
    """``normal * gain + offset`` along the last axis, of n features.

    With m = round(sum(x) / n) and c = x - m::

        deviation = floor(sqrt(floor(2^12 sum(c^2) / n) + epsilon)), at least 1
        normal    = round(2^16 c / deviation), within what n features can reach, +-ceil(2^10 sqrt(n))

    so a normalised 1 is 2^10. The scale of x cancels but for epsilon. (Ba, Kiros and Hinton, "Layer Normalization",
    arXiv:1607.06450, 2016, equations 3 and 4.)

    Args:
        gain: (features,), a normalised unit's worth of results.
        offset: (features,).
        epsilon: added to the variance, in units of 2^-12 of the square of an input's unit.
        rounding: of the divisions' ties, as in nn.ops.requantise.
    """

    gain: IntArray
    offset: IntArray
    epsilon: int
    rounding: str = HALF_EVEN

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gain.ndim != 1 or self.gain.shape != self.offset.shape or not 1 <= len(self.gain) <= _MOST_FEATURES:
            raise ConfigError(
                f"layer norm: gain {self.gain.shape} and offset {self.offset.shape} must be (features,), of at most "
                f"{_MOST_FEATURES}"
            )
        if not 0 <= self.epsilon < 2**60:
            raise ConfigError(f"layer norm: epsilon = {self.epsilon} is not within 0 and 2^60")
        if self.rounding not in (HALF_EVEN, HALF_AWAY):
            raise ConfigError(f"layer norm: rounding = {self.rounding!r} is neither {HALF_EVEN!r} nor {HALF_AWAY!r}")

    @property
    def _limit(self) -> int:
        return math.ceil(math.ldexp(math.sqrt(len(self.gain)), NORMAL_BITS))

    def shape(self, *shapes: Shape) -> Shape:
        """Unchanged."""
        if shapes[0][-1:] != self.gain.shape:
            raise ConfigError(f"layer norm: its input has shape {shapes[0]}, its gain {self.gain.shape}")
        return shapes[0]

    def bounds(self, *bounds: Bounds) -> Bounds:  # noqa: ARG002 - they cancel
        """Every feature as far from the mean as it can be."""
        reach = np.abs(self.gain) * self._limit
        return int((self.offset - reach).min()), int((self.offset + reach).max())

    def run(self, *inputs: IntArray) -> IntArray:
        """The normalised numbers.

        Raises:
            ConfigError: an input is beyond 2^16, so that squares could overflow.
        """
        (x,) = inputs
        if x.size and max(int(x.max()), -int(x.min())) > _MOST:
            raise ConfigError(f"layer norm: its inputs reach {np.abs(x).max()}; they must be within {_MOST}")
        features = len(self.gain)
        centred: IntArray = x - divided(x.sum(axis=-1, keepdims=True), features, self.rounding)
        squares = (centred * centred).sum(axis=-1, keepdims=True)
        deviation = square_root((squares << (2 * DEVIATION_BITS)) // features + self.epsilon)
        normal = divided(centred << (NORMAL_BITS + DEVIATION_BITS), np.maximum(deviation, 1), self.rounding)
        return np.clip(normal, -self._limit, self._limit) * self.gain + self.offset

    def differentiable(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The gradient is that of the layer norm itself."""
        import torch
        from torch.nn.functional import layer_norm

        from nn.straight_through import as_run

        epsilon = max(self.epsilon, 1) / 4**DEVIATION_BITS
        gain, offset = (torch.tensor(each, dtype=torch.float64) for each in (self.gain, self.offset))
        normal = layer_norm(inputs[0].double(), self.gain.shape, gain * 2**NORMAL_BITS, offset, epsilon)
        return as_run(self, normal, *inputs)

    def operations(self, *shapes: Shape) -> Mapping[str, int]:
        """A sum, a difference, a square and its sum, a division (counted as a multiplication), gain and offset."""
        return {"multiply": 3 * math.prod(shapes[0]), "add": 4 * math.prod(shapes[0])}
