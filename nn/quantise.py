"""Post-training quantisation: a float network and calibration images in, an integer graph out.

Symmetric integer weights, a tensor or a channel at a time; activations in codes of as many above and below 0 as the
calibration images ask for (nn.ranges), so unsigned after a ReLU and at the input; biases in int32 (Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018). A real 0 is
the integer 0 everywhere: there are no zero points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph, fold_batch_norms
from nn.graph import INPUT, Graph, Node
from nn.layer import FloatArray, Tensor
from nn.operator import INT32, Bounds, Operator, Shape
from nn.ops.lookup import Lookup
from nn.ops.requantise import HALF_AWAY, HALF_EVEN, Requantise, multipliers
from nn.ranges import RANGES, Observed, Steps, observe
from nn.weight_scale import weight_codes, weight_scale

_INPUT_BITS = 8
_FINE_BITS = 16  # of what is added: far below an activation's step, far above int32's overflow
_TABLE_BITS = 8  # of what enters a table, whatever the activations have
_GREATEST_BIAS = 2.0**28
_NOTHING = 2.0**-16  # of a layer's weights: the unit of an output that has none, fine enough for its bias


@dataclass(frozen=True)
class Quantisation:
    """How a network becomes integers.

    Args:
        weight_bits: 1 to 8, symmetric: -(2^(b-1) - 1) to 2^(b-1) - 1; 2 are ternary, 1 is the sign alone.
        activation_bits: 2 to 8.
        per_channel: a weight scale for every output, not one for the layer.
        weight_range: "mse" clips weights where that loses least (squared error), "percentile" covers a share of their
            magnitudes, "max" never clips.
        activation_range: likewise, for what activations are on the calibration images.
        percentile: that "percentile" covers of weights' magnitudes, and of activations up to the greatest code and from
            the least one on; 100 is all.
        rounding: of requantisation, "half_even" or "half_away".
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool = True
    weight_range: str = "mse"
    activation_range: str = "percentile"
    percentile: float = 99.95
    rounding: str = HALF_EVEN

    def __post_init__(self) -> None:
        for name, least in (("weight_bits", 1), ("activation_bits", 2)):
            if not least <= getattr(self, name) <= 8:
                raise ConfigError(f"quantisation: {name} = {getattr(self, name)} is not within {least} and 8")
        if not 50 <= self.percentile <= 100:
            raise ConfigError(f"quantisation: percentile = {self.percentile} is not within 50 and 100")
        for name in ("weight_range", "activation_range"):
            if getattr(self, name) not in RANGES:
                raise ConfigError(f"quantisation: {name} = {getattr(self, name)!r} is none of {', '.join(RANGES)}")
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
    shape = tuple(int(size) for size in images.shape[1:])
    build = _Build(how, observe(folded, images), {INPUT: shape}, {INPUT: (0, 2**_INPUT_BITS - 1)})
    tensors = {INPUT: Tensor(INPUT, np.array([1 / 255.0]), build.limits[INPUT], source=INPUT)}
    for node in folded.nodes:
        result = node.layer.quantise(build, node.name, *(tensors[name] for name in node.inputs))
        tensors[node.name] = replace(result, source=node.name)
    return build.graph(shape, tensors[folded.output])


@dataclass
class _Build:
    """The graph so far; see nn.layer.Builder."""

    how: Quantisation
    observed: Mapping[str, Observed]
    shapes: dict[str, Shape]
    limits: dict[str, Bounds]
    nodes: list[Node] = field(default_factory=list)
    made: dict[str, Tensor] = field(default_factory=dict)

    @property
    def activation_bits(self) -> int:
        return self.how.activation_bits

    @property
    def rounding(self) -> str:
        return self.how.rounding

    def add(self, name: str, operator: Operator, *inputs: Tensor) -> str:
        sources = tuple(tensor.node for tensor in inputs)
        try:
            self.shapes[name] = operator.shape(*(self.shapes[source] for source in sources))
        except ConfigError as error:
            raise ConfigError(f"quantisation: {name!r}: {error}") from error
        self.limits[name] = operator.bounds(*(self.limits[source] for source in sources))
        self.nodes.append(Node(name, operator, sources))
        return name

    def shape(self, tensor: Tensor) -> Shape:
        return self.shapes[tensor.node]

    def bounds(self, tensor: Tensor) -> Bounds:
        return self.limits[tensor.node]

    def weights(self, weights: FloatArray, bias: FloatArray) -> tuple[IntArray, FloatArray]:
        how = self.how
        parts = list(weights.reshape(-1, weights.shape[-1]).T) if how.per_channel else [weights]
        most = float(np.abs(weights).max(initial=0.0)) or 1.0
        scale = np.array(
            [
                weight_scale(part, how.weight_bits, how.weight_range, how.percentile) if part.any() else most * _NOTHING
                for part in parts
            ]
        )
        least = np.abs(bias) / _GREATEST_BIAS
        scale = np.maximum(scale, least if how.per_channel else least.max(initial=0.0))
        return weight_codes(weights, scale, how.weight_bits).astype(np.int64), scale

    def codes(self, tensor: Tensor) -> Tensor:
        return self._coded(f"{tensor.source}.codes", tensor, self.how.activation_bits)

    def clamped(self, name: str, tensor: Tensor, low: float, high: float = math.inf) -> Tensor:
        return self._activations(name, replace(tensor, source=name), self.how.activation_bits, low, high)

    def tabulated(self, name: str, tensor: Tensor, function: Callable[[FloatArray], FloatArray]) -> Tensor:
        x = self._coded(f"{tensor.source}.fine", tensor, _TABLE_BITS)
        # an entry for every code, not only for those that these weights reach: others, or a chip's noise, reach them
        low, high = x.limits
        real = function(np.arange(low, high + 1) * x.scale)
        steps = self._steps(name, self.how.activation_bits)
        table = np.clip(np.rint(real / steps.size), steps.low, steps.high).astype(np.int64)
        return Tensor(self.add(name, Lookup(table, low), x), np.array([steps.size]), (steps.low, steps.high))

    def common(self, name: str, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        high = 2 ** (_FINE_BITS - 1) - 1
        most = max(self.observed[tensor.source].most for tensor in tensors) or 1.0
        scale = most * 2 / high  # twice: images yet unseen
        return tuple(
            self.rescaled(f"{name}.in{place}", tensor, scale, (0 if tensor.limits[0] >= 0 else -high, high))
            for place, tensor in enumerate(tensors)
        )

    def _coded(self, name: str, tensor: Tensor, bits: int) -> Tensor:
        """The tensor if it has codes of so many bits already; else made once for all that take them."""
        low, high = tensor.limits
        if tensor.scale.size == 1 and high - low < 2**bits:
            return tensor
        if bits == self.how.activation_bits:
            name = f"{tensor.source}.codes"
        if name not in self.made:
            self.made[name] = self._activations(name, tensor, bits)
        return self.made[name]

    def _activations(
        self, name: str, tensor: Tensor, bits: int, low: float = -math.inf, high: float = math.inf
    ) -> Tensor:
        steps = self._steps(tensor.source, bits)
        least, most = (round(min(max(limit / steps.size, steps.low), steps.high)) for limit in (low, high))
        return self.rescaled(name, tensor, steps.size, (least, most))

    def _steps(self, source: str, bits: int) -> Steps:
        count = 2**bits - 1
        if source == INPUT:
            return Steps(1.0 / count, 0, count)
        return self.observed[source].steps(self.how.activation_range, self.how.percentile, count)

    def rescaled(self, name: str, tensor: Tensor, scale: float, limits: tuple[int, int]) -> Tensor:
        operator = Requantise(*multipliers(tensor.scale / scale), *limits, self.how.rounding)
        held = min(limits[0], 0), max(limits[1], 0)  # whoever pads adds zeros
        return replace(tensor, node=self.add(name, operator, tensor), scale=np.array([scale]), limits=held)

    def graph(self, shape: Shape, output: Tensor) -> Graph:
        if output.scale.size > 1:  # logits are compared with one another: they need one scale
            output = self.rescaled("logits", output, float(output.scale.max()), INT32)
        return Graph(tuple(shape), _INPUT_BITS, tuple(self.nodes), output.node, float(output.scale[0]))
