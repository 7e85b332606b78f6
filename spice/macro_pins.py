"""The macro's pins in ngspice, as a timing library asks for them: what a 0 looks like, charge of the inputs.

- `held_low`: how far (V) the output of a read 0 comes up in the cycle.
- `capacitance_<pin>`: of the clock, the write enable, and bit 0 of address and data: charge that an ideal source gives
  in an edge between 0 and vdd, over vdd, mean of both directions, F. The clock is low, or it is the clock's edge.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.figures import Figure
from circuits.macro import MacroAccess
from circuits.netlist import Netlist
from spice.macro_cycles import MacroSetting, nominal_cycles, simulate
from spice.waves import energy

LOWER, UPPER = 0.2, 0.8
SLEW = MacroAccess.slew  # s: of every ideal edge, in the macro's cycles too
PINS = {"address": "a0", "data": "d0", "write_enable": "we", "clock": "clk"}  # bit 0 of each; the clock comes last

_REST = 8  # paces between edges: a gate on an input settles in a fraction of one


def pin_figures(setting: MacroSetting) -> dict[str, Figure]:
    """The figures of the pins, by the names above.

    Raises:
        ConfigError: an unknown technology or corner.
        SimulationError: the macro does not work under these conditions.
    """
    unit, cycles = nominal_cycles(setting)
    low = Figure(float(np.max(cycles["read_0"][setting.node("dout")])), "V")
    loads = {f"capacitance_{name}": Figure(value, "F") for name, value in _capacitances(setting, unit).items()}
    return {"held_low": low, **loads}


def _capacitances(setting: MacroSetting, unit: float) -> dict[str, float]:
    rest, vdd = _REST * unit, setting.conditions.vdd
    end = (2 * len(PINS) + 1) * rest
    word = [0] * setting.design.word_bits
    netlist = setting.netlist(MacroAccess(word, None, 2 * end, 2 * end, 3 * end, end))
    starts = {name: (2 * number + 1) * rest for number, name in enumerate(PINS)}
    for name, pin in PINS.items():
        netlist = _pulsed(netlist, pin, vdd, starts[name], rest)
    found = simulate(netlist)
    time = found["time"]
    loads = {}
    for name, pin in PINS.items():
        given = []
        for start in (starts[name], starts[name] + rest):
            edge = (time >= start - rest / 4) & (time <= start + 3 * rest / 4)
            given.append(abs(energy(time[edge], found[f"v_{pin}#branch"][edge], 1.0)))  # C: at one volt
        loads[name] = float(np.mean(given)) / vdd
    return loads


def _pulsed(netlist: Netlist, pin: str, vdd: float, start: float, width: float) -> Netlist:
    """The netlist with a pulse on an input in place of what it has, and the source's current among the saved."""
    pulse = f"v_{pin} {pin} 0 dc 0 pulse(0 {vdd!r} {start!r} {SLEW!r} {SLEW!r} {width - SLEW!r})"
    text, sources = re.subn(rf"(?m)^v_{pin} .*$", pulse, netlist.text)
    text, saves = re.subn(r"(?m)^\.save ", f".save i(v_{pin}) ", text)
    if (sources, saves) != (1, 1):
        raise SimulationError(f"'{netlist.title}': no single source v_{pin} and .save line")
    return replace(netlist, text=text)
