from itertools import pairwise

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.ops.linear import Linear
from nn.ops.requantise import HALF_AWAY, Requantise
from nn.quantise import Quantisation, quantise, weight_scale


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


@pytest.mark.parametrize(
    "wrong", [{"weight_bits": 1}, {"activation_bits": 9}, {"percentile": 10}, {"weight_range": "x"}, {"rounding": "up"}]
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Quantisation(**wrong)


def test_no_images_to_calibrate_on_is_told(network, digits):
    with pytest.raises(ConfigError, match="no calibration images"):
        quantise(network, digits.train_x[:0])
