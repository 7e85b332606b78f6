"""Rare-failure methods against limit states whose probability is known exactly."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from bitline.core.errors import ConfigError, SimulationError
from spice.rare import mixture as mixture_module
from spice.rare.estimate import from_counts, from_weights, told_curve
from spice.rare.methods import METHODS, estimate

BETA = 6.0  # a normal tail of 9.9e-10


class Known:
    """A limit state from a formula."""

    def __init__(self, dimension, margins):
        self.dimension, self.simulations, self._margins = dimension, 0, margins

    def margins(self, points):
        self.simulations += len(points)
        return np.stack(self._margins(points), axis=1)


def along(points):
    """A standard normal in which every score takes part."""
    return points.sum(axis=1) / math.sqrt(points.shape[1])


def tail(dimension=6, beta=BETA):
    return Known(dimension, lambda points: [beta - along(points)])


def two_tails(dimension=6, beta=BETA):
    return Known(dimension, lambda points: [beta - along(points), beta + along(points)])


def both_ends_of_one_margin(dimension=6, beta=BETA):
    return Known(dimension, lambda points: [beta**2 - along(points) ** 2])


def is_right(found, exact, errors=4.0):
    """Within four standard errors, those not being so large that anything would be."""
    assert found.relative_error < 0.5
    assert abs(found.probability / exact - 1) < errors * found.relative_error


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dimension", [1, 6, 12])
def test_a_normal_tail_at_1e_9_takes_200_simulations_whatever_the_seed(dimension, seed):
    limit = tail(dimension)
    found = estimate(limit, "mixture", seed)
    is_right(found, norm.sf(BETA))
    assert found.relative_error < 0.1
    assert found.simulations == limit.simulations <= 200
    assert found.ci_low < found.probability < found.ci_high
    assert not found.warnings


@pytest.mark.parametrize("limit", [two_tails, both_ends_of_one_margin])
def test_both_symmetric_regions_are_counted(limit):
    for seed in (1, 2):
        found = estimate(limit(), "mixture", seed)
        is_right(found, 2 * norm.sf(BETA))
        assert not found.warnings


def test_a_single_shift_misses_half_and_the_quadratics_notice(monkeypatch):
    regions = mixture_module._Study.regions
    monkeypatch.setattr(mixture_module._Study, "regions", lambda self: regions(self)[:1])
    found = estimate(two_tails(), "mixture", 1)
    assert found.probability == pytest.approx(norm.sf(BETA), rel=0.1)
    assert any("subset simulation of the quadratics" in warning for warning in found.warnings)


def test_the_claimed_error_is_that_over_seeds():
    """A curved limit: a quadratic form of one score, of which the tails are known; 12 seeds know sigma to 20 %."""
    exact = norm.sf(3.0) + norm.sf(5.0)  # (x - 3) (x + 5) > 0
    found = [
        estimate(Known(4, lambda points: [(3 - along(points)) * (along(points) + 5)]), "mixture", seed)
        for seed in range(12)
    ]
    z = np.array([(one.probability / exact - 1) / one.relative_error for one in found])
    assert abs(np.mean(z)) < 4 / math.sqrt(len(z))
    assert np.sqrt(np.mean(z**2)) < 1 + 4 / math.sqrt(2 * len(z))


def test_verdicts_put_right_what_a_quadratic_cannot_follow():
    """A wavy limit: the surrogate is off by a third of a sigma, the estimate is not."""

    def wavy(points):
        return 4.5 - points[:, 0] + 0.3 * np.sin(5 * points.sum(axis=1))

    rng = np.random.default_rng(0)
    shifted = rng.standard_normal((1_000_000, 3)) + np.array([4.5, 0, 0])
    weights = np.exp(-4.5 * shifted[:, 0] + 4.5**2 / 2) * (wavy(shifted) < 0)
    exact, sigma = weights.mean(), weights.std() / 1000
    found = estimate(Known(3, lambda points: [wavy(points)]), "mixture", 3)
    assert abs(found.probability - exact) < 4 * math.hypot(found.relative_error * exact, sigma)
    assert found.simulations > 150  # it took more verdicts than a smooth limit does


def test_a_limit_that_quadratics_cannot_know_is_not_trusted():
    found = estimate(Known(6, lambda points: [np.where(points[:, 0] > 4.5, -1.0, 1.0)]), "mixture", 0, most=600)
    assert found.warnings
    assert found.effective_samples < 1
    sphere = estimate(Known(6, lambda points: [6.5**2 - (points**2).sum(axis=1)]), "mixture", 0, most=600)
    assert sphere.warnings  # fails in every direction, shifts go in some


def test_a_simulation_that_fails_counts_as_a_failure():
    limit = Known(3, lambda points: [np.where(points[:, 0] > 4, np.nan, 4 - points[:, 0])])
    is_right(estimate(limit, "mixture", 1), norm.sf(4))
    counted = estimate(
        Known(3, lambda points: [np.where(points[:, 0] > 1, np.nan, 1.0)]), "plain", 1, relative_error=0.05
    )
    is_right(counted, norm.sf(1))


def test_a_circuit_that_fails_already_when_nominal():
    is_right(estimate(tail(6, -1.0), "mixture", 1), norm.sf(-1.0))


@pytest.mark.parametrize("seed", range(3))
def test_subset_simulation_in_many_dimensions(seed):
    limit = two_tails(120, 4.0)
    found = estimate(limit, "auto", seed, relative_error=0.5)
    assert found.method == "subset simulation"
    is_right(found, 2 * norm.sf(4.0), errors=3)
    assert not found.warnings
    assert found.simulations == limit.simulations <= METHODS["subset"][1]


@pytest.mark.parametrize("beta", [7.0, 8.0, 9.0])
def test_a_tail_far_beyond_1e_10_is_trusted_and_right(beta):
    """1.3e-12, 6.2e-16 and 1.1e-19: the subset simulation of the quadratics goes as deep as the answer."""
    found = estimate(two_tails(6, beta), "mixture", 1)
    is_right(found, 2 * norm.sf(beta))
    assert not found.warnings
    assert found.simulations <= 200


def test_a_missed_region_is_noticed_at_1e_15_too(monkeypatch):
    regions = mixture_module._Study.regions
    monkeypatch.setattr(mixture_module._Study, "regions", lambda self: regions(self)[:1])
    found = estimate(two_tails(beta=8.0), "mixture", 1)
    assert found.probability == pytest.approx(norm.sf(8.0), rel=0.1)
    assert any("subset simulation of the quadratics" in warning for warning in found.warnings)


@pytest.mark.parametrize("seed", range(2))
def test_forty_dimensions_take_few_hundred_simulations_where_few_of_them_matter(seed):
    """An amplifier's 27 scores and a cell's 12: all slopes differ, one score curves the limit."""
    slopes = 0.7 ** np.arange(39)
    slopes /= np.linalg.norm(slopes)

    def margin(points):
        return 4 - points @ slopes - 0.1 * (points[:, 1] ** 2 - 1)

    rng = np.random.default_rng(0)
    along_it = rng.standard_normal((2_000_000, 2))  # the curved score, and all others together
    rest = math.sqrt(1 - slopes[1] ** 2)
    shift = np.array([2.5, 3.0])
    weights = np.exp(-along_it @ shift - shift @ shift / 2)
    moved = along_it + shift
    fails = 4 - slopes[1] * moved[:, 0] - rest * moved[:, 1] - 0.1 * (moved[:, 0] ** 2 - 1) < 0
    mirrored = 4 + slopes[1] * moved[:, 0] - rest * moved[:, 1] - 0.1 * (moved[:, 0] ** 2 - 1) < 0
    right = moved[:, 0] > 0  # the left half, where the curve helps and the slope does not, by its mirror image
    exact = np.mean(weights * (fails & right)) + np.mean(weights * (mirrored & right))
    found = estimate(Known(39, lambda points: [margin(points)]), "auto", seed)
    assert found.method == "mixture importance sampling"
    is_right(found, exact)
    assert found.relative_error <= 0.1
    assert found.simulations <= 400
    assert not found.warnings


def test_subset_simulation_keeps_a_margin_that_only_counts_in_larger_numbers():
    """The likelier failure's margin starts at 99, the other's at 0.8: by numbers only that is followed."""
    limit = Known(6, lambda points: [0.2 * (4 - along(points)), 30 * (3.3 + along(points))])
    found = estimate(limit, "subset", 1)
    assert found.probability == pytest.approx(norm.sf(4) + norm.sf(3.3), rel=0.5)
    assert found.relative_error < 0.3


def test_subset_simulation_claims_no_less_than_its_spread():
    """24 seeds know a spread to 15 %."""
    exact = norm.sf(4.0)
    found = [estimate(tail(6, 4.0), "subset", seed, relative_error=0.9, most=5_000) for seed in range(24)]
    z = np.array([math.log(one.probability / exact) / one.relative_error for one in found])
    assert 0.5 < np.sqrt(np.mean(z**2)) < 1.3


def test_the_curve_is_the_probability_at_other_limits():
    found = estimate(two_tails(6, 6.0), "mixture", 1)
    assert found.curve is not None
    exact = 2 * norm.sf(6.0 - np.array(found.curve.tightened))
    assert len(exact) == 17
    assert exact.max() / exact.min() > 300
    np.testing.assert_allclose(found.curve.probability, exact, rtol=0.15)
    assert np.all(np.array(found.curve.ci_low) < found.curve.probability)
    assert np.all(np.array(found.curve.ci_high) > found.curve.probability)
    assert [math.hypot(*point) for point in found.likely] == pytest.approx([6.0, 6.0], rel=0.01)


def test_a_curve_keeps_what_its_estimates_tell():
    def drawn(*errors, values=(1e-4, 2e-4, 4e-4, 8e-4, 16e-4)):
        found = [from_weights(value, value * error, 0, "") for value, error in zip(values, errors, strict=True)]
        return told_curve((-2.0, -1.0, 0.0, 1.0, 2.0), found)

    sure, vague = 0.05, 0.2  # 400 and 25 effective samples
    assert drawn(sure, sure, sure, sure, sure).tightened == (-2.0, -1.0, 0.0, 1.0, 2.0)
    assert drawn(sure, sure, sure, sure, vague).tightened == (-2.0, -1.0, 0.0, 1.0)
    assert drawn(sure, vague, sure, sure, sure).tightened == (0.0, 1.0, 2.0)  # nor what lies behind it
    kinked = drawn(sure, sure, sure, sure, sure, values=(1e-4, 5e-4, 4e-4, 8e-4, 16e-4))
    assert kinked.probability == (4e-4, 8e-4, 16e-4)
    assert drawn(sure, vague, sure, vague, sure) is None
    assert drawn(sure, sure, vague, sure, sure) is None


@pytest.mark.parametrize("seed", [2, 3, 6, 7])
def test_a_curve_ends_where_single_verdicts_would_kink_it(seed):
    """The wavy limit, whose curves fall somewhere at each of these seeds if they are drawn to their ends."""
    wavy = Known(3, lambda points: [4.5 - points[:, 0] + 0.3 * np.sin(5 * points.sum(axis=1))])
    found = estimate(wavy, "mixture", seed, most=900).curve
    assert 3 <= len(found.tightened) < 17
    assert found.tightened[0] < 0 < found.tightened[-1]
    assert np.all(np.diff(found.tightened) > 0)
    assert np.all(np.diff(found.probability) > 0)
    assert np.all(np.divide(found.ci_high, found.ci_low) < math.exp(2 * 1.96 / math.sqrt(30)) * 1.01)


def test_methods_agree_where_plain_monte_carlo_reaches():
    exact = 2 * norm.sf(3.0)
    plain = estimate(two_tails(6, 3.0), "plain", 5)
    assert plain.relative_error <= 0.1
    assert plain.effective_samples == pytest.approx(exact * plain.simulations, rel=0.5)
    for found in (plain, estimate(two_tails(6, 3.0), "mixture", 5), estimate(two_tails(6, 3.0), "subset", 5)):
        is_right(found, exact)


def test_methods_say_when_they_were_not_allowed_enough():
    for method in ("plain", "subset"):
        found = estimate(tail(6, 9.0), method, 1, most=2000)
        assert found.probability == 0
        assert found.ci_low == 0 < found.ci_high < 1
        assert "allow more" in found.warnings[0] or "too few" in found.warnings[0]
    with pytest.raises(ConfigError, match="at least"):
        estimate(tail(), "mixture", 1, most=60)


def test_nothing_that_fails_is_an_error_that_says_so():
    with pytest.raises(SimulationError, match="nothing that fails within 10"):
        estimate(Known(3, lambda points: [50 - points[:, 0]]), "mixture", 1)


def test_points_that_cannot_be_simulated_at_all_are_an_error_that_says_so():
    with pytest.raises(SimulationError, match="only 0 of 28 points could be simulated"):
        estimate(Known(3, lambda points: [np.full(len(points), np.nan)]), "mixture", 1)


def test_equal_seeds_give_equal_bits_and_others_do_not():
    first, again, other = (estimate(two_tails(), "mixture", seed) for seed in (1, 1, 2))
    assert first == again
    assert first.probability != other.probability


def test_bad_questions_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'mixture'"):
        estimate(tail(), "mixtur")
    with pytest.raises(ConfigError, match="relative error"):
        estimate(tail(), relative_error=0.0)


def test_intervals():
    found = from_counts(3, 1000, 1000, "plain")
    assert binom.cdf(3, 1000, found.ci_high) == pytest.approx(0.025)
    assert binom.sf(2, 1000, found.ci_low) == pytest.approx(0.025)
    assert from_counts(0, 1000, 1000, "plain").ci_high == pytest.approx(3.7e-3, rel=0.01)
    weighted = from_weights(1e-9, 1e-10, 200, "mixture")
    assert weighted.ci_low < 1e-9 < weighted.ci_high
    assert weighted.ci_low * weighted.ci_high == pytest.approx(1e-18)
    assert weighted.effective_samples == pytest.approx(100)
    bound = from_weights(-1e-9, 1e-9, 200, "mixture")
    assert (bound.probability, bound.ci_low, bound.relative_error) == (0, 0, math.inf)
    assert bound.effective_samples == 0
