"""The matrix products of a network, and what reaches them: a sample of the vectors of some images."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bitline.core.array import IntArray
from bitline.core.seeds import stream
from nn.graph import Graph
from nn.operator import Shape
from nn.product import Product
from nn.target import Images

MOST = 8192  # vectors of a layer
_IMAGES = 1000  # at a time, fewer where Graph.batch says so
_AT_ONCE = 4096  # vectors that are made at a time, or those of one image


class Multiplied(NamedTuple):
    """A node that multiplies by a matrix: its name, its operator and the node that feeds it."""

    name: str
    operator: Product
    source: str


def products(graph: Graph) -> list[Multiplied]:
    """Those of a graph, in its order."""
    return [
        Multiplied(node.name, node.operator, node.inputs[0])
        for node in graph.nodes
        if isinstance(node.operator, Product)
    ]


def sampled_vectors(graph: Graph, images: Images, seed: int, most: int = MOST) -> dict[str, IntArray]:
    """Vectors of every product of a graph, by its name: (vectors, groups * rows), in order of images and positions.

    All of them where there are up to `most`, as in a linear layer; else as many, drawn without repetition from
    (seed, layer) alone. Memory: `most` vectors a layer and a batch's values.
    """
    chosen, found = {}, {}
    for node in products(graph):
        chosen[node.name], found[node.name] = _drawn(node, len(images), graph.shapes[node.source], seed, most)
    size = graph.batch(_IMAGES)
    for start in range(0, len(images), size):
        values = graph.run(images[start : start + size])
        for node in products(graph):
            _fill(found[node.name], chosen[node.name], node.operator, values[node.source], start)
    return found


def vectors_of(node: Multiplied, x: Images, seed: int, most: int = MOST) -> IntArray:
    """Those of one product that `sampled_vectors` gives, from what feeds it: x[images, ...], integers of any size."""
    chosen, found = _drawn(node, len(x), x.shape[1:], seed, most)
    _fill(found, chosen, node.operator, x, 0)
    return found


def _drawn(node: Multiplied, images: int, shape: Shape, seed: int, most: int) -> tuple[IntArray, IntArray]:
    """The numbers of a product's vectors for images of inputs of a shape, and room for the vectors."""
    each = math.prod(node.operator.vector_shape(shape))
    chosen = _chosen(images * each, most, stream(seed, "calibration.vectors", node.name))
    return chosen, np.empty((len(chosen), node.operator.rows), dtype=np.int64)


def _chosen(count: int, most: int, rng: np.random.Generator) -> IntArray:
    if count <= most:
        return np.arange(count)
    return np.sort(rng.choice(count, most, replace=False))


def _fill(found: IntArray, chosen: IntArray, operator: Product, x: Images, first: int) -> None:
    """Copy the chosen vectors of a batch x[images, ...], whose first image is number `first`."""
    each = math.prod(operator.vector_shape(x.shape[1:]))
    step = max(1, _AT_ONCE // each)
    for start in range(0, len(x), step):
        part = x[start : start + step]
        low = (first + start) * each
        ends = np.searchsorted(chosen, [low, low + len(part) * each])
        if ends[0] < ends[1]:
            own = slice(*ends)
            found[own] = operator.vectors(part)[chosen[own] - low]
