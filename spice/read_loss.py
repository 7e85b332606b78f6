"""What reads of a whole column ask for beyond the amplifier's offset at rest, over the swing that they start from.

See `spice.rare.read_swing` for the loss and how tilting the amplifier gives it. It grows with the speed at which the
lines move: a cell of r times the nominal current loses, at the same swing, about r times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from circuits.sense_amp import TRANSISTORS
from spice.column_cycles import Column
from spice.latch import Latch
from spice.rare.read_swing import flip

Floats = np.ndarray[Any, np.dtype[np.float64]]

SWINGS = (0.06, 0.12, 0.24)  # V, of the nominal column at the enable: where reads of drawn cells and amplifiers fail
_TYPICAL = 0.015  # V
_TILTED = 0.03  # V of tilt, for the slope of the offset
_WITHIN = 0.03  # V of tilt: of the first look


def losses(column: Column, latch: Latch, time: Floats, apart: Floats) -> Floats:
    """Loss (V) of reads of 0 and of 1 at the enable times when the nominal lines are `SWINGS` apart.

    Args:
        column: that is read.
        latch: its amplifier on lines at rest, whose offset the loss is added to.
        time: after the word line, s, shape (points,).
        apart: swing of the nominal column, V, likewise.

    Returns:
        Shape (2, swings).

    Raises:
        SimulationError: a read misreads with any amplifier.
    """
    low, high = (_offset(latch, tilt) for tilt in (-_TILTED, _TILTED))
    slope, middle = (high - low) / (2 * _TILTED), (high + low) / 2
    found = np.empty((2, len(SWINGS)))
    for k, swing in enumerate(SWINGS):
        sensing = float(np.interp(swing, apart, time))
        for stored, sign in ((0, 1.0), (1, -1.0)):
            guess = (sign * (swing - _TYPICAL) - middle) / slope
            tilt = flip(column, sensing, stored, guess, _WITHIN)
            found[stored, k] = swing - sign * _offset(latch, tilt)
    return found


def _offset(latch: Latch, tilt: float) -> float:
    latch.set_vth(dict.fromkeys(TRANSISTORS, 0.0) | {"mn_int": tilt, "mn_bar": -tilt})
    return latch.offset()
