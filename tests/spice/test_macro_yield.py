"""From single failures to the macro: against drawn macros, and where the answer is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm

from bitline.core.errors import ConfigError
from spice import macro_yield as macro_yield_module
from spice.macro_plan import MacroPlan
from spice.macro_repair import Unrepaired, repairable, unrepaired
from spice.macro_timing import ReadTiming
from spice.macro_yield import figures, macro_yield, with_reads

MACROS = 2_000


def drawn(plan, cell, column, rng, *, spares, corrected):
    """Draw macros, and repair each in the best of all ways: failing words by macro."""
    bits = plan.word_bits + (plan.check_bits if corrected else 0)
    spare_rows, spare_columns = (plan.spare_rows, plan.spare_columns) if spares else (0, 0)
    failing = np.empty(MACROS)
    for n in range(MACROS):
        amplifiers = rng.random(bits + spare_columns) < column
        spoilt = rng.random((plan.rows + spare_rows, plan.ways, bits + spare_columns)) < cell
        found = []
        for used in itertools.combinations(range(bits + spare_columns), bits):
            words = (spoilt | amplifiers)[:, :, used].sum(axis=2) > (1 if corrected else 0)
            found.append(np.sort(words.sum(axis=1))[: plan.rows].sum())  # the worst rows are replaced
        failing[n] = min(found)
    return failing


@pytest.mark.parametrize(
    ("plan", "cell", "column"),
    [
        (MacroPlan(8, 4, 1, 1, 1), 0.02, 0.05),
        (MacroPlan(16, 3, 2, 2, 0), 0.03, 0.02),
        (MacroPlan(12, 5, 4, 0, 2), 0.004, 0.1),
    ],
)
def test_failures_are_those_of_drawn_macros(plan, cell, column):
    found, rng = macro_yield(plan, cell, column), np.random.default_rng(1)
    for spares, corrected, share in (
        (False, False, found.plain),
        (False, True, found.with_ecc),
        (True, True, found.with_both),
        (True, False, found.with_redundancy),
    ):
        failing = drawn(plan, cell, column, rng, spares=spares, corrected=corrected)
        bad, error = np.mean(failing > 0), math.sqrt(share * (1 - share) / MACROS)
        assert 0 < share < 0.98
        assert abs(bad - share) < 4 * error + 0.03 * share  # its own draws
        expected = {False: found.expected_failing_words, True: found.expected_failing_words_with_ecc}[corrected]
        if not spares:
            assert abs(failing.mean() - expected) < 4 * failing.std() / math.sqrt(MACROS)


def test_what_needs_no_spares_is_drawn_as_it_is_exactly():
    plan, cell, column = MacroPlan(), 1e-6, 1e-5
    exact = macro_yield(plan, cell, column)
    assert unrepaired(plan, cell, column, corrected=False).share == pytest.approx(exact.plain, rel=1e-3)
    one = unrepaired(plan, cell, column, corrected=True)
    assert abs(one.share - exact.with_ecc) < 4 * one.sigma + 2e-3 * exact.with_ecc
    assert one.sigma < 0.1 * exact.with_ecc


@pytest.mark.parametrize(("borne", "spoilt"), [(0, 5), (1, 9)])
def test_a_repair_is_found_where_there_is_one(borne, spoilt):
    rng, ways, rows, columns, spares = np.random.default_rng(2), 2, 5, 5, (1, 2)
    found = []
    for failures in (0, 1, 2, 3):
        for _ in range(60):
            bad = np.zeros((rows * ways, columns), dtype=bool)
            bad.flat[rng.choice(bad.size, spoilt, replace=False)] = True
            failing = rng.choice(columns, failures, replace=False)
            spoiled = bad.copy()
            spoiled[:, failing] = True
            best = min(  # the failing rows that the best choice of columns leaves
                (np.delete(spoiled, gone, axis=1).sum(axis=1) > borne).reshape(rows, ways).any(axis=1).sum()
                for gone in itertools.combinations(range(columns), spares[1])
            )
            cells = [tuple(map(int, cell)) for cell in np.argwhere(bad)]
            found.append(repairable(cells, failing.tolist(), ways, borne, spares))
            assert found[-1] == (best <= spares[0])
    assert 20 < sum(found) < 220


def test_a_large_macro_costs_its_failures_and_not_its_size():
    plan = MacroPlan(65536, 32, 8, 2, 2)
    found = macro_yield(plan, 1e-6)
    cells = (plan.words + 2 * plan.ways) * 34
    assert binom.sf(6, cells, 1e-6) < found.with_redundancy < binom.sf(4, cells, 1e-6)  # four are repaired anywhere
    assert found.with_both_bound == found.with_both < 1e-12


def test_draws_are_the_seeds_and_say_their_error():
    plan, cell = MacroPlan(128, 16, 1, 1, 1), 3e-5
    found = [macro_yield(plan, cell, seed=seed) for seed in range(1, 9)]
    values, sigmas = (np.array([getattr(one, f"with_redundancy{key}") for one in found]) for key in ("", "_sigma"))
    assert len(set(values)) == 8
    spread = values.std(ddof=1)
    assert 1 - 3 / math.sqrt(14) < spread / sigmas.mean() < 1 + 3 / math.sqrt(14)
    assert macro_yield(plan, cell, seed=3) == found[2]
    drawn = figures(plan, cell, seed=3)["failure_with_redundancy"]
    assert drawn.source == f"standard error {sigmas[2]:.1e} of drawn macros"
    reads = with_reads(plan, cell, 0.0, replace(TIMING, sigma=0.0), seed=3)
    assert 0 < reads.sigma("with_redundancy") < 0.2 * reads.with_redundancy


def test_a_draw_above_the_bound_is_not_cut_off_and_one_that_tells_nothing_is_the_bound(monkeypatch):
    plan, cell = MacroPlan(128, 16, 1, 1, 1), 3e-5
    laid_down = binom.sf(1, 129, -math.expm1(16 * math.log1p(-cell)))  # by its spare row alone
    for drawn in (Unrepaired(1.1 * laid_down, 0.1 * laid_down), Unrepaired(0.0, 0.1 * laid_down), None):
        monkeypatch.setattr(macro_yield_module, "unrepaired", lambda *_given, drawn=drawn, **_named: drawn)
        found = macro_yield(plan, cell)
        told = drawn is not None and drawn.share > 0
        assert (found.with_redundancy_bound == 0) == told
        assert found.with_redundancy == pytest.approx(drawn.share if told else found.with_redundancy_bound)
    assert found.with_redundancy <= laid_down
    assert figures(plan, cell)["failure_with_redundancy"].source == "an upper bound"


def test_a_repair_of_each_macros_own_failures_beats_one_laid_down():
    plan, cell = MacroPlan(128, 16, 1, 1, 1), 3e-5
    lost = macro_yield(plan, cell).with_redundancy
    several = binom.sf(2, 129 * 17, cell)  # two spoilt cells are repaired wherever they lie, three mostly not
    assert 0.7 * several < lost < several
    laid_down = binom.sf(1, 129, -math.expm1(16 * math.log1p(-cell)))
    assert lost < 0.2 * laid_down


def test_the_plain_macro_in_closed_form():
    found = macro_yield(MacroPlan(), 1e-6, 1e-5)
    assert found.plain == pytest.approx(1 - (1 - 1e-6) ** 2048 * (1 - 1e-5) ** 16, rel=1e-9)
    assert found.expected_failing_words == pytest.approx(128 * 16 * 1.1e-5, rel=1e-3)
    assert found.with_ecc < found.plain
    tiny = macro_yield(MacroPlan(), 1e-15)
    assert tiny.expected_failing_words == pytest.approx(2048e-15, rel=1e-9)
    assert tiny.plain == pytest.approx(2048e-15, rel=1e-9)  # a yield would have rounded to 1


TIMING = ReadTiming((100e-12, 150e-12, 220e-12), (1e-2, 1e-5, 1e-10), 160e-12, 6e-12)


def test_read_failures_follow_the_enable_between_those_given():
    assert [TIMING.failure_at(time) for time in TIMING.times] == pytest.approx(TIMING.failures)
    assert 1e-5 < TIMING.failure_at(120e-12) < 1e-2
    assert TIMING.failure_at(300e-12) == pytest.approx(1e-10)
    assert TIMING.early == pytest.approx(10)


def test_a_spread_of_enables_costs_more_than_its_mean_and_what_is_too_early_fails():
    plan = MacroPlan()
    still = with_reads(plan, 1e-8, 0.0, replace(TIMING, sigma=0.0))
    spread = with_reads(plan, 1e-8, 0.0, TIMING)
    assert still.plain == pytest.approx(macro_yield(plan, 1e-8 + TIMING.failure_at(160e-12)).plain)
    assert spread.plain > 1.3 * still.plain
    # by drawn macros
    enables = np.random.default_rng(1).normal(160e-12, 6e-12, 4_000)
    lost = [1 - (1 - 1e-8 - TIMING.failure_at(enable)) ** 2048 for enable in enables]
    assert abs(np.mean(lost) - spread.plain) < 4 * np.std(lost) / math.sqrt(len(lost))
    early = with_reads(plan, 0.0, 0.0, replace(TIMING, enable=106e-12))
    assert early.expected_failing_words > 128 * norm.sf(1.0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (((1e-10,), (1e-3,), 1e-10), "two sensing times"),
        (((1e-10, 1e-10), (1e-3, 1e-4), 1e-10), "all different"),
        (((1e-10, 2e-10), (1e-3, 0.0), 1e-10), "between 0 and 1"),
        (((1e-10, 2e-10), (1e-3, 1e-2), 1e-10), "fail more rarely"),
        (((1e-10, 2e-10), (1e-3, 1e-4), 3e-10), "outside"),
        (((1e-10, 2e-10), (1e-3, 1e-4), 1e-10, -1.0), "below 0"),
    ],
)
def test_impossible_timings_are_refused(given, named):
    with pytest.raises(ConfigError, match=named):
        ReadTiming(*given)


def test_a_failing_column_costs_every_word_and_a_correction_takes_it():
    assert macro_yield(MacroPlan(), 0.0, 1.0).expected_failing_words == 128
    one = macro_yield(MacroPlan(), 0.0, 1e-4)
    assert one.plain == pytest.approx(16e-4, rel=1e-3)
    assert one.with_ecc == pytest.approx(210e-8, rel=0.01)  # two of 21 columns
    shared = macro_yield(MacroPlan(), 1e-3, 1e-4)  # the column's error leaves nothing for its words' cells
    assert shared.with_ecc > macro_yield(MacroPlan(), 1e-3).with_ecc


def test_more_spares_never_do_worse():
    for cell, column in ((1e-4, 1e-3), (2e-5, 1e-3)):
        for ecc in ("with_redundancy", "with_both"):
            found = np.array(
                [
                    [getattr(macro_yield(MacroPlan(128, 16, 1, r, c), cell, column), ecc) for c in range(3)]
                    for r in range(3)
                ]
            )
            assert (found[1:] <= 1.1 * found[:-1]).all()  # a tenth for the draws
            assert (found[:, 1:] <= 1.1 * found[:, :-1]).all()


def test_certain_ends():
    good, bad = macro_yield(MacroPlan(4, 4, 2, 1, 1), 0.0), macro_yield(MacroPlan(4, 4, 2, 1, 1), 1.0)
    assert good.plain == good.with_redundancy == good.with_ecc == good.with_both == 0
    assert bad.plain == bad.with_redundancy == bad.with_ecc == bad.with_both == 1
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
