"""Samples one after the other in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from threadpoolctl import ThreadpoolController

from bitline.core.executor import Outcome, Task, attempt


@dataclass(frozen=True)
class InProcess:
    """Runs in the caller's process, with one thread for BLAS so that the bits equal those of a worker."""

    def map(self, task: Task, indices: Iterable[int]) -> Iterator[tuple[int, Outcome]]:
        """See `bitline.core.executor.Executor.map`."""
        wanted = list(indices)
        if not wanted:
            return
        context = task.prepare()
        threads = ThreadpoolController()  # finding the libraries takes as long as a simulation, so once
        for index in wanted:
            with threads.limit(limits=1):
                outcome = attempt(task, context, index)
            yield index, outcome
