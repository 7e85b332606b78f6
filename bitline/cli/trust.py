"""Products of a study's own arrays, simulated again by ngspice: rung 2 of the ladder of trust.

Both tasks take a chip that the study samples, one of its tiles as programmed, and a bit plane of a test image as it
reaches that tile. They cut a block out of it (ngspice takes a minute for a product of 128 x 128 cells) and give that
block, wires included, to the fast solver and to ngspice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.arrays import tile_config
from bitline.cli.study import Study
from bitline.core.executor import Record
from bitline.core.model_file import ModelFile
from bitline.core.seeds import stream
from circuits.converters import bit_planes
from circuits.tile import TileConfig
from crossbar.nodal import node_voltages
from crossbar.solve import solve
from nn.datasets import load as load_data
from nn.graph import Graph
from nn.graph_file import load as load_graph
from nn.placement import Layer
from nn.study import AccuracyTask
from spice.array import Cells, TransistorCells, currents, resistor_cells
from spice.characterise import Conditions
from spice.reram_read import ReadBench

Floats = np.ndarray[Any, np.dtype[np.float64]]

UNITS = {
    "g": "S",
    "v": "V",
    "fast": "A",
    "ngspice": "A",
    "error": "1",
    "drop": "V",
    "chip": "1",
    "tile": "1",
    "clipped": "1",
}


@dataclass(frozen=True, eq=False)
class _Context:
    graph: Graph
    layers: Sequence[Layer]
    images: Any
    cells: Cells
    limits: tuple[float, float]


@dataclass(frozen=True)
class LinearProducts:
    """Task: a block with linear cells; the error is that of the solver alone.

    Args:
        accuracy: the study's accuracy task, whose chips, arrays and images are taken.
        config: of its tiles.
        size: word and bit lines of a block, at most.
    """

    accuracy: AccuracyTask
    config: TileConfig
    size: int

    def prepare(self) -> _Context:
        """The network on its arrays, and what stands at the crossings of the netlists."""
        data = load_data(self.accuracy.data)
        graph = load_graph(self.accuracy.graph)
        program: Any = self.accuracy.target.compile(graph, data.train_x[: self.accuracy.calibration])
        cells, limits = self._cells()
        return _Context(graph, program.layers, data.test_x, cells, limits)

    def _cells(self) -> tuple[Cells, tuple[float, float]]:
        return resistor_cells, (0.0, np.inf)

    def run(self, context: _Context, index: int) -> Record:
        """Compare product number `index`.

        Returns:
            g (size, size), v (size,), currents fast and ngspice (size,), error = max |difference| / max |ngspice|,
            drop: what the wires take of each cell's read voltage (V, float32) on the whole tile with every word line
            driven, chip, tile (layer, row, column), and clipped: how many cells were drawn beyond what the cell reaches
            and were taken at its limit for both.
        """
        place = self._place(context, index)
        g, v = place.block(self.size)
        inside = np.clip(g, *context.limits)
        wires = self.config.wires
        fast = solve(inside, v, wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
        slow = currents(inside, v, wires, context.cells)
        return {
            "g": inside,
            "v": v,
            "fast": fast,
            "ngspice": slow,
            "error": float(np.max(np.abs(fast - slow)) / np.max(np.abs(slow))),
            "drop": self._drop(place.g),
            "chip": index,
            "tile": place.tile,
            "clipped": int(np.count_nonzero(inside != g)),
        }

    def _drop(self, g: Floats) -> np.ndarray[Any, np.dtype[np.float32]]:
        nodes = node_voltages(g, np.full(len(g), self.config.v_read), self.config.wires)
        return np.asarray(self.config.v_read - (nodes.word[0] - nodes.bit[0]), dtype=np.float32)

    def _place(self, context: _Context, index: int) -> _Place:
        """Chip `index`; its layers in turn; a tile, an image and a bit plane that drives something."""
        rng = stream(self.accuracy.target.seed, "trust", index)  # type: ignore[attr-defined] # of targets on arrays
        layer = context.layers[index % len(context.layers)]
        source = context.graph.node(layer.name).inputs[0]
        while True:
            number = int(rng.integers(len(layer.tiles)))
            image = int(rng.integers(len(context.images)))
            values = context.graph.run(context.images[image : image + 1])[source]
            planes = bit_planes(values[:, layer.tiles[number].rows], layer.input_bits)[:, 0]
            plane = planes[int(rng.integers(layer.input_bits))]
            if plane.sum() > 1:
                break
        array: Any = layer.programmed(number, self.accuracy.target.arrays, self.accuracy.target.seed, index)  # type: ignore[attr-defined]
        v = np.zeros(self.config.rows)
        v[: len(plane)] = plane * self.config.v_read
        place = layer.tiles[number].place
        return _Place(array.conductances, v, np.array([index % len(context.layers), *place]))


@dataclass(frozen=True)
class CellProducts(LinearProducts):
    """Task: the same with a transistor and a ReRAM device in every cell; the error is that of taking cells as linear.

    Args:
        conditions: technology, corner, temperature and supply of the transistors.
        device: the ReRAM device model.
    """

    conditions: Conditions
    device: str

    def _cells(self) -> tuple[Cells, tuple[float, float]]:
        bench = ReadBench(self.conditions, self.device, self.config.v_read)
        return TransistorCells(self.conditions, self.device, self.config.v_read), (bench.low, bench.high)


def product_tasks(study: Study, models: ModelFile, task: AccuracyTask) -> dict[str, LinearProducts]:
    """Both comparisons of a study, by name."""
    config = tile_config(study, models)
    conditions = Conditions(**study.conditions.model_dump(), seed=study.seed)
    return {
        "linear": LinearProducts(task, config, study.trust.size),
        "cells": CellProducts(task, config, study.trust.cells_size, conditions, study.reram.device),
    }


@dataclass(frozen=True, eq=False)
class _Place:
    """A programmed tile g[word_line, bit_line] (S), what drives it v[word_line] (V), and which one it is."""

    g: Floats
    v: Floats
    tile: np.ndarray[Any, np.dtype[np.int64]]

    def block(self, size: int) -> tuple[Floats, Floats]:
        """The `size` neighbouring word lines that are driven most, and the first `size` bit lines."""
        size = min(size, *self.g.shape)
        driven = np.convolve(self.v > 0, np.ones(size), mode="valid")
        start = int(np.argmax(driven))
        return self.g[start : start + size, :size], self.v[start : start + size]
