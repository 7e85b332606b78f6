"""The macro's output edges in ngspice over the clock's edge and the output's load, as a timing library tabulates them.

Of the farthest output in a read of 1: `access_time` from the clock's rise, `output_fall_delay` from its fall, both
between crossings of vdd / 2, and `output_rise`, `output_fall` between `LOWER` and `UPPER` of vdd, all s. The first
point of the table is the edge and the load at which every other figure of the macro is simulated: no load outside the
macro.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from spice.engine import Vectors
from spice.macro_cycles import MacroSetting, fall, nominal_cycles, read_right, rise, simulate
from spice.macro_pins import LOWER, SLEW, UPPER
from spice.waves import crossing

EDGES = (SLEW, 4 * SLEW, 10 * SLEW)  # s: of the clock, from 0 to vdd
LOADS = (0.0, 10e-15, 40e-15)  # F: of every output
POINTS = tuple((edge, load) for edge in EDGES for load in LOADS)
UNITS = {"access_time": "s", "output_rise": "s", "output_fall_delay": "s", "output_fall": "s"}

_LATER = 2  # paces of clock high more for every try: a loaded output takes longer
_TRIES = 4


@dataclass(frozen=True)
class MacroEdges:
    """Task: sample i has the output's edges at the i-th of `points`.

    Args:
        setting: conditions and design.
        points: the clock's edge from 0 to vdd, s, and the load of every output, F.
    """

    setting: MacroSetting = field(default_factory=MacroSetting)
    points: tuple[tuple[float, float], ...] = POINTS

    def prepare(self) -> float:
        """The pace, s."""
        return nominal_cycles(self.setting)[0]

    def run(self, unit: float, index: int) -> Record:
        """Read a 1 at one point; fields of `UNITS`.

        Raises:
            SimulationError: the output does not rise, or not fall again.
        """
        edge, load = self.points[index]
        cycle = self.setting.cycle("read", 1, unit)
        for longer in range(_TRIES):
            later = longer * _LATER * unit
            access = replace(
                cycle, slew=edge, load=load, clock_fall=cycle.clock_fall + later, end=cycle.end + 2 * later
            )
            found = simulate(self.setting.netlist(access))
            edges = output_edges(self.setting, found)
            if read_right(self.setting, found, 1) and np.all(np.isfinite(list(edges.values()))):
                return dict(edges)
        raise SimulationError(f"the output does not switch with a load of {load:g} F and a clock edge of {edge:g} s")


def output_edges(setting: MacroSetting, read: Vectors) -> dict[str, float]:
    """The output's edges in a read of 1, s; fields of `UNITS`, NaN where there is none."""
    vdd, time, output = setting.conditions.vdd, read["time"], read[setting.node("dout")]
    up = [crossing(time, output, level * vdd, rising=True) for level in (LOWER, 0.5, UPPER)]
    down = [crossing(time, output, level * vdd, rising=False, after=up[2]) for level in (UPPER, 0.5, LOWER)]
    return {
        "access_time": up[1] - rise(setting, read, "clk"),
        "output_rise": up[2] - up[0],
        "output_fall_delay": down[1] - fall(setting, read, "clk"),
        "output_fall": down[2] - down[0],
    }
