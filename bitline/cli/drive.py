"""What drives an array in a comparison with ngspice: a chip that a study samples, one of its tiles, a test image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import SimulationError
from bitline.core.seeds import stream
from circuits.converters import bit_planes
from nn.datasets import load as load_data
from nn.graph import Graph
from nn.graph_file import load as load_graph
from nn.placement import Layer
from nn.study import AccuracyTask

_TRIES = 1000  # images looked at for one that drives a tile


@dataclass(frozen=True, eq=False)
class Laid:
    """A study's network on its arrays, and the test images."""

    graph: Graph
    layers: Sequence[Layer]
    images: Any

    @classmethod
    def of(cls, accuracy: AccuracyTask) -> Laid:
        """Compile the network of an accuracy task as its chips do."""
        data = load_data(accuracy.data)
        graph = load_graph(accuracy.graph)
        program: Any = accuracy.target.compile(graph, data.train_x[: accuracy.calibration])
        return cls(graph, program.layers, data.test_x)


@dataclass(frozen=True, eq=False)
class Drive:
    """Tile `number` of `layer`, a digit of each of its inputs plane[rows], and the tile's place."""

    layer: Layer
    number: int
    plane: IntArray

    @property
    def tile(self) -> tuple[int, int]:
        """Row and column of it among the layer's tiles."""
        return self.layer.tiles[self.number].place


def bits(layer: Layer, x: IntArray) -> IntArray:
    """The planes of bits of a tile's inputs (1, rows), shape (planes, rows)."""
    return bit_planes(x, layer.input_bits)[:, 0]


def driven_array(
    accuracy: AccuracyTask, laid: Laid, digits: Callable[[Layer, IntArray], IntArray], index: int
) -> tuple[Drive, Any, np.random.Generator]:
    """What drives comparison number `index` (see `drive`), the array as on chip `index`, and the stream so far."""
    target: Any = accuracy.target
    rng = stream(target.seed, "trust", index)
    found = drive(laid, digits, index, rng)
    return found, found.layer.programmed(found.number, target.arrays, target.seed, index), rng


def drive(laid: Laid, digits: Callable[[Layer, IntArray], IntArray], index: int, rng: np.random.Generator) -> Drive:
    """The layers in turn by `index`; a tile, an image and a plane of digits, drawn until one drives something.

    Args:
        laid: the network on its arrays.
        digits: planes[plane, rows] of a tile's inputs (1, rows).
        index: of the comparison.
        rng: its stream.

    Raises:
        SimulationError: none of many images drives the layer.
    """
    layer = laid.layers[index % len(laid.layers)]
    source = laid.graph.node(layer.name).inputs[0]
    for _ in range(_TRIES):
        number = int(rng.integers(len(layer.tiles)))
        image = int(rng.integers(len(laid.images)))
        vectors = layer.vectors(laid.graph.run(laid.images[image : image + 1])[source])
        which = int(rng.integers(len(vectors)))  # of a single one, nothing is drawn
        planes = digits(layer, vectors[which : which + 1, layer.tiles[number].rows])
        plane = planes[int(rng.integers(len(planes)))]
        if plane.any():
            return Drive(layer, number, plane)
    raise SimulationError(f"no image among {_TRIES} drives the tiles of layer {layer.name!r}")
