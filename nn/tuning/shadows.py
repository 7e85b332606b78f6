"""Where training starts: the float network's weights in units of the integers they were rounded to."""

from __future__ import annotations

import numpy as np

from nn.float_graph import FloatGraph, fold_batch_norms
from nn.graph import Graph
from nn.layer import ProductLayer
from nn.product import Product
from nn.tuning.parameters import FloatArray


def unrounded(graph: Graph, network: FloatGraph) -> dict[str, FloatArray]:
    """Unrounded weights by product, for those that are a layer of the float network.

    The scale of an output is the one by which its integers are nearest to its floats (least squares), so that it needs
    no record of how the graph was quantised.
    """
    floats = {node.name: node.layer for node in fold_batch_norms(network).nodes}
    found: dict[str, FloatArray] = {}
    for node in graph.nodes:
        layer, operator = floats.get(node.name), node.operator
        if not isinstance(operator, Product) or not isinstance(layer, ProductLayer):
            continue
        if layer.weights.shape == operator.weights.shape:
            found[node.name] = _in_units(layer.weights, operator.weights.astype(float))
    return found


def _in_units(weights: FloatArray, integers: FloatArray) -> FloatArray:
    axes = tuple(range(weights.ndim - 1))
    alike, size = (weights * integers).sum(axis=axes), (weights * weights).sum(axis=axes)
    per_unit = np.divide((integers * integers).sum(axis=axes), alike, out=np.zeros_like(alike), where=alike > 0)
    return np.where(size > 0, weights * per_unit, integers)
