"""An array read by voltage as a netlist: floating bit lines, every voltage from ngspice."""

from __future__ import annotations

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.figures import MODELLED, Figure
from circuits.crossbar import Wires, crossbar_netlist
from circuits.terminals import floating
from circuits.voltage_mode import Floats, Ints, VoltageModeConfig
from circuits.voltage_mode_array import VoltageModeArray
from spice.array import Cells, resistor_cells
from spice.engine import engine


def line_voltages(g: Floats, v: Floats, wires: Wires, cells: Cells = resistor_cells) -> Floats:
    """Voltages (V) of floating bit lines' last nodes by ngspice, shape (batch, n).

    Args:
        g: cell conductances (S), shape (m, n).
        v: word-line voltages (V), shape (batch, m).
        wires: resistances of the lines.
        cells: what stands at the crossings.

    Raises:
        ConvergenceError: ngspice found no solution.
    """
    (m, n), (cell, extra) = g.shape, cells(g)
    circuit = crossbar_netlist((m, n), wires, cell, floating(v, n), extra)
    ngspice = engine()
    ngspice.load(circuit)
    found = ngspice.run(circuit.analyses[0].removeprefix("."))
    last = [f"b{m - 1}_{j}" if wires.r_wire_bl > 0 else f"b{j}" for j in range(n)]
    return np.stack([found[name] for name in last], axis=-1)[: len(v)]


class SpiceVoltageArray(VoltageModeArray):
    """An array read by voltage whose settled voltages come from ngspice; without noise, which a netlist has none of.

    Programmed with the same weights and an equal generator it holds what `crossbar.voltage_mode.VoltageCrossbar` does.

    Args:
        config: the array.
        cells: what stands at the crossings.
    """

    def __init__(self, config: VoltageModeConfig, cells: Cells = resistor_cells) -> None:
        super().__init__(config)
        self.cells = cells

    def line_voltages(self, v: Floats) -> Floats:
        """Settled voltages (V) at the bit lines' ends, shape (batch, cols), with word lines at v[batch, 2 rows] (V)."""
        return line_voltages(self.conductances, v, self.config.wires, self.cells)

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:  # noqa: ARG002 - nothing is drawn in a read
        """Multiply unsigned x[batch, rows]; outputs[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or an array that is not programmed or has no range.
            ConvergenceError: ngspice found no solution.
        """
        return self.defined(x)

    def cost(self, stats: Stats) -> Cost:
        """The cells' energy and latency; drivers and converters are not simulated, so not priced."""
        latency = self.config.samples * self.config.t_read
        return Cost(
            {"cells": Figure(stats.energy.get("cells", 0.0), "J", MODELLED, "with bit lines at 0 V: at most this")},
            {"array": Figure(latency, "s", MODELLED)},
        )
