"""Scaled dot-product attention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.layers.softmax import exponential_nodes, softmax, step_of
from nn.ops.exponential import exponentials
from nn.ops.matmul import Matmul, multiplied
from nn.ops.share import Share

_FINE_BITS = 8  # of a gathered number's fraction, beyond the codes that it is a mean of


@dataclass(frozen=True, eq=False)
class Attention(Layer):
    """``softmax(factor * q @ k.T) @ v``, of every head.

    q is (queries, width, heads), k (keys, width, heads), v (keys, values, heads), or all without heads. Vaswani et al.,
    "Attention Is All You Need", NeurIPS 2017, equation 1.

    Args:
        factor: 1 / sqrt(width) as a rule.
        width: of a query and a key.
        keys: their number.
        heads: whether there is an axis of heads.
    """

    factor: float
    width: int
    keys: int
    heads: bool

    torch_names: ClassVar[tuple[str, ...]] = ("scaled_dot_product_attention",)
    arity: ClassVar[int] = 3
    along: ClassVar[int] = 2

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From torch's scaled_dot_product_attention without a mask."""
        if call["attn_mask"] is not None or call["is_causal"] or call["enable_gqa"]:
            raise ConfigError("attention is mapped without a mask, causal or not, and without shared keys (enable_gqa)")
        keys, width = call.inputs[1][-2:]
        return cls(float(call["scale"] or 1 / math.sqrt(width)), width, keys, len(call.inputs[0]) == 3)

    def run(self, *inputs: FloatArray) -> FloatArray:
        """What each query gathers."""
        q, k, v = inputs
        shares = softmax(multiplied(q, k, transposed=True) * self.factor, axis=2)  # keys: heads may follow
        return multiplied(shares, v)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """Codes by codes, exponentials as codes, codes by codes, and one division by the exponentials' sum.

        Dividing last, as in Dao et al., "FlashAttention", NeurIPS 2022, leaves the greatest exponential of a query the
        greatest code, however many keys share its attention.
        """
        q, k, v = (build.codes(tensor) for tensor in inputs)
        scores = Tensor(
            build.add(f"{name}.scores", Matmul(self.width, transposed=1), q, k), q.scale * k.scale * self.factor
        )
        axis, top = (-2 if self.heads else -1), 2**build.activation_bits - 1
        table = exponentials(step_of(build), top)
        weights = exponential_nodes(build, f"{name}.exponentials", scores, table, axis)
        gathered = Tensor(build.add(f"{name}.sums", Matmul(self.keys), weights, v), v.scale)
        share = Share(_FINE_BITS, top, axis, build.rounding)
        return Tensor(build.add(name, share, gathered, weights), v.scale / 2**_FINE_BITS)
