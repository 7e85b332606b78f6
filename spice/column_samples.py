"""What bit errors are made of, simulated at several supplies: read currents, amplifiers' offsets, nominal swings.

A sample is one cell and one amplifier; it keeps its threshold shifts at every supply. Supplies run from `lowest` times
the conditions' vdd up to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits import cells
from circuits.column import ColumnDesign
from circuits.netlist import Netlist
from circuits.sense_amp import TRANSISTORS, SenseBench
from circuits.technology import Device, load_technology
from spice.characterise import Conditions
from spice.column_cycles import Column, ColumnSetting
from spice.engine import engine
from spice.latch import Latch
from spice.latch import netlist as latch_netlist
from spice.mismatch import apply_vth, draw_vth

STAGE = "bit_errors.mismatch"
UNITS: dict[str, str] = {
    **dict.fromkeys(
        ("vdd", "swing", "cell_vth", "amplifier_vth", "offset", "swing_setting", "cell_sigma", "amplifier_sigma"), "V"
    ),
    **dict.fromkeys(("read_current", "read_current_left", "read_current_right"), "A"),
    **dict.fromkeys(("swing_time", "sensing_time"), "s"),
}
Floats = np.ndarray[Any, np.dtype[np.float64]]

_POINTS = 301  # of a swing's curve
_LATE = 12.0  # sensing times that a curve covers, about
_SOURCES = ("vdd", "vwl", "vbl", "vblb")
_SILENT = 1e-12  # A: less is no read, the cell has lost its 0


@dataclass(frozen=True)
class SampleSetting:
    """Conditions, design and supplies.

    Args:
        conditions: technology, corner, temperature, highest supply and seed.
        design: of the column.
        swing: that the nominal sensing time is stated for, V.
        lowest: supply, in highest ones.
        supplies: how many.
        bench: of the amplifier, its common mode in particular.
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: ColumnDesign = field(default_factory=lambda: ColumnDesign(ways=1))
    swing: float = 0.2
    lowest: float = 0.7
    supplies: int = 4
    bench: SenseBench = field(default_factory=SenseBench)

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= 1 or self.supplies < 1:
            raise ConfigError(
                f"bit errors: lowest = {self.lowest}, supplies = {self.supplies}; the lowest supply is a share of the "
                "highest, above 0 and up to 1, and there is at least one"
            )

    def at(self) -> list[Conditions]:
        """The conditions at each supply, rising."""
        low = self.lowest if self.supplies > 1 else 1.0
        shares = np.linspace(low, 1.0, self.supplies)
        return [replace(self.conditions, vdd=float(share * self.conditions.vdd)) for share in shares]


@dataclass(frozen=True)
class ColumnSamplesNominal:
    """Task: the nominal column and cell at every supply; one sample, index 0.

    Args:
        setting: conditions, design and supplies.
    """

    setting: SampleSetting = field(default_factory=SampleSetting)

    def prepare(self) -> Cells:
        """The cell's benches."""
        return Cells(self.setting.conditions)

    def run(self, context: Cells, index: int) -> Record:
        """`vdd`, `read_current` (supplies,), `swing_time`, `swing` (supplies, points), sensing time at vdd, sigmas."""
        del index
        curves = []
        for conditions in self.setting.at():
            column = Column(ColumnSetting(conditions, self.setting.design, self.setting.swing))
            sensing = column.pace.sensing
            time, apart = column.develop(0, _LATE * sensing)
            grid = np.linspace(0.0, float(time[-1]), _POINTS)
            curves.append((grid, np.interp(grid, time, apart)))
        times, swings = zip(*curves, strict=True)
        technology = load_technology(self.setting.conditions.technology)
        supplies = [conditions.vdd for conditions in self.setting.at()]
        left, _ = context.currents(dict.fromkeys(cells.DEVICES, 0.0), supplies)
        return {
            "vdd": np.array(supplies),
            "read_current": left,
            "swing_time": np.stack(times),
            "swing": np.stack(swings),
            "sensing_time": sensing,
            "swing_setting": self.setting.swing,
            "cell_sigma": np.array([device.sigma("vth") for device in context.devices.values()]),
            "amplifier_sigma": np.array([technology.device(role).sigma("vth") for role in TRANSISTORS.values()]),
        }


@dataclass(frozen=True)
class ColumnSamples:
    """Task: cells and amplifiers with drawn thresholds, each at every supply.

    The record holds `cell_vth` (6,), `amplifier_vth` (9,), and `read_current_left`, `read_current_right` and `offset`,
    each of shape (supplies,).

    Args:
        setting: conditions, with the study's seed, design and supplies.
    """

    setting: SampleSetting = field(default_factory=SampleSetting)

    def prepare(self) -> tuple[Cells, list[tuple[Latch, float]]]:
        """The cell's benches, and the amplifier at each supply with its nominal offset."""
        latches = [Latch(conditions, self.setting.bench) for conditions in self.setting.at()]
        found = []
        for latch in latches:
            latch.load()
            found.append((latch, latch.offset()))
        return Cells(self.setting.conditions), found

    def run(self, context: tuple[Cells, list[tuple[Latch, float]]], index: int) -> Record:
        """Draw cell and amplifier `index` and measure them."""
        own, latches = context
        rng = stream(self.setting.conditions.seed, STAGE, index)
        shifts, amplifier = draw_vth(own.devices, rng), draw_vth(latches[0][0].devices, rng)
        left, right = own.currents(shifts, [latch.vdd for latch, _ in latches])
        offsets = []
        for latch, nominal in latches:
            latch.set_vth(amplifier)
            offsets.append(latch.offset(nominal))
        return {
            "cell_vth": np.array(list(shifts.values())),
            "amplifier_vth": np.array(list(amplifier.values())),
            "read_current_left": left,
            "read_current_right": right,
            "offset": np.array(offsets),
        }


class Cells:
    """The closed cell, storing either value.

    Args:
        conditions: technology, corner and temperature.

    Raises:
        ConfigError: an unknown technology or corner.
    """

    devices: dict[str, Device]

    def __init__(self, conditions: Conditions) -> None:
        technology = load_technology(conditions.technology)
        self.devices = {name: technology.device(name.rsplit("_", 1)[0]) for name in cells.DEVICES}
        self._benches = tuple(
            cells.cell(technology, conditions.corner, conditions.vdd, conditions.temperature, bit) for bit in (0, 1)
        )
        self._engine = engine()

    def currents(self, shifts: dict[str, float], supplies: list[float]) -> tuple[Floats, Floats]:
        """Read currents (A) at the left side storing 0 and at the right side storing 1, at each supply.

        Raises:
            SimulationError: the cell loses its value when it is read.
        """
        sides = []
        for bench, source in zip(self._benches, ("vbl", "vblb"), strict=True):
            self._engine.load(bench)
            apply_vth(self._engine, shifts)
            found = []
            for vdd in supplies:
                for name in _SOURCES:
                    self._engine.alter(name, "dc", vdd)
                current = -float(self._engine.run("op")[f"{source}#branch"][0])
                if current < _SILENT:
                    raise SimulationError(
                        f"the cell loses its value when it is read at {vdd:g} V; raise the lowest supply"
                    )
                found.append(current)
            sides.append(np.array(found))
        return sides[0], sides[1]


def netlists(setting: SampleSetting) -> dict[str, Netlist]:
    """The cell, the amplifier and the closed bit lines at the highest supply, by name.

    Raises:
        ConfigError: an unknown technology or corner.
    """
    at = setting.conditions
    technology = load_technology(at.technology)
    column = ColumnSetting(at, setting.design, setting.swing)
    return {
        "cell": cells.cell(technology, at.corner, at.vdd, at.temperature),
        "latch": latch_netlist(at, setting.bench),
        "bit-lines": column.bit_lines(),
    }
