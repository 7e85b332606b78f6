"""Failures of the 6T cell: a cell fails where either stored value, or either side, falls below the limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bitline.core.errors import ConfigError
from bitline.core.executor import Executor
from bitline.core.store import Store
from spice.rare.limit_state import Floats
from spice.rare.part import Failure
from spice.rare.simulated import Bound, Simulated
from spice.sram import FIGURES, LOBES, SramPoints
from spice.sram import UNITS as FIELDS

METRICS = {name: FIGURES[name] for name in LOBES}
UNITS = {"scores": "1", **{lobe: FIELDS[lobe] for lobes in LOBES.values() for lobe in lobes}}


def limit_state(failure: Failure, executor: Executor, store: Store, progress: Callable[[int], None]) -> Simulated:
    """The cell's failure over the standard-normal scores of its mismatch.

    Raises:
        ConfigError: an unknown metric, technology, corner or variation, or nothing that varies.
    """
    at = failure.conditions
    nominal = SramPoints(
        at.technology, at.corner, at.temperature, at.vdd, variation=failure.variation, wanted=tuple(failure.below)
    )
    nominal.netlists()  # refuses an unknown corner before anything runs
    dimension = len(nominal.variables())
    if dimension == 0:
        raise ConfigError(f"variation = {failure.variation!r}: nothing varies, so nothing has a probability")
    bounds = [Bound(LOBES[name], limit, abs(limit) or 1.0) for name, limit in failure.below.items()]

    def task(points: Floats, first: int) -> SramPoints:
        return replace(nominal, points=points, first=first)

    return Simulated(dimension, bounds, task, executor, store, progress)
