"""Write margins of the 6T cell, from cells that are cut open.

While a cell is written, its state vanishes in a saddle-node: a closed-loop sweep of the bit line finds that point only
to its step, and snaps. Cut open, with the falling node held at a voltage x, there is for every x one setting c(x) of
the bit line (or of the word line's distance from the supply) at which no current is needed to hold it. As c falls from
the supply, the cell follows c(x) down from x = vdd, and flips at the first minimum of c(x): smooth in every device.

c(x) is solved for all x of a sweep at once, by secants in c over few sweeps, for the four benches of
`circuits.cells.write` side by side.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import SimulationError
from circuits.cells import WRITE_STEPS, WRITES
from spice.engine import Engine

Array = np.ndarray[Any, np.dtype[np.float64]]

LOWEST = -0.4  # in supplies: below this setting there is no margin
_COARSE = 15
_TOLERANCE = 1e-5  # V
_SWEEPS = 12
UNWRITABLE = "the cell cannot be written, not even with its bit line beyond the supplies; weaken its pull-up"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Solution:
    """Where each bench flips.

    Attributes:
        margin: setting at the flip by bench (in the order of WRITES), V: the bit line's voltage, or the supply minus
            the word line's. At most vdd: a cell that has lost its state before it is written flips there. NaN where
            not even `LOWEST` of the supply flips it, so that its margin is below that.
        held: voltage of the falling node at the flip, V; NaN where the state was lost before, or where it never flips.
        slope: change of the holding current with the setting, A/V, shape (benches, WRITE_STEPS + 1).
    """

    margin: Array
    held: Array
    slope: Array


def solve(engine: Engine, vdd: float, start: Solution | None = None) -> Solution:
    """Find where the benches of the loaded write netlist flip.

    Args:
        engine: with `circuits.cells.write` loaded.
        vdd: its supply, V.
        start: solution of a similar cell, which saves most sweeps; None looks everywhere.

    Raises:
        SimulationError: the search for a margin did not settle.
        ConvergenceError: ngspice found no solution.
    """
    if start is not None and not np.isnan(start.held).any():
        try:
            found = _refine(engine, vdd, start)
        except SimulationError as error:
            _log.info("looking everywhere for the write margins: %s", error)
        else:
            if not np.isnan(found.margin).any():  # else it may only have gone astray on its way from the start
                return found
    return _refine(engine, vdd, _look(engine, vdd))


def _look(engine: Engine, vdd: float) -> Solution:
    """Roughly where the benches flip, from a coarse grid of settings."""
    settings = np.linspace(LOWEST, 1, _COARSE) * vdd
    currents = np.stack([_holding(engine, np.full(len(WRITES), setting), vdd) for setting in settings])
    margin, held = np.full(len(WRITES), vdd), np.full(len(WRITES), np.nan)
    slope = np.empty(currents.shape[1:])
    for bench in range(len(WRITES)):
        curve = np.array([_crossing(settings, column) for column in currents[:, bench].T])
        lowest = _first_minimum(curve, 0)
        if np.isneginf(curve[lowest]) and lowest < WRITE_STEPS:
            margin[bench] = np.nan
        elif lowest < WRITE_STEPS:  # else the curve only falls: nothing holds the node up even at the supply
            margin[bench], held[bench] = curve[lowest], vdd * (1 - lowest / WRITE_STEPS)
        near = min(max(int(np.searchsorted(settings, margin[bench])), 1), _COARSE - 1)  # NaN sorts last
        slope[bench] = (currents[near, bench] - currents[near - 1, bench]) / (settings[near] - settings[near - 1])
    return Solution(margin, held, slope)


def _refine(engine: Engine, vdd: float, start: Solution) -> Solution:
    """Follow the secants from a rough solution, in those benches that it found."""
    held, setting, slope = start.held.copy(), start.margin.copy(), start.slope.copy()
    never = np.isnan(setting)
    setting[never] = vdd  # those benches only stand by
    current = _holding(engine, setting, vdd)
    for _ in range(_SWEEPS):
        margin = setting.copy()
        for bench in np.flatnonzero(~np.isnan(held)):
            with np.errstate(divide="ignore", invalid="ignore"):  # far from the flip the setting can be without effect
                curve = setting[bench] - current[bench] / slope[bench]
            margin[bench], held[bench] = _minimum(curve, held[bench], vdd)
        beyond = margin < LOWEST * vdd
        never |= beyond
        margin[beyond], held[beyond] = vdd, np.nan
        if np.max(np.abs(margin - setting)) < _TOLERANCE:
            return Solution(np.where(never, np.nan, np.minimum(margin, vdd)), held, slope)
        following = _holding(engine, margin, vdd)
        moved = np.abs(margin - setting) > 0.1 * _TOLERANCE
        secant = (following - current) / np.where(moved, margin - setting, 1)[:, None]
        slope = np.where(moved[:, None] & (secant < 0), secant, slope)
        setting, current = margin, following
    raise SimulationError(f"the write margin did not settle in {_SWEEPS} sweeps")


def _holding(engine: Engine, setting: Array, vdd: float) -> Array:
    """Current (A) into the held node as it falls from vdd to 0, at each setting; shape (benches, WRITE_STEPS + 1)."""
    for bench, value in zip(WRITES, setting, strict=True):
        engine.alter(f"v{bench}", "dc", value if bench.startswith("bl") else vdd - value)
    swept = engine.run(f"dc vin {vdd!r} 0 {-vdd / WRITE_STEPS!r}")
    return np.stack([swept[f"vhold_{bench}#branch"] for bench in WRITES])


def _crossing(settings: Array, current: Array) -> float:
    """Setting at which the falling current is zero; -inf or inf where it lies beyond the ends."""
    if current[-1] > 0:
        return np.inf
    if current[0] < 0:
        return -np.inf
    after = int(np.argmax(current <= 0))
    if after == 0:
        return float(settings[0])
    share = current[after - 1] / (current[after - 1] - current[after])
    return float(settings[after - 1] + share * (settings[after] - settings[after - 1]))


def _first_minimum(curve: Array, start: int) -> int:
    """Index of the local minimum downhill from `start`, first towards lower held voltages.

    The last index where the curve falls to its end.
    """
    index = start
    while index + 1 < curve.size and curve[index + 1] <= curve[index]:
        index += 1
    while index > 0 and curve[index - 1] < curve[index]:
        index -= 1
    return index


def _minimum(curve: Array, near: float, vdd: float) -> tuple[float, float]:
    """Value and held voltage of the minimum of `curve` next to the held voltage `near`, refined by a parabola."""
    step = vdd / WRITE_STEPS
    index = _first_minimum(curve, round((vdd - near) / step))
    if not 0 < index < curve.size - 1:
        raise SimulationError("the write margin was lost on the way to it")
    before, here, after = curve[index - 1 : index + 2]
    if np.isneginf(here):
        return float(here), near
    curvature = before - 2 * here + after
    if curvature <= 0:
        return float(here), vdd - index * step
    offset = (before - after) / (2 * curvature)
    return float(here - (before - after) ** 2 / (8 * curvature)), vdd - (index + offset) * step
