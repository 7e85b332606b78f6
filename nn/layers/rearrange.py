"""Moving numbers: what reshapes, transpositions and slices come down to, however many follow one another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor
from nn.ops.rearrange import Rearrange as IntegerRearrange
from nn.ops.rearrange import rearranged

TORCH_MOVES = (
    *("reshape", "view", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose", "t"),
    *("movedim", "moveaxis", "swapaxes", "swapdims", "numpy_T", "mT", "adjoint", "expand", "repeat", "tile", "flip"),
    *("roll", "rot90", "slice", "narrow", "select", "index_select", "chunk", "split", "split_with_sizes", "unbind"),
    *("tensor_split", "hsplit", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "unfold", "index"),
    "repeat_interleave",
)
ONNX_MOVES = (
    *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile", "Slice", "Split", "Gather"),
    *("DepthToSpace", "SpaceToDepth"),
)


@dataclass(frozen=True, eq=False)
class Rearrange(Layer):
    """``result[p] = x[index[p]]``; see nn.ops.rearrange. The importers make it of all that only moves numbers.

    Args:
        index: places in the flattened input of one image, as bitline has its axes, in the result's shape.
    """

    index: IntArray

    torch_names: ClassVar[tuple[str, ...]] = TORCH_MOVES
    onnx_names: ClassVar[tuple[str, ...]] = ONNX_MOVES

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """Never: what reaches this the importer could not move, since where to depends on the image."""
        raise ConfigError(f"a {call.kind!r} whose places are computed from the image, or of a constant, is not mapped")

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The numbers where they belong."""
        return rearranged(inputs[0], self.index)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """The same integers; codes of one scale first where channels that have scales of their own would be mixed."""
        (x,) = inputs
        scale = x.scale
        if scale.size > 1:
            rows = scale[self.index % scale.size].reshape(-1, self.index.shape[-1])  # channels are the last axis
            if (rows == rows[0]).all():
                scale = rows[0]
            else:
                x = build.codes(x)
                scale = x.scale
        return replace(x, node=build.add(name, IntegerRearrange(self.index), x), scale=scale)
