"""From single failures to the macro: against drawn macros, and where the answer is known."""

import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from spice.macro_yield import MacroPlan, figures, macro_yield

MACROS = 4_000


def drawn(plan, cell, column, rng, *, spares, corrected):
    """Draw macros and repair and correct each in turn: failing words by macro, -1 where spares do not suffice."""
    bits = plan.word_bits + (plan.check_bits if corrected else 0)
    spare_rows, spare_columns = (plan.spare_rows, plan.spare_columns) if spares else (0, 0)
    failing = np.empty(MACROS)
    for n in range(MACROS):
        amplifiers = rng.random(bits + spare_columns) < column
        used = np.sort(np.argsort(amplifiers, kind="stable")[:bits])  # good ones first
        spoilt = rng.random((plan.rows + spare_rows, plan.ways, bits)) < cell
        words = (spoilt | amplifiers[used]).sum(axis=2) > (1 if corrected else 0)
        rows = np.sort(words.sum(axis=1))[: plan.rows]  # the worst rows are replaced
        failing[n] = rows.sum()
    return failing


@pytest.mark.parametrize(
    ("plan", "cell", "column"),
    [
        (MacroPlan(8, 4, 1, 1, 1), 0.02, 0.05),
        (MacroPlan(16, 3, 2, 2, 0), 0.03, 0.02),
        (MacroPlan(12, 5, 4, 0, 2), 0.004, 0.1),
    ],
)
def test_yields_are_those_of_drawn_macros(plan, cell, column):
    exact, rng = macro_yield(plan, cell, column), np.random.default_rng(1)
    for spares, corrected, found in (
        (False, False, exact.plain),
        (False, True, exact.with_ecc),
        (True, True, exact.with_both),
        (True, False, exact.with_redundancy),
    ):
        failing = drawn(plan, cell, column, rng, spares=spares, corrected=corrected)
        good, error = np.mean(failing == 0), math.sqrt(found * (1 - found) / MACROS)
        assert 0.02 < found < 0.98
        if spares and not corrected and plan.spare_columns > plan.spare_rows:
            assert good < found + 4 * error  # replacing by columns alone may be the better plan
        else:
            assert abs(good - found) < 4 * error
        expected = {False: exact.expected_failing_words, True: exact.expected_failing_words_with_ecc}[corrected]
        if not spares:
            assert abs(failing.mean() - expected) < 4 * failing.std() / math.sqrt(MACROS)


def test_spare_columns_alone_replace_columns_with_a_failing_cell():
    plan, cell, column = MacroPlan(12, 5, 1, 0, 2), 0.01, 0.05
    rng = np.random.default_rng(2)
    spoilt = (rng.random((MACROS, 7, 12)) < cell).any(axis=2) | (rng.random((MACROS, 7)) < column)
    found = macro_yield(plan, cell, column).with_redundancy
    assert abs(np.mean(spoilt.sum(axis=1) <= 2) - found) < 4 * math.sqrt(found * (1 - found) / MACROS)


def test_the_plain_macro_in_closed_form():
    found = macro_yield(MacroPlan(), 1e-6, 1e-5)
    assert found.plain == pytest.approx((1 - 1e-6) ** 2048 * (1 - 1e-5) ** 16, rel=1e-12)
    assert found.expected_failing_words == pytest.approx(128 * 16 * 1.1e-5, rel=1e-3)
    assert found.with_ecc > found.plain
    assert macro_yield(MacroPlan(), 1e-15).expected_failing_words == pytest.approx(2048e-15, rel=1e-9)


def test_a_failing_column_costs_every_word_and_a_correction_takes_it():
    assert macro_yield(MacroPlan(), 0.0, 1.0).expected_failing_words == 128
    one = macro_yield(MacroPlan(), 0.0, 1e-4)
    assert one.plain == pytest.approx(1 - 16e-4, rel=1e-4)
    assert 1 - one.with_ecc == pytest.approx(210e-8, rel=0.01)  # two of 21 columns
    shared = macro_yield(MacroPlan(), 1e-3, 1e-4)  # the column's error leaves nothing for its words' cells
    assert shared.with_ecc < macro_yield(MacroPlan(), 1e-3).with_ecc


def test_more_spares_never_do_worse():
    for cell, column in ((1e-3, 0.0), (1e-4, 1e-2), (2e-5, 1e-3)):
        for ecc in ("with_redundancy", "with_both"):
            found = np.array(
                [
                    [getattr(macro_yield(MacroPlan(128, 16, 1, r, c), cell, column), ecc) for c in range(4)]
                    for r in range(4)
                ]
            )
            assert (np.diff(found, axis=0) > -1e-12).all()
            assert (np.diff(found, axis=1) > -1e-12).all()


def test_certain_ends():
    good, bad = macro_yield(MacroPlan(4, 4, 2, 1, 1), 0.0), macro_yield(MacroPlan(4, 4, 2, 1, 1), 1.0)
    assert good.plain == good.with_redundancy == good.with_ecc == good.with_both == 1
    assert bad.plain == bad.with_redundancy == bad.with_ecc == bad.with_both == 0
    assert bad.expected_failing_words == bad.expected_failing_words_with_ecc == 4
    assert macro_yield(MacroPlan(4, 1), 1.0).expected_failing_words == 4


def test_check_bits_are_a_hamming_codes():
    assert [MacroPlan(word_bits=bits).check_bits for bits in (1, 4, 11, 12, 16, 26, 32, 64)] == [2, 3, 4, 5, 5, 5, 6, 7]


def test_figures_are_called_modelled():
    assert {figure.kind for figure in figures(MacroPlan(), 1e-6).values()} == {"modelled"}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (lambda: MacroPlan(words=0), "words = 0"),
        (lambda: MacroPlan(words=10, ways=4), "do not fill"),
        (lambda: MacroPlan(spare_rows=-1), "spare_rows"),
        (lambda: macro_yield(MacroPlan(), 1.5), "no probability"),
        (lambda: macro_yield(MacroPlan(), 0.0, math.nan), "no probability"),
    ],
)
def test_impossible_macros_are_refused(asked, named):
    with pytest.raises(ConfigError, match=named):
        asked()
