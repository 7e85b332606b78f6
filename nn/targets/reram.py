"""Matrix products on ReRAM crossbars, everything else in integers.

Each linear layer is cut into tiles; every tile is one array. The arrays of a layer work side by side, layers one after
the other. Codes of the tiles in a column are added digitally; biases and requantisation are in codes (nn.fold_codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from crossbar.costs import Process
from nn.fold_codes import bias_in_codes, fold_code_scales
from nn.graph import Graph
from nn.layer_cost import energy_per_image, latency_per_image
from nn.placement import Layer, PlacedLayer
from nn.product import Product
from nn.target import ArrayFactory, Images, Inference
from nn.tiling import tiles


@dataclass(frozen=True)
class Target:
    """ReRAM crossbars.

    Args:
        arrays: makes arrays; says how large they can be.
        seed: of the study; chip number i draws its cells from (seed, i, layer, tile).
        batch: images computed at a time; part of what fixes the bits of a result.
        trace: so many images (the first ones) leave every layer's inputs and codes in the trace.
        process: that published costs of digital logic are scaled to.
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

    def __post_init__(self) -> None:
        if self.batch < 1 or self.trace < 0 or not self.range_share > 0 or self.threads < 1:
            raise ConfigError(
                f"{self.name}: batch = {self.batch}, trace = {self.trace}, range_share = {self.range_share}, threads = "
                f"{self.threads}: at least 1, at least 0, above 0 and at least 1 are needed"
            )

    def compile(self, graph: Graph, calibration: Images) -> ReramProgram:
        """Lay every linear node out and fix its converters' range on the calibration images, before the activation."""
        if not len(calibration):
            raise ConfigError(f"{self.name}: no calibration images")
        values = graph.run(calibration)
        layers = [
            self._layer(node.name, node.operator, values[node.inputs[0]], graph.bounds[node.inputs[0]])
            for node in graph.nodes
            if isinstance(node.operator, Product)
        ]
        coded = fold_code_scales(graph, {layer.name: layer.scale for layer in layers})
        return ReramProgram(self, coded, tuple(layers))

    def _layer(self, name: str, operator: Product, x: IntArray, bounds: tuple[int, int]) -> Layer:
        if bounds[0] < 0:
            raise ConfigError(f"{self.name}: the inputs of {name!r} can be negative; the arrays take unsigned inputs")
        bits = max(bounds[1].bit_length(), 1)
        rows, cols = operator.weights.shape
        cut = tuple(tiles(rows, cols, self.arrays.max_rows, self.arrays.max_cols))
        arrays, needed = [], []
        for tile in cut:
            array = self.arrays(*tile.shape, bits)
            weights = operator.weights[tile.rows, tile.cols]
            array.program(weights, stream(self.seed, "chip.calibration", name, *tile.place))
            needed.append(array.required_range(x[:, tile.rows]))
            arrays.append(array)
        full_scale = max(needed) * self.range_share
        if not full_scale > 0:
            raise ConfigError(
                f"{self.name}: layer {name!r} gives no current on the calibration images; are its weights 0?"
            )
        for array in arrays:
            array.set_range(full_scale)
        scale = arrays[0].scale
        if any(abs(array.scale - scale) > 1e-9 * scale for array in arrays):
            raise ConfigError(
                f"{self.name}: the tiles of layer {name!r} differ in scale, so that their codes can't be added"
            )
        return Layer(name, operator.weights, bias_in_codes(operator, scale), cut, bits, full_scale, scale)


@dataclass(frozen=True, eq=False)
class ReramProgram:
    """A graph on arrays.

    Args:
        target: its settings.
        graph: biases and requantisation in codes.
        layers: the linear nodes, in the graph's order.
    """

    target: Target
    graph: Graph
    layers: tuple[Layer, ...]

    @property
    def logit_scale(self) -> float:
        """That of the graph in codes."""
        return self.graph.output_scale

    def run(self, x: Images, sample: int) -> Inference:
        """Infer on chip number `sample`; see nn.target.Program."""
        if not len(x):
            raise ConfigError(f"{self.target.name}: no images")
        settings = self.target
        chip = [
            PlacedLayer.program(layer, settings.arrays, settings.seed, sample, settings.threads)
            for layer in self.layers
        ]
        logits: list[IntArray] = []
        trace: dict[str, list[IntArray]] = {}
        for batch, start in enumerate(range(0, len(x), self.target.batch)):
            instead = {placed.layer.name: placed.product(batch) for placed in chip}
            values = self.graph.run(x[start : start + self.target.batch], instead)
            logits.append(values[self.graph.output])
            self._keep(trace, values, self.target.trace - start)
        if self.target.trace:
            for placed in chip:
                stuck = placed.faults()
                if stuck is not None:
                    trace[f"{placed.layer.name}_faults"] = [stuck]
        costs = [placed.costs() for placed in chip]
        return Inference(
            logits=np.concatenate(logits),
            trace={name: np.concatenate(parts) for name, parts in trace.items()},
            counts={placed.layer.name: placed.counts() for placed in chip} | {"digital": self.operations()},
            energy=energy_per_image(costs, len(x), self.operations(), self.target.process),
            latency=latency_per_image(costs, [placed.products() / len(x) for placed in chip]),
        )

    def _keep(self, trace: dict[str, list[IntArray]], values: Mapping[str, IntArray], wanted: int) -> None:
        """Trace up to `wanted` images of a batch: each layer's inputs, and its codes with bias, before the ReLU."""
        if wanted <= 0:
            return
        for layer in self.layers:
            source = self.graph.node(layer.name).inputs[0]
            trace.setdefault(f"{layer.name}_inputs", []).append(values[source][:wanted])
            trace.setdefault(f"{layer.name}_codes", []).append(values[layer.name][:wanted])

    def operations(self) -> dict[str, int]:
        """Digital operations for an image outside the arrays: a tile's sum into an accumulator, requantisation."""
        total = {kind: count for kind, count in self.graph.operations().items() if kind != "mac"}
        sums = sum(tile.shape[1] for layer in self.layers for tile in layer.tiles)
        return total | {"add": total.get("add", 0) + sums}
