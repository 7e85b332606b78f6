"""How a window slides over an image: of pooling, and of convolutions as ONNX says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bitline.core.errors import ConfigError
from nn.layer import Call
from nn.patches import pooled_size


@dataclass(frozen=True)
class Sliding:
    """A window's way.

    Args:
        stride: down and across.
        padding: pixels at the top, bottom, left and right, as many as the last window needs.
        dilation: down and across.
        count: positions down and across.
        declared: padding at the bottom and right that the network asks for; the last window may reach beyond.
    """

    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    count: tuple[int, int]
    declared: tuple[int, int]

    @classmethod
    def over(
        cls,
        size: Sequence[int],
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int] = (1, 1),
        *,
        ceil: bool = False,
    ) -> Self:
        """The way over an image of this height and width.

        Args:
            size: of the image.
            kernel: height and width.
            stride: down and across.
            padding: that the network asks for, at the top, bottom, left and right.
            dilation: down and across.
            ceil: a last window may stick out, see nn.patches.pooled_size.

        Raises:
            ConfigError: the kernel is larger than the padded image.
        """
        count, after = [], []
        for axis in (0, 1):
            ends = padding[2 * axis], padding[2 * axis + 1]
            places = pooled_size(size[axis], kernel[axis], stride[axis], ends, dilation[axis], ceil=ceil)
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            count.append(places)
            after.append(max((places - 1) * stride[axis] + reach - size[axis] - ends[0], ends[1]))
        return cls(
            (stride[0], stride[1]),
            (padding[0], after[0], padding[2], after[1]),
            (dilation[0], dilation[1]),
            (count[0], count[1]),
            (padding[1], padding[3]),
        )

    def windows(self, axis: int, kernel: int, size: int, *, padded: bool) -> list[tuple[int, int, int]]:
        """Of each position along an axis: first pixel, the one after its last, and how many count in an average.

        Args:
            axis: 0 for height, 1 for width.
            kernel: pixels of the window.
            size: pixels of the image.
            padded: pixels of the padding count.

        Raises:
            ConfigError: no pixel of a window counts.
        """
        found = []
        for place in range(self.count[axis]):
            start = place * self.stride[axis] - self.padding[2 * axis]
            end = min(start + kernel, size + self.declared[axis])
            first = min(max(start, 0), size)
            last = max(min(end, size), first)
            if not padded and first == last:
                raise ConfigError("its padding is so wide that a window misses the image")
            found.append((first, last, end - start if padded else last - first))
        return found


def sliding(call: Call, kernel: Sequence[int]) -> Sliding:
    """Read strides, pads, auto_pad, dilations and ceil_mode of a Conv, MaxPool or AveragePool.

    Args:
        call: of images (channels, height, width).
        kernel: height and width.

    Raises:
        ConfigError: it slides over another number of axes, in an unknown way, or the kernel is too large.
    """
    if len(call.inputs[0]) != 3 or len(kernel) != 2:
        raise ConfigError(
            f"it slides over a tensor of shape {call.inputs[0]}; images (channels, height, width) are mapped"
        )
    stride, dilation, pads = (call[name] or default for name, default in _DEFAULTS.items())
    way, size = call["auto_pad"] or "NOTSET", call.inputs[0][1:]
    padding = [0, 0, 0, 0]
    for axis in (0, 1):
        if way == "NOTSET":
            padding[2 * axis : 2 * axis + 2] = pads[axis], pads[axis + 2]
        elif way in ("SAME_UPPER", "SAME_LOWER"):
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            total = max((size[axis] - 1) // stride[axis] * stride[axis] + reach - size[axis], 0)
            less, more = total // 2, total - total // 2
            padding[2 * axis : 2 * axis + 2] = (less, more) if way == "SAME_UPPER" else (more, less)
        elif way != "VALID":
            raise ConfigError(f"auto_pad = {way!r} is not known")
    ceil = bool(call["ceil_mode"]) and way == "NOTSET"  # the others say themselves how many windows there are
    return Sliding.over(size, kernel, stride, padding, dilation, ceil=ceil)


_DEFAULTS = {"strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0]}
