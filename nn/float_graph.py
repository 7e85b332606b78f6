"""A trained network in floats, free of the framework that trained it: what importers make and quantisation takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bitline.core.errors import ConfigError
from nn.graph import INPUT
from nn.layer import FloatArray, Layer, ProductLayer
from nn.layers.batch_norm import BatchNorm


@dataclass(frozen=True, eq=False)
class FloatNode:
    """One layer: its name, what it computes, and the nodes (or "input") that feed it, in order."""

    name: str
    layer: Layer
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A directed acyclic graph of float layers, evaluation mode; its input is an image scaled to 0..1.

    Args:
        nodes: in an order in which every node comes after those that feed it.
        output: the node that holds the logits.
    """

    nodes: tuple[FloatNode, ...]
    output: str

    def run(self, x: FloatArray) -> dict[str, FloatArray]:
        """Every node's values for a batch x (batch, *shape) of 0..1, in float64."""
        values = {INPUT: x}
        for node in self.nodes:
            values[node.name] = node.layer.run(*(values[name] for name in node.inputs))
        return values

    def logits(self, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], batch: int = 1000) -> FloatArray:
        """Logits (images, classes) of 8-bit images, a batch at a time to bound the memory."""
        starts = range(0, len(images), batch)
        return np.concatenate([self.run(images[start : start + batch] / 255.0)[self.output] for start in starts])


def fold_batch_norms(graph: FloatGraph) -> FloatGraph:
    """Merge every batch norm into the linear layer or convolution before it, which changes nothing but rounding.

    ``gain * (x @ W + b) + offset = x @ (W * gain) + (b * gain + offset)``. The merged layer keeps the
    name of the first; a batch norm whose input is no such layer, or one that feeds others too, stays.
    """
    nodes = {node.name: node for node in graph.nodes}
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        before = nodes.get(renamed.get(node.inputs[0], node.inputs[0]))
        if not isinstance(node.layer, BatchNorm) or before is None or not isinstance(before.layer, ProductLayer):
            continue
        if sum(node.inputs.count(before.name) for node in graph.nodes) != 1 or before.name == graph.output:
            continue
        merged = before.layer.scaled(node.layer.gain, node.layer.offset)
        nodes[before.name] = replace(before, layer=merged)
        del nodes[node.name]
        renamed[node.name] = before.name
    rewired = (replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs)) for node in nodes.values())
    output = renamed.get(graph.output, graph.output)
    if output not in nodes:
        raise ConfigError(f"float graph: the output {output!r} is no node")
    return FloatGraph(tuple(rewired), output)
