"""From single failures to a macro: its yield, with spare rows and columns and with single-error correction.

A macro of `words` x `word_bits` has a column, of `ways` bit-line pairs with one amplifier, for each bit of a word, and
a row for every `ways` words. Two things fail, independently:

- a cell, with probability `cell`: it spoils one bit of one word;
- a column, with probability `column` (its amplifier's offset): it spoils one bit of every word.

A word that is not corrected fails with its first spoilt bit, one with correction with its second; its check bits have
cells and columns of their own, which fail as the others do, and so do spares. A macro is good when none of its words
fails. Each macro's own failures decide what its spares replace. What has spare rows alone, or no spares, is exact. The
rest comes from draws (`spice.macro_repair`) with their standard error; where they are too few to tell, it is bounded by
a repair that is laid down beforehand, which a macro's own can only better.

With a `ReadTiming` reads fail too, at a probability that all cells of a macro share with its enable's time.

Cells that share the cause of their failure, as reads that share an amplifier, are not independent: give the amplifier's
part as `column` and the cell's own as `cell`.

All is reckoned in failures, of which one in a billion is a number like any other, where a yield would round to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from scipy.stats import binom

from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, Figure
from spice.macro_plan import MacroPlan
from spice.macro_repair import unrepaired
from spice.macro_timing import ReadTiming, mean_over_macros

SHARES = {"": "plain", "with_redundancy": "with_redundancy", "with_ecc": "with_ecc", "with_both": "with_both"}
"""Attribute of `MacroYield` by suffix of a figure."""

_COARSE = 0.2  # relative standard error beyond which draws are given up for an upper bound


@dataclass(frozen=True)
class MacroYield:
    """What comes of it.

    Attributes:
        plain: share of macros with a failing word, nothing repaired or corrected.
        with_redundancy: the same with the spares.
        with_ecc: the same with correction and without spares.
        with_both: the same with correction and spares.
        expected_failing_words: mean count of them in a macro, nothing repaired or corrected.
        expected_failing_words_with_ecc: with correction, without spares.
        with_redundancy_sigma: standard error of it from draws; 0 where it is exact or an upper bound.
        with_both_sigma: likewise.
        with_redundancy_bound: share of it that is an upper bound and not an estimate.
        with_both_bound: likewise.
    """

    plain: float
    with_redundancy: float
    with_ecc: float
    with_both: float
    expected_failing_words: float
    expected_failing_words_with_ecc: float
    with_redundancy_sigma: float = 0.0
    with_both_sigma: float = 0.0
    with_redundancy_bound: float = 0.0
    with_both_bound: float = 0.0

    def sigma(self, name: str) -> float:
        """Standard error of `name`, 0 where it was not drawn."""
        return float(getattr(self, f"{name}_sigma", 0.0))

    def bound(self, name: str) -> float:
        """Share of `name` that is an upper bound."""
        return float(getattr(self, f"{name}_bound", 0.0))

    def said(self, name: str) -> str:
        """How `name` is known, where that is not exactly."""
        drawn = f"standard error {self.sigma(name):.1e} of drawn macros" if self.sigma(name) else ""
        most = f"of it an upper bound: {self.bound(name):.1e}" if self.bound(name) else ""
        if self.bound(name) == getattr(self, name) > 0:
            return "an upper bound"
        return "; ".join(filter(None, (drawn, most)))


def macro_yield(plan: MacroPlan, cell: float, column: float = 0.0, seed: int = 1) -> MacroYield:
    """Failing macros and words at failure probabilities of a cell and of a column.

    Args:
        plan: of the macro.
        cell: failure probability of a cell.
        column: of a column.
        seed: of the drawn macros.

    Raises:
        ConfigError: what is no probability.
    """
    for name, value in (("cell", cell), ("column", column)):
        if not 0 <= value <= 1:
            raise ConfigError(f"macro: a {name} failure of {value:g} is no probability; it lies between 0 and 1")
    spoilt_bit = cell + column - cell * column
    redundant, both = (_repaired(plan, cell, column, seed, corrected=corrected) for corrected in (False, True))
    return MacroYield(
        plain=_by_rows(plan, cell, column, spares=False, corrected=False),
        with_redundancy=redundant.share,
        with_redundancy_sigma=redundant.sigma,
        with_redundancy_bound=redundant.bound,
        with_ecc=_by_rows(plan, cell, column, spares=False, corrected=True),
        with_both=both.share,
        with_both_sigma=both.sigma,
        with_both_bound=both.bound,
        expected_failing_words=-plan.words * math.expm1(plan.word_bits * _log_good(spoilt_bit)),
        expected_failing_words_with_ecc=plan.words * float(binom.sf(1, plan.coded_bits, spoilt_bit)),
    )


def with_reads(plan: MacroPlan, cell: float, column: float, timing: ReadTiming, seed: int = 1) -> MacroYield:
    """The same where reads fail too, averaged over the enable times of macros.

    Draws at all enable times are the same macros', so their errors add up.

    Raises:
        ConfigError: what is no probability.
    """
    memory: dict[float, MacroYield] = {}

    def at(read: float) -> MacroYield:
        if read not in memory:
            memory[read] = macro_yield(plan, cell + read - cell * read, column, seed)
        return memory[read]

    def mean(name: str) -> float:
        whole = plan.words if name.startswith("expected") else 1.0  # what is enabled too early fails wholly
        early = 0.0 if name.endswith(("_sigma", "_bound")) else whole
        return mean_over_macros(timing, lambda read: getattr(at(read), name), early)

    return MacroYield(**{one.name: mean(one.name) for one in fields(MacroYield)})


def figures(
    plan: MacroPlan, cell: float, column: float = 0.0, timing: ReadTiming | None = None, seed: int = 1
) -> dict[str, Figure]:
    """Failing macros, their complements the yields, and failing words: `failure`, `yield`, `with_ecc`, ...

    What was drawn says its standard error as its source.

    Raises:
        ConfigError: what is no probability.
    """
    return named(answer(plan, cell, column, timing, seed))


def answer(
    plan: MacroPlan, cell: float, column: float = 0.0, timing: ReadTiming | None = None, seed: int = 1
) -> MacroYield:
    """`macro_yield`, or `with_reads` where there is a timing; ConfigError as those."""
    return macro_yield(plan, cell, column, seed) if timing is None else with_reads(plan, cell, column, timing, seed)


def named(found: MacroYield) -> dict[str, Figure]:
    """A yield as the figures of `figures`."""
    failing, good = {}, {}
    for name, key in SHARES.items():
        share, said = getattr(found, key), found.said(key)
        failing[f"failure_{name}".rstrip("_")] = Figure(share, "1", MODELLED, said)
        good[name or "yield"] = Figure(1 - share, "1", MODELLED, said)
    return {
        **failing,
        **good,
        "expected_failing_words": Figure(found.expected_failing_words, "1", MODELLED),
        "expected_failing_words_with_ecc": Figure(found.expected_failing_words_with_ecc, "1", MODELLED),
    }


@dataclass(frozen=True)
class _Repaired:
    """Share of macros that fail, its standard error, and the share itself where it is only an upper bound."""

    share: float
    sigma: float = 0.0
    bound: float = 0.0


def _repaired(plan: MacroPlan, cell: float, column: float, seed: int, *, corrected: bool) -> _Repaired:
    """Share of macros with a failing word where each has what repair serves it best.

    Draws that tell it are taken as they are, not cut off at what a repair laid down beforehand would give: the smaller
    of the two would be too small on average.
    """
    most = _by_rows(plan, cell, column, spares=True, corrected=corrected)
    if not plan.spare_columns:
        return _Repaired(most)
    if not corrected:
        most = min(most, _by_columns(plan, cell, column))
        if not plan.spare_rows:
            return _Repaired(most)
    if most in (0.0, 1.0):
        return _Repaired(most)
    drawn = unrepaired(plan, cell, column, corrected=corrected, seed=seed, tolerated=_COARSE * most)
    if drawn is None or drawn.sigma > _COARSE * drawn.share or drawn.share >= 1:
        return _Repaired(most, bound=most)
    return _Repaired(drawn.share, drawn.sigma)


def _by_rows(plan: MacroPlan, cell: float, column: float, *, spares: bool, corrected: bool) -> float:
    """Share of failing macros where spare columns replace failing ones and spare rows those with a failing word."""
    bits = plan.coded_bits if corrected else plan.word_bits
    spare_columns, spare_rows = (plan.spare_columns, plan.spare_rows) if spares else (0, 0)
    columns, tolerated = bits + spare_columns, 1 if corrected else 0
    share = float(binom.sf(spare_columns + tolerated, columns, column))
    for left in range(tolerated + 1):  # failing columns that no spare replaces
        failing = spare_columns + left
        drawn = binom.pmf(failing, columns, column) if left else binom.cdf(failing, columns, column)
        bad_word = float(binom.sf(tolerated - left, bits - left, cell)) if bits > left else 0.0
        bad_row = -math.expm1(plan.ways * _log_good(bad_word))
        share += float(drawn) * float(binom.sf(spare_rows, plan.rows + spare_rows, bad_row))
    return share


def _by_columns(plan: MacroPlan, cell: float, column: float) -> float:
    """Share of failing macros where spare columns replace every column with a failure, its cells' included."""
    failing = -math.expm1(_log_good(column) + plan.words * _log_good(cell))
    return float(binom.sf(plan.spare_columns, plan.word_bits + plan.spare_columns, failing))


def _log_good(failing: float) -> float:
    return math.log1p(-failing) if failing < 1 else -math.inf
