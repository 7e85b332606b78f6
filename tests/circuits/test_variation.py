import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.seeds import stream
from circuits.variation import SPREADS, load_spread


@pytest.mark.parametrize(("g", "sigma"), [(5, 2.0), (10, 2.4), (20, 2.4), (39, 1.7)])
def test_wan_2022_gives_the_published_sigmas(g: float, sigma: float) -> None:
    assert load_spread("wan2022").sigma(g * 1e-6) == pytest.approx(sigma * 1e-6, abs=0.05e-6)


def test_milo_2021_falls_with_conductance() -> None:
    assert load_spread("milo2021").sigma(100e-6) == pytest.approx((4.78 - 0.91) * 1e-6)


@pytest.mark.parametrize("name", SPREADS)
def test_si_coefficients_are_the_same_polynomial(name: str) -> None:
    spread = SPREADS[name]
    g = np.linspace(spread.low, spread.high, 7)
    assert np.polynomial.polynomial.polyval(g, np.array(spread.coefficients)) == pytest.approx(spread.sigma(g))


@pytest.mark.parametrize("name", SPREADS)
def test_sigma_is_positive_over_the_whole_published_range(name: str) -> None:
    spread = SPREADS[name]
    assert np.all(spread.sigma(np.linspace(spread.low, spread.high, 200)) > 0)


@pytest.mark.parametrize("g", [-1e-9, 39.3e-6, 50e-6, math.nan])
def test_outside_the_published_range_it_says_so(g: float) -> None:
    with pytest.raises(ModelRangeError, match="wan2022"):
        load_spread("wan2022").sigma(np.array([10e-6, g]))


def test_draws_have_the_published_mean_and_sigma() -> None:
    spread, count = load_spread("wan2022"), 20_000
    drawn = spread.draw(np.full(count, 20e-6), stream(1, "test"))
    sigma = float(spread.sigma(20e-6))
    assert np.mean(drawn) == pytest.approx(20e-6, abs=4 * sigma / math.sqrt(count))
    assert np.std(drawn) == pytest.approx(sigma, rel=4 / math.sqrt(2 * count))


def test_a_draw_is_never_negative() -> None:
    assert np.min(load_spread("wan2022").draw(np.zeros(1000), stream(1, "test"))) == 0.0


def test_an_unknown_spread_is_an_error_that_suggests() -> None:
    with pytest.raises(ConfigError, match="did you mean 'wan2022'"):
        load_spread("wan2021")
