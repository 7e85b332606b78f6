"""What read errors are made of, simulated at supplies and temperatures: currents, offsets, swings and their loss.

A sample is one cell and one amplifier; it keeps its shifts at every point, that is at every supply of every
temperature. Supplies run from `lowest` times the conditions' vdd up to it; points count the supplies of the first
temperature, then those of the next. The amplifier's offset is that on lines at rest, with the common mode that the
nominal lines have at the setting's swing.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from circuits.technology import load_technology
from spice import read_loss
from spice.characterise import Conditions
from spice.column_cycles import Column, ColumnSetting
from spice.engine import engine
from spice.latch import Latch
from spice.latch import netlist as latch_netlist
from spice.mismatch import Shifts, Variation

STAGE = "bit_errors.mismatch"
UNITS: dict[str, str] = {
    **dict.fromkeys(("vdd", "swing", "offset", "swing_setting", "loss", "loss_swing"), "V"),
    **dict.fromkeys(("read_current", "read_current_left", "read_current_right"), "A"),
    **dict.fromkeys(("swing_time", "sensing_time"), "s"),
    **dict.fromkeys(("cell_scores", "amplifier_scores", "cell_mirror", "seed"), "1"),
    "temperature": "C",
}
Floats = np.ndarray[Any, np.dtype[np.float64]]

CELL_ROLES: Mapping[str, str] = {name: name.rsplit("_", 1)[0] for name in cells.DEVICES}

_POINTS = 301  # of a swing's curve
_LATE = 12.0  # sensing times that a curve covers, about
_SOURCES = ("vdd", "vwl", "vbl", "vblb")
_SILENT = 1e-12  # A: less is no read, the cell has lost its 0


@dataclass(frozen=True)
class SampleSetting:
    """Conditions, design, supplies and temperatures.

    Args:
        conditions: technology, corner, temperature, highest supply and seed.
        design: of the column.
        swing: that the nominal sensing time is stated for, V.
        lowest: supply, in highest ones.
        supplies: how many.
        temperatures: C; that of the conditions if empty.
        variation: of `spice.mismatch.VARIATIONS`.
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: ColumnDesign = field(default_factory=lambda: ColumnDesign(ways=1))
    swing: float = 0.2
    lowest: float = 0.7
    supplies: int = 4
    temperatures: tuple[float, ...] = ()
    variation: str = "vth"

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= 1 or self.supplies < 1:
            raise ConfigError(
                f"bit errors: lowest = {self.lowest}, supplies = {self.supplies}; the lowest supply is a share of the "
                "highest, above 0 and up to 1, and there is at least one"
            )

    @property
    def bench(self) -> SenseBench:
        """The amplifier's."""
        return SenseBench(below_vdd=self.swing / 2)

    def at(self) -> list[Conditions]:
        """The conditions at each point."""
        low = self.lowest if self.supplies > 1 else 1.0
        supplies = [float(share * self.conditions.vdd) for share in np.linspace(low, 1.0, self.supplies)]
        temperatures = self.temperatures or (self.conditions.temperature,)
        return [replace(self.conditions, temperature=t, vdd=vdd) for t in temperatures for vdd in supplies]

    def varied(self, roles: Mapping[str, str]) -> Variation:
        """What varies in transistors given by their roles."""
        technology = load_technology(self.conditions.technology)
        return Variation.of(technology, self.conditions.corner, roles, self.variation)


@dataclass(frozen=True)
class ColumnSamplesNominal:
    """Task: the nominal column and cell at every point; one sample, index 0.

    Args:
        setting: conditions, design, supplies and temperatures.
    """

    setting: SampleSetting = field(default_factory=SampleSetting)

    def prepare(self) -> Cells:
        """The cell's benches."""
        return Cells(self.setting)

    def run(self, context: Cells, index: int) -> Record:
        """Of every point: `vdd`, `temperature`, `read_current`, `sensing_time`, `swing` over `swing_time`, `loss`.

        Shapes (points,), for the curves (points, times) and for the loss (points, 2, swings), over `loss_swing`.
        `seed` is the study's, for those who draw from the samples' model.
        """
        del index
        rows = [self._point(conditions) for conditions in self.setting.at()]
        left, _ = context.currents({})
        return {
            "vdd": np.array([conditions.vdd for conditions in self.setting.at()]),
            "temperature": np.array([conditions.temperature for conditions in self.setting.at()]),
            "read_current": left,
            **{name: np.stack([row[name] for row in rows]) for name in rows[0]},
            "loss_swing": np.array(read_loss.SWINGS),
            "swing_setting": self.setting.swing,
            "seed": self.setting.conditions.seed,
            "cell_mirror": np.array(mirrored(context.variation)),
        }

    def _point(self, conditions: Conditions) -> dict[str, Floats]:
        column = Column(ColumnSetting(conditions, self.setting.design, self.setting.swing))
        sensing = column.pace.sensing
        time, apart = column.develop(0, _LATE * sensing)
        grid = np.linspace(0.0, float(time[-1]), _POINTS)
        loss = read_loss.losses(column, Latch(conditions, self.setting.bench), time, apart)
        return {
            "sensing_time": np.array(sensing),
            "swing_time": grid,
            "swing": np.interp(grid, time, apart),
            "loss": loss,
        }


@dataclass(frozen=True)
class ColumnSamples:
    """Task: drawn cells and amplifiers, each at every point.

    The record holds `cell_scores` and `amplifier_scores`, the shifts in standard deviations, thresholds first, and
    `read_current_left`, `read_current_right` and `offset`, each of shape (points,).

    Args:
        setting: conditions, with the study's seed, design, supplies and temperatures.
    """

    setting: SampleSetting = field(default_factory=SampleSetting)

    def prepare(self) -> Drawn:
        """The cell's benches, and the amplifier at each point with its nominal offset."""
        latches = []
        for conditions in self.setting.at():
            latch = Latch(conditions, self.setting.bench, self.setting.variation)
            latches.append((latch, latch.offset()))
        return Drawn(Cells(self.setting), latches, self.setting.varied({**CELL_ROLES, **TRANSISTORS}))

    def run(self, context: Drawn, index: int) -> Record:
        """Draw cell and amplifier `index` and measure them."""
        varied = context.variation
        scores = stream(self.setting.conditions.seed, STAGE, index).standard_normal(len(varied.variables))
        own = np.array([variable.device in CELL_ROLES for variable in varied.variables], dtype=bool)
        shifts = varied.at(scores)
        left, right = context.cells.currents(shifts)
        offsets = []
        for latch, nominal in context.latches:
            latch.vary(shifts)
            offsets.append(latch.offset(nominal))
        return {
            "cell_scores": scores[own],
            "amplifier_scores": scores[~own],
            "read_current_left": left,
            "read_current_right": right,
            "offset": np.array(offsets),
        }


@dataclass(frozen=True)
class Drawn:
    """What the samples share.

    Args:
        cells: the cell's benches.
        latches: the amplifier and its nominal offset (V) at each point.
        variation: of the cell's transistors and the amplifier's.
    """

    cells: Cells
    latches: list[tuple[Latch, float]]
    variation: Variation


class Cells:
    """The closed cell, storing either value, at every point.

    Args:
        setting: conditions, supplies and temperatures.

    Attributes:
        variation: of its transistors.

    Raises:
        ConfigError: an unknown technology, corner or variation.
    """

    def __init__(self, setting: SampleSetting) -> None:
        technology = load_technology(setting.conditions.technology)
        self.variation = setting.varied(CELL_ROLES)
        self._points: dict[float, list[float]] = {}
        for at in setting.at():
            self._points.setdefault(at.temperature, []).append(at.vdd)
        corner, vdd = setting.conditions.corner, setting.conditions.vdd
        self._benches = {
            (bit, temperature): self.variation.netlist(cells.cell(technology, corner, vdd, temperature, bit))
            for bit in (0, 1)
            for temperature in self._points
        }
        self._engine = engine()

    def currents(self, shifts: Shifts) -> tuple[Floats, Floats]:
        """Read currents (A) at the left side storing 0 and at the right side storing 1, shape (points,).

        Raises:
            SimulationError: the cell loses its value when it is read.
        """
        sides: tuple[list[float], list[float]] = ([], [])
        for (bit, temperature), bench in self._benches.items():
            self._engine.load(bench)
            self.variation.apply(self._engine, shifts)
            sides[bit].extend(self._current(("vbl", "vblb")[bit], vdd) for vdd in self._points[temperature])
        return np.array(sides[0]), np.array(sides[1])

    def _current(self, source: str, vdd: float) -> float:
        for name in _SOURCES:
            self._engine.alter(name, "dc", vdd)
        current = -float(self._engine.run("op")[f"{source}#branch"][0])
        if current < _SILENT:
            raise SimulationError(f"the cell loses its value when it is read at {vdd:g} V; raise the lowest supply")
        return current


def mirrored(variation: Variation) -> list[int]:
    """Index of each of a cell's variables as it is seen from the cell's other side."""
    names = [(variable.parameter, variable.device) for variable in variation.variables]
    sides = dict(zip(cells.SIDES, cells.SIDES[::-1], strict=True))
    found = []
    for parameter, device in names:
        role, _, side = device.rpartition("_")
        found.append(names.index((parameter, f"{role}_{sides[side]}")))
    return found


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
