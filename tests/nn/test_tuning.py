from dataclasses import replace

import numpy as np
import pytest
import torch
from ideal_arrays import IdealFactory

from bitline.core.errors import ConfigError
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.graph import Graph, Node
from nn.graph_file import graph_hash
from nn.ops.add import Add
from nn.ops.clamp import Clamp
from nn.ops.conv2d import Conv2d
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import Requantise
from nn.quantise import Quantisation, quantise
from nn.statistics import paired_difference
from nn.targets.reram import Target
from nn.tuning.chip import Chip
from nn.tuning.shadows import unrounded
from nn.tuning.trainable import TrainableGraph
from nn.tuning.tune import Tuning, tune

QUICK = Tuning(steps=20, batch=32)


@pytest.fixture(scope="module")
def low_bit(network, digits):
    return quantise(network, digits.train_x[:500], Quantisation(weight_bits=2, activation_bits=2))


@pytest.fixture(scope="module")
def four_bit(network, digits):
    return quantise(network, digits.train_x[:500], Quantisation(weight_bits=4, activation_bits=4))


def residual_network():
    """Two convolutions, one of groups, with the first one's result added to the second's."""
    rng = np.random.default_rng(1)

    def conv(name, source, groups):
        weights = rng.integers(-7, 8, (3, 3, 4 // groups, 4))
        one, around = np.ones(2, np.int64), np.ones(4, np.int64)
        return Node(name, Conv2d(weights, rng.integers(-99, 99, 4), one, around, one, groups), (source,))

    def requantise(name, source, bits, channels):
        multiplier = rng.integers(2**14, 2**15, channels)
        return Node(name, Requantise(multiplier, np.full(channels, 15 + bits), -100, 100), (source,))

    nodes = (
        conv("a", "input", 1),
        requantise("a.codes", "a", 6, 4),
        conv("b", "a.codes", 2),
        requantise("b.codes", "b", 5, 1),
        Node("sum", Add(), ("a.codes", "b.codes")),
        Node("relu", Clamp(0, 127), ("sum",)),
        Node("flat", Flatten(), ("relu",)),
        Node("fc", Linear(rng.integers(-7, 8, (100, 3)), rng.integers(-99, 99, 3)), ("flat",)),
    )
    return Graph((5, 5, 4), 8, nodes, "fc", 0.01), rng.integers(0, 256, (6, 5, 5, 4))


def test_forward_is_the_integer_graph_and_stays_so_as_it_is_trained():
    graph, x = residual_network()
    model = TrainableGraph(graph)
    assert np.array_equal(model(x).detach().numpy(), graph.logits(x))
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(3):
        optimiser.zero_grad()
        (model(x).square().mean() * 1e-9).backward()
        assert all(part.grad is not None and part.grad.any() for part in model.parameters())
        for part in model.parameters():
            part.grad *= 0.3 / part.grad.abs().max()
        optimiser.step()
        model.limit()
    trained = model.graph()
    assert np.array_equal(model(x).detach().numpy(), trained.logits(x))
    for name in ("a", "b", "fc"):
        weights, before = trained.node(name).operator.weights, graph.node(name).operator.weights
        assert np.abs(weights).max() <= 7
        assert not np.array_equal(weights, before)
    assert not np.array_equal(trained.node("a.codes").operator.ratios, graph.node("a.codes").operator.ratios)


def test_a_gain_learns_what_the_multiplier_is_worth():
    """The gradient by log-gain is the result itself, where nothing is clamped and rounding is let through."""
    nodes = (Node("codes", Requantise(np.array([1]), np.array([2]), 0, 60), ("input",)),)
    model = TrainableGraph(Graph((2,), 8, nodes, "codes", 1.0))
    model(np.array([[101, 255]])).sum().backward()
    (gain,) = model.parameters()
    assert gain.grad.item() == pytest.approx(101 / 4)


def test_unrounded_weights_round_to_the_graphs(network, digits):
    for how in (Quantisation(weight_bits=3), Quantisation(weight_bits=4, per_channel=False, weight_range="max")):
        graph = quantise(network, digits.train_x[:500], how)
        shadows = unrounded(graph, network)
        assert set(shadows) == {node.name for node in graph.nodes if isinstance(node.operator, Linear)}
        model = TrainableGraph(graph, shadows)
        assert np.array_equal(model(digits.test_x).detach().numpy(), graph.logits(digits.test_x))
        for name, shadow in shadows.items():
            integers = graph.node(name).operator.weights
            top = np.abs(integers).max()
            inside = np.abs(shadow) < top
            off = np.abs(shadow - integers)[inside]
            assert np.quantile(off, 0.95) < 0.6  # least squares finds the scale to a part of a step
            assert off.mean() > 0.1


def right(program, digits, chips=1):
    return np.array([program.run(digits.test_x, chip).logits.argmax(axis=1) == digits.test_y for chip in range(chips)])


def exactly(graph, digits):
    return (graph.logits(digits.test_x).argmax(axis=1) == digits.test_y)[None]


def test_tuning_at_two_bits_recovers_points(low_bit, network, digits):
    tuned = tune(low_bit, digits.train_x, digits.train_y, network=network)
    assert paired_difference(exactly(tuned, digits), exactly(low_bit, digits)).low > 0.02
    for node in low_bit.nodes:
        if isinstance(node.operator, Linear):
            assert np.abs(tuned.node(node.name).operator.weights).max() == 1
    taught = tune(low_bit, digits.train_x, digits.train_y, Tuning(distillation=1.0), network=network)
    assert paired_difference(exactly(taught, digits), exactly(low_bit, digits)).low > 0.02
    assert not np.array_equal(taught.logits(digits.test_x), tuned.logits(digits.test_x))


def test_a_network_of_signs_stays_one_and_learns(network, digits):
    signs = quantise(network, digits.train_x[:500], Quantisation(weight_bits=1))
    start = TrainableGraph(signs, unrounded(signs, network))
    assert np.array_equal(start(digits.test_x).detach().numpy(), signs.logits(digits.test_x))
    tuned = tune(signs, digits.train_x, digits.train_y, network=network)
    for node in signs.nodes:
        if isinstance(node.operator, Linear):
            weights = tuned.node(node.name).operator.weights
            assert set(np.unique(weights)) == {-1, 1}
            assert not np.array_equal(weights, node.operator.weights)
    assert paired_difference(exactly(tuned, digits), exactly(signs, digits)).low > 0.02


def test_tuning_repeats_bit_for_bit_whatever_the_targets_seed(four_bit, digits):
    """Chips of a study are no chips that the network was tuned on: those come from the tuning's own seed."""
    torch.manual_seed(5)
    before, calls = torch.rand(1), []
    torch.manual_seed(5)
    found = [
        tune(
            four_bit,
            digits.train_x,
            digits.train_y,
            how,
            Target(IdealFactory(sigma=0.2), seed),
            progress=lambda *steps: calls.append(steps),
        ).logits(digits.test_x)
        for how, seed in ((QUICK, 1), (QUICK, 2), (replace(QUICK, seed=2), 1))
    ]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert calls[:2] == [(10, 20), (20, 20)]
    assert torch.equal(torch.rand(1), before)  # the caller's random numbers are as they were


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_with_a_chip_the_logits_are_those_of_the_program(graph, digits, noise):
    target = Target(IdealFactory(sigma=0.1, noise=noise), seed=3, range_share=0.7)
    images = digits.test_x[:100]
    inference = target.compile(graph, digits.train_x[:100]).run(images, 6)
    chip = Chip.program(target, graph, digits.train_x[:100], 6)
    assert np.array_equal(TrainableGraph(graph)(images, chip, access=0).detach().numpy(), inference.logits)
    other = TrainableGraph(graph)(images, chip, access=1).detach().numpy()
    assert np.array_equal(other, inference.logits) == (noise == 0)


def test_what_weights_change_after_programming_counts_exactly():
    weights = np.array([[3, -7], [7, 2]])
    graph = Graph((2,), 8, (Node("fc", Linear(weights, np.array([5, -5])), ("input",)),), "fc", 1.0)
    x = np.array([[10, 20], [200, 100]])
    model = TrainableGraph(graph)
    chip = Chip.program(Target(IdealFactory(sigma=0.1), seed=1, range_share=4), graph, x, 0)
    before = model(x, chip).detach().numpy()
    assert not np.array_equal(before, graph.logits(x))
    change = np.array([[1, 2], [-3, 0]])
    with torch.no_grad():
        next(iter(model.parts)).weights += torch.from_numpy(change / 7)
    assert np.array_equal(model(x, chip).detach().numpy(), before + x @ change)


def spread(g):
    return 3 * (0.5e-6 + 0.03 * g)


def test_arrays_in_the_loop_recover_points_on_other_chips(four_bit, network, digits):
    config = TileConfig(
        rows=64,
        cols=64,
        weight_bits=4,
        r_wire_wl=40,
        r_wire_bl=40,
        adc_bits=5,
        programming_sigma=spread,
        noise_way="matrix",
    )
    target = Target(crossbar_factory(config), seed=99)
    calibration = digits.train_x[:500]
    how = Tuning(steps=150)
    plain = tune(four_bit, digits.train_x, digits.train_y, how, network=network)
    aware = tune(four_bit, digits.train_x, digits.train_y, how, target, network)
    before, without, found = (
        right(target.compile(each, calibration), digits, chips=8) for each in (four_bit, plain, aware)
    )
    assert paired_difference(found, before).low > 0
    assert paired_difference(found, without).low > 0
    assert found.std(axis=0).mean() < before.std(axis=0).mean()  # chips agree more


def test_what_cannot_be_tuned_is_told(four_bit, digits):
    def tuned(how, graph=four_bit, images=digits.train_x):
        tune(graph, images, digits.train_y, how)

    with pytest.raises(ConfigError, match="10 images are fewer than one batch of 32"):
        tuned(QUICK, images=digits.train_x[:10])
    with pytest.raises(ConfigError, match="distillation needs the float network"):
        tuned(replace(QUICK, distillation=0.5))
    with pytest.raises(ConfigError, match="the loss is nan; a lower rate"):
        tuned(QUICK, graph=replace(four_bit, output_scale=float("nan")))
    for wrong in ({"steps": 0}, {"rate": 0.0}, {"distillation": 1.5}, {"chip_steps": 0}):
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} = "):
            Tuning(**wrong)


class Stopped(Exception):  # noqa: N818 - no error: a stop
    pass


@pytest.mark.parametrize(("hardware", "steps", "stop", "kept"), [(True, 45, 30, 20), (False, 120, 110, 100)])
def test_a_tuning_that_was_stopped_goes_on_with_the_same_bits(
    four_bit, network, digits, tmp_path, hardware, steps, stop, kept
):
    """Between the steps that it is kept at, in the middle of a chip's, and of an order of images."""
    target = Target(IdealFactory(sigma=0.2, noise=1.0), 1) if hardware else None
    how = Tuning(steps=steps, batch=32, distillation=0.2, chip_steps=20)
    path = tmp_path / "tuning.pt"

    def tuned(told, keep=path, how=how):
        def tell(done, _steps):
            told.append(done)
            if told[0] == "stop" and done >= stop:
                raise Stopped

        return graph_hash(tune(four_bit, digits.train_x, digits.train_y, how, target, network, tell, keep))

    whole = tuned([0], None)
    with pytest.raises(Stopped):
        tuned(["stop"])
    assert torch.load(path, weights_only=True)["steps"] == kept
    held = path.read_bytes()
    told = [0]
    assert tuned(told) == whole
    assert told[1] == kept + 10
    assert not list(tmp_path.iterdir())
    path.write_bytes(held)
    told = [0]
    tuned(told, how=replace(how, rate=0.02))  # another tuning's
    assert told[1] == 10
