import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize, stats

from bitline.core.errors import ConfigError
from nn.ops.linear import Linear
from nn.ops.requantise import HALF_AWAY, Requantise
from nn.quantise import Quantisation, quantise
from nn.weight_scale import weight_codes, weight_scale


def accuracy(logits, labels):
    return float((logits.argmax(axis=1) == labels).mean())


def test_the_float_network_learnt(network, digits):
    assert accuracy(network.logits(digits.test_x), digits.test_y) > 0.94


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (6, 8), (4, 8)])
@pytest.mark.parametrize("per_channel", [True, False])
def test_the_integer_network_is_as_good_as_the_float_one(network, digits, weight_bits, activation_bits, per_channel):
    how = Quantisation(weight_bits, activation_bits, per_channel=per_channel)
    graph = quantise(network, digits.train_x[:500], how)
    x, y = np.concatenate([digits.train_x, digits.test_x]), np.concatenate([digits.train_y, digits.test_y])
    # on all 1797 images, as half a point is less than 2 of the 360 test images
    assert accuracy(graph.logits(x), y) > accuracy(network.logits(x), y) - 0.005
    for node in graph.nodes:
        if isinstance(node.operator, Linear):
            assert np.abs(node.operator.weights).max() < 2 ** (weight_bits - 1)
            assert graph.bounds[node.inputs[0]] == (0, 2**activation_bits - 1)


def test_the_error_of_the_logits_shrinks_with_every_bit(network, digits):
    floats = network.logits(digits.test_x)
    errors = []
    for bits in (3, 4, 5, 6, 7, 8):
        graph = quantise(network, digits.train_x[:500], Quantisation(bits, bits))
        errors.append(np.sqrt(np.mean((graph.logits(digits.test_x) * graph.output_scale - floats) ** 2)))
    assert all(fewer > more for fewer, more in pairwise(errors))
    assert errors[-1] < 0.01 * floats.std()


def test_logits_have_one_scale_though_weights_have_one_a_channel(network, digits):
    graph = quantise(network, digits.train_x[:500], Quantisation(per_channel=True))
    last = graph.node(graph.output).operator
    assert isinstance(last, Requantise)
    assert len(last.multiplier) == 10
    plain = quantise(network, digits.train_x[:500], Quantisation(per_channel=False))
    assert isinstance(plain.node(plain.output).operator, Linear)


def test_fewer_activation_bits_than_the_image_has_are_requantised_at_the_input(network, digits):
    graph = quantise(network, digits.train_x[:500], Quantisation(activation_bits=4))
    assert graph.bounds[graph.node("fc1").inputs[0]] == (0, 15)
    assert graph.bounds["input"] == (0, 255)


def test_the_named_rounding_reaches_every_requantisation(network, digits):
    graph = quantise(network, digits.train_x[:500], Quantisation(rounding=HALF_AWAY))
    roundings = {node.operator.rounding for node in graph.nodes if isinstance(node.operator, Requantise)}
    assert roundings == {HALF_AWAY}


def test_the_mse_scale_loses_least():
    weights = np.random.default_rng(0).standard_t(3, 2000)  # heavy tails: clipping pays
    top = 7

    def loss(scale):
        return np.sum((np.clip(np.rint(weights / scale), -top, top) * scale - weights) ** 2)

    chosen, plain = weight_scale(weights, 4), weight_scale(weights, 4, "max")
    assert plain == pytest.approx(np.abs(weights).max() / top)
    assert loss(chosen) < 0.6 * loss(plain)
    assert weight_scale(np.zeros(4), 4) == 1.0
    assert weight_scale(weights, 4, "percentile", 90) == pytest.approx(np.percentile(np.abs(weights), 90) / top)


def loss(weights, scale, bits):
    return float(np.sum((weight_codes(weights, scale, bits) * scale - weights) ** 2))


@settings(max_examples=40)
@given(hnp.arrays(float, st.integers(1, 6), elements=st.floats(-4, 4).filter(lambda w: w == 0 or abs(w) > 1e-3)))
def test_the_ternary_scale_is_the_best_of_all_ternary_codes(weights):
    scale = weight_scale(weights, 2)
    best = math.inf
    for codes in itertools.product((-1, 0, 1), repeat=weights.size):
        held = np.array(codes)
        alike, size = float(held @ weights), float(held @ held)
        best = min(best, float(weights @ weights) - (alike**2 / size if alike > 0 else 0.0))
    assert loss(weights, scale, 2) <= best + 1e-9


def test_a_ternary_normal_weight_loses_what_theory_says():
    """The best ternary quantiser of a normal number loses 0.190 of its variance (Max, IRE Trans. IT-6, 1960, N = 3)."""
    weights = np.random.default_rng(1).standard_normal(200_000)
    assert loss(weights, weight_scale(weights, 2), 2) / weights.size == pytest.approx(0.190, abs=0.002)
    assert weight_scale(weights, 2) == pytest.approx(1.224, abs=0.01)


def test_a_binary_weight_is_a_sign_times_the_mean_magnitude():
    weights = np.array([0.5, -1.5, 0.0, 2.0])
    assert weight_scale(weights, 1) == 1.0
    assert weight_codes(weights, 1.0, 1).tolist() == [1, -1, 1, 1]
    normal = np.random.default_rng(2).standard_normal(200_000)
    assert loss(normal, weight_scale(normal, 1), 1) / normal.size == pytest.approx(1 - 2 / np.pi, abs=0.003)


@pytest.mark.parametrize("bits", [3, 4])
def test_few_bits_come_close_to_the_best_even_steps_of_a_normal_number(bits):
    x = np.linspace(-8, 8, 20_001)
    density = stats.norm.pdf(x) * (x[1] - x[0])
    top = 2 ** (bits - 1) - 1

    def theory(scale):
        return float(((np.clip(np.rint(x / scale), -top, top) * scale - x) ** 2) @ density)

    best = optimize.minimize_scalar(theory, bounds=(0.05, 2), method="bounded").fun
    normal = np.random.default_rng(3).standard_normal(200_000)
    assert loss(normal, weight_scale(normal, bits), bits) / normal.size == pytest.approx(best, rel=0.03)


@pytest.mark.parametrize(("bits", "least"), [(2, 0.8), (1, 0.45)])
def test_ternary_and_binary_networks_read_digits_without_training(network, digits, bits, least):
    graph = quantise(network, digits.train_x[:500], Quantisation(weight_bits=bits))
    for node in graph.nodes:
        if isinstance(node.operator, Linear):
            assert set(np.unique(node.operator.weights)) == ({-1, 0, 1} if bits == 2 else {-1, 1})
    assert accuracy(graph.logits(digits.test_x), digits.test_y) > least


@pytest.mark.parametrize("bits", [2, 4])
def test_clipping_activations_by_squared_error_beats_the_maximum_at_few_bits(network, digits, bits):
    floats = network.logits(digits.test_x)
    errors = {}
    for method in ("max", "percentile", "mse"):
        how = Quantisation(activation_bits=bits, activation_range=method)
        graph = quantise(network, digits.train_x[:500], how)
        errors[method] = np.mean((graph.logits(digits.test_x) * graph.output_scale - floats) ** 2)
    assert errors["mse"] < errors["max"]
    assert errors["percentile"] != errors["max"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight_bits": 0},
        {"weight_bits": 9},
        {"activation_bits": 1},
        {"percentile": 10},
        {"weight_range": "x"},
        {"activation_range": "min"},
        {"rounding": "up"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Quantisation(**wrong)


def test_no_images_to_calibrate_on_is_told(network, digits):
    with pytest.raises(ConfigError, match="no calibration images"):
        quantise(network, digits.train_x[:0])
