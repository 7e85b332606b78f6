import math

import numpy as np
import pytest

from bitline.core.errors import ModelRangeError
from bitline.core.seeds import stream
from circuits.reram_ageing import CMO_HFOX
from circuits.variation import load_spread

DAY = 86400.0


def test_wan_2022_spreads_with_time() -> None:
    for g, early, late in ((20e-6, 2.0e-6, 3.9e-6), (10e-6, 2.2e-6, 3.8e-6)):
        assert load_spread("wan2022").sigma(g) == pytest.approx(early, rel=0.25)  # another fit of the same data
        assert load_spread("wan2022_1day").sigma(g) == pytest.approx(late, rel=0.03)
    g = np.linspace(5e-6, 39e-6, 20)
    assert np.all(load_spread("wan2022_1day").sigma(g) > load_spread("wan2022").sigma(g))


def test_cmo_hfox_at_one_second_and_one_day() -> None:
    assert CMO_HFOX.mean_shift(1.0) == 0
    assert CMO_HFOX.relaxation_sigma(1.0) == pytest.approx(0.412e-6, rel=1e-3)
    assert CMO_HFOX.mean_shift(DAY) == pytest.approx(-0.089e-6 * math.log(DAY), rel=1e-3)
    assert CMO_HFOX.relaxation_sigma(DAY) == pytest.approx((0.412 + 0.042 * math.log(DAY)) * 1e-6, rel=1e-3)
    read = 0.0277e-6 * 1.5 * math.sqrt(math.log(DAY / 2e-6))
    assert CMO_HFOX.read_sigma(10**1.5 * 1e-6, DAY) == pytest.approx(read, rel=2e-3)


def test_draws_have_the_mean_and_sigma() -> None:
    count = 20_000
    aged = CMO_HFOX.draw(np.full(count, 50e-6), DAY, stream(1, "test"))
    sigma = CMO_HFOX.relaxation_sigma(DAY)
    assert np.mean(aged) == pytest.approx(50e-6 + CMO_HFOX.mean_shift(DAY), abs=4 * sigma / math.sqrt(count))
    assert np.std(aged) == pytest.approx(sigma, rel=4 / math.sqrt(2 * count))


@pytest.mark.parametrize("time", [0.5, 1e10, math.nan])
def test_times_that_nobody_covered_are_refused(time: float) -> None:
    with pytest.raises(ModelRangeError, match="after programming"):
        CMO_HFOX.relaxation_sigma(time)


def test_conductances_that_nobody_covered_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="not 5 uS"):
        CMO_HFOX.read_sigma(np.array([20e-6, 5e-6]), DAY)
