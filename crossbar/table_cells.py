"""Cells whose I-V is a table, measured or fitted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from bitline.core.errors import ConfigError, ModelRangeError
from circuits import crossbar_cells
from circuits.crossbar import Cell, checked_conductances
from crossbar.cells import Carried

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class TableCells:
    """Cells whose I-V is a table: monotone cubics through points, straight lines between curves.

    A cell carries the weighted mean of two neighbouring curves. Beyond the last voltage a curve goes on straight, so
    that an iteration may pass there; a solution may not (`check`).

    Args:
        volts: of the points (V), ascending, shape (points,).
        currents: of each curve (A or relative), shape (curves, points), ascending in voltage.
        lower: which curve each cell lies at or above, shape (m, n).
        weight: of the curve above it, 0 to 1, shape (m, n).
        scale: factor of each cell's current, shape (m, n); 0 is an open cell.
    """

    volts: Floats
    currents: Floats
    lower: Ints
    weight: Floats
    scale: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(word lines, bit lines)."""
        return self.scale.shape[0], self.scale.shape[1]

    @cached_property
    def _slopes(self) -> Floats:
        from scipy.interpolate import PchipInterpolator

        slopes: Floats = PchipInterpolator(self.volts, self.currents, axis=1).derivative()(self.volts)
        return np.ascontiguousarray(slopes)

    def __call__(self, word: Floats, bit: Floats) -> Carried:
        """See `Law`."""
        i, slope = np.empty_like(word), np.empty_like(word)
        _table(self.volts, self.currents, self._slopes, self.lower, self.weight, self.scale, word - bit, i, slope)
        return Carried(i, slope, slope)

    def check(self, word: Floats, bit: Floats) -> None:
        """See `Law`."""
        seen = (word - bit)[self.scale > 0]
        slack = 1e-9 * (self.volts[-1] - self.volts[0])
        for volts in (seen.min(initial=0.0), seen.max(initial=0.0)):
            if not self.volts[0] - slack <= volts <= self.volts[-1] + slack:
                raise ModelRangeError(
                    f"a cell sees {volts:.3g} V; its table goes from {self.volts[0]:.3g} to {self.volts[-1]:.3g} V"
                )

    def elements(self) -> tuple[Cell, str]:
        """The same cells in a netlist, and the lines they need."""
        upper = np.minimum(self.lower + 1, len(self.currents) - 1)
        weight = self.weight[..., None]
        points, slopes = (
            self.scale[..., None] * (curves[self.lower] + weight * (curves[upper] - curves[self.lower]))
            for curves in (self.currents, self._slopes)
        )
        return crossbar_cells.table_cells(self.volts, points, slopes)


def table_cells(g: Any, volts: Any, currents: Any, conductances: Any = None) -> TableCells:
    """Cells of conductance g[word_line, bit_line] (S) with a measured or fitted I-V.

    Args:
        g: S; 0 is an open cell.
        volts: V, ascending, shape (points,). A table that starts at 0 V is taken as odd.
        currents: with `conductances`, A, shape (len(conductances), points): the curve of a cell of each of these.
            Without, V, shape (points,): current over conductance of every cell.
        conductances: S, ascending; a cell between two of them carries the weighted mean of their curves.

    Raises:
        ConfigError: a table that is not ascending or not finite, or of another shape.
        ModelRangeError: a conductance outside the table's.
    """
    g, volts, currents = checked_conductances(g), np.asarray(volts, float), np.atleast_2d(np.asarray(currents, float))
    if volts.ndim != 1 or currents.shape[1:] != volts.shape or volts.size < 2:
        raise ConfigError(f"an I-V table has {volts.shape} voltages and {currents.shape} currents; one each, 2 or more")
    if not (np.isfinite(volts).all() and np.isfinite(currents).all()):
        raise ConfigError("an I-V table holds a value that is not finite; a table is of measured points only")
    if volts[0] == 0:
        volts, currents = np.r_[-volts[:0:-1], volts], np.c_[-currents[:, :0:-1], currents]
    if (np.diff(volts) <= 0).any() or (np.diff(currents, axis=1) <= 0).any():
        raise ConfigError("an I-V table ascends in voltage and in current at every point; this one does not")
    if conductances is None:
        if len(currents) != 1:
            raise ConfigError(f"{len(currents)} curves without the conductances that they belong to")
        return TableCells(volts, currents, np.zeros(g.shape, dtype=np.int64), np.zeros(g.shape), g)
    known = np.asarray(conductances, dtype=np.float64)
    if known.shape != (len(currents),) or (np.diff(known) <= 0).any():
        raise ConfigError(f"conductances {known.tolist()} do not ascend, or are not one a curve of {len(currents)}")
    there = g[g > 0]
    if there.size and not known[0] <= there.min() <= there.max() <= known[-1]:
        raise ModelRangeError(
            f"conductances are {there.min():g} to {there.max():g} S; the table has {known[0]:g} to {known[-1]:g} S"
        )
    lower = np.clip(np.searchsorted(known, g, side="right") - 1, 0, max(len(known) - 2, 0))
    if len(known) == 1:
        return TableCells(volts, currents, lower, np.zeros(g.shape), (g > 0).astype(np.float64))
    weight = np.clip((g - known[lower]) / np.diff(known)[lower], 0.0, 1.0)
    return TableCells(volts, currents, lower, weight, (g > 0).astype(np.float64))


def shaped_cells(g: Any, volts: Any, current: Any) -> TableCells:
    """Cells of conductance g[word_line, bit_line] (S) at 0 V whose I-V has the shape of one measured curve.

    Args:
        g: S; 0 is an open cell.
        volts: V, ascending from 0 V, where the curve is taken as odd, or from below, shape (points,).
        current: A, shape (points,).

    Raises:
        ConfigError: a table that is not ascending, or that does not reach 0 V.
    """
    curve = table_cells(np.ones((1, 1)), volts, current)
    if not curve.volts[0] <= 0 <= curve.volts[-1]:
        raise ConfigError(
            f"an I-V table goes through 0 V; this one is from {curve.volts[0]:g} to {curve.volts[-1]:g} V"
        )
    zero = np.zeros((1, 1))
    return table_cells(g, volts, np.asarray(current, dtype=np.float64) / float(curve(zero, zero).by_word[0, 0]))


@njit(cache=True, nogil=True, error_model="numpy")
def _on_curve(volts: Floats, currents: Floats, slopes: Floats, v: float) -> tuple[float, float]:
    """Current and slope of one curve by its cubic, straight beyond its ends."""
    last = volts.size - 1
    if v <= volts[0]:
        return currents[0] + slopes[0] * (v - volts[0]), slopes[0]
    if v >= volts[last]:
        return currents[last] + slopes[last] * (v - volts[last]), slopes[last]
    k = np.searchsorted(volts, v, side="right") - 1
    step, rise = volts[k + 1] - volts[k], currents[k + 1] - currents[k]
    t = (v - volts[k]) / step
    a = step * slopes[k] - rise
    b = rise - step * slopes[k + 1]
    bent = (1 - t) * a + t * b
    i = currents[k] + t * rise + t * (1 - t) * bent
    return i, (rise + (1 - 2 * t) * bent + t * (1 - t) * (b - a)) / step


@njit(cache=True, nogil=True, error_model="numpy")
def _table(
    volts: Floats,
    currents: Floats,
    slopes: Floats,
    lower: Ints,
    weight: Floats,
    scale: Floats,
    v: Floats,
    i: Floats,
    slope: Floats,
) -> None:
    """Fill in current and slope."""
    m, n = v.shape
    for row in range(m):
        for col in range(n):
            k, t, s = lower[row, col], weight[row, col], scale[row, col]
            carried, steep = _on_curve(volts, currents[k], slopes[k], v[row, col])
            if t > 0:
                above, steeper = _on_curve(volts, currents[k + 1], slopes[k + 1], v[row, col])
                carried, steep = carried + t * (above - carried), steep + t * (steeper - steep)
            i[row, col], slope[row, col] = s * carried, s * steep
