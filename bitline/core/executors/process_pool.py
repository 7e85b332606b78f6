"""Samples on several processes of this machine, one a core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from bitline.core.errors import SimulationError
from bitline.core.executor import Failure, Outcome, Task, attempt

_worker: dict[str, Any] = {}


def _start(task: Task) -> None:
    """Set a worker up: deaf to Ctrl-C (the parent decides), and gone when the parent is, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _worker["task"] = task


def _prepare() -> None:
    if "context" not in _worker:  # not in _start: an error there would only say that the pool is broken
        _worker["context"] = _worker["task"].prepare()


def _work(index: int) -> Outcome:
    _prepare()
    with threadpool_limits(1):
        return attempt(_worker["task"], _worker["context"], index)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C until a worker is started: it inherits the block, and is not caught before it is deaf to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class ProcessPool:
    """One process a worker, started by spawn: ngspice and BLAS keep global state that a fork would share.

    A worker that dies takes the samples in flight with it; each of those is run once more alone, and the one that
    kills its worker again is recorded as failed. Workers that die before any was ready stop the stage instead: that is
    no sample's fault.

    Args:
        workers: how many processes.
        recycle: samples after which a worker is replaced, which bounds what ngspice leaks (about 1 kB a run).
    """

    workers: int
    recycle: int = 20_000

    def map(self, task: Task, indices: Iterable[int]) -> Iterator[tuple[int, Outcome]]:
        """See `bitline.core.executor.Executor.map`."""
        waiting, suspects = deque(indices), deque[int]()
        while waiting:
            yield from self._sweep(task, waiting, suspects, min(self.workers, len(waiting)))
        for index in suspects:
            alone, dead = deque([index]), deque[int]()
            yield from self._sweep(task, alone, dead, 1)
            for lost in dead:
                yield lost, Failure("the worker process died while it computed this sample (twice)")

    def _sweep(self, task: Task, waiting: deque[int], lost: deque[int], workers: int) -> Iterator[tuple[int, Outcome]]:
        """Empty `waiting`, or return early with what was in flight in `lost` when a worker died."""
        flying: dict[Future[Outcome], int] = {}
        pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(task,),
            max_tasks_per_child=self.recycle,
        )
        ready: Future[None] | None = None
        try:
            with _interrupts_held():
                ready = pool.submit(_prepare)
            while waiting or flying:
                while waiting and len(flying) < 2 * workers:
                    with _interrupts_held():
                        future = pool.submit(_work, waiting[0])
                    flying[future] = waiting.popleft()
                finished, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in sorted(finished, key=flying.__getitem__):
                    outcome = future.result()
                    yield flying.pop(future), outcome
            ready.result()
        except BrokenProcessPool:
            if ready is None or ready.exception() is not None:
                raise SimulationError(
                    "a worker process died before it was ready; what it printed says why (or too little memory); "
                    "nothing is lost, run the same command again"
                ) from None
            lost.extend(sorted(flying.values()))
        finally:
            processes = list((pool._processes or {}).values())  # noqa: SLF001 - the only way to stop what runs
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
