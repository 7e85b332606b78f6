"""From single failures to a macro: its yield, with spare rows and columns and with single-error correction.

A macro of `words` x `word_bits` has a column, of `ways` bit-line pairs with one amplifier, for each bit of a word, and
a row for every `ways` words. Two things fail, independently:

- a cell, with probability `cell`: it spoils one bit of one word;
- a column, with probability `column` (its amplifier's offset): it spoils one bit of every word.

A word that is not corrected fails with its first spoilt bit, one with correction with its second; its check bits have
cells and columns of their own, which fail as the others do, and so do spares. A macro is good when none of its words
fails. The repair is laid down beforehand: spare columns replace those whose amplifier fails, spare rows those that hold
a failing word; or, where that is the better plan for all macros alike, spare columns replace any column with a failure
and spare rows are left. A repair that is decided macro by macro does no worse. All numbers are exact for that.

Cells that share the cause of their failure, as reads that share an amplifier, are not independent: give the amplifier's
part as `column` and the cell's own as `cell`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import binom

from bitline.core.errors import ConfigError
from bitline.core.figures import MODELLED, Figure


@dataclass(frozen=True)
class MacroPlan:
    """A macro and what it has against failures.

    Args:
        words: of the macro.
        word_bits: bits of a word, without check bits.
        ways: words of a row; as many bit-line pairs share an amplifier.
        spare_rows: each for `ways` words.
        spare_columns: each with an amplifier of its own.

    Raises:
        ConfigError: a count that is impossible, or words that do not fill rows.
    """

    words: int = 128
    word_bits: int = 16
    ways: int = 1
    spare_rows: int = 0
    spare_columns: int = 0

    def __post_init__(self) -> None:
        for name, least in (("words", 1), ("word_bits", 1), ("ways", 1), ("spare_rows", 0), ("spare_columns", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"macro: {name} = {getattr(self, name)}; there are at least {least}")
        if self.words % self.ways:
            raise ConfigError(f"macro: {self.words} words do not fill rows of {self.ways}; choose a multiple")

    @property
    def rows(self) -> int:
        """Rows in use."""
        return self.words // self.ways

    @property
    def check_bits(self) -> int:
        """Of a Hamming code that corrects one error a word: the fewest r with 2^r > word_bits + r."""
        count = 1
        while 2**count <= self.word_bits + count:
            count += 1
        return count


@dataclass(frozen=True)
class MacroYield:
    """What comes of it.

    Attributes:
        plain: share of macros without any failing word, nothing repaired or corrected.
        with_redundancy: the same with the spares.
        with_ecc: the same with correction and without spares.
        with_both: the same with correction and spares.
        expected_failing_words: mean count of them in a macro, nothing repaired or corrected.
        expected_failing_words_with_ecc: with correction, without spares.
    """

    plain: float
    with_redundancy: float
    with_ecc: float
    with_both: float
    expected_failing_words: float
    expected_failing_words_with_ecc: float


def macro_yield(plan: MacroPlan, cell: float, column: float = 0.0) -> MacroYield:
    """Yields and failing words at failure probabilities of a cell and of a column.

    Raises:
        ConfigError: what is no probability.
    """
    for name, value in (("cell", cell), ("column", column)):
        if not 0 <= value <= 1:
            raise ConfigError(f"macro: a {name} failure of {value:g} is no probability; it lies between 0 and 1")
    coded = plan.word_bits + plan.check_bits
    spoilt_bit = cell + column - cell * column
    return MacroYield(
        plain=_by_rows(plan, cell, column, spares=False, corrected=False),
        with_redundancy=max(
            _by_rows(plan, cell, column, spares=True, corrected=False), _by_columns(plan, cell, column)
        ),
        with_ecc=_by_rows(plan, cell, column, spares=False, corrected=True),
        with_both=_by_rows(plan, cell, column, spares=True, corrected=True),
        expected_failing_words=-plan.words * math.expm1(plan.word_bits * _log_good(spoilt_bit)),
        expected_failing_words_with_ecc=plan.words * float(binom.sf(1, coded, spoilt_bit)),
    )


def figures(plan: MacroPlan, cell: float, column: float = 0.0) -> dict[str, Figure]:
    """The yields as figures: `yield`, `expected_failing_words`, `with_redundancy`, `with_ecc`, ...

    Raises:
        ConfigError: what is no probability.
    """
    found = macro_yield(plan, cell, column)
    values: Mapping[str, float] = {
        "yield": found.plain,
        "expected_failing_words": found.expected_failing_words,
        "with_redundancy": found.with_redundancy,
        "with_ecc": found.with_ecc,
        "with_both": found.with_both,
        "expected_failing_words_with_ecc": found.expected_failing_words_with_ecc,
    }
    return {name: Figure(value, "1", MODELLED) for name, value in values.items()}


def _by_rows(plan: MacroPlan, cell: float, column: float, *, spares: bool, corrected: bool) -> float:
    """Yield where spare columns replace columns that fail and spare rows those with a failing word."""
    bits = plan.word_bits + (plan.check_bits if corrected else 0)
    spare_columns, spare_rows = (plan.spare_columns, plan.spare_rows) if spares else (0, 0)
    share = 0.0
    for left in range(2 if corrected else 1):  # failing columns that no spare replaces
        failing = spare_columns + left
        columns = bits + spare_columns
        if failing > columns:
            continue
        drawn = binom.pmf(failing, columns, column) if left else binom.cdf(failing, columns, column)
        tolerated = 1 - left if corrected else 0
        bad_word = float(binom.sf(tolerated, bits - left, cell)) if bits > left else 0.0
        bad_row = -math.expm1(plan.ways * _log_good(bad_word))
        share += float(drawn) * float(binom.cdf(spare_rows, plan.rows + spare_rows, bad_row))
    return share


def _by_columns(plan: MacroPlan, cell: float, column: float) -> float:
    """Yield where spare columns replace every column with a failure, its cells' included."""
    failing = -math.expm1(_log_good(column) + plan.words * _log_good(cell))
    return float(binom.cdf(plan.spare_columns, plan.word_bits + plan.spare_columns, failing))


def _log_good(failing: float) -> float:
    return math.log1p(-failing) if failing < 1 else -math.inf
