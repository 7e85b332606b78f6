"""Integer networks made by hand, with random weights: every kind of product that arrays have to hold."""

import numpy as np

from nn.graph import Graph, Node
from nn.ops.add import Add
from nn.ops.conv2d import Conv2d
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import Requantise


def conv(rng, kernel, inputs, outputs, *, stride=1, padding=0, groups=1):
    weights = rng.integers(-7, 8, (kernel, kernel, inputs // groups, outputs))
    around = np.full(4, padding)
    return Conv2d(
        weights, rng.integers(-200, 200, outputs), np.full(2, stride), around, np.array([1, 1]), groups=groups
    )


def to_codes(shift, low, high):
    return Requantise(np.array([1]), np.array([shift]), low, high)


def convolutional(seed=0, size=6):
    """A convolution with stride, a residual block of a depthwise and a 1 x 1 convolution on signed codes, a linear one.

    Images (size, size, 1); the depthwise convolution and the residual connection take codes of -127 to 127.
    """
    rng = np.random.default_rng(seed)
    out = (size + 1) // 2
    nodes = (
        Node("stem", conv(rng, 3, 1, 8, stride=2, padding=1), ("input",)),
        Node("stem.codes", to_codes(5, -127, 127), ("stem",)),
        Node("depthwise", conv(rng, 3, 8, 8, padding=1, groups=8), ("stem.codes",)),
        Node("depthwise.codes", to_codes(4, 0, 255), ("depthwise",)),
        Node("pointwise", conv(rng, 1, 8, 8), ("depthwise.codes",)),
        Node("pointwise.codes", to_codes(5, -127, 127), ("pointwise",)),
        Node("residual", Add(), ("stem.codes", "pointwise.codes")),
        Node("residual.codes", to_codes(1, -128, 127), ("residual",)),
        Node("flat", Flatten(), ("residual.codes",)),
        Node("fc", Linear(rng.integers(-7, 8, (out * out * 8, 5)), rng.integers(-500, 500, 5)), ("flat",)),
    )
    return Graph((size, size, 1), 8, nodes, "fc", 1.0)


def images(count, size=6, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 1), dtype=np.uint8)
