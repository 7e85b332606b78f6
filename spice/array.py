"""A tile as a netlist: the same products as `crossbar.tile`, every current from ngspice.

Cells are resistors, or 1T1R cells: a ReRAM device at a frozen state above a transistor of the technology's. What comes
after the bit lines is no circuit here but the converter's definition, `circuits.converters`, which both rungs share.
ngspice takes about 0.05 s for the first vector on 32 x 32 cells and 3 s on 64 x 64, a twentieth of that for each
further one, and a minute on 128 x 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, SIMULATED, Figure
from circuits.converters import bit_planes, quantise, shift_add
from circuits.crossbar import Cell, Floats, Wires, checked_conductances, checked_voltages, crossbar_netlist, resistors
from circuits.netlist import OPTIONS, Netlist
from circuits.programmed_tile import ProgrammedTile, TileFactory
from circuits.reram import instance, load_device, read_cell_subckt
from circuits.technology import load_technology
from circuits.tile import TileConfig
from spice.characterise import Conditions
from spice.engine import engine
from spice.reram_read import ReadBench

Ints = np.ndarray[Any, np.dtype[np.int64]]
Cells = Callable[[Floats], tuple[Cell, str]]
"""Conductances g[word_line, bit_line] (S) -> the cells that have them, and the lines those need."""

_TOGETHER = 64  # vectors a netlist; the same everywhere, so that no result depends on who runs it


def resistor_cells(g: Floats) -> tuple[Cell, str]:
    """Linear cells."""
    return resistors(g), ""


@dataclass(frozen=True)
class TransistorCells:
    """1T1R cells at frozen states, word line above, bit line below, all gates at the supply.

    Cell (i, j) is put in the state in which it alone, transistor included, carries g[i, j] * v_read at v_read.

    Args:
        conditions: technology, corner, temperature and supply.
        device: name of the ReRAM device model.
        v_read: V.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2

    def __call__(self, g: Floats) -> tuple[Cell, str]:
        """The cells; 0 S is an open one.

        Raises:
            ModelRangeError: a conductance that the cell cannot reach.
        """
        bench = ReadBench(self.conditions, self.device, self.v_read)
        device, technology = load_device(self.device), load_technology(self.conditions.technology)

        def cell(i: int, j: int, word: str, bit: str) -> str:
            if g[i, j] == 0:
                return ""
            return instance(device, f"cell{i}_{j}", word, bit, "gate", bench.state_for(float(g[i, j])))

        lines = [
            f"{OPTIONS} temp={self.conditions.temperature!r}",
            technology.cards(self.conditions.corner),
            read_cell_subckt(device, technology),
            f"vgate gate 0 dc {self.conditions.vdd!r}",
        ]
        return cell, "\n".join(lines)


@dataclass(frozen=True)
class Currents:
    """Currents (A) that ngspice found.

    Attributes:
        i: into the sense inputs, shape (batch, n).
        i_source: out of the word-line sources, shape (batch, m).
    """

    i: Floats
    i_source: Floats


def currents(g: Any, v: Any, wires: Wires, cells: Cells = resistor_cells) -> Floats:
    """Bit-line currents by ngspice: `crossbar.solve.solve`, rung below.

    Args:
        g: cell conductances (S), shape (m, n) = [word_line, bit_line]; 0 is an open cell.
        v: word-line voltages (V), shape (batch, m) or (m,).
        wires: resistances of the lines.
        cells: what stands at the crossings.

    Returns:
        The currents i (A), shape (batch, n), or (n,) for a single vector.

    Raises:
        ConfigError: g or v is no such array.
        ConvergenceError: ngspice found no solution.
    """
    g = checked_conductances(g)
    v = checked_voltages(v, g.shape[0])
    i = simulate(g, np.atleast_2d(v), wires, cells).i
    return i[0] if v.ndim == 1 else i


def simulate(g: Floats, v: Floats, wires: Wires, cells: Cells = resistor_cells) -> Currents:
    """All the currents of g[word_line, bit_line] (S) driven by v[batch, word_line] (V)."""
    m, n = g.shape
    i, i_source = np.empty((len(v), n)), np.empty((len(v), m))
    cell, extra = cells(g)
    ngspice = engine()
    for start in range(0, len(v), _TOGETHER):
        rows = slice(start, start + _TOGETHER)
        circuit = crossbar_netlist((m, n), wires, cell, v[rows], extra)
        ngspice.load(circuit)
        found = ngspice.run(circuit.analyses[0].removeprefix("."))
        i[rows] = np.stack([found[f"vbl{j}#branch"] for j in range(n)], axis=-1)
        i_source[rows] = -np.stack([found[f"bwl{k}#branch"] for k in range(m)], axis=-1)
    return Currents(i, i_source)


def netlist(g: Floats, v: Floats, wires: Wires, cells: Cells = resistor_cells) -> Netlist:
    """The netlist of g[word_line, bit_line] (S) driven by v[batch, word_line] or v[word_line] (V)."""
    cell, extra = cells(g)
    return crossbar_netlist((g.shape[0], g.shape[1]), wires, cell, v, extra)


class SpiceArray(ProgrammedTile):
    """A tile as an array whose currents come from ngspice.

    Programmed with the same weights and an equal generator it holds the same conductances and offsets as
    `crossbar.tile.CrossbarArray`.

    Args:
        config: the tile, without read noise: a netlist has none.
        cells: what stands at the crossings.

    Raises:
        ConfigError: the tile has read noise.
    """

    def __init__(self, config: TileConfig, cells: Cells = resistor_cells) -> None:
        if config.read_noise > 0:
            raise ConfigError(f"read_noise is {config.read_noise:g}; a netlist has none: compare with read_noise = 0")
        super().__init__(config)
        self.cells = cells

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:  # noqa: ARG002 - nothing is drawn in a read
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or a tile that is not programmed or has no range.
            ConvergenceError: ngspice found no solution.
        """
        config = self.config
        planes = bit_planes(config.checked_inputs(x, self.rows), config.input_bits)
        v = np.zeros((config.input_bits * len(x), config.rows))
        v[:, : self.rows] = planes.reshape(-1, self.rows) * config.v_read
        found = simulate(self.conductances, v, config.wires, self.cells)
        used = found.i[:, : 2 * self.cols]
        level = (used[:, 0::2] - used[:, 1::2]) / config.lsb(self.full_scale)
        codes, saturated = quantise(level + config.offset_codes(self._offsets, self.cols), config.adc_bits)
        counts = {"conversions": codes.size, "saturated": saturated, "drives": planes.size}
        energy = {"array": float(np.sum(v * found.i_source)) * config.t_read}
        added = shift_add(codes.reshape(config.input_bits, len(x), self.cols))
        return added - config.zero_codes(self._offsets, self.cols), Stats(len(x), counts, energy)

    def cost(self, stats: Stats) -> Cost:
        """The array's energy and latency; drivers and converters are not simulated, so not priced."""
        latency = self.config.input_bits * self.config.t_read
        return Cost(
            {"array": Figure(stats.energy.get("array", 0.0), "J", SIMULATED)},
            {"array": Figure(latency, "s", MODELLED)},
        )


def spice_factory(config: TileConfig, cells: Cells = resistor_cells) -> TileFactory:
    """Makes tiles as netlists, for whoever lays a network out on them; `config` is without read noise."""
    return TileFactory(config, partial(SpiceArray, cells=cells))
