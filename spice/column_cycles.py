"""Cycles of a column in ngspice, and what is read off their waveforms; times count from the word line at vdd / 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from circuits import cells, sense_amp
from circuits.column import COMPONENTS, RAMP, RAMP_TIME, Access, ColumnDesign, bench, bit_line_bench
from circuits.netlist import Netlist
from circuits.technology import Technology, load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variation
from spice.waves import crossing, energy, settling

Wave = np.ndarray[Any, np.dtype[np.float64]]

DEVELOPED = 0.1  # V of difference that a bit line's time is stated for
RECOVERED = 0.01  # of vdd
CYCLES = {f"{what}_{bit}": (what, bit) for what in ("read", "write") for bit in (0, 1)}
CELL, AMPLIFIER = "xcolumn.xcell", "xsensing.xsense"
VARIED = ("cell", "sense_amp")  # subcircuits of what mismatch samples draw
NODES: Mapping[str, str] = {
    **{name: name for name in ("wl", "pre_b", "en", "sl", "slb", "dout")},
    "q": f"{CELL}.q",
    "qb": f"{CELL}.qb",
}


def varied_roles(cell: str, amplifier: str) -> dict[str, str]:
    """Role by name in the netlist of the transistors that samples draw: those of a cell, then of an amplifier."""
    own = {f"m.{cell}.m{name}": name for name in cells.DEVICES}
    return own | {f"m.{amplifier}.{name}": role for name, role in sense_amp.TRANSISTORS.items()}


ROLES: Mapping[str, str] = varied_roles(CELL, AMPLIFIER)

_PACE = 0.25e-9  # s: the schedule's unit at first; doubled until a cycle is whole
_LONGEST = 2048  # times _PACE


@dataclass(frozen=True)
class ColumnSetting:
    """Conditions and design of a column.

    Args:
        conditions: technology, corner, temperature, supply and seed.
        design: of the column.
        swing: the amplifier is enabled when the nominal sense lines differ by so much, V.
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: ColumnDesign = field(default_factory=ColumnDesign)
    swing: float = 0.2

    def __post_init__(self) -> None:
        if not DEVELOPED <= self.swing < self.conditions.vdd:
            raise ConfigError(f"column: swing = {self.swing:g} V; it is at least {DEVELOPED:g} V and below the supply")

    @property
    def technology(self) -> Technology:
        """As the conditions name it."""
        return load_technology(self.conditions.technology)

    def netlist(self, access: Access) -> Netlist:
        """The bench of one access."""
        at = self.conditions
        return bench(self.technology, at.corner, at.vdd, at.temperature, self.design, access)

    def bit_lines(self) -> Netlist:
        """The bench of the closed bit lines, all cells with their 0 at the measured one."""
        at = self.conditions
        return bit_line_bench(self.technology, at.corner, at.vdd, at.temperature, self.design, 1)


@dataclass(frozen=True)
class Pace:
    """When things happen in a cycle.

    Args:
        sensing: from the word line's start to the enable's, s.
        unit: of the other phases, s.
    """

    sensing: float
    unit: float

    def cycle(self, what: str, bit: int) -> Access:
        """A "read" of `bit`, or a "write" of it over its opposite."""
        unit, word_line = self.unit, 2 * self.unit
        if what == "read":
            enable = word_line + self.sensing
            off = enable + 4 * unit
            return Access(bit, None, unit, word_line, enable + unit / 2, enable, off, off, off + 8 * unit)
        closed = word_line + 4 * unit
        return Access(1 - bit, bit, unit, word_line, closed, None, closed, closed + unit, closed + 10 * unit)


class Column:
    """The column in this process's ngspice.

    Attributes:
        variation: of the accessed cell's transistors, then the amplifier's, by their names in the netlist.
        pace: sensing time at which the nominal sense lines differ by the setting's swing, and a unit in which the
            nominal column completes its cycles.

    Args:
        setting: conditions and design.
        variation: what can be shifted, of `spice.mismatch.VARIATIONS`.

    Raises:
        ConfigError: an unknown technology, corner or variation.
        SimulationError: the column does not work under these conditions.
    """

    def __init__(self, setting: ColumnSetting, variation: str = "vth") -> None:
        self.setting, self.vdd = setting, setting.conditions.vdd
        self.variation = Variation.of(setting.technology, setting.conditions.corner, ROLES, variation)
        self._ngspice = engine()
        self.pace = self._learn_pace()

    def run(self, access: Access, shifts: Shifts | None = None) -> Vectors:
        """Waveforms of one access with shifts of transistors."""
        netlist = self.variation.netlist(self.setting.netlist(access), within=VARIED)
        self._ngspice.load(netlist)
        self.variation.apply(self._ngspice, shifts or {}, str)
        return self._ngspice.run(netlist.analyses[0].removeprefix("."))

    def develop(self, stored: int, window: float, shifts: Shifts | None = None) -> tuple[Wave, Wave]:
        """Time after the word line (s) and difference of the sense lines (V) that reads `stored`, never sensed."""
        access = Pace(window, self.pace.unit if hasattr(self, "pace") else _PACE).cycle("read", stored)
        stop = access.enable_on or window
        found = self.run(replace(access, enable_on=None, word_line_off=stop, end=stop), shifts)
        return found["time"] - word_line_time(found, self.vdd), difference(found, stored)

    def bit_lines(self) -> tuple[float, float]:
        """Capacitance (F) and leakage (A) of one bit line of the closed column."""
        netlist = self.setting.bit_lines()
        self._ngspice.load(netlist)
        found = self._ngspice.run(netlist.analyses[0].removeprefix("."))
        current = found["vbl#branch"]
        leakage = -float(np.mean(current[found["time"] < 0.99 * RAMP_TIME]))
        charge = energy(found["time"], current + leakage, -1.0)
        return charge / RAMP, leakage

    def _learn_pace(self) -> Pace:
        sensing = self._sensing()
        unit = max(_PACE, sensing / 4)
        while unit <= _LONGEST * _PACE:
            pace = Pace(sensing, unit)
            if all(self._whole(pace, *cycle) for cycle in CYCLES.values()):
                return pace
            unit *= 2
        raise SimulationError(f"the column does not complete a cycle within {8 * unit:g} s; raise the supply")

    def _sensing(self) -> float:
        window = 4 * _PACE
        while window <= _LONGEST * _PACE:
            time, apart = self.develop(0, window)
            reached = crossing(time, apart, self.setting.swing, rising=True, after=0.0)
            if not math.isnan(reached):
                return reached
            window *= 2
        raise SimulationError(
            f"the sense lines do not differ by {self.setting.swing:g} V within {window:g} s: lower the swing or raise "
            "the supply"
        )

    def _whole(self, pace: Pace, what: str, bit: int) -> bool:
        access = pace.cycle(what, bit)
        found = self.run(access)
        held = found[NODES["q"]][-1] > found[NODES["qb"]][-1]
        return not math.isnan(recovery(found, self.vdd, access)) and bool(held) == bool(bit)


def difference(found: Vectors, stored: int) -> Wave:
    """How far (V) the sense lines differ in the direction that reads `stored`."""
    apart: Wave = (found["slb"] - found["sl"]) * (1 if stored == 0 else -1)
    return apart


def word_line_time(found: Vectors, vdd: float) -> float:
    """When the word line rises past vdd / 2, s."""
    return crossing(found["time"], found["wl"], vdd / 2, rising=True)


def recovery(found: Vectors, vdd: float, access: Access) -> float:
    """From the precharge's start until both sense lines are within 1 % of vdd, s; NaN if they never are."""
    start = crossing(found["time"], found["pre_b"], vdd / 2, rising=False, after=access.precharge_on)
    below = np.maximum(vdd - found["sl"], vdd - found["slb"])
    return settling(found["time"], below, RECOVERED * vdd, after=start) - start


def read_value(found: Vectors, vdd: float, access: Access) -> tuple[bool, float]:
    """The value that is read, as the output has it when the enable ends, and when after the word line it rises, s."""
    held = float(np.interp(access.enable_off, found["time"], found["dout"])) > vdd / 2
    return held, crossing(found["time"], found["dout"], vdd / 2, rising=True) - word_line_time(found, vdd)


def write_time(found: Vectors, vdd: float) -> float:
    """When after the word line the storage nodes cross, s; NaN if they do not."""
    start = word_line_time(found, vdd)
    apart = found[NODES["q"]] - found[NODES["qb"]]
    return crossing(found["time"], apart, 0.0, rising=bool(apart[0] < 0), after=start) - start


def energies(found: Vectors, vdd: float) -> dict[str, float]:
    """Energy (J) from each component's supply over the run."""
    return {name: energy(found["time"], found[f"v{name}#branch"], vdd) for name in COMPONENTS}
