"""The crossbar solver against nodal analysis and ngspice: `python -m benchmarks.solver [--json]`.

The problem is the one that published solvers are compared on: cells of 20 to 200 kohm, uniform in resistance, 1 ohm a
segment on every line, inputs uniform in 0 to 0.3 V. Times are the least of several runs; what tells is their ratio,
since all of them run on this machine within a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from circuits.crossbar import Wires
from crossbar.nodal import node_voltages
from crossbar.solve import effective_matrix, solve
from spice.array import currents

SIZES = (64, 128, 256)
NGSPICE_SIZES = (32, 64)  # 128 takes a minute a vector
WIRES = Wires(1.0, 1.0)

Row = dict[str, float | int | str]


def problem(size: int) -> tuple[Any, Any]:
    """Conductances (S), shape (size, size), and voltages (V), shape (100, size)."""
    rng = np.random.default_rng(0)
    return 1 / rng.uniform(20e3, 200e3, (size, size)), rng.uniform(0, 0.3, (100, size))


def least_time(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Least time (s) of some runs after one that compiles, and what the work gives."""
    result, times = work(), []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times), result


def measure(size: int) -> list[Row]:
    """Rows of one size: solver, vectors, time, ratio to nodal analysis, error against it."""
    g, v = problem(size)
    rows: list[Row] = []
    for vectors in (1, 100):
        some = v[:vectors]
        slow, truth = least_time(partial(nodal, g, some), 2)
        fast, i = least_time(partial(solve, g, some, WIRES.r_wire_wl, WIRES.r_wire_bl), 7)
        rows.append(row("nodal (scipy)", size, vectors, slow, slow, 0.0))
        rows.append(row("solve", size, vectors, fast, slow, error(i, truth)))
    matrix_time, matrix = least_time(partial(effective_matrix, g, WIRES), 7)
    product_time, i = least_time(partial(np.matmul, v, matrix), 7)
    rows.append(row("effective matrix, once", size, size, matrix_time, slow, error(i, truth)))
    rows.append(row("product with it", size, 100, product_time, slow, error(i, truth)))
    return rows


def nodal(g: Any, v: Any) -> Any:
    """Currents (A) by nodal analysis."""
    return node_voltages(g, v, WIRES).i


def measure_ngspice(size: int) -> list[Row]:
    """The same against ngspice, one vector."""
    g, v = problem(size)
    slow, truth = least_time(partial(currents, g, v[0], WIRES), 1)
    fast, i = least_time(partial(solve, g, v[0], WIRES.r_wire_wl, WIRES.r_wire_bl), 7)
    return [row("ngspice", size, 1, slow, slow, 0.0), row("solve", size, 1, fast, slow, error(i, truth))]


def row(solver: str, size: int, vectors: int, seconds: float, reference: float, off: float) -> Row:
    """One line of the table."""
    ratio = reference / seconds
    return {"solver": solver, "size": size, "vectors": vectors, "time_s": seconds, "times_faster": ratio, "error": off}


def error(i: Any, truth: Any) -> float:
    """Largest deviation over the largest current."""
    return float(np.abs(i - truth).max() / np.abs(truth).max())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the crossbar solver.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    wanted = parser.parse_args()
    tables = {
        "against nodal analysis": [found for size in SIZES for found in measure(size)],
        "against ngspice": [found for size in NGSPICE_SIZES for found in measure_ngspice(size)],
    }
    if wanted.json:
        print(json.dumps(tables))
        return
    for title, rows in tables.items():
        print(f"\n{title}\n{'':24}{'size':>6}{'vectors':>9}{'time':>12}{'times faster':>14}{'error':>10}")
        for entry in rows:
            print(
                f"{entry['solver']:24}{entry['size']:6}{entry['vectors']:9}{float(entry['time_s']) * 1e3:9.3f} ms"
                f"{entry['times_faster']:14.3g}{entry['error']:10.1e}"
            )


if __name__ == "__main__":
    main()
