"""Converter codes in place of products: what a graph becomes when an analog array computes its matrix products.

An array gives codes, each worth `scale` products. Multiplying every code back would cost a multiplier an output; the
hardware's way, and this one, is to state biases in codes and to let the requantisation that follows carry the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.operator import INT32
from nn.ops.requantise import Requantise, multiplier_and_shift
from nn.product import Product


def bias_in_codes(operator: Product, scale: float) -> IntArray:
    """A layer's bias in codes that are worth `scale` products each, shape (outputs,)."""
    return np.rint(operator.bias / scale).astype(np.int64)


def fold_code_scales(graph: Graph, scales: Mapping[str, float]) -> Graph:
    """The graph whose linear nodes give codes and not products, and whose results mean the same.

    Args:
        graph: of products.
        scales: products a code is worth, by linear node.

    Returns:
        A graph with biases in codes, and multipliers that take codes. Where something else than a requantisation
        takes a linear node, a requantisation back to products stands between; a linear node that is the output keeps
        its codes, and the graph's output scale says what they are worth.
    """
    for name, scale in scales.items():
        node = graph.node(name)
        if not isinstance(node.operator, Product):
            raise ConfigError(f"graph: node {name!r} multiplies no matrix, it has no codes")
        coded = replace(node, operator=replace(node.operator, bias=bias_in_codes(node.operator, scale)))
        graph = _rescale_consumers(graph.rewired([coded]), name, scale)
    return graph


def _rescale_consumers(graph: Graph, name: str, scale: float) -> Graph:
    carriers = [_carrying(node, scale) for node in graph.consumers(name)]
    found = [node for node in carriers if node is not None]
    if len(found) == len(carriers):
        worth = graph.output_scale * (scale if graph.output == name else 1.0)
        return graph.rewired(found, output_scale=worth)
    back = f"{name}.products"
    multiplier, shift = multiplier_and_shift(scale)
    rescale = Node(back, Requantise(np.array([multiplier]), np.array([shift]), *INT32), (name,))
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(replace(node, inputs=tuple(back if source == name else source for source in node.inputs)))
        if node.name == name:
            nodes.append(rescale)
    return replace(graph, nodes=tuple(nodes), output=back if graph.output == name else graph.output)


def _carrying(node: Node, scale: float) -> Node | None:
    """A requantisation with the scale in its multipliers; None if the node is something else."""
    operator = node.operator
    if not isinstance(operator, Requantise):
        return None
    ratios = np.ldexp(operator.multiplier.astype(float), -operator.shift) * scale
    pairs = [multiplier_and_shift(float(ratio)) if ratio else (0, 0) for ratio in ratios]
    multiplier, shift = (np.array(part) for part in zip(*pairs, strict=True))
    return replace(node, operator=replace(operator, multiplier=multiplier, shift=shift))
