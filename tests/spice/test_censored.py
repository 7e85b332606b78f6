"""The censored normal against its population, its likelihood, and plain moments where nothing is censored."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from bitline.core.figures import COUNTED, MODELLED, Figure
from bitline.core.samples import Samples
from spice.censored import normal, with_bounds


def test_without_bounds_it_is_mean_and_standard_deviation():
    values = np.random.default_rng(1).normal(3.0, 2.0, 50)
    assert normal(values, 0.0, 0) == pytest.approx((values.mean(), values.std(ddof=1)))


@pytest.mark.parametrize("bound", [-1.5, 0.0, 0.8])
def test_it_maximises_the_likelihood(bound):
    drawn = np.random.default_rng(2).normal(0.3, 1.0, 300)
    known, below = drawn[drawn >= bound], int(np.count_nonzero(drawn < bound))

    def loss(p):
        mean, sigma = p[0], np.exp(p[1])
        return -np.sum(norm.logpdf(known, mean, sigma)) - below * norm.logcdf((bound - mean) / sigma)

    best = minimize(loss, (0.0, 0.0), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    mean, sigma = normal(known, bound, below)
    assert mean == pytest.approx(best.x[0], abs=1e-5)
    assert sigma * np.sqrt(299 / 300) == pytest.approx(np.exp(best.x[1]), abs=1e-5)
    assert known.mean() > mean  # what the survivors say


def spread_of(values):
    found = {f"snm_{key}": Figure(0.0, "V") for key in ("mean", "sigma")}
    return with_bounds(found, Samples(len(values), {"snm": values}), {"snm": 0.0}, "variation: vth")


def test_the_deepest_missing_do_not_raise_the_mean():
    """Margins below 0 stay known down to -20 mV and are missing beyond: the missing ones are no fair draw."""
    drawn = np.random.default_rng(3).normal(0.0, 0.03, 5000)
    found = spread_of(np.where(drawn < -0.02, np.nan, drawn))
    error = 0.03 / np.sqrt(5000)
    assert found["snm_mean"].value == pytest.approx(0.0, abs=5 * error)
    assert found["snm_sigma"].value == pytest.approx(0.03, abs=5 * error)
    assert found["snm_bounded"].value == np.count_nonzero(drawn < 0)
    believed = normal(drawn[drawn >= -0.02], 0.0, np.count_nonzero(drawn < -0.02))
    assert believed[0] > 5 * error  # what takes the known ones below 0 at their word
    assert {found[f"snm_{key}"].kind for key in ("mean", "sigma")} == {MODELLED}
    assert found["snm_bounded"].kind == COUNTED


def test_without_a_missing_one_nothing_changes_and_without_enough_above_there_is_no_spread():
    assert set(spread_of(np.array([-0.01, 0.01, 0.02]))) == {"snm_mean", "snm_sigma"}
    assert set(spread_of(np.array([np.nan, -0.01, 0.02]))) == {"snm_bounded"}
    assert set(spread_of(np.full(4, np.nan))) == {"snm_bounded"}


def test_equal_values_have_no_spread():
    assert normal(np.full(4, 0.2), 0.0, 2) == (pytest.approx(0.2), 0.0)
