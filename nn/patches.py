"""Convolution as a matrix product: the patches of an image under a sliding kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bitline.core.errors import ConfigError

Shape = tuple[int, ...]


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Positions of a kernel along an axis; `padding` is that of both ends together.

    Raises:
        ConfigError: the kernel is larger than what it slides over.
    """
    room = size + padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ConfigError(f"a kernel of {kernel} (dilation {dilation}) does not fit {size} + {padding} pixels")
    return room // stride + 1


def pooled_size(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int = 1, *, ceil: bool) -> int:
    """Windows of a pooling along an axis, as torch and ONNX's reference count them; `padding` is that of either end.

    With `ceil` a last window may stick out at the end, if it begins within the image or the padding before it.

    Raises:
        ConfigError: as of `output_size`.
    """
    before, after = padding
    count = output_size(size, kernel, stride, before + after, dilation)
    if not ceil:
        return count
    room = size + before + after - dilation * (kernel - 1) - 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def patches(
    x: np.ndarray[Any, Any],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int] = (1, 1),
    fill: float = 0,
) -> np.ndarray[Any, Any]:
    """What a kernel sees at each of its positions.

    Args:
        x: (batch, height, width, channels).
        kernel: height and width.
        stride: down and across.
        padding: pixels added at the top, bottom, left and right.
        dilation: between the kernel's pixels, down and across.
        fill: value of the padding.

    Returns:
        A view (batch, output height, output width, kernel height, kernel width, channels) of x, or of x padded.
    """
    top, bottom, left, right = padding
    if any(padding):
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    windows = sliding_window_view(x, reach, axis=(1, 2))  # (batch, y, x, channels, reach)
    chosen = windows[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return chosen.transpose(0, 1, 2, 4, 5, 3)
