"""Samples and how they are run: the task, its outcome, and the executor that maps one over indices.

A study is sets of samples. A *task* says how one sample is computed from its index alone; an *executor* computes many,
here or in other processes; a *store* (bitline.core.store) keeps what comes back. An executor is one file in
bitline/core/executors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bitline.core.errors import BitlineError, SimulationError

Record = dict[str, "np.ndarray[Any, Any] | float | int | str"]


class Task(Protocol):
    """How one sample is computed; a picklable frozen dataclass.

    `run` depends on nothing but the task's fields, the context that `prepare` made from them, and the index: it draws
    its variation from ``stream(self.seed, stage, index)``. So a sample replays alone, with the same bits anywhere.
    """

    def prepare(self) -> Any:
        """Set up what the samples share, once a worker (a loaded netlist, arrays); raises BitlineError if it can't."""

    def run(self, context: Any, index: int) -> Record:
        """Compute the sample; a BitlineError that it raises is recorded as the sample's failure."""


@dataclass(frozen=True)
class Result:
    """A sample that was computed."""

    record: Record


@dataclass(frozen=True)
class Failure:
    """A sample that could not be computed, with the reason and the last words of what failed."""

    reason: str
    log: tuple[str, ...] = ()


Outcome = Result | Failure


class Executor(Protocol):
    """Runs a task over indices."""

    def map(self, task: Task, indices: Iterable[int]) -> Iterator[tuple[int, Outcome]]:
        """Yield (index, outcome) as samples finish, in any order, each index once.

        Raises:
            BitlineError: the task could not be prepared, so that no sample can run.
        """


def attempt(task: Task, context: Any, index: int) -> Outcome:
    """Run one sample; an error of the sample becomes its failure."""
    try:
        return Result(task.run(context, index))
    except BitlineError as error:
        log = error.log if isinstance(error, SimulationError) else ()
        return Failure(f"{type(error).__name__}: {error}", log)
