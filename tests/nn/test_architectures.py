"""Known architectures, as users bring them: imported as torch computes them, and integers as exact as 8 bits allow."""

import warnings
from functools import cache

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, SHAPE, made

from nn.float_graph import fold_batch_norms
from nn.importers.onnx_model import import_onnx
from nn.importers.torch_module import import_module
from nn.layer import ProductLayer
from nn.layers.composed import Composed
from nn.layers.matmul import Matmul
from nn.layers.multiply import Multiply
from nn.layers.pointwise import Pointwise
from nn.operator import Operator
from nn.quantise import Quantisation, quantise
from nn.train import logits

CODED = (ProductLayer, Matmul, Multiply, Pointwise, Composed)  # whose inputs are rounded to codes of 8 bits
NOT_EXPORTED = {"AlexNet": "torch.onnx.export has adaptive pooling only to sizes that divide the image's"}


@pytest.fixture(scope="module")
def scenes():
    """Images with large parts, so that networks without training tell them apart."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (24, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return np.clip(coarse + rng.integers(-30, 31, coarse.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def module(scenes):
    """Networks by their names, each made once."""
    return cache(lambda name: made(name, scenes))


def relative(network, module, images):
    """The greatest difference of logits, as a part of the greatest; but for what all of an image have in common."""
    found, expected = (
        each - each.mean(axis=1, keepdims=True) for each in (network.logits(images), logits(module, images))
    )
    return np.abs(found - expected).max() / np.abs(expected).max()


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def noisy_logits(network, images, rng):
    """What the network gives where all that 8 bits round is off by noise of that size.

    Rounding to a step is uniform noise of half a step to either side (Widrow and Kollar, "Quantization Noise", 2008):
    of each number that enters a product or a table, and of each weight, by the output's largest.
    """
    values = {"input": images / 255.0}
    for node in network.nodes:
        inputs, layer = [values[name] for name in node.inputs], node.layer
        if isinstance(layer, CODED):
            inputs = [x + _noise(rng, x.shape, np.abs(x).max() / (255 if x.min() >= 0 else 127)) for x in inputs]
        if isinstance(layer, ProductLayer):
            most = np.abs(layer.weights).reshape(-1, layer.weights.shape[-1]).max(axis=0)
            layer = layer.scaled(np.ones(most.shape), np.zeros(most.shape))
            layer.weights[...] += _noise(rng, layer.weights.shape, most / 127)
        values[node.name] = layer.run(*inputs)
    return values[network.output]


def _noise(rng, shape, step):
    return rng.uniform(-0.5, 0.5, shape) * step


def errors(network, scenes, **how):
    """Of the integers' logits, and of those with noise in their place; root mean squares.

    Nothing is clipped: scales cover the weights, and all that these images give.
    """
    graph = quantise(network, scenes, Quantisation(activation_range="max", weight_range="max", **how))
    assert all(type(node.operator).differentiable is not Operator.differentiable for node in graph.nodes)
    floats, folded, rng = network.logits(scenes), fold_batch_norms(network), np.random.default_rng(1)
    noise = [noisy_logits(folded, scenes, rng) - floats for _ in range(4)]
    return rms(graph.logits(scenes) * graph.output_scale - floats), rms(noise)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_imported_as_it_computes_and_its_integers_are_as_exact_as_8_bits_allow(name, module, scenes):
    network = import_module(module(name), SHAPE)
    assert relative(network, module(name), scenes) < 2e-6
    error, expected = errors(network, scenes)
    assert expected / 4 < error < 3 * expected  # of weights one draw: over seeds, 0.4 to 2.3 for the widest spread


def test_fewer_bits_would_be_seen(module, scenes):
    network = import_module(module("ResNet-18"), SHAPE)
    error, expected = errors(network, scenes, activation_bits=5, weight_bits=5)
    assert error > 4 * expected


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in NOT_EXPORTED])
def test_an_architecture_comes_by_onnx_as_well(name, module, scenes, tmp_path):
    path = tmp_path / "network.onnx"
    with warnings.catch_warnings():  # torch's newer exporter, which it would have used, needs onnxscript
        warnings.simplefilter("ignore")
        torch.onnx.export(module(name), (torch.zeros(1, 3, 32, 32),), str(path), dynamo=False)
    assert relative(import_onnx(path, SHAPE), module(name), scenes) < 2e-6
