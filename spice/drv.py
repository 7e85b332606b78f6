"""Data-retention voltage: down to which supply a closed cell at rest keeps what it holds.

Word line at 0, both bit lines at that supply. Cut open, the cell maps the voltage of one node through both halves back
onto itself; where that map crosses the diagonal from above is a state. The highest is a stored 1, the lowest a 0. A
value is lost at the highest supply from which its state, followed as the supply rises again, ends as the other value.
States are followed and not counted: at a low supply there can be ones near the middle as well, from which a value comes
back, and an uneven cell can have two states again where its weaker value is long gone. So a slightly different cell may
keep its value through a supply at which this one loses it, and the figure then jumps. Noise, and the time that losing a
value takes, are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from bitline.core.errors import SimulationError
from circuits.stability import RETENTION_STEPS, SUPPLIES
from spice.engine import Engine

Bools = np.ndarray[Any, np.dtype[np.bool_]]

LOWEST = 0.03  # V; kT/q and so below where two states are possible
TOLERANCE = 1e-4  # V
_FALL = 0.95  # of the supply at each step of the search
_GRID = 1001  # points of the map


def retention_voltage(engine: Engine, vdd: float) -> tuple[float, int]:
    """Data-retention voltage (V) of the loaded cell, and the value, 0 or 1, that it loses there.

    Args:
        engine: with `circuits.stability.retention` loaded, whose supplies it leaves altered.
        vdd: a supply at which the cell does hold, V.

    Raises:
        SimulationError: the cell has one state at `vdd`, or keeps both values wherever it was simulated.
        ConvergenceError: ngspice found no solution.
    """
    cell, supplies = _Cell(engine), [vdd]
    if not cell.holds(vdd):
        raise SimulationError(f"the cell at rest has one state at {vdd:g} V; give it a higher vdd")
    while supplies[-1] > LOWEST:
        low = _FALL * supplies[-1]
        lost = [(_lost(cell, value, low, supplies), value) for value in (0, 1) if not cell.keeps(value, low, supplies)]
        if lost:
            return max(lost)
        supplies.append(low)
    raise SimulationError(f"the cell at rest keeps both values from {vdd:g} V down to {LOWEST:g} V")


def holds(engine: Engine, supply: float) -> bool:
    """Whether the loaded cell has two states at `supply` (V), whichever they are."""
    return _Cell(engine).holds(supply)


def _lost(cell: _Cell, value: int, low: float, supplies: Sequence[float]) -> float:
    """The supply at which a value is lost that is kept at the last of `supplies` and not at `low` (V)."""
    kept = [*supplies]
    while kept[-1] - low > TOLERANCE:
        middle = (low + kept[-1]) / 2
        if cell.keeps(value, middle, kept):
            kept.append(middle)
        else:
            low = middle
    return (low + kept[-1]) / 2


@dataclass
class _Cell:
    """A loaded cell and its maps, each simulated once.

    Args:
        engine: that holds it.
    """

    engine: Engine
    _maps: dict[float, Bools] = field(default_factory=dict)

    def holds(self, supply: float) -> bool:
        """Whether there are two states or more."""
        above = self._above(supply)
        return int(np.count_nonzero(above[1:] != above[:-1])) >= 3

    def keeps(self, value: int, supply: float, kept: Sequence[float]) -> bool:
        """Whether the state of a value at a supply (V) becomes the value's again when the supply rises.

        Args:
            value: 0 or 1.
            supply: V.
            kept: falling supplies (V) above it, at which the value is known to be kept.
        """
        at = _states(self._above(supply))[-value]
        for higher in reversed(kept):
            above = self._above(higher)
            at = _settled(above, at)
            if at == _states(above)[-value]:
                return True
        return False

    def _above(self, supply: float) -> Bools:
        """Where the map is above the diagonal, at `_GRID` points from 0 to the supply."""
        if supply not in self._maps:
            for source in SUPPLIES:
                self.engine.alter(source, "dc", supply)
            swept = self.engine.run(f"dc vin 0 {supply!r} {supply / RETENTION_STEPS!r}")
            left, right = (PchipInterpolator(swept["in"], swept[node], extrapolate=True) for node in ("q", "qb"))
            node = np.linspace(0, supply, _GRID)
            found = left(right(node)) > node
            found[0], found[-1] = True, False  # whatever rounding says: a node stays between the rails
            self._maps[supply] = found
        return self._maps[supply]


def _states(above: Bools) -> list[int]:
    """The last points below each state, rising."""
    return np.flatnonzero(above[:-1] & ~above[1:]).tolist()


def _settled(above: Bools, start: int) -> int:
    """The state that a node ends in which starts at a point: it rises where the map is above, and falls elsewhere."""
    if above[start]:
        return start + int(np.argmin(above[start:])) - 1
    return start - int(np.argmax(above[start::-1]))
