"""Post-training quantisation: a float network and calibration images in, an integer graph out.

Symmetric integer weights, a tensor or a channel at a time; unsigned activations after a ReLU and at the input, signed
ones elsewhere; biases in int32 (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph, fold_batch_norms
from nn.graph import INPUT, Graph, Node
from nn.layer import FloatArray, Tensor
from nn.operator import INT32, Operator, Shape
from nn.ops.requantise import HALF_AWAY, HALF_EVEN, Requantise, multiplier_and_shift

_INPUT_BITS = 8
_FINE_BITS = 16  # of what is added: far below an activation's step, far above int32's overflow


@dataclass(frozen=True)
class Quantisation:
    """How a network becomes integers.

    Args:
        weight_bits: 2 to 8, symmetric: -(2^(b-1) - 1) to 2^(b-1) - 1.
        activation_bits: 2 to 8.
        per_channel: a weight scale for every output, not one for the layer.
        weight_range: "mse" clips weights where that loses least (squared error), "max" never clips.
        percentile: of a tensor's magnitudes on the calibration images that its codes cover; 100 is their maximum.
        rounding: of requantisation, "half_even" or "half_away".
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    weight_range: str = "mse"
    percentile: float = 99.95
    rounding: str = HALF_EVEN

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits"):
            if not 2 <= getattr(self, name) <= 8:
                raise ConfigError(f"quantisation: {name} = {getattr(self, name)} is not within 2 and 8")
        if not 50 <= self.percentile <= 100:
            raise ConfigError(f"quantisation: percentile = {self.percentile} is not within 50 and 100")
        if self.weight_range not in ("mse", "max"):
            raise ConfigError(f"quantisation: weight_range = {self.weight_range!r} is neither 'mse' nor 'max'")
        if self.rounding not in (HALF_EVEN, HALF_AWAY):
            raise ConfigError(f"quantisation: rounding = {self.rounding!r} is neither {HALF_EVEN!r} nor {HALF_AWAY!r}")


def quantise(
    network: FloatGraph,
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    how: Quantisation | None = None,
) -> Graph:
    """Fold batch norms, calibrate ranges on the images, and build the integer graph.

    Args:
        network: with logits as its output.
        images: (n, *shape) uint8, of the training set: what the ranges are read from.
        how: bits and scales.

    Raises:
        ConfigError: no images, or a layer that has no integer form.
    """
    if not len(images):
        raise ConfigError("quantisation: no calibration images")
    how = how or Quantisation()
    folded = fold_batch_norms(network)
    values = folded.run(images / 255.0)
    ranges = {name: _range(value, how.percentile) for name, value in values.items()}
    build = _Build(how, ranges | {INPUT: 1.0})
    start = Tensor(INPUT, np.array([1 / 255.0]), codes=how.activation_bits == _INPUT_BITS, unsigned=True, source=INPUT)
    tensors = {INPUT: start}
    for node in folded.nodes:
        result = node.layer.quantise(build, node.name, *(tensors[name] for name in node.inputs))
        tensors[node.name] = replace(result, source=node.name)
    return build.graph(images.shape[1:], tensors[folded.output])


def _range(values: FloatArray, percentile: float) -> float:
    """The magnitude that covers this share of the values that are not 0 (a ReLU's zeros say nothing of its range)."""
    magnitudes = np.abs(values[values != 0])
    return float(np.percentile(magnitudes, percentile)) if magnitudes.size else 1.0


def weight_scale(weights: FloatArray, bits: int, weight_range: str = "mse") -> float:
    """The scale of symmetric integers for these weights: their maximum, or where squared error is least.

    The search tries 64 clipping points from the maximum down to a fifth of it.
    """
    top: int = 2 ** (bits - 1) - 1
    most = float(np.abs(weights).max(initial=0.0))
    if most == 0.0:
        return 1.0
    if weight_range == "max":
        return most / top
    scales = np.linspace(1.0, 0.2, 64) * most / top
    errors = [float(np.sum((np.clip(np.rint(weights / s), -top, top) * s - weights) ** 2)) for s in scales]
    return float(scales[int(np.argmin(errors))])


@dataclass
class _Build:
    """The graph so far; see nn.layer.Builder."""

    how: Quantisation
    ranges: Mapping[str, float]
    nodes: list[Node] = field(default_factory=list)
    made: dict[str, Tensor] = field(default_factory=dict)

    def add(self, name: str, operator: Operator, *inputs: Tensor) -> str:
        self.nodes.append(Node(name, operator, tuple(tensor.node for tensor in inputs)))
        return name

    def weights(self, weights: FloatArray) -> tuple[IntArray, FloatArray]:
        how, top = self.how, 2 ** (self.how.weight_bits - 1) - 1
        parts = list(weights.reshape(-1, weights.shape[-1]).T) if how.per_channel else [weights]
        scale = np.array([weight_scale(part, how.weight_bits, how.weight_range) for part in parts])
        return np.clip(np.rint(weights / scale), -top, top).astype(np.int64), scale

    def codes(self, tensor: Tensor) -> Tensor:
        name = f"{tensor.source}.codes"
        if tensor.codes:
            return tensor
        if name not in self.made:
            self.made[name] = self._activations(name, tensor, self.ranges[tensor.source])
        return self.made[name]

    def rectified(self, name: str, tensor: Tensor) -> Tensor:
        return self._activations(name, replace(tensor, unsigned=True), self.ranges[name])

    def common(self, name: str, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        high = 2 ** (_FINE_BITS - 1) - 1
        scale = max(self.ranges[tensor.source] for tensor in tensors) * 2 / high  # twice: images yet unseen
        return tuple(
            self._rescaled(f"{name}.in{place}", tensor, scale, (-high, high)) for place, tensor in enumerate(tensors)
        )

    def _activations(self, name: str, tensor: Tensor, real_range: float) -> Tensor:
        bits = self.how.activation_bits
        high = 2**bits - 1 if tensor.unsigned else 2 ** (bits - 1) - 1
        low = 0 if tensor.unsigned else -high
        result = self._rescaled(name, tensor, real_range / high, (low, high))
        return replace(result, codes=True, unsigned=tensor.unsigned)

    def _rescaled(self, name: str, tensor: Tensor, scale: float, limits: tuple[int, int]) -> Tensor:
        pairs = [multiplier_and_shift(float(one) / scale) for one in tensor.scale]
        multiplier, shift = (np.array(part) for part in zip(*pairs, strict=True))
        operator = Requantise(multiplier, shift, *limits, self.how.rounding)
        return Tensor(self.add(name, operator, tensor), np.array([scale]), source=tensor.source)

    def graph(self, shape: Shape, output: Tensor) -> Graph:
        if output.scale.size > 1:  # logits are compared with one another: they need one scale
            output = self._rescaled("logits", output, float(output.scale.max()), INT32)
        return Graph(tuple(shape), _INPUT_BITS, tuple(self.nodes), output.node, float(output.scale[0]))
