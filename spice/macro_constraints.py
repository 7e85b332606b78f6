"""How long the macro's inputs have to stand before and after the clock, by trial in ngspice.

A setup time is how long before the clock's rise an input has to have changed, a hold time how long after the clock's
fall it has to stay, both between crossings of vdd / 2. There are no input registers, so inputs stand while the clock is
high: a hold time is at least 0, while a negative setup time lets an input change after the clock's rise. Each is the
least time, to `RESOLUTION`, with which a cycle still works, all bits of a bus changing together:

- the row is the right one: no other word line passes `LOWER` of vdd (below the threshold of a cell's pass gate);
- the far cell ends with the value written, or with its own after a read, and a read's output is right at the clock's
  fall;
- access or write time, the swing that is sensed and how long the output outlasts the clock's fall are worse by at most
  `MARGIN` than without hurry, so that figures of the macro need no margin for hurried inputs.

"rise" and "fall" are the direction of the edge that is too late or too early: an address whose bits rise before the
cycle falls after it. Addresses are set up for a read and held for a write, the stricter ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from circuits.macro import MacroAccess
from spice.engine import Vectors
from spice.macro_cycles import MacroSetting, fall, nominal_cycles, read_right, rise, simulate, swing, write_time
from spice.macro_pins import LOWER
from spice.waves import crossing

RESOLUTION = 10e-12  # s
MARGIN = 0.1
_FIRST = 160e-12  # s: of the widening steps
_REST = 6  # paces after the clock's fall in which a late change shows


@dataclass(frozen=True)
class Constraint:
    """One time to find.

    Args:
        pin: "address", "data" or "write_enable".
        kind: "setup" or "hold".
        edge: "rise" or "fall", of the pin.
        what: the cycle, "read" or "write".
        bit: its far bit.
    """

    pin: str
    kind: str
    edge: str
    what: str
    bit: int

    @property
    def name(self) -> str:
        """As figures call it: "address_setup_rise"."""
        return f"{self.pin}_{self.kind}_{self.edge}"

    def access(self, cycle: MacroAccess, time: float) -> MacroAccess:
        """The cycle with this change `time` (s) before the clock's rise or after its fall."""
        setup, late = self.kind == "setup", 2 * cycle.end
        if self.pin == "address":
            comes_up = (self.edge == "rise") == setup
            at = {"address_at": cycle.clock_rise - time} if setup else {"address_until": cycle.clock_fall + time}
            return replace(cycle, falling=not comes_up, **at)  # type: ignore[arg-type] # floats all
        window = (cycle.clock_rise - time, late) if setup else (cycle.address_at, cycle.clock_fall + time)
        return replace(cycle, data=window) if self.pin == "data" else replace(cycle, enable=window)


CONSTRAINTS = (
    *(Constraint("address", "setup", edge, "read", 1) for edge in ("rise", "fall")),
    *(Constraint("address", "hold", edge, "write", 1) for edge in ("rise", "fall")),
    Constraint("data", "setup", "rise", "write", 1),
    Constraint("data", "setup", "fall", "write", 0),
    Constraint("data", "hold", "rise", "write", 0),
    Constraint("data", "hold", "fall", "write", 1),
    Constraint("write_enable", "setup", "rise", "write", 1),
    Constraint("write_enable", "setup", "fall", "read", 1),
    Constraint("write_enable", "hold", "rise", "read", 1),
    Constraint("write_enable", "hold", "fall", "write", 1),
)


@dataclass(frozen=True)
class MacroConstraints:
    """Task: sample i is the time (s) of the i-th of `CONSTRAINTS`.

    Args:
        setting: conditions and design.
    """

    setting: MacroSetting = field(default_factory=MacroSetting)

    def prepare(self) -> tuple[float, dict[str, Vectors]]:
        """The pace and the four cycles."""
        return nominal_cycles(self.setting)

    def run(self, context: tuple[float, dict[str, Vectors]], index: int) -> Record:
        """Find one time; the record's `time` is the shortest that was seen to work.

        Raises:
            SimulationError: it does not work however long the input stands.
        """
        unit, cycles = context
        constraint = CONSTRAINTS[index]
        usual = cycles[f"{constraint.what}_{constraint.bit}"]
        cycle = self.setting.cycle(constraint.what, constraint.bit, unit)
        cycle = replace(cycle, end=cycle.clock_fall + _REST * unit)

        def within(time: float) -> bool:
            found = simulate(self.setting.netlist(constraint.access(cycle, time)))
            return works(self.setting, found, usual, constraint)

        longest = 4 * unit  # an address has as much before the rise; after the fall two paces are left to show
        earliest = cycle.clock_fall - cycle.clock_rise if constraint.kind == "setup" else 0.0
        return {"time": shortest(within, constraint.name, longest, earliest)}


def shortest(within: Callable[[float], bool], name: str, longest: float, earliest: float) -> float:
    """The least time at which `within` still holds, to `RESOLUTION`, between -`earliest` and `longest` (s).

    Raises:
        SimulationError: it does not hold at `longest`.
    """
    good, step = (0.0, -_FIRST) if within(0.0) else (math.nan, _FIRST)
    bad = math.nan if good == 0.0 else 0.0
    while math.isnan(good) or math.isnan(bad):
        last = bad if math.isnan(good) else good
        time = min(max(last + step, -earliest), longest)
        if time == last:
            if math.isnan(good):
                raise SimulationError(f"{name}: the cycle does not work though the input stands {longest:g} s longer")
            return good
        if within(time):
            good = time
        else:
            bad = time
        step *= 2
    while good - bad > RESOLUTION:
        middle = (good + bad) / 2
        if within(middle):
            good = middle
        else:
            bad = middle
    return good


def works(setting: MacroSetting, found: Vectors, usual: Vectors, constraint: Constraint) -> bool:
    """Whether a cycle goes as it should, and about as the `usual` one does."""
    others = [wave for name, wave in found.items() if name.startswith("closed")]
    if max(float(np.max(wave)) for wave in others) > LOWER * setting.conditions.vdd:
        return False
    if bool(found[setting.node("q")][-1] > found[setting.node("qb")][-1]) != bool(constraint.bit):
        return False
    if constraint.what == "write":
        bit = constraint.bit
        return write_time(setting, found, bit) <= (1 + MARGIN) * write_time(setting, usual, bit)  # NaN: never
    now, then = _read(setting, found), _read(setting, usual)
    return (
        read_right(setting, found, constraint.bit)
        and now.access_time <= (1 + MARGIN) * then.access_time
        and now.swing >= (1 - MARGIN) * then.swing
        and now.held >= (1 - MARGIN) * then.held
    )


@dataclass(frozen=True)
class _Read:
    """A read of 1: its access time (s), swing (V) and how long the output outlasts the clock (s)."""

    access_time: float
    swing: float
    held: float


def _read(setting: MacroSetting, found: Vectors) -> _Read:
    output = found[setting.node("dout")]
    gone = crossing(found["time"], output, setting.conditions.vdd / 2, rising=False, after=rise(setting, found, "dout"))
    access_time = rise(setting, found, "dout") - rise(setting, found, "clk")
    return _Read(access_time, swing(setting, found, 1), gone - fall(setting, found, "clk"))
