import numpy as np
import pytest

from bitline.core.figures import ESTIMATED
from circuits.converters import bit_planes, largest_code, quantise, shift_add
from crossbar.converters import convert, convert_steps, spread_digits, spread_levels
from crossbar.costs import ADC, Process, adc_energy, adc_time


def test_planes_are_least_significant_first_and_add_up():
    x = np.array([[0, 1, 6, 255]])
    planes = bit_planes(x, 8)
    assert planes[:, 0, 2].tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    assert np.array_equal(shift_add(planes), x)


def test_codes_are_symmetric_and_mid_tread():
    codes, saturated = quantise(np.array([-0.49, 0.49, 0.51, -0.51, 1.5, 2.5, 7.4, 7.6, -7.6, 1e9]), 4)
    assert codes.tolist() == [0, 0, 1, -1, 2, 2, 7, 7, -7, 7]
    assert saturated == 3
    assert largest_code(4) == 7


def test_quantisation_error_is_half_a_code_within_full_scale():
    levels = np.random.default_rng(0).uniform(-127, 127, 10_000)
    codes, saturated = quantise(levels, 8)
    assert saturated == 0
    assert np.abs(codes - levels).max() <= 0.5
    # uniform over an LSB: variance 1/12, and the variance of that estimate is (1/80 - 1/144) / n
    assert np.mean((codes - levels) ** 2) == pytest.approx(1 / 12, abs=5 * np.sqrt((1 / 80 - 1 / 144) / 10_000))


@pytest.mark.parametrize("each", [1, 3, 12])
def test_the_digit_kernel_is_its_twin_and_pads_with_zeros(each):
    x = np.random.default_rng(1).integers(0, 2**12, (5, 7))
    planes = np.full((12 // each, 8, 7), np.nan, dtype=np.float32)
    squares = np.ones(7)
    spread_digits(x, each, planes, squares)
    truth = bit_planes(x, 12, each)
    assert np.array_equal(planes[:, :5], truth)
    assert not planes[:, 5:].any()
    assert np.array_equal(squares, 1 + (truth**2).sum(axis=(0, 1)))
    same, as_digits = np.empty_like(planes), np.zeros(7)
    spread_levels(x, each, np.tile(np.arange(2**each, dtype=np.float32), (7, 1)), same, as_digits)
    assert np.array_equal(same, planes)
    assert np.array_equal(as_digits, squares - 1)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_conversion_kernel_is_its_twin(noisy, bits):
    rng = np.random.default_rng(2)
    top = largest_code(bits)
    level = rng.uniform(-1.3 * top, 1.3 * top, (6, 9, 5)).astype(np.float32)
    level[0, 0, :4] = [0.5, 1.5, -0.5, top + 0.5]
    variance = rng.uniform(0, 1, (6, 9, 5)).astype(np.float32)
    scores = rng.standard_normal((6 if noisy else 0, 8, 5), dtype=np.float32)
    offset = rng.normal(size=5).astype(np.float32) * noisy
    codes = np.full((8, 5), -1, dtype=np.int64)
    saturated = convert(level, variance, scores, offset, -top, top, 1, codes)
    z = level[:, :8] + offset
    if noisy:
        z = z + np.sqrt(variance[:, :8]) * scores
    planes, expected = quantise(z, bits)
    assert np.array_equal(codes, shift_add(planes))
    assert saturated == expected > 0
    same = np.full((8, 5), -1, dtype=np.int64)
    uniform = np.tile(np.arange(-top, top, dtype=np.float32) + np.float32(0.5), (5, 1))
    level[0, 0, :4] = 0.3  # off the ties, of which a table of thresholds knows nothing
    convert(level, variance, scores, offset, -top, top, 1, codes)
    convert_steps(level, variance, scores, offset, uniform, -top, 1, same)
    assert np.array_equal(same, codes)


def test_costs_are_scaled_by_c_v2_and_say_so():
    at_home = adc_energy(ADC.process, 8)
    assert at_home.value == pytest.approx(2.583e-12, rel=1e-3)
    assert adc_energy(Process(130e-9, 1.8), 8).value == pytest.approx(130 / 32 * 1.8**2 * at_home.value)
    assert adc_time(Process(64e-9, 1.0), 8).value == pytest.approx(2 / 1.2e9)
    assert adc_energy(ADC.process, 6, 10).value == pytest.approx(10 * at_home.value / 4)
    assert adc_time(ADC.process, 6).value == pytest.approx(ADC.time * 6 / 8)
    estimate = adc_energy(Process(), 6)
    assert estimate.kind == ESTIMATED
    for said in ("Kull", "32 nm, 1 V", "C V^2", "130 nm, 1.8 V", "from 8 to 6"):
        assert said in estimate.source
