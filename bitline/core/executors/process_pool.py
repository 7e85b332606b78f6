"""Samples on several processes of this machine, one a core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from threadpoolctl import ThreadpoolController

from bitline.core.errors import SimulationError
from bitline.core.executor import Failure, Outcome, Task, attempt

_LARGEST_BLOCK = 16  # samples
_BLOCK_SECONDS = 0.02  # what a block is to take: little to lose, and a progress bar that moves

_worker: dict[str, Any] = {}


def _start(task: Task) -> None:
    """Set a worker up: deaf to Ctrl-C (the parent decides), and gone when the parent is, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # by which the parent ends it
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
        _worker["threads"] = ThreadpoolController()  # finding the libraries takes as long as a simulation, so once


def _work(block: Sequence[int]) -> tuple[list[Outcome], float]:
    """Outcomes of a block of samples, and the time (s) that they took."""
    _prepare()
    start = time.perf_counter()
    with _worker["threads"].limit(limits=1):
        outcomes = [attempt(_worker["task"], _worker["context"], index) for index in block]
    return outcomes, time.perf_counter() - start


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C and SIGTERM until a worker is started, so that none is left half-started.

    It inherits the block, and is not caught by Ctrl-C before it is deaf to it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True)
class ProcessPool:
    """One process a worker, started by spawn: ngspice and BLAS keep global state that a fork would share.

    Samples of a millisecond travel in blocks, or the parent's share of the work would be a fifth. A worker that dies
    takes the samples in flight with it; each of those is run once more alone, and the one that kills its worker again
    is recorded as failed. Workers that die before any was ready stop the stage instead: that is no sample's fault.

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
        flying: dict[Future[tuple[list[Outcome], float]], list[int]] = {}
        size = 1
        pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(task,),
            max_tasks_per_child=max(self.recycle // _LARGEST_BLOCK, 1),
        )
        ready: Future[None] | None = None
        try:
            with _interrupts_held():
                ready = pool.submit(_prepare)
            while waiting or flying:
                while waiting and len(flying) < 2 * workers:
                    block = list(islice(waiting, min(size, 1 + len(waiting) // (4 * workers))))  # none idles at the end
                    with _interrupts_held():
                        future = pool.submit(_work, block)
                    flying[future] = block
                    for _ in block:
                        waiting.popleft()
                finished, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in sorted(finished, key=flying.__getitem__):
                    outcomes, seconds = future.result()
                    block = flying.pop(future)
                    size = max(1, min(_LARGEST_BLOCK, int(len(block) * _BLOCK_SECONDS / max(seconds, 1e-9))))
                    yield from zip(block, outcomes, strict=True)
            ready.result()
        except BrokenProcessPool:
            if ready is None or ready.exception() is not None:
                raise SimulationError(
                    "a worker process died before it was ready; what it printed says why (or too little memory); "
                    "nothing is lost, run the same command again"
                ) from None
            lost.extend(sorted(chain.from_iterable(flying.values())))
        finally:
            processes = list((pool._processes or {}).values())  # noqa: SLF001 - the only way to stop what runs
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
