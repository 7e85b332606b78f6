"""Cycles of the macro in ngspice, and what is read off their waveforms."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np

from bitline.core.errors import SimulationError
from circuits.macro import MacroAccess, MacroDesign, macro
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.column_cycles import CYCLES, RECOVERED, VARIED
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variation
from spice.waves import crossing, energy, settling

_PACE = 0.25e-9  # s: the schedule's unit at first; doubled until every cycle is whole
_LONGEST = 512  # times _PACE


@dataclass(frozen=True)
class MacroSetting:
    """Conditions and design of a macro.

    Args:
        conditions: technology, corner, temperature, supply and seed.
        design: of the macro.
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: MacroDesign = field(default_factory=MacroDesign)

    def netlist(self, access: MacroAccess, *, full: bool = False) -> Netlist:
        """The macro through one cycle."""
        at = self.conditions
        technology = load_technology(at.technology)
        return macro(technology, at.corner, at.vdd, at.temperature, self.design, access, full=full)

    def cycle(self, what: str, bit: int, unit: float) -> MacroAccess:
        """A "read" or "write" of a word whose far bit is `bit`, phases in multiples of `unit` (s)."""
        last = self.design.word_bits - 1
        word = [(bit + last - i) % 2 for i in range(last + 1)]
        times = (unit, 5 * unit, 13 * unit, 25 * unit)
        if what == "read":
            return MacroAccess(word, None, *times)
        before = [1 - value if (last - i) // 2 % 2 == 0 else value for i, value in enumerate(word)]
        return MacroAccess(before, word, *times)

    def node(self, name: str) -> str:
        """The netlist's node that records call so."""
        last = self.design.word_bits - 1
        if name in ("q", "qb"):
            return f"xcolumn{last}.xcell.{name}"
        return f"{name}{last}" if name in ("sl", "slb", "dout") else name


def simulate(netlist: Netlist, variation: Variation | None = None, shifts: Shifts | None = None) -> Vectors:
    """Waveforms of a netlist's one analysis, with shifts of the transistors of a variation."""
    running = engine()
    if variation is None:
        running.load(netlist)
    else:
        running.load(variation.netlist(netlist, within=VARIED))
        variation.apply(running, shifts or {}, str)
    return running.run(netlist.analyses[0].removeprefix("."))


@functools.lru_cache(maxsize=4)
def nominal_cycles(setting: MacroSetting) -> tuple[float, dict[str, Vectors]]:
    """The pace (s) at which all four nominal cycles are whole, and their waveforms.

    Raises:
        ConfigError: an unknown technology or corner.
        SimulationError: there is no such pace, or the nominal macro misreads.
    """
    unit = _PACE
    while unit <= _LONGEST * _PACE:
        found: dict[str, Vectors] = {}
        for cycle, how in CYCLES.items():
            found[cycle] = simulate(setting.netlist(setting.cycle(*how, unit)))
            if not _whole(setting, found[cycle], *how):
                break
        else:
            return unit, found
        unit *= 2
    raise SimulationError(
        f"the macro does not complete a {cycle.replace('_', ' of ')} within {25 * unit / 2:g} s, or gets it wrong: "
        "raise the supply, or take fewer replica_cells for a larger swing"
    )


def rise(setting: MacroSetting, found: Vectors, name: str) -> float:
    """When the node that records call `name` first rises past vdd / 2, s; NaN if it does not."""
    return crossing(found["time"], found[setting.node(name)], setting.conditions.vdd / 2, rising=True)


def fall(setting: MacroSetting, found: Vectors, name: str) -> float:
    """When it falls past vdd / 2 after that, s; NaN if it does not."""
    start = rise(setting, found, name)
    return crossing(found["time"], found[setting.node(name)], setting.conditions.vdd / 2, rising=False, after=start)


def _recovered(setting: MacroSetting, found: Vectors) -> float:
    """From the clock's fall until the far sense lines are back for good, s; NaN if they are not."""
    vdd, start = setting.conditions.vdd, fall(setting, found, "clk")
    below = np.maximum(vdd - found[setting.node("sl")], vdd - found[setting.node("slb")])
    return settling(found["time"], below, RECOVERED * vdd, after=start) - start


def swing(setting: MacroSetting, found: Vectors, bit: int) -> float:
    """Difference (V) of the far sense lines in the direction of `bit` when the sense enable is at vdd / 2."""
    apart = (found[setting.node("slb")] - found[setting.node("sl")]) * (-1 if bit else 1)
    return float(np.interp(rise(setting, found, "en"), found["time"], apart))


def _whole(setting: MacroSetting, found: Vectors, what: str, bit: int) -> bool:
    """Whether the cycle ends as it should: value read or written, bit lines back."""
    held = bool(found[setting.node("q")][-1] > found[setting.node("qb")][-1])
    if held != bool(bit) or math.isnan(_recovered(setting, found)):
        return False
    if what == "write":
        return True
    return read_right(setting, found, bit)


def read_right(setting: MacroSetting, found: Vectors, bit: int) -> bool:
    """Whether the far column has been sensed and its output is `bit` when the clock falls."""
    at_fall = float(np.interp(fall(setting, found, "clk"), found["time"], found[setting.node("dout")]))
    sensed = not math.isnan(rise(setting, found, "en"))
    return sensed and (at_fall > setting.conditions.vdd / 2) == bool(bit)


def write_time(setting: MacroSetting, found: Vectors, bit: int) -> float:
    """From the clock at vdd / 2 until the far cell's storage nodes cross towards `bit`, s; NaN if they do not."""
    clock = rise(setting, found, "clk")
    apart = found[setting.node("q")] - found[setting.node("qb")]
    return crossing(found["time"], apart, 0.0, rising=bool(bit), after=clock) - clock


def times(setting: MacroSetting, cycles: dict[str, Vectors]) -> dict[str, float]:
    """The nominal macro's times (s) and swing (V), from its four cycles; as spice/macro.py defines them."""
    read = cycles["read_1"]
    clock, word_line = rise(setting, read, "clk"), rise(setting, read, "wl_far")
    selected, enabled = rise(setting, read, "xrow_open.row"), rise(setting, read, "wl_en_far")
    decoder = selected - rise(setting, read, "a0")
    written = [write_time(setting, cycles[f"write_{bit}"], bit) for bit in (0, 1)]
    access_time = rise(setting, read, "dout") - clock
    precharge = max(_recovered(setting, found) for found in cycles.values())
    return {
        "access_time": access_time,
        "word_line_time": word_line - clock,
        "sensing_time": rise(setting, read, "en") - word_line,
        "swing": swing(setting, read, 1),
        "decoder_time": decoder,
        "address_setup": decoder - (enabled - clock),
        "write_time": max(written),
        "precharge_time": precharge,
        "cycle_time": max(access_time, *written) + precharge,
    }


def component_energy(found: Vectors, component: str, vdd: float) -> float:
    """Energy (J) from a component's supply over a cycle."""
    return energy(found["time"], found[f"v{component}#branch"], vdd)
