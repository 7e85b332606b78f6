import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.ops.add import Add
from nn.ops.clamp import Clamp
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import HALF_AWAY, HALF_EVEN, Requantise, multiplier_and_shift, multipliers

INT32 = st.integers(-(2**31), 2**31 - 1)


def away(value):
    floor = math.floor(abs(value) + Fraction(1, 2))
    return floor if value >= 0 else -floor


@given(
    x=st.lists(INT32, min_size=1, max_size=8),
    multiplier=st.integers(0, 2**31 - 1),
    shift=st.integers(0, 62),
    rounding=st.sampled_from([HALF_EVEN, HALF_AWAY]),
)
def test_requantise_rounds_as_exact_rationals_do(x, multiplier, shift, rounding):
    operator = Requantise(np.array([multiplier]), np.array([shift]), -(2**62), 2**62, rounding)
    exact = [Fraction(value * multiplier, 2**shift) for value in x]
    expected = [round(value) if rounding == HALF_EVEN else away(value) for value in exact]  # round() is half to even
    assert operator.run(np.array([x]))[0].tolist() == expected


@pytest.mark.parametrize(
    ("rounding", "expected"), [(HALF_EVEN, [-2, -2, 0, 0, 2, 2]), (HALF_AWAY, [-3, -2, -1, 1, 2, 3])]
)
def test_ties_go_where_the_name_says(rounding, expected):
    operator = Requantise(np.array([1]), np.array([1]), -9, 9, rounding)
    assert operator.run(np.array([[-5, -3, -1, 1, 3, 5]]))[0].tolist() == expected


@given(st.floats(1e-12, 2**30, allow_nan=False))
def test_multiplier_and_shift_are_within_half_a_step_of_the_ratio(ratio):
    multiplier, shift = multiplier_and_shift(ratio)
    assert 0 <= multiplier < 2**31
    assert abs(multiplier / 2**shift - ratio) <= ratio * 2**-16 + 2**-63


def test_a_requantisation_scaled_is_that_of_larger_inputs():
    multiplier, shift = multipliers(np.array([0.75, 0.0, 3.0]))
    assert (multiplier / 2.0**shift).tolist() == [0.75, 0.0, 3.0]
    scaled = Requantise(multiplier, shift, -9, 200, HALF_AWAY).scaled_by(np.array([4.0, 2.0, 0.5]))
    assert scaled.ratios.tolist() == [3.0, 0.0, 1.5]
    assert (scaled.low, scaled.high, scaled.rounding) == (-9, 200, HALF_AWAY)
    single = Requantise(multiplier[:1], shift[:1], 0, 9)
    assert single.scaled_by(2.0).ratios.tolist() == [1.5]
    assert single.scaled_by(np.array([2.0, 4.0])).ratios.tolist() == [1.5, 3.0]  # one for all becomes one a channel


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf, 2.0**40])
def test_a_ratio_without_multiplier_is_refused(ratio):
    with pytest.raises(ConfigError, match="ratio"):
        multiplier_and_shift(ratio)


@given(
    hnp.arrays(np.int64, (3, 5), elements=st.integers(0, 255)),
    hnp.arrays(np.int64, (5, 4), elements=st.integers(-127, 127)),
    hnp.arrays(np.int64, 4, elements=st.integers(-(2**20), 2**20)),
)
def test_linear_equals_torchs_integer_product(x, weights, bias):
    expected = torch.from_numpy(x) @ torch.from_numpy(weights) + torch.from_numpy(bias)
    assert np.array_equal(Linear(weights, bias).run(x), expected.numpy())


def test_linear_is_exact_where_floats_are_not():
    weights, x = np.full((3, 1), 2**30 - 1), np.full((1, 3), 2**30 - 1)
    assert Linear(weights, np.zeros(1, int)).run(x)[0, 0] == 3 * (2**30 - 1) ** 2


@given(
    hnp.arrays(np.int64, (6, 3), elements=st.integers(-7, 7)),
    hnp.arrays(np.int64, (20, 6), elements=st.integers(0, 15)),
)
def test_bounds_hold_for_every_input_and_are_reached(weights, x):
    bias = np.array([5, -3, 0])
    operator = Linear(weights, bias)
    low, high = operator.bounds((0, 15))
    y = operator.run(x)
    assert low <= y.min()
    assert y.max() <= high
    worst = operator.run(np.where(weights.T > 0, 15, 0))
    assert worst.max() == high


def test_per_channel_requantisation_acts_on_the_last_axis():
    operator = Requantise(np.array([1, 3]), np.array([0, 1]), -100, 100)
    assert operator.run(np.array([[10, 10], [-5, -5]])).tolist() == [[10, 15], [-5, -8]]
    assert operator.bounds((-5, 10)) == (-8, 15)
    with pytest.raises(ConfigError, match="2 multipliers"):
        operator.shape((3,))


def test_clamp_and_add_and_flatten():
    assert Clamp(0, 6).run(np.array([-1, 3, 9])).tolist() == [0, 3, 6]
    assert Clamp(0, 6).bounds((-9, 4)) == (0, 4)
    assert Add().run(np.array([1, 2]), np.array([3, -4])).tolist() == [4, -2]
    assert Add().bounds((0, 5), (-2, 1)) == (-2, 6)
    assert Flatten().run(np.arange(12).reshape(2, 3, 2)).tolist() == [list(range(6)), list(range(6, 12))]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Linear(np.ones((2, 3), int), np.ones(2, int)), "bias"),
        (lambda: Linear(np.full((2, 3), 0.5), np.ones(3, int)), "not integers"),
        (lambda: Clamp(3, 2), "above"),
        (lambda: Requantise(np.array([-1]), np.array([1]), 0, 1), "multiplier"),
        (lambda: Requantise(np.array([1]), np.array([63]), 0, 1), "shift"),
        (lambda: Requantise(np.array([1]), np.array([1]), 0, 1, "half_odd"), "half_odd"),
        (lambda: Requantise(np.array([1, 2]), np.array([1]), 0, 1), "alike"),
    ],
)
def test_an_operator_refuses_what_it_cannot_be(make, match):
    with pytest.raises(ConfigError, match=match):
        make()


def test_an_int32_overflow_is_an_error_and_not_a_wrap():
    heavy = Linear(np.full((3, 1), 2**22), np.zeros(1, int))
    graph = Graph((3,), 8, (Node("fc", heavy, ("input",)),), "fc", 1.0)
    assert graph.run(np.full((1, 3), 170))["fc"][0, 0] == 3 * 170 * 2**22  # 2^31 is 3 * 170.67 * 2^22
    with pytest.raises(ConfigError, match=r"'fc'.*int32"):
        graph.run(np.full((1, 3), 171))
