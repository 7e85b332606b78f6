"""Matrix products on ReRAM crossbars, everything else in integers.

Each matrix is cut into tiles; every tile is one array. The arrays of a layer work side by side, a layer's vectors (the
positions of a convolution) one after the other on them, layers one after the other. Codes of the tiles in a column are
added digitally; biases and requantisation are in codes (nn.fold_codes). `nn.placement` says how signed inputs get to
arrays, `nn.tiling` how the channels of a depthwise convolution share one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from crossbar.costs import Process
from nn.calibration import Calibration, calibrate
from nn.fold_codes import fold_code_scales
from nn.graph import Graph
from nn.layer_cost import digital_operations, energy_per_image, latency_per_image
from nn.operator import Bounds
from nn.placement import Layer, PlacedLayer, input_range
from nn.product import Product
from nn.product_inputs import products, sampled_vectors
from nn.target import ArrayFactory, Images, Inference
from nn.tiling import block_tiles

_TRACED = 2**20  # numbers a chip that a trace may take: 4 MB


@dataclass(frozen=True)
class Target:
    """ReRAM crossbars.

    Args:
        arrays: makes arrays; says how large they can be.
        seed: of the study; chip number i draws its cells from (seed, i, layer, tile).
        batch: images computed at a time, fewer where `Graph.batch` says so; part of what fixes the bits of a result.
        trace: so many images (the first ones) leave every layer's inputs and codes in the trace, as many of them as
            take 4 MB a chip.
        process: that published costs of digital logic are scaled to.
        calibration: of each chip, once it is programmed; see nn.calibration.
        range_share: of the range that calibration chose, what a converter covers; above 1 is headroom.
        threads: that work on a layer's arrays; no result depends on it.
    """

    name: ClassVar[str] = "reram"

    arrays: ArrayFactory
    seed: int
    batch: int = 1000
    trace: int = 0
    range_share: float = 1.0
    threads: int = 1
    process: Process = field(default_factory=Process)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.trace < 0 or not self.range_share > 0 or self.threads < 1:
            raise ConfigError(
                f"{self.name}: batch = {self.batch}, trace = {self.trace}, range_share = {self.range_share}, threads = "
                f"{self.threads}: at least 1, at least 0, above 0 and at least 1 are needed"
            )

    def compile(self, graph: Graph, calibration: Images) -> ReramProgram:
        """Lay every product out and fix its converters' range on the calibration images, before the activation.

        Of a layer with many vectors an image, a sample of 8192 vectors of those images fixes the range.

        Raises:
            ConfigError: no calibration images, weights that leave half of the cells' range unused, or a layer that the
                arrays can't hold; names the layer.
        """
        if not len(calibration):
            raise ConfigError(f"{self.name}: no calibration images")
        self._check_bits(graph)
        seen = sampled_vectors(graph, calibration, self.seed)
        layers = [
            self.lay_out(name, operator, seen[name], graph.bounds[source]) for name, operator, source in products(graph)
        ]
        coded = fold_code_scales(graph, {layer.name: layer.scale for layer in layers})
        return ReramProgram(self, graph, coded, tuple(layers), calibration[: self.calibration.images])

    def _check_bits(self, graph: Graph) -> None:
        """Refuse arrays for weights of more bits than the network's: its largest would be far below `g_max`."""
        most = max((int(np.abs(node.operator.matrices).max()) for node in products(graph)), default=0)
        bits, needed = self.arrays.weight_bits, max(most.bit_length() + 1, 2)
        if most and needed < bits:
            raise ConfigError(
                f"{self.name}: the network's weights go up to {most}, which is {needed} bits, and the arrays take "
                f"weights of {bits} bits, up to {2 ** (bits - 1) - 1}: set weight_bits = {needed} of the arrays"
            )

    def lay_out(self, name: str, operator: Product, vectors: IntArray, bounds: Bounds) -> Layer:
        """Lay one product out and fix its converters' range.

        Args:
            name: the node's.
            operator: the product.
            vectors: of the calibration images, as nn.product_inputs has them, (vectors, rows).
            bounds: of its inputs.

        Raises:
            ConfigError: the arrays can't hold it; names the layer.
        """
        try:
            return self._layer(name, operator, vectors, bounds)
        except ConfigError as error:
            raise ConfigError(f"{self.name}: layer {name!r}: {error}") from error

    def _layer(self, name: str, operator: Product, vectors: IntArray, bounds: Bounds) -> Layer:
        low, bits = input_range(operator, bounds)
        blocks = operator.matrices
        cut = tuple(block_tiles(blocks, self.arrays.max_rows, self.arrays.max_cols))
        arrays, needed = [], []
        for tile in cut:
            array = self.arrays(*tile.shape, bits)
            array.program(tile.weights(blocks), stream(self.seed, "chip.calibration", name, *tile.place))
            needed.append(array.required_range(vectors[:, tile.rows] - low))
            arrays.append(array)
        full_scale = max(needed) * self.range_share
        if not full_scale > 0:
            raise ConfigError("it gives no current on the calibration images; are its weights 0?")
        for array in arrays:
            array.set_range(full_scale)
        scale = arrays[0].scale
        if any(abs(array.scale - scale) > 1e-9 * scale for array in arrays):
            raise ConfigError("its tiles differ in scale, so that their codes can't be added")
        return Layer(name, operator, operator.bias, cut, bits, full_scale, scale, low).ranged(full_scale, scale)


@dataclass(frozen=True, eq=False)
class ReramProgram:
    """A graph on arrays.

    Args:
        target: its settings.
        source: of products, as it was compiled.
        graph: biases and requantisation in codes.
        layers: the products, in the graph's order.
        images: that a chip is calibrated on.
    """

    target: Target
    source: Graph
    graph: Graph
    layers: tuple[Layer, ...]
    images: Images

    @property
    def logit_scale(self) -> float:
        """That of the graph in codes; of calibrated chips, whose codes differ in worth, that of products."""
        return self.graph.output_scale if self.target.calibration.correction == "none" else self.source.output_scale

    def run(self, x: Images, sample: int) -> Inference:
        """Infer on chip number `sample`; see nn.target.Program."""
        if not len(x):
            raise ConfigError(f"{self.target.name}: no images")
        settings = self.target
        chip, graph = self.chip(sample)
        logits: list[IntArray] = []
        trace: dict[str, list[IntArray]] = {}
        size, traced = self.graph.batch(settings.batch), self._traced()
        for batch, start in enumerate(range(0, len(x), size)):
            instead = {placed.layer.name: placed.product(batch) for placed in chip}
            values = graph.run(x[start : start + size], instead)
            logits.append(values[graph.output])
            self._keep(trace, values, traced - start)
        if settings.trace:
            for placed in chip:
                stuck = placed.faults()
                if stuck is not None:
                    trace[f"{placed.layer.name}_faults"] = [stuck]
        costs, digital = [placed.costs() for placed in chip], self.operations()
        return Inference(
            logits=np.concatenate(logits),
            trace={name: np.concatenate(parts) for name, parts in trace.items()},
            counts={placed.layer.name: placed.counts() for placed in chip}
            | {"digital": {kind: count * len(x) for kind, count in digital.items()}},
            energy=energy_per_image(costs, len(x), digital, settings.process),
            latency=latency_per_image(costs, [placed.products() / len(x) for placed in chip]),
        )

    def chip(self, sample: int) -> tuple[list[PlacedLayer], Graph]:
        """The layers of chip number `sample`, programmed and calibrated, and the graph in codes that goes with them."""
        settings = self.target
        chip = [
            PlacedLayer.program(layer, settings.arrays, settings.seed, sample, settings.threads)
            for layer in self.layers
        ]
        if settings.calibration.correction == "none":
            return chip, self.graph
        return chip, calibrate(self.source, chip, self.images, settings.calibration)

    def _traced(self) -> int:
        """Images to trace: those asked for, as long as what is kept of them stays small."""
        shapes = self.graph.shapes
        names = [name for layer in self.layers for name in (layer.name, self.graph.node(layer.name).inputs[0])]
        return min(self.target.trace, _TRACED // sum(math.prod(shapes[name]) for name in names))

    def _keep(self, trace: dict[str, list[IntArray]], values: Mapping[str, IntArray], wanted: int) -> None:
        """Trace up to `wanted` images of a batch: each layer's inputs, and its codes with bias, before the ReLU."""
        if wanted <= 0:
            return
        for layer in self.layers:
            source = self.graph.node(layer.name).inputs[0]
            trace.setdefault(f"{layer.name}_inputs", []).append(values[source][:wanted])
            trace.setdefault(f"{layer.name}_codes", []).append(values[layer.name][:wanted])

    def operations(self) -> dict[str, int]:
        """Digital operations for an image outside the arrays: a tile's sums into accumulators, all other nodes."""
        total = digital_operations(self.graph)
        for layer in self.layers:
            shape = self.graph.shapes[self.graph.node(layer.name).inputs[0]]
            sums = sum(tile.shape[1] for tile in layer.tiles)
            total["add"] = total.get("add", 0) + math.prod(layer.operator.vector_shape(shape)) * sums
        return total
