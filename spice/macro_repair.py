"""Macros that spares can't repair, where each macro's own failures decide what its spares replace.

A repair leaves out `spare_rows` of all rows and `spare_columns` of all columns, spares being rows and columns as the
others are, so that no word of those in use fails. Finding one is NP-complete (Kuo and Fuchs, IEEE Design & Test 4, 24,
1987) but easy with few spares: of any two spoilt bits that share a word the row or one of both columns has to go, which
is tried in turn (`repairable`). A search that grows long ends as not repairable.

Yields near 1 can't be counted in drawn macros, so these are drawn for each number of spoilt cells and failing columns
apart and weighted with the numbers' binomial probabilities. What spares repair wherever it lies needs no draw. Of a
drawn macro only the spoilt cells are looked at, so its size costs nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import binom

from bitline.core.seeds import stream
from spice.macro_plan import MacroPlan

Ints = np.ndarray[Any, np.dtype[np.int64]]
Cell = tuple[int, int]  # word, column
Conflict = tuple[int, frozenset[int]]  # a row, -1 for all of them, and columns: one of them has to go

_DRAWS = 500  # macros for each number of failures
_MANY = 4_000  # of few failures, where most macros are good
_CROWD = 12  # spoilt cells beyond twice the spares, from which on there are many failures
_MOST = 40.0  # spoilt cells of a macro, on average, up to which drawing is worth while
_RARE = 1e-16  # probability of failures that are so many that they are taken as lost
_REST = 1e-3  # of the result: probability of numbers of failures that are taken as lost
_STEPS = 300  # of a search for a repair


@dataclass(frozen=True)
class Unrepaired:
    """Share of macros that can't be repaired, and its standard error (draws of macros)."""

    share: float
    sigma: float


def unrepaired(
    plan: MacroPlan, cell: float, column: float, *, corrected: bool, seed: int = 1, tolerated: float = math.inf
) -> Unrepaired | None:
    """Share of macros with a failing word whatever the spares replace.

    Args:
        plan: of the macro.
        cell: probability that a cell is spoilt.
        column: probability that a column fails.
        corrected: a word bears one spoilt bit, and has its check bits.
        seed: of the draws.
        tolerated: standard error beyond which the draws are given up.

    Returns:
        All of them where so many cells are spoilt that hardly any macro is repaired; None where the draws were given
        up. Draws of which none is lost claim the error of one that was half so.
    """
    columns = _columns(plan, corrected)
    cells = (plan.rows + plan.spare_rows) * plan.ways * columns
    if cells * cell > _MOST:
        return Unrepaired(1.0, 0.0)
    at_ease = plan.spare_rows + plan.spare_columns + 4
    most = [max(int(binom.isf(_RARE, n, p)), at_ease) for n, p in ((cells, cell), (columns, column))]
    spoilt, failing = np.arange(min(most[0], cells) + 1), np.arange(min(most[1], columns) + 1)
    weights = np.outer(binom.pmf(spoilt, cells, cell), binom.pmf(failing, columns, column))
    rest = float(binom.sf(spoilt[-1], cells, cell) + binom.sf(failing[-1], columns, column))
    share = variance = 0.0
    order = np.argsort(-weights, axis=None)
    left = rest + np.cumsum(weights.ravel()[order][::-1])[::-1]
    for place, beyond in zip(order, left, strict=True):
        if beyond <= _REST * share or weights.flat[place] == 0:
            rest = float(beyond)
            break
        k, m = divmod(int(place), len(failing))
        lost, drawn = _lost(plan, corrected, k, m, seed)
        share += float(weights.flat[place]) * lost
        if drawn:
            likely = (lost * drawn + 0.5) / (drawn + 1)  # Jeffreys' mean: none of many is not certainly none
            variance += float(weights.flat[place]) ** 2 * likely * (1 - likely) / (drawn + 1)
        if math.sqrt(variance) > tolerated:
            return None
    return Unrepaired(min(share + rest, 1.0), math.sqrt(variance))


def repairable(cells: Sequence[Cell], failing: Sequence[int], ways: int, borne: int, spares: tuple[int, int]) -> bool:
    """Whether a macro's spares can replace what fails.

    Args:
        cells: spoilt ones, by word and column.
        failing: columns.
        ways: words of a row.
        borne: spoilt bits that a word bears, 0 or 1.
        spares: rows and columns.

    Returns:
        False, too, where the search did not end within its bound.
    """
    steps = 0

    def search(cells: Sequence[Cell], failing: Sequence[int], rows: int, columns: int) -> bool:
        nonlocal steps
        steps += 1
        if steps > _STEPS or len(failing) > columns + borne:
            return False
        conflicts = list(_conflicts(cells, failing, ways, borne))
        apart = _apart(conflicts)
        if apart > rows + columns:  # each of them takes a spare of its own
            return False
        if apart == len(conflicts) and all(row >= 0 for row, _ in conflicts):  # and any spare will do
            return True
        often = Counter(column for _, those in conflicts for column in those)
        row, those = max(conflicts, key=lambda one: max(often[column] for column in one[1]))
        for gone in sorted(those, key=lambda column: -often[column]) if columns else ():
            left = [cell for cell in cells if cell[1] != gone]
            if search(left, [column for column in failing if column != gone], rows, columns - 1):
                return True
        left = [cell for cell in cells if cell[0] // ways != row]
        return rows > 0 and row >= 0 and search(left, failing, rows - 1, columns)

    return search(cells, failing, *spares)


def _apart(conflicts: Sequence[Conflict]) -> int:
    """How many conflicts share neither row nor column with one that was counted before."""
    count, rows, columns = 0, set[int](), set[int]()
    for row, those in conflicts:
        if row not in rows and those.isdisjoint(columns):
            count += 1
            rows.add(row)
            columns |= those
    return count


def _conflicts(cells: Sequence[Cell], failing: Sequence[int], ways: int, borne: int) -> Iterator[Conflict]:
    """What makes words fail."""
    if len(failing) > borne:
        yield -1, frozenset(failing[: borne + 1])
        return
    if not borne:
        for word, column in cells:
            yield word // ways, frozenset((column,))
        return
    if failing:
        for word, column in cells:
            if column != failing[0]:
                yield word // ways, frozenset((column, failing[0]))
        return
    other: dict[int, int] = {}
    for word, column in cells:
        if word in other:
            yield word // ways, frozenset((column, other[word]))
        other[word] = column


def _columns(plan: MacroPlan, corrected: bool) -> int:  # noqa: FBT001
    return (plan.coded_bits if corrected else plan.word_bits) + plan.spare_columns


@lru_cache(maxsize=100_000)
def _lost(plan: MacroPlan, corrected: bool, spoilt: int, failing: int, seed: int) -> tuple[float, int]:  # noqa: FBT001
    """Share that can't be repaired of macros with so many spoilt cells and failing columns, and how many were drawn."""
    spare = plan.spare_rows + plan.spare_columns
    borne = 1 if corrected else 0
    if failing <= plan.spare_columns and spoilt + failing <= spare + borne:
        return 0.0, 0
    if failing > plan.spare_columns + borne:
        return 1.0, 0
    crowded = spoilt > 2 * spare + _CROWD
    if crowded and not corrected:
        return 1.0, 0  # a handful of lines holds them all: as good as never, and on the safe side
    count = _DRAWS // 4 if crowded else _MANY if corrected and spoilt <= spare + 4 else _DRAWS
    rng = stream(seed, "spice.macro_repair", spoilt, failing)
    columns = _columns(plan, corrected)
    words = (plan.rows + plan.spare_rows) * plan.ways
    word, place = np.divmod(_distinct(rng, words * columns, spoilt, count), columns)
    failed = _distinct(rng, columns, failing, count)
    doubtful = np.arange(count)
    if corrected and failing <= plan.spare_columns:  # most have no two spoilt bits in a word but for those columns
        gone = (place[:, :, None] == failed[:, None, :]).any(axis=2)
        alone = np.sort(np.where(gone, -1 - np.arange(spoilt), word), axis=1)
        doubtful = np.flatnonzero((alone[:, 1:] == alone[:, :-1]).any(axis=1))
    spares = plan.spare_rows, plan.spare_columns
    lost = sum(
        not repairable(
            list(zip(word[n].tolist(), place[n].tolist(), strict=True)), failed[n].tolist(), plan.ways, borne, spares
        )
        for n in doubtful
    )
    return lost / count, count


def _distinct(rng: np.random.Generator, among: int, size: int, count: int) -> Ints:
    """Subsets of range(among), each of `size`, shape (count, size): Floyd's draw (Bentley, CACM 30, 754, 1987)."""
    chosen = np.full((count, size), -1, dtype=np.int64)
    for place, last in enumerate(range(among - size, among)):
        drawn = rng.integers(0, last + 1, count)
        taken = (chosen == drawn[:, None]).any(axis=1)
        chosen[:, place] = np.where(taken, last, drawn)
    return chosen
