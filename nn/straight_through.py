"""Gradients through integers: a tensor that has one value and another's gradient.

Rounding has no useful gradient. Where a value is rounded, the straight-through estimator takes the gradient of what was
rounded (Bengio, Leonard and Courville, arXiv:1308.3432, 2013). Tensors of integers are float64 here, which holds every
int32 and every sum of them exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from nn.operator import Operator


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, surrogate: torch.Tensor, value: torch.Tensor) -> torch.Tensor:  # noqa: ARG004 - torch's
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004 - torch's
        return gradients[0], None


def straight_through(surrogate: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`value` with the gradient of `surrogate`, which has its shape."""
    result: torch.Tensor = _StraightThrough.apply(surrogate, value.detach().to(surrogate.dtype))  # type: ignore[no-untyped-call]
    return result


def rounded(x: torch.Tensor) -> torch.Tensor:
    """The nearest integers, ties to the even one, as if nothing had been rounded."""
    return straight_through(x, torch.round(x))


def signs(x: torch.Tensor) -> torch.Tensor:
    """-1 or 1 by the sign bit, as if it had not been taken (Hubara et al., "Binarized neural networks", NIPS 2016)."""
    return straight_through(x, torch.copysign(torch.ones_like(x), x))


def as_run(operator: Operator, surrogate: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
    """What `operator.run` gives for these integers, bit for bit, with the gradient of `surrogate`."""
    values = operator.run(*(x.detach().to(torch.int64).numpy() for x in inputs))
    return straight_through(surrogate, torch.from_numpy(values))
