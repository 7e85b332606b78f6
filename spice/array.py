"""A tile as a netlist: the same products as `crossbar.tile`, every current from ngspice.

Cells are resistors, or 1T1R cells: a ReRAM device at a frozen state above a transistor of the technology's. What comes
after the bit lines is no circuit here but the converter's definition, `circuits.converters`, which both rungs share.
What ngspice takes is `netlist_seconds`; a minute for one vector on 128 x 128 cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, SIMULATED, Figure
from circuits.crossbar import Cell, Floats, Wires, checked_conductances, checked_voltages, crossbar_netlist, resistors
from circuits.netlist import OPTIONS, Netlist
from circuits.programmed_tile import ProgrammedTile
from circuits.reram import instance, load_device, read_cell_subckt
from circuits.technology import load_technology
from circuits.terminals import Terminals, reading
from circuits.tile import TileConfig
from spice.characterise import Conditions
from spice.engine import engine
from spice.reram_read import ReadBench

Ints = np.ndarray[Any, np.dtype[np.int64]]
Cells = Callable[[Floats], tuple[Cell, str]]
"""Conductances g[word_line, bit_line] (S) -> the cells that have them, and the lines those need."""

TOGETHER = 64  # vectors a netlist; the same everywhere, so that no result depends on who runs it
_CELLS = (256, 1024, 2304, 4096)  # of netlists with wires whose time was measured on one core,
_FIRST = (0.02, 0.08, 0.45, 3.0)  # s for the first vector,
_FURTHER = (3e-4, 7e-3, 5e-2, 0.2)  # s for each further one


def netlist_seconds(cells: int, vectors: int) -> float:
    """What ngspice takes (s) for a netlist of linear cells with wires on one core; within a factor of some two.

    A line through measured times in logarithms; steeper than the cells, for the matrix fills up as it is factorised.
    """
    first, further = (
        float(np.exp(np.interp(np.log(cells), np.log(_CELLS), np.log(times)))) for times in (_FIRST, _FURTHER)
    )
    return first + further * (vectors - 1)


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
    """Currents (A) that ngspice found, 0 at open ends.

    Attributes:
        i: into what holds the bit lines' last ends: the sense inputs, shape (batch, n).
        i_source: out of what holds the word lines' first ends: the sources, shape (batch, m).
        i_wl_last: the same of their last ends, shape (batch, m).
        i_bl_first: into what holds the bit lines' first ends, shape (batch, n).
    """

    i: Floats
    i_source: Floats
    i_wl_last: Floats
    i_bl_first: Floats


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


def simulate(g: Floats, v: Floats | Terminals, wires: Wires, cells: Cells = resistor_cells) -> Currents:
    """All the currents of g[word_line, bit_line] (S) between terminals, or driven by v[batch, word_line] (V)."""
    m, n = g.shape
    ends = v if isinstance(v, Terminals) else reading(v, n)
    cell, extra = cells(g)
    parts = []
    for start in range(0, ends.batch, TOGETHER):
        some = ends.rows(slice(start, start + TOGETHER))
        parts.append(_currents(crossbar_netlist((m, n), wires, cell, some, extra), some))
    if not parts:
        return Currents(np.empty((0, n)), np.empty((0, m)), np.empty((0, m)), np.empty((0, n)))
    return Currents(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _currents(circuit: Netlist, ends: Terminals) -> tuple[Floats, Floats, Floats, Floats]:
    """In the order of `Currents`."""
    ngspice = engine()
    ngspice.load(circuit)
    found = ngspice.run(circuit.analyses[0].removeprefix("."))

    def through(source: str, volts: Floats) -> Floats:
        none = np.zeros(len(volts))
        held = ~np.isnan(volts[0])
        return np.stack([found[f"{source}{k}#branch"] if one else none for k, one in enumerate(held)], axis=-1)

    return (
        through("vbl", ends.bl_last),
        -through("bwl", ends.wl_first),
        -through("bwr", ends.wl_last),
        through("vbt", ends.bl_first),
    )


def netlist(g: Floats, v: Floats | Terminals, wires: Wires, cells: Cells = resistor_cells) -> Netlist:
    """The netlist of g[word_line, bit_line] (S) between terminals, or driven by v[batch, word_line] or v[word_line]."""
    cell, extra = cells(g)
    return crossbar_netlist((g.shape[0], g.shape[1]), wires, cell, v, extra)


class SpiceArray(ProgrammedTile):
    """A tile as an array whose currents come from ngspice.

    Programmed with the same weights and an equal generator it holds the same conductances and offsets as
    `crossbar.tile.CrossbarArray`.

    Args:
        config: the tile, without read noise: a netlist has none.
        cells: what stands at the crossings.
        observe: called by `mvm` with word-line voltages (V) and the bit-line currents (A) found, (batch, lines) each.

    Raises:
        ConfigError: the tile has noise of any kind, or settles.
    """

    def __init__(
        self,
        config: TileConfig,
        cells: Cells = resistor_cells,
        observe: Callable[[Floats, Floats], None] | None = None,
    ) -> None:
        if config.read_noise > 0:
            raise ConfigError(f"read_noise is {config.read_noise:g}; a netlist has none: compare with read_noise = 0")
        if config.adc.noise > 0:
            raise ConfigError(f"adc.noise is {config.adc.noise:g} V; a netlist has none: compare with adc.noise = 0")
        for name in ("telegraph", "timing"):
            if getattr(config, name) is not None:
                raise ConfigError(f"the tile has {name}; a netlist is of settled cells: compare with {name} = None")
        super().__init__(config)
        self.cells = cells
        self.observe = observe

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:  # noqa: ARG002 - nothing is drawn in a read
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or a tile that is not programmed or has no range.
            ConvergenceError: ngspice found no solution.
        """
        config = self.config
        v = self._drives(x) * (config.v_read / config.dac.largest)
        flat = v.reshape(-1, config.rows)
        found = simulate(self.conductances, flat, config.wires, self.cells)
        if self.observe is not None:
            self.observe(flat, found.i)
        codes, saturated = self._converted(found.i.reshape(*v.shape[:2], config.cols))
        channels = config.layout.channels(self.cols)
        drives = config.planes * len(x)
        counts = {"conversions": drives * channels, "saturated": saturated, "drives": drives * self.rows}
        energy = {"array": float(np.sum(flat * found.i_source)) * config.t_read}
        return codes, Stats(len(x), counts, energy)

    def line_currents(self, v: Floats) -> Floats:
        """Bit-line currents (A), shape (batch, config.cols), with word lines at v[batch, row] (V)."""
        return simulate(self.conductances, v, self.config.wires, self.cells).i

    def cost(self, stats: Stats) -> Cost:
        """The array's energy and latency; drivers and converters are not simulated, so not priced."""
        latency = self.config.planes * self.config.t_read
        return Cost(
            {"array": Figure(stats.energy.get("array", 0.0), "J", SIMULATED)},
            {"array": Figure(latency, "s", MODELLED)},
        )
