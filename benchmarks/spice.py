"""Read noise margins through PySpice against a process a sample, and the compact cell: `python -m benchmarks.spice`.

The work is a Monte Carlo of the 6T cell's read noise margin: six threshold shifts (and for the compact cell alone also
six oxides), a sweep of 72 steps over two
half-cells, the largest squares. Every backend draws the same cells. The backends take turns, each time is the median
of several turns, and what tells is the ratio of two times of one run. Setting up (netlist, workers, model) is left out,
as a Monte Carlo pays it once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Row, medians, row, show
from bitline.core.executor import Task
from bitline.core.executors import executor
from circuits.technology import load_technology
from spice.compact.cell import CompactCell, Condition
from spice.fits_compact import fit_compact, sigmas
from spice.read_snm import BatchReadSnm, SharedReadSnm

SHARED, BATCH, COMPACT, POOL = 200, 20, 20_000, 3000  # samples a turn
TURNS = 5
CORES = 2


def seconds_a_sample(task: Task, context: Any, samples: int) -> float:
    """Time of one sample in this process, over some."""
    start = time.perf_counter()
    for index in range(samples):
        task.run(context, index)
    return (time.perf_counter() - start) / samples


def compact_seconds(condition: Condition, shifts: Any, threads: int) -> float:
    """Time of one cell with the compact model, over all shifts[cell, device] on some threads."""
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(condition.read_snm, np.array_split(shifts, 8 * threads)))
        return (time.perf_counter() - start) / len(shifts)


def pool_seconds(workers: int) -> float:
    """Time of one sample on some worker processes, from the time that all of them are busy."""
    outcomes: Iterator[Any] = executor(workers).map(SharedReadSnm(), range(POOL + 200))
    list(islice(outcomes, 200))
    start = time.perf_counter()
    counted = len(list(islice(outcomes, POOL - 200)))
    spent = time.perf_counter() - start
    list(outcomes)
    return spent / counted


def measure(turns: int) -> list[Row]:
    """Every ratio."""
    shared, batch = SharedReadSnm(), BatchReadSnm()
    benches = shared.prepare(), batch.prepare()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cell.npz"
        fit_compact().save(file)
        condition = CompactCell.load(file).at(shared.temperature, shared.vdd)
    sigma = sigmas(load_technology())
    whole = np.random.default_rng(0).standard_normal((COMPACT, sigma.size)) * sigma
    shifts = whole[:, : sigma.size // 2]  # thresholds alone, as the others
    for work in (partial(shared.run, benches[0]), partial(batch.run, benches[1])):
        work(0)  # compiles, loads
    condition.read_snm(shifts[:10])
    alone = medians(
        {
            "shared": partial(seconds_a_sample, shared, benches[0], SHARED),
            "batch": partial(seconds_a_sample, batch, benches[1], BATCH),
            "one thread": partial(compact_seconds, condition, shifts, 1),
            "threads": partial(compact_seconds, condition, shifts, CORES),
            "full": partial(compact_seconds, condition, whole, 1),
        },
        turns,
    )
    pools = medians({f"{n}": partial(pool_seconds, n) for n in (1, CORES)}, max(turns // 2, 1))
    settings = f"6T, tt, 27 C, 1.8 V, vth mismatch, {shared.steps} steps"
    name = "read SNM Monte Carlo"
    shared_library = "PySpice shared library"
    return [
        row(name, f"{backend}; {settings}", ours, peer, theirs, None, samples_per_s=1 / ours)
        for backend, ours, peer, theirs in (
            (shared_library, alone["shared"], "a process a sample", alone["batch"]),
            (f"PySpice, {CORES} processes", pools[f"{CORES}"], "PySpice, 1 process", pools["1"]),
            ("compact cell, 1 thread", alone["one thread"], shared_library, alone["shared"]),
            ("compact cell, 1 thread, full mismatch", alone["full"], shared_library, alone["shared"]),
            (f"compact cell, {CORES} threads", alone["threads"], shared_library, alone["shared"]),
        )
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time Monte Carlos of the read noise margin.")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    parser.add_argument("--turns", type=int, default=TURNS, help="turns that each backend takes")
    wanted = parser.parse_args()
    show(measure(wanted.turns), wanted.json)


if __name__ == "__main__":
    main()
