"""What all benchmarks share: times, rows, and how they are printed.

A row is {work, settings, ours_s, peer, peer_s, ratio = peer_s / ours_s, error} and whatever more it has to say. Both
times are of this run. Where a peer is not at hand, `peer_s` and `ratio` are null and `reason` says why. A `mark` is a
figure of another tool that was measured elsewhere, on another machine or day: it is never part of a ratio.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Row = dict[str, Any]
Work = Callable[[], Any]

TURN = 0.02  # s that a work's turn lasts at least


def seconds(work: Work) -> float:
    """Time of one run (s)."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def least(work: Work, runs: int) -> tuple[float, Any]:
    """Least time (s) of some runs after one that compiles and loads, and what the work gives."""
    result = work()
    gc.collect()
    return min(seconds(work) for _ in range(runs)), result


def in_turns(works: dict[str, Work], runs: int) -> dict[str, float]:
    """Least time (s) of each work over runs that all take one after the other, after one that is not timed.

    In its turn a short work is done several times, so that it does not pay for the cache that the one before it took.
    """
    times = dict.fromkeys(works, math.inf)
    for work in works.values():
        work()
    for _ in range(runs):
        for name, work in works.items():
            spent = 0.0
            while not spent or spent < TURN:
                took = seconds(work)
                times[name] = min(times[name], took)
                spent += took
    return times


def medians(works: dict[str, Callable[[], float]], turns: int) -> dict[str, float]:
    """Median of what each work says it took, over turns that all take one after the other."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            times[name].append(work())
    return {name: statistics.median(values) for name, values in times.items()}


def row(work: str, settings: str, ours: float, peer: str, theirs: float | str, off: float | None, **more: Any) -> Row:
    """One line of the table.

    Args:
        work: what was done.
        settings: on what.
        ours: s.
        peer: who else does it.
        theirs: s, or the reason why there is none.
        off: error of ours, relative; None where there is nothing to compare with.
        more: further entries.
    """
    absent = isinstance(theirs, str)
    return {
        "work": work,
        "settings": settings,
        "ours_s": ours,
        "peer": peer,
        "peer_s": None if absent else theirs,
        "ratio": None if absent else float(theirs) / ours,
        "error": off,
        **({"reason": theirs} if absent else {}),
        **more,
    }


def error(found: Any, truth: Any) -> float:
    """Largest deviation over the largest value."""
    return float(np.abs(found - truth).max() / np.abs(truth).max())


def peak_memory() -> float:
    """The most memory (MiB) that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(rows: list[Row], as_json: bool) -> None:  # noqa: FBT001 # the one choice there is
    """Print the rows."""
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'':88}{'ours':>14}{'peer':>14}{'ratio':>10}{'error':>9}")
    for entry in rows:
        name = f"{entry['work']}; {entry['settings']}"
        ratio = "-" if entry["ratio"] is None else f"{entry['ratio']:.3g}"
        off = "" if entry["error"] is None else f"{entry['error']:.0e}"
        print(f"{name:88}{_time(entry['ours_s'])}{_time(entry['peer_s'])}{ratio:>10}{off:>9}  {_beside(entry)}")


def _time(spent: float | None) -> str:
    return f"{'-':>14}" if spent is None else f"{spent * 1e3:11.4g} ms"


def _beside(entry: Row) -> str:
    """The peer, and what a row has beyond the usual."""
    more = {key: entry[key] for key in entry if key not in _SHOWN}
    texts = [f"{key} {value:.4g}" if isinstance(value, float) else str(value) for key, value in more.items()]
    return "; ".join([entry["peer"], *texts])


_SHOWN = ("work", "settings", "ours_s", "peer", "peer_s", "ratio", "error")


def main(what: str, measure: Callable[[], list[Row]]) -> None:
    """The command of a benchmark."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    show_as_json = parser.parse_args().json
    show(measure(), show_as_json)
