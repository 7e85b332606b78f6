"""Failures of the sense amplifier: its offset, the difference v(br) - v(bl) at which it flips, leaves a limit.

`offset` above +L: reading a 0 takes more than L; below -L: reading a 1 does. Every offset is found in transients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.executor import Executor, Record
from bitline.core.store import Store
from circuits.netlist import Netlist
from circuits.sense_amp import SenseBench
from spice.characterise import Conditions
from spice.latch import netlist
from spice.rare.limit_state import Floats
from spice.rare.part import Failure
from spice.rare.simulated import Simulated
from spice.rare.varied_latch import VariedLatch, variables

METRICS = {"offset": "V"}
UNITS = {"scores": "1", "offset": "V"}
SETTINGS: Mapping[str, str] = {}


@dataclass(frozen=True)
class SenseAmpPoints:
    """Task: the offset at given points; the record holds `scores` and `offset` (V).

    Args:
        conditions: technology, corner, temperature and supply.
        variation: of `spice.mismatch.VARIATIONS`.
        bench: common mode, slew and loads.
        points: scores of every sample, shape (samples, variables).
        first: index of the first of them.
    """

    conditions: Conditions
    variation: str
    bench: SenseBench = field(default_factory=SenseBench)
    points: Floats = field(default_factory=lambda: np.zeros((0, 0)), compare=False)
    first: int = 0

    def prepare(self) -> VariedLatch:
        """The loaded amplifier."""
        return VariedLatch(self.conditions, self.bench, self.variation)

    def run(self, context: VariedLatch, index: int) -> Record:
        """Find the offset at point `index`."""
        scores = self.points[index - self.first]
        return {"scores": scores, "offset": context.offset(scores)}


def netlists(failure: Failure) -> dict[str, Netlist]:
    """The amplifier on its bench."""
    return {"latch": netlist(failure.conditions, SenseBench())}


def limit_state(failure: Failure, executor: Executor, store: Store, progress: Callable[[int], None]) -> Simulated:
    """The amplifier's failure over the standard-normal scores of its mismatch.

    Raises:
        ConfigError: an unknown technology, corner or variation, or nothing that varies.
    """
    netlists(failure)  # refuses an unknown corner before anything runs
    names = [variable.name for variable in variables(failure.conditions.technology, failure.variation)]
    nominal = SenseAmpPoints(failure.conditions, failure.variation)

    def task(points: Floats, first: int) -> SenseAmpPoints:
        return replace(nominal, points=points, first=first)

    return Simulated(names, failure.bounds({"offset": ("offset",)}), task, executor, store, progress)
