"""Calibration of a chip by its own outputs: biases and gains of every layer, fitted by least squares.

Arrays are programmed with a spread, wires take voltage, converters are off. What a chip's layer gives for calibration
images is a distorted copy of what the integer network gives there, and most of the distortion is the same for all
images: each output's gain and offset. Both are fitted,

    target_j ~ gain_j * scale * code_j + offset_j,

layer after layer, each on the inputs that the chip's corrected layers before it give, and both cost nothing in digital:
the offset is the layer's bias and the gain goes into the multiplier of the requantisation that follows. (Re-estimating
what follows a distorted product is what batch norms allow: Tsai et al., "Inference of deep neural networks with analog
memory devices", VLSI 2020; Joshi et al., Nature Communications 11:2473, 2020, section "Adaptive batch norm".)

The target is a layer's value *before* its activation: that is what the array gives, and half of it is negative.
Targets after the activation are all positive; fitting the array's signed outputs to them halves gains and lifts
offsets. It is offered to show what that costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bitline.core.array import IntArray, Stats
from bitline.core.errors import ConfigError
from nn.fold_codes import fold_code_scales
from nn.graph import INPUT, Graph
from nn.ops.concat import Concat
from nn.ops.flatten import Flatten
from nn.ops.max_pool2d import MaxPool2d
from nn.ops.rearrange import Rearrange
from nn.ops.requantise import Requantise
from nn.placement import PlacedLayer
from nn.target import Images

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Targets = Literal["pre_activation", "post_activation"]
Correction = Literal["none", "offset", "gain"]

READ_BATCH = 2**31 - 1  # of the read noise: none of an inference's
_MOVING = (Concat, Flatten, MaxPool2d, Rearrange)  # or only choose: a rectification before them is one after them
_GAINS = 0.25, 4.0  # beyond that an output says nothing of its gain: it is dead, or hardly ever driven


@dataclass(frozen=True)
class Calibration:
    """How a chip is calibrated once it is programmed.

    Args:
        correction: "none"; "offset", a bias an output; "gain", a gain too.
        targets: what outputs are fitted to: "pre_activation" or "post_activation".
        images: of the calibration images, the first so many.
    """

    correction: Correction = "none"
    targets: Targets = "pre_activation"
    images: int = 200

    def __post_init__(self) -> None:
        if self.images < 2:
            raise ConfigError(f"calibration: images = {self.images}; a fit needs 2 at least")


def calibrate(graph: Graph, chip: Sequence[PlacedLayer], images: Images, how: Calibration) -> Graph:
    """Fit a chip's layers and set their biases.

    Args:
        graph: the integer graph, of products.
        chip: its products on arrays, in the graph's order; their biases and what their codes are worth are set, and
            what they have counted is as if they had not been read.
        images: for calibration.
        how: what is fitted, to what.

    Returns:
        The graph in codes that goes with the chip, whose multipliers carry the gains.
    """
    x = images[: min(how.images, graph.batch(how.images))]
    targets = graph.run(x)
    placed = {layer.layer.name: layer for layer in chip}
    values: dict[str, IntArray] = {INPUT: x.astype(np.int64)}
    number = 0
    while number < len(graph.nodes):  # which grows as codes are brought back to products
        node = graph.nodes[number]
        inputs = [values[name] for name in node.inputs]
        if node.name in placed:
            layer = placed[node.name]
            wanted = wanted_outputs(graph, node.name, targets[node.name], how)
            values[node.name], scale = fit_layer(layer, inputs[0], wanted, gains=how.correction == "gain")
            graph = fold_code_scales(graph, {node.name: scale})
        else:
            values[node.name] = node.operator.run(*inputs)
        number += 1
    for layer in chip:
        layer.stats = [Stats()] * len(layer.arrays)
    return graph


def fit_layer(
    layer: PlacedLayer, x: IntArray, wanted: IntArray, *, gains: bool, batch: int = READ_BATCH
) -> tuple[IntArray, FloatArray]:
    """Fit a layer's outputs, set its biases and what its codes are worth.

    Args:
        layer: on its arrays.
        x: inputs, (images, ...).
        wanted: products that it should give for them, (images, ..., outputs).
        gains: fit gains too.
        batch: whose read noise is drawn.

    Returns:
        Its corrected codes for x, and the products that a code of each output is worth, shape (outputs,).
    """
    codes = layer.product(batch)(x) - layer.layer.bias
    bias, scale = fit_codes(codes, wanted, layer.layer.scale, gains=gains)
    layer.layer, layer.worth = replace(layer.layer, bias=bias), scale
    return codes + bias, scale


def fit_codes(codes: IntArray, wanted: IntArray, scale: float, *, gains: bool) -> tuple[IntArray, FloatArray]:
    """Fit codes to products.

    Args:
        codes: without bias, (images, ..., outputs).
        wanted: products, likewise.
        scale: products that a code is to be worth.
        gains: fit gains too.

    Returns:
        The bias of each output, in codes, and the products that its code is worth, shapes (outputs,).
    """
    outputs = codes.shape[-1]
    given = codes.reshape(-1, outputs)
    target = wanted.reshape(-1, outputs).astype(np.float64)
    mean, middle = given.mean(axis=0), target.mean(axis=0)
    worth = np.full(outputs, scale)
    if gains:
        along = given - mean
        slope = (along * target).sum(axis=0) / np.maximum((along**2).sum(axis=0), 1e-300)
        trusted = (slope > _GAINS[0] * worth) & (slope < _GAINS[1] * worth)
        worth = np.where(trusted, slope, worth)
    return np.rint(middle / worth - mean).astype(np.int64), worth


def wanted_outputs(graph: Graph, name: str, products: IntArray, how: Calibration) -> IntArray:
    """What a node's outputs are fitted to: its products, or what the rectification that follows leaves of them."""
    after = how.targets == "post_activation" and _rectified(graph, name)
    return np.maximum(products, 0) if after else products


def _rectified(graph: Graph, name: str) -> bool:
    """Whether all that take a node's values, as they are or moved, take what is negative for 0."""
    after = graph.consumers(name)
    return bool(after) and all(
        _rectified(graph, node.name)
        if isinstance(node.operator, _MOVING)
        else isinstance(node.operator, Requantise) and node.operator.low == 0
        for node in after
    )
