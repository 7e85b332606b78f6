"""A crossbar from files and options: solved, or as a netlist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.array_files import Floats, naming, read_array, read_csv
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from bitline.core.suggest import suggestion
from bitline.core.units import parse_quantity
from circuits.crossbar import Wires, checked_conductances, checked_voltages, crossbar_netlist, resistors
from circuits.netlist import Netlist
from circuits.terminals import Ends, Terminals, reading
from crossbar.cells import SinhCells, fitted_cells, sinh_cells
from crossbar.lines import solve_apart
from crossbar.newton import solve_cells
from crossbar.nodes import Nodes, joined
from crossbar.one_transistor import OneTransistorCells, one_transistor_cells
from crossbar.solve import CONJUGATE, DIRECT, solution
from crossbar.table_cells import TableCells, shaped_cells, table_cells

Cells = SinhCells | TableCells | OneTransistorCells
_SIDES: Mapping[str, Ends] = {"first": "first", "last": "last", "both": "both"}


@dataclass(frozen=True)
class CellOptions:
    """What stands at the crossings and at the ends of the lines, as options say.

    Args:
        iv: a model file, `sinh:BEND`, or a CSV table; empty for resistors.
        transistor: a model file with `access.mos_iv`; empty without transistors.
        v_gate: gate voltage of all transistors.
        drive: ends of the word lines that are driven: first, last or both.
        sense: ends of the bit lines that are sensed.
    """

    iv: str = ""
    transistor: str = ""
    v_gate: str = ""
    drive: str = "first"
    sense: str = "last"

    @property
    def ends(self) -> tuple[Ends, Ends]:
        """The ends that are driven and sensed.

        Raises:
            ConfigError: one is no end.
        """
        for name, side in (("--drive", self.drive), ("--sense", self.sense)):
            if side not in _SIDES:
                raise ConfigError(f"{name} is {side!r}; an end is first, last or both{suggestion(side, _SIDES)}")
        return _SIDES[self.drive], _SIDES[self.sense]


@dataclass(frozen=True)
class Crossbar:
    """A crossbar and what drives it.

    Args:
        g: conductances (S), shape (m, n).
        v: word-line voltages (V), shape (batch, m) or (m,).
        wires: resistances of the lines.
        cells: what stands at the crossings; None for resistors.
        drive: ends of the word lines that are driven.
        sense: ends of the bit lines that are sensed, at 0 V.
    """

    g: Floats
    v: Floats
    wires: Wires
    cells: Cells | None
    drive: Ends
    sense: Ends

    @property
    def terminals(self) -> Terminals:
        """What holds the lines' ends."""
        return reading(self.v, self.g.shape[1], self.drive, self.sense)

    @property
    def usual(self) -> bool:
        """Whether it is linear cells in the usual read."""
        return self.cells is None and (self.drive, self.sense) == ("first", "last")

    def netlist(self) -> Netlist:
        """The same in ngspice."""
        if not self.v.size:
            raise ConfigError("v holds no vector; a netlist needs one at least")
        cell, extra = (resistors(self.g), "") if self.cells is None else self.cells.elements()
        usual_ends = (self.drive, self.sense) == ("first", "last")
        shape = (self.g.shape[0], self.g.shape[1])
        return crossbar_netlist(shape, self.wires, cell, self.v if usual_ends else self.terminals, extra)

    def solve(self, tolerance: float, threads: int, *, all_nodes: bool) -> Solved:
        """Currents, and all nodes where they are wanted.

        Raises:
            ConvergenceError: nonlinear cells that do not settle.
            ModelRangeError: a cell sees a voltage that its law was not fitted to.
        """
        if (self.usual and not all_nodes) or not self.v.size:
            found = solution(self.g, self.v, self.wires, tolerance, threads)
            return Solved(found.i, found.bound, found.relative, found.method, None, None)
        nodes = self._nodes(tolerance, threads, _all if all_nodes else _ends_only)
        linear = DIRECT if nodes.direct else CONJUGATE
        method = linear if self.cells is None else "Newton's method on the lines"
        i = nodes.i_bl_first + nodes.i_bl_last
        largest = np.maximum(np.abs(nodes.i_bl_first), np.abs(nodes.i_bl_last)).max(axis=1)
        relative = float(np.max(nodes.bound[largest > 0] / largest[largest > 0], initial=0.0))
        return Solved(i, nodes.bound, relative, method, nodes.iterations, nodes if all_nodes else None)

    def _nodes(self, tolerance: float, threads: int, kept: Callable[[Nodes], Nodes]) -> Nodes:
        """All vectors' solutions, of each what is to be kept."""
        cells, terminals = self.cells, self.terminals
        if cells is None:
            return joined([kept(one) for one in solve_apart(self.g, self.wires, terminals, tolerance, threads)])

        def one(k: int) -> Nodes:
            return kept(solve_cells(cells, self.wires, terminals.vector(k), tolerance))

        with ThreadPoolExecutor(threads) as pool:
            return joined(list(pool.map(one, range(terminals.batch))))


def _all(nodes: Nodes) -> Nodes:
    return nodes


def _ends_only(nodes: Nodes) -> Nodes:
    """Without the voltages, which are as large as the array for every vector."""
    none = np.empty((len(nodes.bound), 0, 0))
    return replace(nodes, word=none, bit=none)


@dataclass(frozen=True)
class Solved:
    """Currents and how far they are right.

    Attributes:
        i: into the sense inputs (A), the sum of both ends where both are sensed, shape (batch, n).
        bound: on the summed error of each vector's currents (A), shape (batch,), rounding included.
        relative: the largest bound over the largest current of its own vector.
        method: how they were found.
        iterations: of the slowest vector; None where the method does not count them, 0 for a direct solution.
        nodes: all voltages; None where they are not wanted.
    """

    i: Floats
    bound: Floats
    relative: float
    method: str
    iterations: int | None
    nodes: Nodes | None


def read_crossbar(g: Path, v: Path, wires: Wires, options: CellOptions) -> Crossbar:
    """The crossbar that files and options describe.

    Raises:
        ConfigError: a file or an option is wrong; names it.
        ModelRangeError: cells that a model does not cover.
    """
    drive, sense = options.ends
    found = read_conductances(g)
    volts = read_array(v, "V")
    with naming(v):
        volts = checked_voltages(volts, len(found))
    return Crossbar(found, volts, wires, cells_of(found, options), drive, sense)


def read_conductances(g: Path) -> Floats:
    """Conductances (S), shape (m, n), from a file.

    Raises:
        ConfigError: it holds none; names it.
    """
    found = read_array(g, "S")
    with naming(g):
        return checked_conductances(found)


def cells_of(g: Floats, options: CellOptions) -> Cells | None:
    """What stands at the crossings of g[word_line, bit_line] (S); None for resistors.

    Raises:
        ConfigError: an option is wrong; names it.
        ModelRangeError: cells that a model does not cover.
    """
    if not options.transistor:
        if options.v_gate:
            raise ConfigError("--v-gate without --transistor: give the model file of the transistors as well")
        return _bent(g, options.iv, "reram.read_iv") if options.iv else None
    if not options.v_gate:
        raise ConfigError("--transistor needs --v-gate, the voltage of all gates, as 1.8")
    device = _bent(g, options.iv, "reram.device_iv") if options.iv else sinh_cells(g, 0.0)
    if not isinstance(device, SinhCells):
        raise ConfigError(f"--iv {options.iv}: a device above a transistor is linear, sinh:BEND or a model file's")
    mos = ModelFile.load(Path(options.transistor))["access.mos_iv"]
    return one_transistor_cells(device, mos, parse_quantity(options.v_gate, "V"))


def _bent(g: Floats, iv: str, model: str) -> SinhCells | TableCells:
    kind, _, bend = iv.partition(":")
    if kind == "sinh":
        return sinh_cells(g, parse_quantity(bend))
    path = Path(iv)
    if path.suffix == ".json":
        return fitted_cells(g, ModelFile.load(path)[model])
    if path.suffix == ".csv":
        with naming(path):
            return _table(g, path)
    raise ConfigError(f"--iv {iv}: an I-V is sinh:BEND (1/V), a model file (.json) or a table (.csv)")


def _table(g: Floats, path: Path) -> TableCells:
    """A column of volts and one of amperes, or several, each headed by the conductance of its cell (S)."""
    headings, table = read_csv(path, header=True)
    if table.shape[1] < 2 or len(headings) != table.shape[1]:
        raise ConfigError("a table has a line of headings, a column of volts and one or more of amperes")
    if table.shape[1] == 2:
        return shaped_cells(g, table[:, 0], table[:, 1])
    conductances: list[Any] = [parse_quantity(heading, "S") for heading in headings[1:]]
    return table_cells(g, table[:, 0], table[:, 1:].T, conductances)
