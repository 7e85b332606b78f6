import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.adc import Adc, dnl, inl, sar_levels
from circuits.converters import Converter, code_limits, quantise
from circuits.dac import Dac


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("kind", ["sar", "ramp", "flash"])
def test_a_hardly_mismatched_converter_is_the_ideal_one(kind, signed):
    low, high = code_limits(6, signed=signed)
    steps = Adc(kind=kind, mismatch=1e-9).thresholds(6, 3, rng(), signed=signed)
    np.testing.assert_allclose(steps, np.tile(low + 0.5 + np.arange(high - low), (3, 1)), atol=1e-6)
    levels = rng(1).uniform(low - 2, high + 2, (500, 3))
    found, saturated = Converter(low, high, np.ones(3), np.zeros(3), steps).codes(levels)
    truth, expected = quantise(levels, 6, signed=signed)
    assert np.array_equal(found, truth)
    assert saturated == expected > 0


def test_successive_approximation_ends_where_its_levels_say():
    capacitors = np.array([1.3, 1.6, 4.9, 7.1])  # 8 is less than 7.8 = 1.3 + 1.6 + 4.9: a code is missed
    levels = sar_levels(capacitors)
    for z in rng().uniform(-1, 17, 400):
        kept, code = 0.0, 0
        for bit in (3, 2, 1, 0):
            if z >= kept + capacitors[bit]:
                kept, code = kept + capacitors[bit], code | 1 << bit
        assert np.searchsorted(levels, z, side="right") - 1 == code
    assert levels[7] == levels[8]  # code 7 is never given


def test_each_kind_errs_where_its_parts_do():
    low, high = code_limits(8)
    count = high - low
    drawn = {kind: Adc(kind=kind, mismatch=0.05).thresholds(8, 400, rng(2)) for kind in ("sar", "ramp", "flash")}
    assert all(np.all(np.diff(steps) >= 0) for steps in drawn.values())
    # a SAR's largest step is where all bits change: the spread of 2^bits - 1 units
    step = dnl(drawn["sar"])[:, 2**7 - 3]
    assert np.sqrt(np.mean(step[step > -0.99] ** 2)) > 5 * np.sqrt(np.mean(dnl(drawn["sar"])[:, ::2] ** 2))
    # thresholds of a flash are independent, so a step's spread is sqrt(2) times theirs
    assert inl(drawn["flash"], low).std() == pytest.approx(0.05, rel=0.02)
    assert dnl(drawn["flash"]).std() == pytest.approx(0.05 * np.sqrt(2), rel=0.02)
    # one ramp for all; its INL is a Brownian bridge: s sqrt(n) / 2 in the middle
    assert np.ptp(drawn["ramp"], axis=0).max() == 0
    bridges = np.array([Adc(kind="ramp", mismatch=0.05).thresholds(8, 1, rng(k))[0] for k in range(300)])
    middle = inl(bridges, low)[:, count // 2].std()
    assert middle == pytest.approx(0.05 * np.sqrt(count - 1) / 2, rel=4 / np.sqrt(600))
    assert np.abs(inl(bridges, low)[:, [0, -1]]).max() < 1e-9


def test_a_given_table_is_taken_as_it_is_and_never_falls():
    table = (0.3, -0.2, 0.0, 0.0, 0.0, 1.4)
    steps = Adc(inl=table).thresholds(3, 2, rng(), signed=True)
    assert steps.shape == (2, 6)
    np.testing.assert_allclose(inl(steps, -3)[0], table)
    falling = Adc(inl=(2.5, 0.0, 0.0, 0.0, 0.0, 0.0)).thresholds(3, 1, rng())
    np.testing.assert_allclose(falling[0], [0.0, 0.0, 0.0, 0.5, 1.5, 2.5])
    with pytest.raises(ConfigError, match=r"adc\.inl has 6 values; a converter of 4 bits has 14"):
        Adc(inl=table).thresholds(4, 1, rng())


def test_gain_and_offset_act_before_the_steps():
    codes, _ = Converter(-7, 7, np.array([1.1, 0.9]), np.array([0.6, -0.6])).codes(np.array([[5.0, 5.0], [0.0, 0.0]]))
    assert codes.tolist() == [[6, 4], [1, -1]]


def test_a_drivers_ends_are_exact_and_its_steps_vary():
    assert Dac(bits=4).table(3, rng()) is None
    assert Dac(bits=1, dnl_sigma=0.3).table(3, rng()) is None  # one step has no error of its own
    table = Dac(bits=4, dnl_sigma=0.1).table(2000, rng())
    assert np.abs(table[:, [0, -1]] - [0, 15]).max() < 1e-12
    # a Brownian bridge of 15 steps: s sqrt(k (15 - k) / 15)
    assert table[:, 7].std() == pytest.approx(0.1 * np.sqrt(7 * 8 / 15), rel=0.08)
    given = Dac(bits=2, inl=(0.0, 0.1, -0.1, 0.0)).table(2, rng())
    np.testing.assert_allclose(given, [[0, 1.1, 1.9, 3]] * 2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Adc(kind="sigma"), "no converter 'sigma'"),
        (lambda: Adc(range="best"), "no range 'best'"),
        (lambda: Adc(noise=-1.0), "adc\\.noise"),
        (lambda: Adc(percentile=0.0), "adc.percentile"),
        (lambda: Dac(bits=0), "dac.bits is 0"),
        (lambda: Dac(bits=2, inl=(0.0,)), "2 bits have 4 digits"),
    ],
)
def test_an_impossible_converter_is_named(make, says):
    with pytest.raises(ConfigError, match=says):
        make()
