"""Limit states simulated in ngspice: points go through an executor, and a store keeps each as it finishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bitline.core.errors import StoreError
from bitline.core.executor import Executor, Outcome, Result, Task
from bitline.core.store import Store
from spice.rare.limit_state import Floats, fails


@dataclass(frozen=True)
class Bound:
    """A figure that must not fall below a limit, or not rise above it.

    Args:
        fields: of the records: all of them have to hold it.
        limit: in their unit.
        scale: what a margin is divided by, so that margins of different units compare.
        above: it is the figure above the limit that fails.
    """

    fields: tuple[str, ...]
    limit: float
    scale: float = 1.0
    above: bool = False

    def margin(self, value: float) -> float:
        """How far `value` lies on the right side, below 0 where it fails."""
        return (self.limit - value if self.above else value - self.limit) / self.scale


class Simulated:
    """A limit state whose margins ngspice gives.

    Points are numbered in the order in which they are asked for; as a method asks for the same points when it starts
    again from its seed, a store that holds some of them spares their simulation.

    Args:
        names: what each of a point's scores moves.
        bounds: what must hold.
        task: the task that simulates points from number `first` on; its records hold the point as `scores`.
        executor: where they run.
        store: keeps their outcomes.
        progress: told how many points have finished.
    """

    def __init__(
        self,
        names: Sequence[str],
        bounds: Sequence[Bound],
        task: Callable[[Floats, int], Task],
        executor: Executor,
        store: Store,
        progress: Callable[[int], None] = lambda _points: None,
    ) -> None:
        self.names = tuple(names)
        self.dimension = len(self.names)
        self.simulations = 0
        self.verdicts: list[bool] = []  # of every point, whether it fails
        self.failures: dict[int, str] = {}
        self._bounds, self._task, self._executor, self._store = tuple(bounds), task, executor, store
        self._kept = dict(store.outcomes())
        self._progress = progress

    def margins(self, points: Floats) -> Floats:
        """See `LimitState.margins`.

        Raises:
            StoreError: the store holds another point under a number.
        """
        first = self.simulations
        numbers = range(first, first + len(points))
        outcomes = {number: self._kept[number] for number in numbers if number in self._kept}
        missing = [number for number in numbers if number not in outcomes]
        if missing:
            for number, outcome in self._executor.map(self._task(points, first), missing):
                self._store.append(number, outcome)
                outcomes[number] = outcome
                self._progress(1)
        self.simulations += len(points)
        found = np.array([self._margin(number, outcomes[number], points[number - first]) for number in numbers])
        self.verdicts += fails(found).tolist()
        return found

    def _margin(self, number: int, outcome: Outcome, point: Floats) -> list[float]:
        if not isinstance(outcome, Result):
            self.failures[number] = outcome.reason
            return [np.nan] * sum(len(bound.fields) for bound in self._bounds)
        if not np.array_equal(np.asarray(outcome.record["scores"]), point):
            raise StoreError(f"point {number} was kept for another run; choose another folder or remove its journal")
        return [bound.margin(float(outcome.record[name])) for bound in self._bounds for name in bound.fields]
