"""Energy and latency of an image from what the arrays of a network cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bitline.core.array import Cost
from bitline.core.figures import Figure
from crossbar.costs import INTEGER_ADD, INTEGER_MULTIPLY, Process
from nn.graph import Graph
from nn.product import Product

Layers = Sequence[Sequence[Cost]]  # [layer][tile]
_DIGITAL = {"add": INTEGER_ADD, "multiply": INTEGER_MULTIPLY}

NOT_IN_ENERGY = "front ends and sample-and-holds, select gates, memories, moving data, the clock, leakage"
NOT_IN_LATENCY = "digital sums and requantisation, moving data"


def digital_operations(graph: Graph) -> dict[str, int]:
    """Operations for an image of all nodes that arrays do not compute, "add" and "multiply".

    A product of two activations is digital too: a multiply-accumulate of it is a multiplication and an addition.
    """
    total: Counter[str] = Counter()
    for node in graph.nodes:
        if isinstance(node.operator, Product):
            continue
        for kind, count in node.operator.operations(*(graph.shapes[name] for name in node.inputs)).items():
            for part in ("add", "multiply") if kind == "mac" else (kind,):
                total[part] += count
    return dict(total)


def energy_per_image(layers: Layers, images: int, operations: Mapping[str, int], process: Process) -> dict[str, Figure]:
    """J an image by component, summed over all tiles of all layers; digital parts are named digital_*.

    Not in it: what `NOT_IN_ENERGY` lists.

    Args:
        layers: the cost of `images` images on each tile of each layer.
        images: how many they were.
        operations: 32-bit digital operations for an image, by kind ("add", "multiply").
        process: that published costs of those are scaled to.
    """
    total: dict[str, Figure] = {}
    for tiles in layers:
        for cost in tiles:
            for name, figure in cost.energy.items():
                total[name] = _plus(total.get(name), figure, figure.value / images)
    for kind, count in operations.items():
        total[f"digital_{kind}"] = _DIGITAL[kind].energy_in(process, count)
    return total


def latency_per_image(layers: Layers, products: Sequence[float]) -> dict[str, Figure]:
    """S an image by component: the tiles of a layer work side by side (the slowest counts), layers in sequence.

    This is one image's way through the arrays, without pipelining. Not in it: what `NOT_IN_LATENCY` lists.

    Args:
        layers: the cost of each tile of each layer; its latency is that of one product.
        products: products one after the other on a tile for an image, by layer: its vectors, 1 for a linear layer.
    """
    total: dict[str, Figure] = {}
    for tiles, count in zip(layers, products, strict=True):
        slowest = max(tiles, key=lambda cost: sum(figure.value for figure in cost.latency.values()))
        for name, figure in slowest.latency.items():
            total[name] = _plus(total.get(name), figure, figure.value * count)
    return total


def _plus(so_far: Figure | None, like: Figure, value: float) -> Figure:
    return Figure((so_far.value if so_far else 0.0) + value, like.unit, like.kind, like.source)
