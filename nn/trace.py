"""What a network's layers did on a chip, kept as it was: inputs, codes, every tile's codes, currents.

Of the first images of the accuracy study, in the batches in which the study infers them, so that what is kept is what
the study's chips did, noise included. Currents are without noise: they are what wires and cells make of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.suggest import suggestion
from nn.graph import Graph
from nn.placement import PlacedLayer
from nn.product_inputs import products
from nn.study import AccuracyTask, Context
from nn.target import ArrayFactory, Images
from nn.targets.reram import ReramProgram
from nn.tiling import block_tiles

Quantity = Literal["inputs", "codes", "tiles", "currents"]
ALL = "*"  # every layer
_NUMBER = 4  # bytes of a number that is kept

Place = tuple[int, int]


@runtime_checkable
class Currents(Protocol):
    """An array that tells its currents."""

    def plane_currents(self, x: IntArray) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Bit-line currents (A) without noise for x[batch, rows], shape (planes, batch, bit lines)."""


@dataclass(frozen=True)
class Traced:
    """What to keep.

    Args:
        layers: by name; "*" is every one.
        images: the first so many.
        quantities: "inputs" of the layer; its "codes", summed over tiles, bias included; the codes of each of its
            "tiles"; the "currents" of each tile's bit lines by plane.
    """

    layers: tuple[str, ...]
    images: int
    quantities: tuple[Quantity, ...]

    def wanted(self, graph: Graph) -> list[str]:
        """The layers of a graph that are asked for.

        Raises:
            ConfigError: it has no layer of a name.
        """
        names = [each.name for each in products(graph)]
        for layer in self.layers:
            if layer != ALL and layer not in names:
                raise ConfigError(f"trace: no layer {layer!r} is on arrays{suggestion(layer, names)}")
        return [name for name in names if ALL in self.layers or name in self.layers]


def size(what: Traced, graph: Graph, arrays: ArrayFactory, currents: int) -> int:
    """Bytes of a chip's trace before it is compressed.

    Args:
        what: is kept.
        graph: the network.
        arrays: that it is laid out on.
        currents: of a tile for an input: planes times bit lines.

    Raises:
        ConfigError: the graph has no layer of a name.
    """
    wanted, total = what.wanted(graph), 0
    for name, operator, source in products(graph):
        if name not in wanted:
            continue
        vectors = math.prod(operator.vector_shape(graph.shapes[source]))
        cut = block_tiles(operator.matrices, arrays.max_rows, arrays.max_cols)
        each = {
            "inputs": math.prod(graph.shapes[source]),
            "codes": math.prod(graph.shapes[name]),
            "tiles": vectors * sum(tile.shape[1] for tile in cut),
            "currents": vectors * len(cut) * currents,
        }
        total += sum(each[quantity] for quantity in what.quantities)
    return total * what.images * _NUMBER


@dataclass(frozen=True)
class TraceTask:
    """Task: the trace of chip number `index` of an accuracy study on arrays.

    Args:
        accuracy: the study's own task.
        what: is kept.
    """

    accuracy: AccuracyTask
    what: Traced

    def prepare(self) -> Context:
        """See `AccuracyTask.prepare`."""
        return self.accuracy.prepare()

    def run(self, context: Context, index: int) -> Record:
        """Trace one chip; see `trace`."""
        program = context.program_of(index)
        if not isinstance(program, ReramProgram):
            raise ConfigError("trace: the target has no arrays whose layers could be traced")
        return trace(program, context.images, index, self.what)


def trace(program: ReramProgram, images: Images, chip: int, what: Traced) -> Record:
    """Infer the first images on a chip and keep what is asked for.

    Returns:
        By "layer/quantity": inputs and codes (images, ...) int32; by "layer/tile_r_c_codes" those of the tile in row r,
        column c (images, positions ..., outputs) int32; by "layer/tile_r_c_currents" (images, positions ..., planes,
        bit lines) float32 in A. A "/" in a layer's name is written as ".".

    Raises:
        ConfigError: the network has no layer of a name, or its arrays have no currents.
    """
    wanted = what.wanted(program.graph)
    chips, graph = program.chip(chip)
    batch = program.graph.batch(program.target.batch)
    kept: dict[str, list[np.ndarray[Any, Any]]] = {}
    for number, start in enumerate(range(0, min(what.images, len(images)), batch)):
        tiles: dict[str, dict[Place, list[IntArray]]] = {name: {} for name in wanted}
        instead = {
            placed.layer.name: placed.product(number, _watching(tiles.get(placed.layer.name))) for placed in chips
        }
        values = graph.run(images[start : start + batch], instead)
        count = min(what.images - start, batch)
        for placed in chips:
            name = placed.layer.name
            if name in wanted:
                x = values[graph.node(name).inputs[0]][:count]
                for column, part in _columns(placed, x, values[name][:count], tiles[name], what.quantities):
                    kept.setdefault(f"{name.strip('/').replace('/', '.')}/{column}", []).append(part)
    return {name: np.concatenate(parts) for name, parts in kept.items()}


def _watching(tiles: dict[Place, list[IntArray]] | None) -> Any:
    if tiles is None:
        return None

    def watch(place: Place, codes: IntArray) -> None:
        tiles.setdefault(place, []).append(codes.astype(np.int32))

    return watch


def _columns(
    placed: PlacedLayer,
    x: IntArray,
    codes: IntArray,
    tiles: dict[Place, list[IntArray]],
    quantities: tuple[Quantity, ...],
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """What is kept of a layer for inputs x[images, ...], by column."""
    positions = len(x), *placed.layer.operator.vector_shape(x.shape[1:])
    if "inputs" in quantities:
        yield "inputs", x.astype(np.int32)
    if "codes" in quantities:
        yield "codes", codes.astype(np.int32)
    vectors = placed.layer.vectors(x) if "currents" in quantities else None
    for tile, array in zip(placed.layer.tiles, placed.arrays, strict=True):
        name = "tile_{}_{}".format(*tile.place)
        if "tiles" in quantities:
            found = np.concatenate(tiles[tile.place])[: math.prod(positions)]
            yield f"{name}_codes", found.reshape(*positions, -1)
        if vectors is not None:
            planes = _currents(array, vectors[:, tile.rows])
            yield f"{name}_currents", planes.reshape(*positions, *planes.shape[1:])


def _currents(array: Any, x: IntArray) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A, shape (vectors, planes, bit lines), for inputs x[vectors, rows]."""
    if not isinstance(array, Currents):
        raise ConfigError("trace: the arrays of this target have no currents to keep; leave them out of quantities")
    return np.moveaxis(array.plane_currents(x), 0, 1).astype(np.float32)
