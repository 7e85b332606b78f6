import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from nn.float_graph import FloatGraph, FloatNode
from nn.layers.affine import Affine
from nn.ranges import Observed, Steps, finest, observe


def observed(values, batches=1):
    found = Observed()
    for k, part in enumerate(np.array_split(values, batches)):
        found.add(part, len(values), np.random.default_rng(k))
    return found


def rounded(values, steps):
    return np.clip(np.rint(values / steps.size), steps.low, steps.high) * steps.size


@given(st.floats(0, 1), st.sampled_from([3, 7, 15, 63, 255]), st.floats(1e-3, 1e3))
def test_codes_are_used_up_wherever_zero_lies_in_the_range(share, count, span):
    """With half a step to spare at one end, count - 1/2 steps reach over any range; no more than count + 1 can."""
    low, high = -share * span, (1 - share) * span
    steps = finest(low, high, count)
    assert steps.low <= 0 <= steps.high
    assert steps.high - steps.low == count
    assert span / (count + 1) * (1 - 1e-12) <= steps.size <= span / (count - 0.5) * (1 + 1e-12)
    values = np.linspace(low, high, 20 * count)
    assert np.abs(rounded(values, steps) - values).max() <= steps.size / 2 * (1 + 1e-9)
    assert len(np.unique(rounded(values, steps))) >= count


def test_ranges_of_one_sign_and_of_both_have_the_codes_of_old():
    assert finest(0.0, 6.0, 15) == Steps(6.0 / 15, 0, 15)
    assert finest(-6.0, 0.0, 15) == Steps(6.0 / 15.5, -15, 0)
    for bits in (2, 4, 8):
        steps = finest(-1.0, 1.0, 2**bits - 1)
        assert steps.low in (-(2 ** (bits - 1)), -(2 ** (bits - 1)) + 1)
    assert finest(-0.2, 8.0, 15) == Steps(8.0 / 15, 0, 15)  # which would round to 0 whatever the codes


def test_all_values_are_kept_while_they_are_few():
    values = np.random.default_rng(0).standard_normal((50, 4, 3))
    values = np.where(values < 0, values / 4, values)
    for batches in (1, 7):
        found = observed(values, batches)
        assert found.steps("max", 99.0, 255) == finest(values.min(), values.max(), 255)
        assert found.steps("percentile", 99.0, 255) == finest(*np.percentile(values, [1, 99]), 255)


def test_many_values_are_sampled_and_their_ends_are_not():
    values = np.abs(np.random.default_rng(0).standard_normal((64, 40, 40, 8)))
    values[3, 1, 2, 4], values[60, 30, 2, 4] = 50.0, -20.0
    found = observed(values, 4)
    kept = sum(part.size for part in found.parts)
    assert kept <= 2**18 < values.size
    assert found.steps("max", 99.0, 255) == finest(-20.0, 50.0, 255)
    spread = np.sqrt(0.01 * 0.99 / kept) / (2 * stats.norm.pdf(stats.norm.ppf(0.995)))  # of a sampled quantile
    steps = found.steps("percentile", 99.0, 255)
    assert steps.low == 0  # one negative value in 800,000 is no reason for a code
    assert steps.size * 255 == pytest.approx(np.percentile(values, 99), abs=4 * spread)


@pytest.mark.parametrize("count", [7, 15, 255])
@pytest.mark.parametrize("function", [np.asarray, np.abs, lambda x: x * special.expit(x)])
def test_the_ends_are_those_of_least_error(count, function):
    values = function(np.random.default_rng(0).laplace(size=(20, 5000)))

    def loss(steps):
        return np.sum((rounded(values, steps) - values) ** 2)

    chosen = observed(values).steps("mse", 100.0, count)
    near = range(max(-chosen.low - 8, 0), min(-chosen.low + 8, count) + 1, 1 if count < 20 else 4)
    best = min(
        optimize.minimize_scalar(
            lambda size, k=k: loss(Steps(size, -k, count - k)),
            bounds=(0.6 * chosen.size, 1.6 * chosen.size),
            method="bounded",
            options={"maxiter": 12},
        ).fun
        for k in near
    )
    assert loss(chosen) < 1.05 * best
    assert count > 100 or loss(chosen) < 0.5 * loss(observed(values).steps("max", 100.0, count))


def test_laplace_activations_are_clipped_where_the_paper_says():
    """Banner et al., NeurIPS 2019, section 3.1: 2.83, 3.89 and 5.03 b for 2, 3 and 4 bits, with 2^bits even steps."""
    values = np.random.default_rng(1).laplace(size=(20, 10_000))
    for bits, expected in ((3, 3.89), (4, 5.03)):
        steps = observed(values).steps("mse", 100.0, 2**bits - 1)
        assert steps.size * 2 ** (bits - 1) == pytest.approx(expected, rel=0.12)


def test_zeros_say_nothing_of_a_range():
    values = np.concatenate([np.zeros(900), np.linspace(0.5, 1.0, 100)])[None]
    assert observed(values).steps("percentile", 50.0, 255).size * 255 == pytest.approx(0.75, abs=0.01)
    assert observed(np.zeros((3, 4))).steps("mse", 100.0, 255) == Steps(1 / 255, 0, 255)


def test_a_share_that_leaves_nothing_is_all():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    assert observed(values).steps("percentile", 50.0, 15) == finest(-2.0, 2.0, 15)


def test_images_in_batches_give_the_ranges_of_all_at_once(monkeypatch):
    network = FloatGraph((FloatNode("twice", Affine(np.array([2.0]), np.array([-0.5])), ("input",)),), "twice")
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 5, 2), dtype=np.uint8)
    whole = observe(network, images)
    monkeypatch.setattr("nn.float_graph._VALUES", 50 * 7)
    parts = observe(network, images)
    assert len(parts["twice"].parts) == 5
    for name in ("input", "twice"):
        assert np.array_equal(np.concatenate(parts[name].parts), np.concatenate(whole[name].parts))
        assert (parts[name].low, parts[name].high) == (whole[name].low, whole[name].high)
