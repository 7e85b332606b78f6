"""Functions that a network spells out: x * sigmoid(x), x * relu6(x + 3) / 6, x * (1 + erf(x / sqrt(2))) / 2.

Where layers that take each number by itself part from one tensor and meet again, all they do is one function of a
number, which integers look up in one table.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from nn.float_graph import FloatGraph, FloatNode
from nn.graph import INPUT
from nn.layer import Layer
from nn.layers.composed import Composed

_LINEAR = ("add", "affine", "subtract")  # sums and constants alone are better computed than looked up


def fused(graph: FloatGraph) -> FloatGraph:
    """The same network, with one `Composed` in the place of each such function."""
    nodes = {node.name: node for node in graph.nodes}
    origins: dict[str, str] = {}  # of what numbers a node's are functions
    for node in graph.nodes:
        sources = {origins.get(name, name) for name in node.inputs}
        if not _pointwise(node.layer) or len(sources) != 1:
            continue
        (origin,) = sources
        origins[node.name] = origin
        parts = _between(nodes, origin, node.name)
        if len(node.inputs) > 1 and any(_name(part.layer) not in _LINEAR for part in parts[:-1]):
            inside = FloatGraph(tuple(_fed(part, origin) for part in parts), node.name)
            nodes[node.name] = FloatNode(node.name, Composed(inside), (origin,))
    return pruned(FloatGraph(tuple(nodes.values()), graph.output))


def pruned(graph: FloatGraph) -> FloatGraph:
    """Without the nodes that the output does not need."""
    needed = {graph.output}
    for node in reversed(graph.nodes):  # each comes after those that feed it
        if node.name in needed:
            needed.update(node.inputs)
    return FloatGraph(tuple(node for node in graph.nodes if node.name in needed), graph.output)


def _pointwise(layer: Layer) -> bool:
    """Whether it is one function of each number, the same in all places."""
    values = (getattr(layer, entry.name) for entry in fields(layer))
    return layer.along == 0 and all(value.size == 1 for value in values if isinstance(value, np.ndarray))


def _between(nodes: dict[str, FloatNode], origin: str, last: str) -> list[FloatNode]:
    """The nodes that lead from one to another, in order; the last of them is the other."""
    wanted = {last}
    for node in reversed(nodes.values()):
        if node.name in wanted:
            wanted.update(name for name in node.inputs if name != origin)
    return [node for node in nodes.values() if node.name in wanted]


def _fed(node: FloatNode, origin: str) -> FloatNode:
    """A node of the inner graph, whose input is what the origin gives."""
    return replace(node, inputs=tuple(INPUT if name == origin else name for name in node.inputs))


def _name(layer: Layer) -> str:
    return type(layer).__module__.rpartition(".")[2]
