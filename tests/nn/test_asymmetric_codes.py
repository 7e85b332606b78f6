"""Activations that reach farther to one side of 0 than to the other, as SiLU's: codes go where the values are."""

import numpy as np
import pytest
import torch
from ideal_arrays import IdealFactory

from nn.graph_file import load, save
from nn.importers.torch_module import import_module
from nn.ops.lookup import Lookup
from nn.ops.requantise import Requantise
from nn.product import Product
from nn.quantise import Quantisation, quantise
from nn.ranges import Steps, finest
from nn.targets.reram import Target
from nn.train import Training, train
from nn.tuning.trainable import TrainableGraph

LEAST = 0.2785  # SiLU is never below -0.2785


def silu_network():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1, bias=False),
        torch.nn.BatchNorm2d(8),
        torch.nn.SiLU(),
        torch.nn.Conv2d(8, 8, 3, 2, padding=1, bias=False),
        torch.nn.BatchNorm2d(8),
        torch.nn.SiLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(128, 10),
    )


@pytest.fixture(scope="module")
def network(digits):
    how = Training(epochs=6, batch=32)
    return import_module(train(silu_network, digits.train_x, digits.train_y, how), digits.train_x.shape[1:])


@pytest.fixture(scope="module", params=[4, 8])
def graph(request, network, digits):
    return quantise(network, digits.train_x[:300], Quantisation(activation_bits=request.param))


def activations(graph):
    """What feeds each product after the first: its node, and the codes it can have."""
    return [
        (node.inputs[0], graph.bounds[node.inputs[0]]) for node in graph.nodes if isinstance(node.operator, Product)
    ][1:]


def error(graph, network, images):
    """Root mean square of the logits' error, over that of the logits."""
    floats = network.logits(images)
    return np.sqrt(np.mean((graph.logits(images) * graph.output_scale - floats) ** 2) / np.mean(floats**2))


def test_silu_leaves_few_codes_below_zero_and_none_unused(network, digits):
    x = digits.train_x[:300]
    for bits in (4, 8):
        graph = quantise(network, x, Quantisation(activation_bits=bits, activation_range="max"))
        values, floats = graph.run(x), network.run(x / 255.0)
        for name, (low, high) in activations(graph):
            assert high - low == 2**bits - 1
            assert values[name].max() - values[name].min() >= 2**bits - 2
            steps = finest(floats[name].min(), floats[name].max(), 2**bits - 1)
            assert (low, high) == (steps.low, steps.high)
            assert -low == pytest.approx(LEAST / steps.size, abs=0.51)


def test_steps_are_nearly_half_as_large_and_so_is_the_error(network, digits, monkeypatch):
    """Symmetric codes have 7 steps up to the greatest value, these 14.5 at least from -0.28 up."""
    x, how = digits.train_x[:300], Quantisation(activation_bits=4)
    graph = quantise(network, x, how)
    floats = network.run(x / 255.0)
    greatest = min(np.percentile(floats[name], 99.95) for name, _ in activations(graph))
    ratio = ((greatest + LEAST) / 14.5) / (greatest / 7)  # of the steps, where it is largest
    assert ratio < 0.6
    ours = error(graph, network, digits.test_x)

    def symmetric(low, high, count):
        top = count // 2
        return Steps(max(-low, high) / top, -top, top)

    monkeypatch.setattr("nn.ranges.finest", symmetric)
    theirs = error(quantise(network, x, how), network, digits.test_x)
    assert ours < (1 + ratio) / 2 * theirs  # the images' 4 bits and the weights' 8 add to both


def test_a_real_zero_is_the_integer_zero(graph):
    x = np.zeros((1, *graph.input_shape), dtype=np.uint8)
    tables = [node.operator for node in graph.nodes if isinstance(node.operator, Lookup)]
    assert len(tables) == 2
    for operator in tables:
        assert operator.run(np.zeros((1, 1), int)) == 0
    for node in graph.nodes:
        if isinstance(node.operator, Requantise):
            assert node.operator.low < 0 < node.operator.high or node.inputs[0] == "input"
            shape = graph.shapes[node.name]
            assert not node.operator.run(np.zeros((1, *shape), int)).any()
    assert not graph.run(x)[graph.nodes[0].inputs[0]].any()


def test_arrays_take_the_codes_shifted_by_the_least_and_no_more_bits(graph, digits):
    x = digits.test_x[:60]
    program = Target(IdealFactory(), seed=1, range_share=4).compile(graph, digits.train_x[:100])
    bits = max(high - low for _, (low, high) in activations(graph)).bit_length()
    for layer, (name, (low, _)) in zip(program.layers[1:], activations(graph), strict=True):
        assert (layer.low, layer.input_bits) == (low, bits)
        taken = layer.vectors(graph.run(x)[name])
        assert 0 <= taken.min() <= taken.max() < 2**bits
    assert bits in (4, 8)
    assert np.array_equal(program.run(x, 0).logits, graph.logits(x))


def test_a_saved_graph_is_the_same(graph, digits, tmp_path):
    save(graph, tmp_path / "graph.npz")
    loaded = load(tmp_path / "graph.npz")
    assert loaded.bounds == graph.bounds
    assert np.array_equal(loaded.logits(digits.test_x[:50]), graph.logits(digits.test_x[:50]))


def test_training_keeps_the_codes_within_their_limits(graph, digits):
    x, y = digits.train_x[:64], torch.from_numpy(digits.train_y[:64].astype(np.int64))
    model = TrainableGraph(graph)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-2)
    before = dict(activations(graph))
    losses = []
    for _ in range(6):
        logits = model(x)
        assert np.array_equal(logits.detach().numpy().astype(np.int64), model.graph().logits(x))
        loss = torch.nn.functional.cross_entropy(logits * graph.output_scale, y)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.limit()
    tuned = model.graph()
    assert losses[-1] < losses[0]
    assert not np.array_equal(tuned.logits(x), graph.logits(x))
    for name, (low, high) in before.items():
        values = tuned.run(digits.test_x[:100])[name]
        assert low <= values.min() < 0 < values.max() <= high
