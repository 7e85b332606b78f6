"""Failures of the 6T cell: a cell fails where either stored value, or either side, falls below the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bitline.core.errors import ConfigError
from bitline.core.executor import Executor
from bitline.core.store import Store
from circuits.netlist import Netlist
from spice.rare.limit_state import Floats
from spice.rare.part import Failure
from spice.rare.simulated import Simulated
from spice.sram import FIGURES, LOBES, SramPoints
from spice.sram import UNITS as FIELDS

METRICS = {name: FIGURES[name] for name in LOBES}
UNITS = {"scores": "1", **{lobe: FIELDS[lobe] for lobes in LOBES.values() for lobe in lobes}}

SETTINGS: Mapping[str, str] = {}


def netlists(failure: Failure) -> dict[str, Netlist]:
    """The butterfly, the write benches and the whole cell."""
    return _nominal(failure).netlists()


def limit_state(failure: Failure, executor: Executor, store: Store, progress: Callable[[int], None]) -> Simulated:
    """The cell's failure over the standard-normal scores of its mismatch.

    Raises:
        ConfigError: an unknown metric, technology, corner or variation, or nothing that varies.
    """
    nominal = _nominal(failure)
    nominal.netlists()  # refuses an unknown corner before anything runs
    names = [variable.name for variable in nominal.variables()]
    if not names:
        raise ConfigError(f"variation = {failure.variation!r}: nothing varies, so nothing has a probability")

    def task(points: Floats, first: int) -> SramPoints:
        return replace(nominal, points=points, first=first)

    return Simulated(names, failure.bounds(LOBES), task, executor, store, progress)


def _nominal(failure: Failure) -> SramPoints:
    at = failure.conditions
    return SramPoints(
        at.technology, at.corner, at.temperature, at.vdd, variation=failure.variation, wanted=failure.metrics
    )
