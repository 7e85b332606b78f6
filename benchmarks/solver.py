"""The crossbar solver against badcrossbar, a sparse factorisation and ngspice: `python -m benchmarks.solver [--json]`.

The problem is the one that published solvers are compared on: cells of 20 to 200 kohm, uniform in resistance, wires of
1 ohm a segment on every line, those at the ends included, inputs uniform in 0 to 0.3 V. Times are the least of several
runs on one thread; what tells is the ratio of two times of one run.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.measure import Row, error, in_turns, least, main, peak_memory, row, seconds
from benchmarks.peers import MISSING, badcrossbar
from circuits.crossbar import Wires
from circuits.terminals import reading
from crossbar.cells import sinh_cells
from crossbar.newton import solve_cells
from crossbar.nodal import node_voltages
from crossbar.nonlinear import solve_by_chords
from crossbar.solve import effective_matrix, solution, solve
from spice.array import currents

R_MIN, R_MAX = 20e3, 200e3
BAD = "badcrossbar 1.1.0"
SPARSE = "sparse factorisation (scipy)"
TWIN = "the slow twin, damped: a sparse factorisation a step"
ELSEWHERE = "measured elsewhere, not in this run"
Peer = Callable[[Any, Any, float], Any] | None


def problem(size: int, vectors: int = 100) -> tuple[Any, Any]:
    """Conductances (S), shape (size, size), and voltages (V), shape (vectors, size)."""
    rng = np.random.default_rng(0)
    return 1 / rng.uniform(R_MIN, R_MAX, (size, size)), rng.uniform(0, 0.3, (vectors, size))


def against_badcrossbar(size: int, peer: Peer, many: int = 10_000, runs: int = 9) -> list[Row]:
    """One vector, 64 at once, many, and the effective matrix."""
    g, v = problem(size, max(many, 64))
    wires, settings = Wires(1.0, 1.0), f"{size} x {size}, 1 ohm, 1e-9"
    truth = node_voltages(g, v[:64], wires).i_bl_last
    works = {
        "one": partial(solve, g, v[0], 1.0, 1.0),
        "64": partial(solve, g, v[:64], 1.0, 1.0),
        "matrix": partial(effective_matrix, g, wires),
    }
    if peer:
        works["peer"] = partial(peer, g, v[:1], 1.0)
    times = in_turns(works, runs)
    bad: float | str = times.get("peer", MISSING)
    bad_at_once: float | str = least(partial(peer, g, v[:64], 1.0), 2)[0] if peer else MISSING
    all_of_them, i = least(partial(solve, g, v, 1.0, 1.0), 2)
    matrix = effective_matrix(g, wires)
    alone = f"{BAD}, one at a time (its time for one, times their number)"
    return [
        row("one vector", settings, times["one"], BAD, bad, error(works["one"](), truth[0])),
        row("64 vectors at once", settings, times["64"], alone, _times(bad, 64), error(works["64"](), truth)),
        row("64 vectors at once", settings, times["64"], f"{BAD}, at once", bad_at_once, error(works["64"](), truth)),
        row(f"{len(v)} vectors", settings, all_of_them, alone, _times(bad, len(v)), error(i[:64], truth)),
        row("effective matrix", settings, times["matrix"], f"{BAD}, one vector", bad, error(v[:64] @ matrix, truth)),
    ]


def _times(one: float | str, number: int) -> float | str:
    return one if isinstance(one, str) else one * number


def hard_wires(size: int, share: float, mark_s: float, runs: int = 5) -> Row:
    """One vector to 1e-6 where the least cell has `share` times a segment's resistance."""
    g, v = problem(size, 1)
    wires = Wires(R_MIN / share, R_MIN / share)
    works = {
        "ours": lambda: solution(g, v, wires, 1e-6).i,
        "sparse": lambda: node_voltages(g, v, wires).i_bl_last,
    }
    times = in_turns(works, runs)
    settings = f"{size} x {size}, Rmin / r_wire = {share:g}, 1e-6"
    mark = {"mark": f"CrossSim 3.2.0 at 128 x 128: {mark_s:g} s, {ELSEWHERE}"}
    off = error(works["ours"](), works["sparse"]())
    return row("one vector", settings, times["ours"], SPARSE, times["sparse"], off, **mark)


def nonlinear(size: int, share: float, mark: str, runs: int = 3) -> Row:
    """Cells of i = G sinh(4 v) / 4, against the slow twin, which factorises a sparse matrix a step; both to 1e-6.

    The truth is the twin's at 1e-9.
    """
    g, v = problem(size, 1)
    law, wires, ends = sinh_cells(g, 4.0), Wires(R_MIN / share, R_MIN / share), reading(v, size)
    works = {
        "ours": lambda: solve_cells(law, wires, ends, 1e-6).i_bl_last,
        "twin": lambda: solve_by_chords(law, wires, ends, 1e-6).i_bl_last,
    }
    times = in_turns(works, runs)
    off = error(works["ours"](), solve_by_chords(law, wires, ends, 1e-9).i_bl_last)
    settings = f"{size} x {size}, Rmin / r_wire = {share:g}, 1e-6"
    return row("sinh cells, one vector", settings, times["ours"], TWIN, times["twin"], off, mark=mark)


def large(size: int) -> Row:
    """One vector alone to 1e-9, in a process of its own, so that its memory is known."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        ours, bound, before, peak = process.submit(_large, size).result()
    more = {"peak_MiB": peak, "of_which_before_MiB": before}
    settings = f"{size} x {size}, 1 ohm, 1e-9; the error is the proved bound"
    return row("one vector", settings, ours, BAD, f"not tried: minutes and GiB at {size} x {size}", bound, **more)


def _large(size: int) -> tuple[float, float, float, float]:
    g, v = problem(size, 1)
    solve(g[:8, :8], v[0, :8], 1.0, 1.0)  # loads the kernels
    before = peak_memory()
    ours, found = seconds(lambda: solution(g, v, Wires(1.0, 1.0))), solution(g, v, Wires(1.0, 1.0))
    return ours, found.relative, before, peak_memory()


def growth(size: int, peer: Peer, most: int = 256) -> list[Row]:
    """One vector and, up to 512, the effective matrix as the array grows."""
    g, v = problem(size, 1)
    settings = f"{size} x {size}, 1 ohm, 1e-9; cost as N grows"
    known = bool(peer) and size <= most
    ours, i = least(partial(solve, g, v, 1.0, 1.0), 3 if size > most else 9)
    theirs: float | str = MISSING if not peer else f"not tried beyond {most} x {most}"
    if known:
        theirs, truth = least(partial(peer, g, v, 1.0), 2)  # type: ignore[arg-type] # it is there
    rows = [row("one vector", settings, ours, BAD, theirs, error(i, truth) if known else None)]
    if size <= 2 * most:
        matrix, _ = least(partial(effective_matrix, g, Wires(1.0, 1.0)), 1 if size > most else 3)
        rows.append(row("effective matrix", settings, matrix, f"{BAD}, one vector", theirs, None))
    return rows


def against_ngspice(size: int) -> Row:
    """One vector of a netlist."""
    g, v = problem(size)
    slow, truth = seconds(partial(currents, g, v[0], Wires(1.0, 1.0))), currents(g, v[0], Wires(1.0, 1.0))
    fast, i = least(partial(solve, g, v[0], 1.0, 1.0), 7)
    return row("one vector", f"{size} x {size}, 1 ohm, 1e-9", fast, "ngspice", slow, error(i, truth))


def measure() -> list[Row]:
    """Every row."""
    peer = badcrossbar()
    at_1e_6 = f"CrossSim 3.2.0 at 128 x 128: 4.0 ms; ngspice 39: 82 s; {ELSEWHERE}"
    return [
        *against_badcrossbar(128, peer),
        hard_wires(128, 1000, 1.78),
        hard_wires(128, 200, 5.1),
        nonlinear(128, 20_000, at_1e_6),
        nonlinear(128, 200, f"ngspice 39 at 128 x 128, easy wires: 82 s; {ELSEWHERE}"),
        large(1024),
        *(entry for size in (16, 32, 64, 128, 256, 512, 1024) for entry in growth(size, peer)),
        *(against_ngspice(size) for size in (32, 64)),
    ]


if __name__ == "__main__":
    with threadpool_limits(1):
        main("Time the crossbar solver.", measure)
