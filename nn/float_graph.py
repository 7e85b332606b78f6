"""A trained network in floats, free of the framework that trained it: what importers make and quantisation takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bitline.core.errors import ConfigError
from nn.graph import INPUT
from nn.layer import FloatArray, Layer, ProductLayer
from nn.layers.affine import Affine

_VALUES = 2**23  # numbers of the widest node's that a batch may have: 64 MB


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

    @cached_property
    def _done_after(self) -> Mapping[str, tuple[str, ...]]:
        """By node, the values that no later node takes."""
        last = {name: node.name for node in self.nodes for name in node.inputs}
        return {node.name: tuple(name for name in last if last[name] == node.name) for node in self.nodes}

    def each(self, x: FloatArray) -> Iterator[tuple[str, FloatArray]]:
        """The values of "input" and of every node in turn, for a batch x (batch, *shape) of 0..1, in float64.

        What no later node takes is let go of, so that a deep network needs no more memory than its widest part.
        """
        values = {INPUT: x}
        yield INPUT, x
        for node in self.nodes:
            values[node.name] = node.layer.run(*(values[name] for name in node.inputs))
            yield node.name, values[node.name]
            for name in self._done_after[node.name]:
                del values[name]

    def run(self, x: FloatArray) -> dict[str, FloatArray]:
        """Every node's values for a batch x (batch, *shape) of 0..1, in float64."""
        return dict(self.each(x))

    def batch(self, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], most: int) -> int:
        """Images to compute at a time: up to `most`, as long as no node's values take over 64 MB; at least one.

        Args:
            image: (1, *shape), any image of the size in question.
            most: if memory were no matter.
        """
        widest = max(values.size for _, values in self.each(image / 255.0))
        return max(1, min(most, _VALUES // max(widest, 1)))

    def logits(self, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], batch: int = 1000) -> FloatArray:
        """Logits (images, classes) of 8-bit images, up to `batch` images at a time (see `FloatGraph.batch`)."""
        if not len(images):
            raise ConfigError("float graph: no images")
        batch = self.batch(images[:1], batch)
        found = []
        for start in range(0, len(images), batch):
            values = self.each(images[start : start + batch] / 255.0)
            found.append(next(each for name, each in values if name == self.output))
        return np.concatenate(found)


def fold_batch_norms(graph: FloatGraph) -> FloatGraph:
    """Merge every batch norm and constant factor into a matrix product beside it, which changes nothing but rounding.

    ``gain * (x @ W + b) + offset = x @ (W * gain) + (b * gain + offset)``, into the product before it that feeds it
    alone; else ``(gain * x + offset) @ W + b = x @ (gain * W) + (offset @ W + b)``, into the products after it if
    nothing else takes it. The merged layer keeps the product's name. One that finds neither stays.
    """
    if graph.output not in {node.name for node in graph.nodes}:
        raise ConfigError(f"float graph: the output {graph.output!r} is no node")
    for node in graph.nodes:
        if isinstance(node.layer, Affine):
            graph = _into_before(graph, node.name) or _into_after(graph, node.name) or graph
    return graph


def _into_before(graph: FloatGraph, name: str) -> FloatGraph | None:
    nodes = {node.name: node for node in graph.nodes}
    node = nodes[name]
    before = nodes.get(node.inputs[0])
    if before is None or not isinstance(before.layer, ProductLayer) or not isinstance(node.layer, Affine):
        return None
    uses = sum(each.inputs.count(before.name) for each in graph.nodes) + (before.name == graph.output)
    if uses > 1 or node.layer.offset.ndim > 1:
        return None
    merged = replace(before, layer=before.layer.scaled(node.layer.gain, node.layer.offset))
    return _without(graph, name, {before.name: merged})


def _into_after(graph: FloatGraph, name: str) -> FloatGraph | None:
    node = next(node for node in graph.nodes if node.name == name)
    after = [each for each in graph.nodes if name in each.inputs]
    if name == graph.output or not after or not isinstance(node.layer, Affine) or node.layer.offset.ndim > 1:
        return None
    merged = {}
    for each in after:
        layer = each.layer.fed(node.layer.gain, node.layer.offset) if isinstance(each.layer, ProductLayer) else None
        if layer is None:
            return None
        merged[each.name] = replace(each, layer=layer)
    return _without(graph, name, merged)


def _without(graph: FloatGraph, name: str, changed: Mapping[str, FloatNode]) -> FloatGraph:
    """The graph with changed nodes, and the named one gone: its input takes its place."""
    source = next(node for node in graph.nodes if node.name == name).inputs[0]
    kept = (changed.get(node.name, node) for node in graph.nodes if node.name != name)
    rewired = (replace(node, inputs=tuple(source if each == name else each for each in node.inputs)) for node in kept)
    return FloatGraph(tuple(rewired), source if graph.output == name else graph.output)
