"""A chip whose layers are programmed one after the other, and what it has given so far for some images.

A layer is programmed as `target.compile` and `program.chip` would program it with the whole network as it is: its cells
are drawn from (seed, chip, layer, tile), its converters' range is fixed on the exact network's inputs to it and its
outputs are corrected on the chip's own. All that depends on the nodes that feed the layer and on nothing after it, so
that as long as those stay as they are, that is what the finished network's chip is, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import count, repeat

import numpy as np

from bitline.core.array import IntArray
from nn.calibration import READ_BATCH, fit_codes, wanted_outputs
from nn.fold_codes import Scale, fold_code_scales
from nn.graph import INPUT, Graph
from nn.operator import checked
from nn.placement import PlacedLayer
from nn.product import Product
from nn.product_inputs import Multiplied, products, vectors_of
from nn.target import Images
from nn.targets.reram import Target
from nn.tuning.parameters import FloatArray

Compute = Callable[..., IntArray]

_MEASURED = 2**30  # batches of the read noise from here on: none of an inference's


class Outputs:
    """What a network's nodes give for some images, as far as they are settled and are still to be read.

    Args:
        images: (n, *input_shape), unsigned integers.
        at_once: how many of them are computed at a time.

    Attributes:
        values: of settled nodes, (n, *shape), by name.
        products: of products whose bias may still change, without it.
        settled: names of all nodes that are, forgotten ones too.
    """

    def __init__(self, images: Images, at_once: int) -> None:
        self.values: dict[str, Images] = {INPUT: images}
        self.products: dict[str, Images] = {}
        self.settled = {INPUT}
        self._parts = [slice(start, start + at_once) for start in range(0, len(images), at_once)]

    def settle(self, graph: Graph, wanted: str, biases: Mapping[str, IntArray]) -> None:
        """Compute a node and those that feed it, with the biases that products end up with."""
        for node in graph.between(self.settled, wanted):
            if node.name in self.products:
                self.values[node.name] = self.products.pop(node.name).astype(np.int64) + biases[node.name]
            else:
                inputs = (self.values[name] for name in node.inputs)
                self.values[node.name] = self._by_parts(repeat(node.operator.run), *inputs)
            self.settled.add(node.name)

    def multiply(self, name: str, source: str, computes: Iterable[Compute]) -> None:
        """Compute a product without its bias; `computes` has what does it for every batch."""
        self.products[name] = self._by_parts(computes, self.values[source])

    def forget(self, graph: Graph) -> None:
        """Leave what no node reads that is still to be computed."""
        done = self.settled | set(self.products)
        read = {name for node in graph.nodes if node.name not in done for name in node.inputs} | {graph.output}
        self.values = {name: values for name, values in self.values.items() if name in read}

    def _by_parts(self, computes: Iterable[Compute], *inputs: Images) -> Images:
        found = []
        for part, compute in zip(self._parts, computes, strict=False):
            result = compute(*(each[part].astype(np.int64) for each in inputs))
            found.append(_small(checked(result, "a chip's layers")))
        return _small(np.concatenate(found))


def _small(values: Images) -> Images:
    """The values in the fewest bytes that hold them."""
    low, high = int(values.min()), int(values.max())
    return values.astype(np.min_scalar_type(high if low >= 0 else min(low, ~high)))


class GrowingChip:
    """A chip on its way.

    Args:
        target: its arrays, its seed, and how it is calibrated.
        number: of the chip.
        graph: the network, whose weights may change later, but nothing else of it.
        calibration: images that `target.compile` is given for the finished network.
        images: what the chip is measured with.

    Attributes:
        layers: those that are programmed, by name.
    """

    def __init__(self, target: Target, number: int, graph: Graph, calibration: Images, images: Images) -> None:
        self.target, self.number = target, number
        self.layers: dict[str, PlacedLayer] = {}
        self._exact = Outputs(calibration, graph.batch(target.batch))
        fitted = graph.batch(target.calibration.images)
        self._fitting = Outputs(calibration[: target.calibration.images][:fitted], fitted)
        self._measured = Outputs(images, graph.batch(target.batch))

    def place(self, graph: Graph, node: Multiplied) -> None:
        """Program a layer and measure what it gives; the nodes that feed it have to stay as they are from now on.

        Raises:
            ConfigError: the arrays can't hold it; names the layer.
        """
        name, operator, source = node
        fed_by = self._settle(graph, node)
        vectors = vectors_of(node, self._exact.values[source], self.target.seed)
        layer = self.target.lay_out(name, operator, vectors, graph.bounds[source])
        del vectors
        placed = PlacedLayer.program(layer, self.target.arrays, self.target.seed, self.number, self.target.threads)
        self.layers[name] = placed
        self._exact.multiply(name, source, repeat(lambda x: operator.run(x) - operator.bias))
        if self._corrects:
            self._fitting.multiply(name, fed_by, [_without_bias(placed, READ_BATCH)])
        self._measured.multiply(name, fed_by, (_without_bias(placed, batch) for batch in count(_MEASURED)))
        self._fit(graph, name)
        coded = self._coded(graph)
        self._exact.forget(graph)
        self._fitting.forget(coded)
        self._measured.forget(coded)

    @property
    def fixed(self) -> AbstractSet[str]:
        """The nodes that feed a layer that is programmed: they must not change."""
        return self._exact.settled

    def frontier(self, graph: Graph) -> list[str]:
        """The nodes whose measured results what is still software reads, the logits among them at the end."""
        known = self._exact.settled | set(self.layers)
        read = {name for node in graph.between(known, graph.output) for name in node.inputs} | {graph.output}
        return sorted(read & known)

    def given(self, graph: Graph, names: Iterable[str], chosen: IntArray) -> dict[str, FloatArray]:
        """Measured results of the frontier's nodes for some of the images, in the integer graph's own units.

        What a layer's codes are worth in products is rounded to whole ones, and the bias in `graph` is taken off.
        """
        found = {}
        for name in names:
            if name not in self.layers:
                found[name] = self._measured.values[name][chosen].astype(np.float64)
                continue
            placed = self.layers[name]
            if name in self._measured.products:
                codes = self._measured.products[name][chosen] + placed.layer.bias
            else:
                codes = self._measured.values[name][chosen].astype(np.int64)
            found[name] = np.rint(codes * placed.worth) - _product(graph, name).bias
        return found

    @property
    def _corrects(self) -> bool:
        return self.target.calibration.correction != "none"

    def _settle(self, graph: Graph, node: Multiplied) -> str:
        """Compute all that feeds a layer, exactly and as the chip does, now that it does not change any more.

        Returns:
            The node that feeds it on the chip, where a product's codes may have to be brought back to products.
        """
        for each in graph.between(self._exact.settled, node.source):
            if each.name in self.layers:
                self._fit(graph, each.name)
        self._exact.settle(graph, node.source, {name: _product(graph, name).bias for name in self.layers})
        coded = self._coded(graph)
        (fed_by,) = coded.node(node.name).inputs
        biases = {name: placed.layer.bias for name, placed in self.layers.items()}
        if self._corrects:
            self._fitting.settle(coded, fed_by, biases)
        self._measured.settle(coded, fed_by, biases)
        return fed_by

    def _fit(self, graph: Graph, name: str) -> None:
        """Set a programmed layer's bias and what its codes are worth, by the bias that its product has."""
        placed, operator, how = self.layers[name], _product(graph, name), self.target.calibration
        layer = replace(placed.layer, operator=operator).ranged(placed.layer.full_scale, placed.layer.scale)
        worth: Scale = layer.scale
        if self._corrects:
            codes = self._fitting.products[name].astype(np.int64)
            products = self._exact.products[name][: len(codes)].astype(np.int64) + operator.bias
            wanted = wanted_outputs(graph, name, products, how)
            bias, worth = fit_codes(codes, wanted, layer.scale, gains=how.correction == "gain")
            layer = replace(layer, bias=bias)
        placed.layer, placed.worth = layer, worth

    def _coded(self, graph: Graph) -> Graph:
        return fold_code_scales(graph, {name: placed.worth for name, placed in self.layers.items()})


def _product(graph: Graph, name: str) -> Product:
    return next(node.operator for node in products(graph) if node.name == name)


def _without_bias(placed: PlacedLayer, batch: int) -> Callable[[IntArray], IntArray]:
    compute = placed.product(batch)
    return lambda x: compute(x) - placed.layer.bias
