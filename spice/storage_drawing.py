"""Cells and amplifiers of an SRAM macro at one condition: what is measured of one of each, and of many."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.model_file import Floats
from spice.characterise import Conditions
from spice.column_samples import Cells
from spice.latch import Latch
from spice.mismatch import Shifts
from spice.stability import Benches
from spice.storage_setting import StorageSetting

DRAWN: dict[str, str] = {
    **dict.fromkeys(("read_current_left", "read_current_right"), "A"),
    **dict.fromkeys(("write_time_0", "write_time_1"), "s"),
    **dict.fromkeys(("drv", "offset"), "V"),
    "drv_lost": "1",
}
RESTING = ("drv", "drv_lost")
"""Of a cell at rest alone."""


class Drawing:
    """Cells and amplifiers at one condition.

    Args:
        setting: design and variation.
        conditions: that they are measured at.

    Raises:
        ConfigError: an unknown technology, corner or variation.
        SimulationError: the nominal amplifier does not decide.
    """

    def __init__(self, setting: StorageSetting, conditions: Conditions) -> None:
        samples = setting.samples(conditions)
        self._cells, self._benches = Cells(samples), Benches(conditions, setting.variation)
        self._latch = Latch(conditions, samples.bench, setting.variation)
        self._nominal = self._latch.offset()
        self._retention = self._benches.netlists()["retention"]

    def measure(self, cell: Shifts, amplifier: Shifts) -> Record:
        """Everything of `DRAWN` for one of each.

        Raises:
            SimulationError: the cell has one state when it is read or at rest, or cannot be written.
        """
        left, right = self._cells.currents(cell)
        stable, _, _ = self._benches.measure(cell)
        self._latch.vary(amplifier)
        offset = self._latch.offset(self._nominal)
        return {
            "read_current_left": float(left[0]),
            "read_current_right": float(right[0]),
            **{name: stable[name] for name in ("write_time_0", "write_time_1", *RESTING)},
            "offset": offset,
        }

    def rest(self, cell: Shifts) -> Record:
        """What `RESTING` names of a cell.

        Raises:
            SimulationError: the cell has one state at rest.
        """
        return self._benches.at_rest(cell)


def drawn(setting: StorageSetting, drawing: Drawing, cell: Floats, amplifier: Floats) -> Record:
    """`DRAWN` of cells and amplifiers with these scores; NaN where a cell has no such figures."""
    varied = setting.varied()
    both = [(varied[0].at(own), varied[1].at(other)) for own, other in zip(cell, amplifier, strict=True)]
    measured = _measured(DRAWN, (functools.partial(drawing.measure, *one) for one in both))
    return {**measured, "cell_scores": cell, "amplifier_scores": amplifier}


def resting(setting: StorageSetting, drawing: Drawing, scores: Floats) -> Record:
    """What `RESTING` names of cells with these scores, as records name it after `rest_`."""
    cells = [setting.varied()[0].at(own) for own in scores]
    found = _measured(RESTING, (functools.partial(drawing.rest, one) for one in cells))
    return {f"rest_{name}": values for name, values in found.items()} | {"rest_scores": scores}


def _measured(names: Iterable[str], measurements: Iterable[Callable[[], Record]]) -> Record:
    """Columns of so many measurements, NaN where one has no result."""
    rows: list[Record] = []
    for measure in measurements:
        try:
            rows.append(measure())
        except SimulationError:
            rows.append(dict.fromkeys(names, math.nan))
    return {name: np.array([float(row[name]) for row in rows]) for name in names}
