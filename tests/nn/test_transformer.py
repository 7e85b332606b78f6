"""The transformer on the digits: trained, imported, quantised."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.datasets import load
from nn.importers.torch_module import import_module
from nn.layers.attention import Attention
from nn.networks import find
from nn.quantise import Quantisation, quantise
from nn.train import Training, logits, train


def test_a_transformer_learns_and_keeps_its_accuracy_in_8_bits():
    digits = load("digits")
    how = Training(epochs=6, batch=32, rate=6e-3)
    module = train(lambda: find("transformer")((8, 8, 1), 10), digits.train_x, digits.train_y, how)
    floats = logits(module, digits.test_x)

    def accuracy(outputs):
        return np.mean(outputs.argmax(axis=1) == digits.test_y)

    assert accuracy(floats) > 0.93
    network = import_module(module, (8, 8, 1))
    assert np.abs(network.logits(digits.test_x) - floats).max() < 1e-4
    assert sum(isinstance(node.layer, Attention) for node in network.nodes) == 1
    graph = quantise(network, digits.train_x[:300])
    assert accuracy(graph.logits(digits.test_x)) > accuracy(floats) - 0.01
    error = graph.logits(digits.test_x) * graph.output_scale - floats
    assert np.sqrt(np.mean(error**2)) < 0.05 * floats.std()
    coarse = quantise(network, digits.train_x[:300], Quantisation(weight_bits=2, activation_bits=2))
    assert accuracy(coarse.logits(digits.test_x)) < accuracy(floats) - 0.02  # what quantisation can cost


def test_blocks_follow_one_another_and_channels_become_part_of_a_row():
    module = find("transformer")((5, 4, 3), 7, width=12, heads=3, blocks=2).eval()
    x = np.random.default_rng(1).integers(0, 256, (9, 5, 4, 3), dtype=np.uint8)
    network = import_module(module, (5, 4, 3))
    assert sum(isinstance(node.layer, Attention) for node in network.nodes) == 2
    assert np.abs(network.logits(x) - logits(module, x)).max() < 1e-5


def test_heads_that_can_not_share_the_width_are_told():
    with pytest.raises(ConfigError, match="heads must divide the width"):
        find("transformer")((8, 8, 1), 10, width=30, heads=4)
