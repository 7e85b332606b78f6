"""Drawing chips until the interval is narrow enough keeps its coverage, and draws as many as that takes."""

import numpy as np
import pytest
from scipy import stats

from bitline.core.errors import ConfigError
from nn.sequential import BLOCK, FEWEST, Stopping
from nn.statistics import accuracy_interval, chips_half_width, class_intervals, paired_contrast, paired_difference

TRIALS = 4000


def stopped(rule, accuracies):
    """How many of these chips the rule draws."""
    return next((count for count in rule.looks() if rule.reached(accuracies[:count])), rule.most)


def coverage(first, ratio, *, widened):
    """Share of studies of normal chips whose interval holds the mean; half width so that `ratio` chips would do."""
    rng = np.random.default_rng(11)
    wanted = stats.norm.ppf(0.975) / np.sqrt(ratio)
    rule = Stopping(wanted, first, 200)
    hits = np.zeros(TRIALS)
    chips = rng.standard_normal((TRIALS, 200))
    for trial, row in enumerate(chips):
        count = stopped(rule, row)
        half = chips_half_width(row[:count], 0.95)
        hits[trial] = abs(row[:count].mean()) <= (max(half, wanted) if widened else half)
    return hits.mean()


@pytest.mark.parametrize(("first", "ratio"), [(FEWEST, 3), (FEWEST, 20), (10, 14), (10, 30)])
def test_the_stated_interval_covers(first, ratio):
    # of 4000 studies, a true coverage of 95 % gives fewer than 93.9 % once in 1000 times
    assert coverage(first, ratio, widened=True) > 0.939


def test_the_interval_as_computed_would_cover_too_seldom():
    """Shows that the test above can fail: stopping prefers small spreads."""
    assert coverage(FEWEST, 16, widened=False) < 0.939


def test_the_number_of_chips_is_what_the_half_width_takes():
    rng = np.random.default_rng(3)
    wanted = 0.25
    counts = [stopped(Stopping(wanted, 10, 400), rng.standard_normal(400)) for _ in range(200)]
    needed = (stats.norm.ppf(0.975) / wanted) ** 2  # 61 chips; looks overshoot by half a block in the mean
    assert needed - BLOCK < np.mean(counts) < needed + 1.5 * BLOCK
    assert all((count - 10) % BLOCK == 0 for count in counts)


def test_looks_end_at_the_most_and_failed_chips_do_not_count():
    assert list(Stopping(0.1, 8, 30).looks()) == [8, 18, 28, 30]
    assert list(Stopping(0.1, 10, 10).looks()) == [10]
    rule = Stopping(0.01, 8, 100)
    same = np.full(10, 0.9)
    assert rule.reached(same)
    same[1:] = np.nan
    assert not rule.reached(same)  # one chip says nothing of a spread


def test_a_rule_without_a_first_look_is_refused():
    for wrong in ((0.0, 10, 20), (0.1, FEWEST - 1, 20), (0.1, 21, 20)):
        with pytest.raises(ConfigError, match="stopping"):
            Stopping(*wrong)


def test_the_half_width_that_was_wanted_is_in_the_stated_interval():
    rng = np.random.default_rng(2)
    correct = rng.random((12, 5000)) < 0.9
    plain, wide = accuracy_interval(correct), accuracy_interval(correct, at_least=0.02)
    assert plain.chips < 0.02 == wide.chips
    assert wide.high - wide.value == pytest.approx(np.hypot(plain.images, 0.02), rel=0.02)


def test_the_half_width_that_was_wanted_is_in_differences_and_recalls():
    rng = np.random.default_rng(6)
    correct, labels = rng.random((12, 5000)) < 0.9, np.arange(5000) % 2
    integer = rng.random(5000) < 0.92
    terms = [(1.0, correct), (-1.0, correct[:, ::-1])]
    for plain, wide in (
        (paired_difference(correct, integer), paired_difference(correct, integer, at_least=0.02)),
        (paired_contrast(terms), paired_contrast(terms, at_least=0.02)),
        (class_intervals(correct, labels)[1], class_intervals(correct, labels, at_least=0.02)[1]),
    ):
        assert plain.chips < 0.02 == wide.chips
        assert wide.high - wide.value == pytest.approx(np.hypot(plain.images, 0.02), rel=0.02)
    assert paired_difference(correct, integer, at_least=1e-9) == paired_difference(correct, integer)
    assert np.isnan(paired_difference(integer, integer, at_least=0.02).chips)  # nothing has chips
