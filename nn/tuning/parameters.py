"""What training changes of an operator: float shadows of its integers, in units that one learning rate suits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nn.ops.requantise import Requantise
from nn.product import Product
from nn.straight_through import rounded, signs

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
_MOST_GAIN = 3.0  # e^3 = 20 times: who needs more has a rate that is too high
_NEAR = 0.499  # an unrounded weight is at most so far from its integer


class ProductParameters(torch.nn.Module):
    """Shadow weights and bias of a product.

    Weights are in units of the largest integer of their bits, 2^(b-1) - 1 with the bits that the operator's weights
    need, and stay within +-1. A bias counts as a weight on an input that is always at its largest. Weights of one bit,
    which are -1 and 1 and never 0, are the signs of their shadows, and stay so.

    Args:
        operator: whose integers training starts from.
        largest: magnitude of its inputs.
        shadow: unrounded weights in the integers' units and shape; None starts from the integers.
    """

    def __init__(self, operator: Product, largest: int, shadow: FloatArray | None = None) -> None:
        super().__init__()
        self.start = operator
        self.top = 2 ** int(np.abs(operator.weights).max(initial=1)).bit_length() - 1
        self.bias_unit = float(self.top * max(largest, 1))
        self.binary = self.top == 1 and bool(operator.weights.all())
        near = operator.weights.astype(float)
        if shadow is not None and self.binary:
            near = np.copysign(shadow, near)
        elif shadow is not None:  # a rounding elsewhere moves an integer only where it was undecided
            near = np.clip(shadow, near - _NEAR, near + _NEAR)
        self.weights = torch.nn.Parameter(torch.from_numpy(np.clip(near / self.top, -1.0, 1.0)))
        self.bias = torch.nn.Parameter(torch.from_numpy(operator.bias / self.bias_unit))

    def integers(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and bias, rounded straight-through."""
        weights = signs(self.weights) if self.binary else rounded(self.weights * self.top)
        return weights, rounded(self.bias * self.bias_unit)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product by the rounded weights."""
        return self.start.torch_product(x, *self.integers())

    def limit(self) -> None:
        """Bring weights that a step took out of range back to its edge."""
        with torch.no_grad():
            self.weights.clamp_(-1.0, 1.0)

    def operator(self) -> Product:
        """The operator with the weights as they are, rounded."""
        weights, bias = (part.detach().numpy().astype(np.int64) for part in self.integers())
        return replace(self.start, weights=weights, bias=bias)


class GainParameters(torch.nn.Module):
    """Logarithms of what a requantisation's multipliers are to be multiplied by.

    They learn the steps of weights and activations, as Esser et al. do in floats ("Learned Step Size Quantization",
    ICLR 2020).

    Args:
        operator: whose multipliers training starts from.
    """

    def __init__(self, operator: Requantise) -> None:
        super().__init__()
        self.start = operator
        self.log_gain = torch.nn.Parameter(torch.zeros(len(operator.multiplier), dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Requantised by the multipliers as they are."""
        gain = self.log_gain.exp()
        return self.operator().differentiable(x * (gain / gain.detach()))  # the value is x, the gradient the gain's too

    def limit(self) -> None:
        """Keep gains to what a multiplier can be expected to hold."""
        with torch.no_grad():
            self.log_gain.clamp_(-_MOST_GAIN, _MOST_GAIN)

    def operator(self) -> Requantise:
        """The operator with the gains in its multipliers."""
        log_gain = self.log_gain.detach().numpy()
        if not log_gain.any():
            return self.start
        return self.start.scaled_by(np.exp(log_gain))
