"""What the compact cell's kernels take: devices' currents at one condition, as coefficients of cubic B-splines."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

SHIFT_POWERS, OXIDE_POWERS = (1, 2, 0, 0, 1), (0, 0, 1, 2, 1)  # of the terms of `Tables.change`


class Tables(NamedTuple):
    """Coefficients of uniform cubic B-splines at one condition.

    A device's overdrive is its gate-source voltage less its threshold shift, and less its oxide's relative shift times
    `lean`, which is about what a thicker oxide adds to the threshold.

    Attributes:
        latch: currents of the nominal pull-down and pull-up over overdrive and drain-source voltage (both positive when
            the device conducts), A.
        change: relative change of those beyond what the overdrive says, over the device, the terms shift^i oxide^j
            (powers `SHIFT_POWERS`, `OXIDE_POWERS`), and coarser nodes of the same voltages; 1/V^i.
        access: of the pass gate over powers 0 to 2 of its oxide's shift, its threshold shift (lean included) and the
            output, A.
        grids: rows (first node, spacing), V: overdrive, drain-source voltage, the coarser nodes of both, shift, output.
        lean: of the pull-down, pass gate and pull-up, V.
        vdd: supply, V.
    """

    latch: Floats
    change: Floats
    access: Floats
    grids: Floats
    lean: Floats
    vdd: float
