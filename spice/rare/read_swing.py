"""What a read of the nominal column gives its amplifier at a sensing time, and what it loses on the way.

The amplifier's offset is measured on bit lines that rest. In a read they move: its internal nodes lag behind them, the
pass transistors close while the enable rises, and the lines give way to its currents. So the whole column asks for
more swing than the offset: the rest is its `loss`, measured by tilting the amplifier of the whole column (opposite
shifts of its two latch NFETs' thresholds) until it misreads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bitline.core.errors import SimulationError
from circuits.column import Access, ColumnDesign
from circuits.sense_amp import TRANSISTORS, SenseBench
from spice.characterise import Conditions
from spice.column_cycles import AMPLIFIER, Column, ColumnSetting, Pace, read_value, word_line_time
from spice.latch import Latch
from spice.mismatch import thresholds
from spice.rare.limit_state import Floats
from spice.waves import crossing

_LATE = 4.0  # sensing times that the swing is simulated for: no cell of four times the current is drawn
_WIDEST = 0.3  # V of tilt: offsets of twice that
_STEPS = 12  # halvings of it: 0.15 mV
_NEAR_STEPS = 8  # halvings of a narrower span


@dataclass(frozen=True)
class Swing:
    """The bit lines of the nominal column while it is read.

    Args:
        time: after the word line at vdd / 2, s, shape (points,).
        apart: V, likewise.
        sensing: when the enable is at vdd / 2, s.
        loss: what a read of 0 and of 1 needs beyond the amplifier's offset, V.
    """

    time: Floats
    apart: Floats
    sensing: float
    loss: tuple[float, float] = (0.0, 0.0)

    def of(self, speed: float) -> float:
        """How far the lines are apart (V) at the sensing time, of a cell with `speed` times the nominal current."""
        return float(np.interp(self.sensing * speed, self.time, self.apart))

    @property
    def bench(self) -> SenseBench:
        """The amplifier's, with the nominal lines' common mode at the sensing time."""
        return SenseBench(below_vdd=max(self.of(1.0), 0.0) / 2)


def column_setting(conditions: Conditions) -> ColumnSetting:
    """The column that is read: 128 cells, an amplifier of its own."""
    return ColumnSetting(conditions, ColumnDesign(ways=1))


def nominal_swing(conditions: Conditions, sensing: float) -> Swing:
    """Simulate swing and loss of the nominal column at a sensing time (s).

    Raises:
        ConfigError: an unknown technology or corner.
        SimulationError: the column does not work under these conditions, or misreads with any amplifier.
    """
    column = Column(column_setting(conditions))
    time, apart = column.develop(0, _LATE * sensing + column.pace.unit)
    swing = Swing(time, apart, sensing)
    tilts = [flip(column, sensing, stored) for stored in (0, 1)]
    latch = Latch(conditions, swing.bench)
    offsets = []
    for tilt in tilts:
        latch.set_vth(dict.fromkeys(TRANSISTORS, 0.0) | {"mn_int": tilt, "mn_bar": -tilt})
        offsets.append(latch.offset())
    return replace(swing, loss=(swing.of(1.0) - offsets[0], swing.of(1.0) + offsets[1]))


def reading(column: Column, sensing: float, stored: int) -> Access:
    """A read whose enable is at vdd / 2 a `sensing` (s) after the word line is, up to the enable's end."""
    access = column.pace.cycle("read", stored)
    found = column.run(access)
    enabled = crossing(found["time"], found["en"], column.vdd / 2, rising=True) - word_line_time(found, column.vdd)
    access = Pace(column.pace.sensing + sensing - enabled, column.pace.unit).cycle("read", stored)
    return replace(access, end=access.enable_off)


def flip(column: Column, sensing: float, stored: int, around: float = 0.0, within: float = _WIDEST) -> float:
    """The tilt (V) beyond which `stored` misreads, looked for first within so much of `around`.

    Raises:
        SimulationError: it misreads at any tilt or at none.
    """
    access = reading(column, sensing, stored)

    def reads_one(tilt: float) -> bool:
        shifts = thresholds({f"m.{AMPLIFIER}.mn_int": tilt, f"m.{AMPLIFIER}.mn_bar": -tilt})
        return read_value(column.run(access, shifts), column.vdd, access)[0]

    low, high = around - within, around + within  # a tilt up raises the offset, so that more reads as 1
    if reads_one(low) or not reads_one(high):
        if within < _WIDEST:
            return flip(column, sensing, stored)
        raise SimulationError(
            f"a read of {stored} does not depend on the amplifier's offset at a sensing time of {sensing:g} s; "
            "choose a shorter one"
        )
    for _ in range(_STEPS if within == _WIDEST else _NEAR_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reads_one(middle) else (middle, high)
    return (low + high) / 2
