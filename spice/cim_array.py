"""Computing SRAM columns as a netlist with every transistor: the rung below `crossbar.sram_cim`.

Programmed with the same weights and an equal generator it holds the same cells, whose shifts are set on their
transistors. What comes after the bit lines is the converter's definition, `circuits.cim`, which both rungs share.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, SIMULATED, Figure
from circuits.cim import CimConfig, Floats, Ints
from circuits.cim_column import Rows, whole_column
from circuits.netlist import Netlist
from circuits.programmed_cim import ProgrammedCim
from spice.cim_bench import CimSetting
from spice.engine import engine


class SpiceCimArray(ProgrammedCim):
    """An array of computing columns whose bit lines come from ngspice, a transient for each input and digit.

    Args:
        config: the array, without noise: a netlist has none. Its column is that of `setting`.
        setting: conditions and design, with as many cells as the array has rows; its variation is "vth".

    Raises:
        ConfigError: noise, or another number of rows, or shifts that a netlist of shared cards cannot take.
    """

    def __init__(self, config: CimConfig, setting: CimSetting) -> None:
        if config.noise:
            raise ConfigError("noise is on; a netlist has none: compare with noise = False")
        if config.rows != setting.design.cells:
            raise ConfigError(f"the array has {config.rows} rows, and the columns' design {setting.design.cells} cells")
        if config.column.log_current is not None and setting.variation != "vth":
            raise ConfigError(f"variation = {setting.variation!r}: the netlist of a whole array takes thresholds alone")
        super().__init__(config)
        self.setting = setting

    def voltages(self, x: Ints) -> Floats:
        """Bit lines (V), shape (digits, batch, bit lines), at inputs x[batch, rows].

        Raises:
            ConfigError: inputs that do not fit, or an array that is not programmed or has no range.
            SimulationError: ngspice failed.
        """
        planes = self.config.planes(self.config.checked_inputs(x, self.rows))
        found = np.empty((*planes.shape[:2], self.bits.shape[1]))
        for place in np.ndindex(*planes.shape[:2]):
            found[place] = self._product(planes[place])
        return found

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:  # noqa: ARG002 - nothing is drawn in a read
        """Multiply unsigned x[batch, rows]; codes[batch, cols] and what it took; see `voltages`."""
        volts = self.voltages(x)
        codes, saturated = self.converted(volts)
        charge = self.config.column.capacitance * float(np.sum(self.config.vdd - volts))
        counts = {"conversions": volts.size, "saturated": saturated}
        return codes, Stats(len(x), counts, {"array": self.config.vdd * charge})

    def cost(self, stats: Stats) -> Cost:
        """The bit lines' energy at their simulated voltages, and the time of the pulses."""
        longest = self.unit * (2**self.config.dac_bits - 1) + self.config.t_precharge
        return Cost(
            {"array": Figure(stats.energy.get("array", 0.0), "J", SIMULATED)},
            {"array": Figure(self.config.digits * longest, "s", MODELLED)},
        )

    def netlist(self, digits: Ints) -> Netlist:
        """The array at one digit of each row; rows beyond those in use hold 0 and stay off."""
        edges = float(self.config.column.lost.parameters["coefficients"][0])
        widths = [float(d) * self.unit - edges if d else 0.0 for d in digits]
        spare = [Rows(0, 0.0)] * (self.config.rows - len(widths))
        columns = [
            [Rows(int(bit), width) for bit, width in zip(self.bits[:, j], widths, strict=True)] + spare
            for j in range(self.bits.shape[1])
        ]
        return whole_column(*self.setting.at, self.setting.design, columns)

    def _product(self, digits: Ints) -> Any:
        if not np.any(digits):
            return np.full(self.bits.shape[1], self.config.vdd)
        netlist, ngspice = self.netlist(digits), engine()
        ngspice.load(netlist)
        if self.config.column.log_current is not None:
            shifts = self.scores * np.asarray(self.config.column.sigma)
            for i, j in np.ndindex(*self.bits.shape):
                names = self.setting.design.shifted(f"{i}_{j}")
                for name, shift in zip(names, shifts[i, j], strict=True):
                    ngspice.alter(name, "delvto", float(shift))
        found = ngspice.run(netlist.analyses[0].removeprefix("."))
        return [found[f"bl{j}"][-1] for j in range(self.bits.shape[1])]
