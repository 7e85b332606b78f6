"""Converter codes in place of products: what a graph becomes when an analog array computes its matrix products.

An array gives codes, each worth `scale` products. Multiplying every code back would cost a multiplier an output; the
hardware's way, and this one, is to state biases in codes and to let the requantisation that follows carry the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.operator import INT32
from nn.ops.requantise import Requantise, multipliers
from nn.product import Product

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Scale = float | FloatArray


def bias_in_codes(operator: Product, scale: Scale) -> IntArray:
    """A layer's bias in codes that are worth `scale` products each, shape (outputs,)."""
    return np.rint(operator.bias / scale).astype(np.int64)


def fold_code_scales(graph: Graph, scales: Mapping[str, Scale]) -> Graph:
    """The graph whose products give codes, and whose results mean the same.

    Args:
        graph: of products.
        scales: products a code is worth, by node: one number, or one an output, shape (outputs,).

    Returns:
        A graph with biases in codes, and multipliers that take codes. Where something else than a requantisation
        takes a node of codes, or it is the output and its codes differ in worth, a requantisation back to products
        follows. An output node whose codes have one worth keeps them, and the graph's output scale says what it is.
    """
    for name, scale in scales.items():
        node = graph.node(name)
        if not isinstance(node.operator, Product):
            raise ConfigError(f"graph: node {name!r} multiplies no matrix, it has no codes")
        coded = replace(node, operator=replace(node.operator, bias=bias_in_codes(node.operator, scale)))
        graph = _rescale_consumers(graph.rewired([coded]), name, np.atleast_1d(scale), alike=isinstance(scale, float))
    return graph


def _rescale_consumers(graph: Graph, name: str, scale: FloatArray, *, alike: bool) -> Graph:
    carriers = [_carrying(node, scale) for node in graph.consumers(name)]
    found = [node for node in carriers if node is not None]
    is_output = graph.output == name
    if len(found) == len(carriers) and (alike or not is_output):
        worth = graph.output_scale * (float(scale[0]) if is_output else 1.0)
        return graph.rewired(found, output_scale=worth)
    new = f"{name}.products"
    rescale = Node(new, Requantise(*multipliers(scale), *INT32), (name,))
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(replace(node, inputs=tuple(new if source == name else source for source in node.inputs)))
        if node.name == name:
            nodes.append(rescale)
    return replace(graph, nodes=tuple(nodes), output=new if is_output else graph.output)


def _carrying(node: Node, scale: FloatArray) -> Node | None:
    """A requantisation with the scale in its multipliers; None if the node is something else."""
    operator = node.operator
    if not isinstance(operator, Requantise):
        return None
    return replace(node, operator=operator.scaled_by(scale))
