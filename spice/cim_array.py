"""Computing SRAM columns as a netlist with every transistor: the rung below `crossbar.sram_cim`.

Programmed with the same weights and an equal generator it holds the same cells, whose shifts are set on their
transistors. What comes after the bit lines is the converter's definition, `circuits.cim`, which both rungs share.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

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
from spice.mismatch import Variation, shifts


class SpiceCimArray(ProgrammedCim):
    """An array of computing columns whose bit lines come from ngspice, a transient for each input and digit.

    Args:
        config: the array, without noise: a netlist has none. Its column is that of `setting`.
        setting: conditions and design, with as many cells as the array has rows, and the variation of its column.

    Raises:
        ConfigError: noise, or another number of rows, or a column of another variation.
    """

    def __init__(self, config: CimConfig, setting: CimSetting) -> None:
        if config.noise:
            raise ConfigError("noise is on; a netlist has none: compare with noise = False")
        if config.rows != setting.design.cells:
            raise ConfigError(f"the array has {config.rows} rows, and the columns' design {setting.design.cells} cells")
        kind = setting.variation if config.column.log_current is not None else "none"
        self._at = setting.at
        variation = Variation.of(self._at[0], setting.conditions.corner, setting.design.roles, kind)
        if kind != "none" and len(variation.variables) != len(config.column.sigma):
            raise ConfigError(f"variation = {kind!r}, and the array's column was characterised with another")
        super().__init__(config)
        self.setting, self._variation = setting, variation

    def voltages(self, x: Ints) -> Floats:
        """Bit lines (V), shape (digits, batch, bit lines), at inputs x[batch, rows].

        Raises:
            ConfigError: inputs that do not fit, or an array that is not programmed or has no range.
            SimulationError: ngspice failed.
        """
        planes = self.config.planes(self.config.checked_inputs(x, self.rows))
        found = np.empty((*planes.shape[:2], self.bits.shape[1]))
        for place in np.ndindex(*planes.shape[:2]):
            found[place] = self.bit_lines(planes[place])
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

    def take(self, other: ProgrammedCim, lines: slice) -> None:
        """Hold some bit lines of another array, with their cells and its range."""
        self.bits, self.scores, self.offsets = other.bits[:, lines], other.scores[:, lines], other.offsets[lines]
        self.rows = len(self.bits)
        self.set_range(other.count)

    def netlist(self, digits: Ints) -> Netlist:
        """The array at one digit of each row; rows beyond those in use hold 0 and stay off."""
        edges = float(self.config.column.lost.parameters["coefficients"][0])
        widths = [float(d) * self.unit - edges if d else 0.0 for d in digits]
        spare = [Rows(0, 0.0)] * (self.config.rows - len(widths))
        columns = [
            [Rows(int(bit), width) for bit, width in zip(self.bits[:, j], widths, strict=True)] + spare
            for j in range(self.bits.shape[1])
        ]
        made = whole_column(*self._at, self.setting.design, columns)
        return self._variation.netlist(made, within={"cell"} if self.setting.design.cell == "6t" else None)

    def bit_lines(self, digits: Ints) -> Floats:
        """Bit lines (V) after one digit[row] of each input.

        Raises:
            SimulationError: ngspice failed.
        """
        if not np.any(digits):
            return np.full(self.bits.shape[1], self.config.vdd)
        netlist, ngspice = self.netlist(digits), engine()
        ngspice.load(netlist)
        if known := self._variation.variables:
            scaled = [replace(each, sigma=sigma) for each, sigma in zip(known, self.config.column.sigma, strict=True)]
            for i, j in np.ndindex(*self.bits.shape):
                place = partial(self.setting.design.instance, place=f"{i}_{j}")
                self._variation.apply(ngspice, shifts(scaled, self.scores[i, j]), place)
        found = ngspice.run(netlist.analyses[0].removeprefix("."))
        return np.array([found[f"bl{j}"][-1] for j in range(self.bits.shape[1])])
