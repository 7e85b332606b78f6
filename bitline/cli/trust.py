"""Products of a study's own arrays, simulated again by ngspice: rung 2 of the ladder of trust.

Both tasks take a chip that the study samples, one of its tiles as programmed, and a bit plane of a test image as it
reaches that tile. They cut a block out of it (ngspice takes a minute for a product of 128 x 128 cells) and give that
block, wires included, to the fast solver and to ngspice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.arrays import tile_config
from bitline.cli.cim_trust import UNITS as COLUMN_UNITS
from bitline.cli.cim_trust import column_products
from bitline.cli.drive import Laid, bits, driven_array
from bitline.cli.study import Study
from bitline.cli.voltage_mode import UNITS as VOLTAGE_UNITS
from bitline.cli.voltage_mode import voltage_products
from bitline.core.executor import Record, Task
from bitline.core.model_file import FittedModel, ModelFile
from circuits.crossbar import Wires
from circuits.terminals import reading
from circuits.tile import TileConfig
from crossbar.adjoint import Readout
from crossbar.cells import fitted_cells
from crossbar.lines import solve_lines
from crossbar.newton import solve_cells
from crossbar.power import read_power
from crossbar.solve import effective_matrix, solve
from crossbar.spread import spread_error
from nn.study import AccuracyTask
from spice.array import Cells, TransistorCells, resistor_cells, simulate
from spice.characterise import Conditions
from spice.reram_read import ReadBench

Floats = np.ndarray[Any, np.dtype[np.float64]]

UNITS = {
    **COLUMN_UNITS,
    **VOLTAGE_UNITS,
    "g": "S",
    "v": "V",
    "fast": "A",
    "ngspice": "A",
    "power_error": "1",
    "tile_error": "1",
    "noise_error": "1",
    "drop": "V",
    "at_limit": "1",
}


@dataclass(frozen=True, eq=False)
class _Context:
    laid: Laid
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
        return _Context(Laid.of(self.accuracy), *self._cells())

    def _cells(self) -> tuple[Cells, tuple[float, float]]:
        return resistor_cells, (0.0, np.inf)

    def run(self, context: _Context, index: int) -> Record:
        """Compare product number `index`.

        Returns:
            g (size, size), v (size,), currents fast and ngspice (size,), error = max |difference| / max |ngspice|,
            power_error: of the power that the tile's energy is computed from, relative, noise_error: of the spread of
            the whole tile's channels by read noise, over their rms spread, against exact solutions, drop: what the
            wires take of each cell's read voltage (V, float32) on the whole tile with every word line driven, chip,
            tile (layer, row, column), and at_limit: the share of the tile's cells that were drawn beyond what a cell
            reaches.
        """
        place = self._place(context, index)
        g, v = place.block(self.size)
        inside = np.clip(g, *context.limits)  # a reach that went through a file may differ in its last bit
        wires = self.config.wires
        fast = solve(inside, v, wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
        slow = simulate(inside, v[None], wires, context.cells)
        truth, power = slow.i[0], float(np.sum(v * slow.i_source[0]))
        low, high = self.config.g_reach
        return {
            "g": inside,
            "v": v,
            "fast": fast,
            "ngspice": truth,
            "error": float(np.max(np.abs(fast - truth)) / np.max(np.abs(truth))),
            "power_error": _power(inside, v, wires) / power - 1,
            "drop": self._drop(place.g),
            "chip": index,
            "tile": place.tile,
            "at_limit": float(np.mean((place.g <= low) | (place.g >= high))),
            **self._whole(place),
        }

    def _whole(self, place: _Place) -> Record:
        config, rng = self.config, np.random.default_rng(place.draw)
        if config.read_noise == 0:
            return {"noise_error": 0.0}
        wires, sigma = config.wires, config.read_noise
        return {"noise_error": spread_error(place.g, place.v, wires, sigma, place.readout, rng, config.noise_way)}

    def _drop(self, g: Floats) -> np.ndarray[Any, np.dtype[np.float32]]:
        driven = reading(np.full(len(g), self.config.v_read), g.shape[1])
        nodes = solve_lines(g, self.config.wires, driven)
        return np.asarray(self.config.v_read - (nodes.word[0] - nodes.bit[0]), dtype=np.float32)

    def _place(self, context: _Context, index: int) -> _Place:
        """Chip `index`; its layers in turn; a tile, an image and a bit plane that drives something."""
        found, array, rng = driven_array(self.accuracy, context.laid, bits, index)
        v = np.zeros(self.config.rows)
        v[: len(found.plane)] = found.plane * self.config.v_read
        tile = np.array([index % len(context.laid.layers), *found.tile])
        return _Place(array.conductances, v, tile, int(rng.integers(2**31)), array.readout)


def _power(g: Floats, v: Floats, wires: Wires) -> float:
    """Power (W) out of the sources of g[word_line, bit_line] (S) at v[word_line] (V), as the tile's energy takes it."""
    model = read_power(effective_matrix(g, wires), wires, np.arange(len(g)))
    return model.of(v**2, float(np.sum((v @ model.pairs) ** 2)))[0]


@dataclass(frozen=True)
class CellProducts(LinearProducts):
    """Task: the same with a transistor and a ReRAM device in every cell; the error is that of taking cells as linear.

    Args:
        conditions: technology, corner, temperature and supply of the transistors.
        device: the ReRAM device model.
        read_iv: its cell's fitted I-V, i(v, g).
    """

    conditions: Conditions
    device: str

    read_iv: FittedModel

    def _cells(self) -> tuple[Cells, tuple[float, float]]:
        bench = ReadBench(self.conditions, self.device, self.config.v_read)
        return TransistorCells(self.conditions, self.device, self.config.v_read), (bench.low, bench.high)

    def _whole(self, place: _Place) -> Record:
        """tile_error: of the whole tile's linear currents against cells with the fitted I-V; modelled, not simulated.

        What bends a cell's I-V is the voltage that wires take, and a block of a tile has little of that.
        """
        wires = self.config.wires
        linear = solve(place.g, place.v, wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
        bent = solve_cells(fitted_cells(place.g, self.read_iv), wires, reading(place.v, place.g.shape[1])).i_bl_last[0]
        return {"tile_error": float(np.max(np.abs(linear - bent)) / np.max(np.abs(bent)))}


def product_tasks(study: Study, models: ModelFile, task: AccuracyTask) -> dict[str, Task]:
    """The comparisons of a study, by name."""
    if study.target == "sram-cim":
        return {"columns": column_products(study, models, task)}
    if study.array.sensing == "voltage":
        return {"voltages": voltage_products(study, models, task)}
    config = tile_config(study, models)
    conditions = Conditions(**study.conditions.model_dump(), seed=study.seed)
    return {
        "linear": LinearProducts(task, config, study.trust.size),
        "cells": CellProducts(
            task, config, study.trust.cells_size, conditions, study.reram.device, models["reram.read_iv"]
        ),
    }


@dataclass(frozen=True, eq=False)
class _Place:
    """A programmed tile g[word_line, bit_line] (S), its drive v[word_line] (V), which one it is, a draw, its lines."""

    g: Floats
    v: Floats
    tile: np.ndarray[Any, np.dtype[np.int64]]
    draw: int
    readout: Readout

    def block(self, size: int) -> tuple[Floats, Floats]:
        """The `size` neighbouring word lines that are driven most, and as many bit lines from anywhere."""
        size = min(size, *self.g.shape)
        driven = np.convolve(self.v > 0, np.ones(size), mode="valid")
        row, col = int(np.argmax(driven)), self.draw % (self.g.shape[1] - size + 1)
        return self.g[row : row + size, col : col + size], self.v[row : row + size]
