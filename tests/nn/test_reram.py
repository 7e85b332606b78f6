import numpy as np
import pytest
import torch
from ideal_arrays import IdealFactory

from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from circuits.dac import Dac
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.fold_codes import fold_code_scales
from nn.graph import Graph, Node
from nn.importers.torch_module import import_module
from nn.ops.add import Add
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import Requantise
from nn.placement import Layer, PlacedLayer
from nn.quantise import Quantisation, quantise
from nn.targets.reram import Target
from nn.tiling import tiles


@pytest.mark.parametrize("per_channel", [True, False])
def test_on_exact_arrays_the_network_is_the_integer_graph_bit_for_bit(network, digits, per_channel):
    graph = quantise(network, digits.train_x[:500], Quantisation(per_channel=per_channel))
    program = Target(IdealFactory(), seed=1, batch=100, range_share=4).compile(graph, digits.train_x[:100])
    inference = program.run(digits.test_x, sample=0)
    assert np.array_equal(inference.logits, graph.logits(digits.test_x))
    assert program.logit_scale == graph.output_scale
    assert inference.counts["fc1"]["saturated"] == 0


def test_codes_of_several_products_fold_into_biases_and_multipliers(graph, digits):
    program = Target(IdealFactory(lsb=12.5), seed=1, range_share=4).compile(graph, digits.train_x[:100])
    exact, coded = graph.logits(digits.test_x) * graph.output_scale, program.run(digits.test_x, 0).logits
    error = np.abs(coded * program.logit_scale - exact).max()
    assert 0 < error < 0.02 * np.abs(exact).max()
    assert program.layers[0].scale == 12.5
    assert np.abs(program.layers[0].bias * 12.5 - graph.node("fc1").operator.bias).max() <= 6.25


def test_a_chip_replays_alone_with_the_same_bits(graph, digits):
    target = Target(IdealFactory(lsb=3.0, sigma=0.05, noise=2.0), seed=7, batch=64, trace=100)
    program, again = (target.compile(graph, digits.train_x[:50]) for _ in range(2))
    first = [program.run(digits.test_x, chip) for chip in range(3)]
    alone = again.run(digits.test_x, 2)
    assert np.array_equal(alone.logits, first[2].logits)
    assert alone.counts == first[2].counts
    assert all(np.array_equal(alone.trace[name], first[2].trace[name]) for name in alone.trace)
    assert not np.array_equal(first[0].logits, first[1].logits)
    assert not np.array_equal(
        first[0].logits, Target(target.arrays, 8, 64).compile(graph, digits.test_x).run(digits.test_x, 0).logits
    )


def test_the_same_chip_serves_two_configurations(graph, digits):
    """The cells of a chip stay when only the read noise or the batch changes."""
    quiet = Target(IdealFactory(sigma=0.05), 7, 64).compile(graph, digits.train_x[:50]).run(digits.test_x, 4)
    whole = Target(IdealFactory(sigma=0.05), 7, 500).compile(graph, digits.train_x[:50]).run(digits.test_x, 4)
    noisy = Target(IdealFactory(sigma=0.05, noise=1.0), 7, 64).compile(graph, digits.train_x[:50])
    assert np.array_equal(quiet.logits, whole.logits)
    near = np.abs(noisy.run(digits.test_x, 4).logits - quiet.logits).mean()
    far = np.abs(noisy.run(digits.test_x, 5).logits - quiet.logits).mean()
    assert 0 < near < 0.1 * far


def test_a_converter_range_that_is_too_small_saturates_and_says_so(graph, digits):
    counts = []
    for share in (1.0, 0.5, 0.1):
        program = Target(IdealFactory(), 1, range_share=share).compile(graph, digits.train_x[:500])
        counts.append(program.run(digits.test_x, 0).counts["fc1"]["saturated"])
    assert counts[0] < counts[1] < counts[2]
    assert counts[0] < 0.001 * 360 * 24 * 4


def test_the_trace_holds_the_first_images_inputs_and_codes(graph, digits):
    program = Target(IdealFactory(), 1, batch=8, trace=20, range_share=4).compile(graph, digits.train_x[:100])
    trace = program.run(digits.test_x, 0).trace
    assert {name: part.shape for name, part in trace.items()} == {
        "fc1_inputs": (20, 64),
        "fc1_codes": (20, 24),
        "fc2_inputs": (20, 24),
        "fc2_codes": (20, 10),
    }
    reference = graph.run(digits.test_x[:20])
    assert np.array_equal(trace["fc1_inputs"], digits.test_x[:20].reshape(20, 64))
    assert np.array_equal(trace["fc1_codes"], reference["fc1"])
    assert trace["fc1_codes"].min() < 0  # before the activation
    assert np.array_equal(trace["fc2_inputs"], reference["relu1"])


def test_energy_adds_over_tiles_and_latency_over_layers(graph, digits):
    inference = Target(IdealFactory(), 1).compile(graph, digits.train_x[:100]).run(digits.test_x[:50], 0)
    # fc1: 4 x 3 tiles of 16 x 8; fc2: 2 x 2 tiles of 12 x 5
    assert inference.energy["array"].value == pytest.approx(16 * 1e-12)
    assert inference.energy["adc"].value == pytest.approx((4 * 24 + 2 * 10) * 2e-12)
    assert inference.energy["adc"].source == "a table, 22 nm"
    assert inference.latency["adc"].value == pytest.approx((8 + 5) * 1e-9)
    assert inference.energy["digital_multiply"].value == pytest.approx((24 + 10) * 3.1e-12 * 130 / 45 * 4)
    assert inference.counts["fc1"] == {"products": 50 * 12, "conversions": 50 * 96, "saturated": 0}
    assert inference.counts["digital"] == {"add": 50 * (4 * 24 + 2 * 10 + 24 + 10), "multiply": 50 * (24 + 10)}


@pytest.mark.parametrize(
    ("shape", "most", "expected"),
    [
        ((784, 128), (128, 64), {(112, 64): 14}),
        ((128, 10), (128, 64), {(128, 10): 1}),
        ((130, 65), (128, 64), {(65, 32): 2, (65, 33): 2}),
    ],
)
def test_a_matrix_is_cut_into_the_fewest_and_most_equal_tiles(shape, most, expected):
    cut = tiles(*shape, *most)
    counts = {}
    for tile in cut:
        counts[tile.shape] = counts.get(tile.shape, 0) + 1
    assert counts == expected
    covered = np.zeros(shape, int)
    for tile in cut:
        covered[tile.rows, tile.cols] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("config", [{}, {"dac": Dac(bits=4)}, {"dac": Dac(bits=4, dnl_sigma=0.1)}])
def test_tiles_that_share_their_inputs_give_what_each_gives_alone(config):
    rng = np.random.default_rng(5)
    weights, x = rng.integers(-7, 8, (20, 11)), rng.integers(0, 256, (300, 20))
    factory = crossbar_factory(TileConfig(rows=12, cols=8, weight_bits=4, read_noise=0.02, **config))
    cut = tuple(tiles(20, 11, factory.max_rows, factory.max_cols))
    operator = Linear(weights, np.zeros(11, int))
    layer = Layer("fc", operator, rng.integers(-9, 9, 11), cut, 8, 1e-4, 1.0)
    placed = PlacedLayer.program(layer, factory, seed=1, chip=2, threads=2)
    codes = placed.product(3)(x)
    expected = np.tile(layer.bias, (len(x), 1))
    for number, tile in enumerate(cut):
        read = stream(1, "chip.read", 2, "fc", *tile.place, 3)
        found, stats = layer.programmed(number, factory, 1, 2).mvm(x[:, tile.rows], read)
        expected[:, tile.cols] += found
        assert placed.stats[number] == stats
    assert np.array_equal(codes, expected)
    assert np.ptp(codes) > 20


def test_codes_go_back_to_products_where_no_requantisation_takes_them():
    rng = np.random.default_rng(0)
    first, second = (Linear(rng.integers(-9, 9, (4, 3)), rng.integers(-99, 99, 3)) for _ in range(2))
    nodes = (
        Node("flat", Flatten(), ("input",)),
        Node("a", first, ("flat",)),
        Node("b", second, ("flat",)),
        Node("sum", Add(), ("a", "b")),
        Node("out", Requantise(np.array([1]), np.array([4]), -(2**31), 2**31 - 1), ("sum",)),
    )
    graph = Graph((2, 2), 8, nodes, "out", 1.0)
    x = rng.integers(0, 256, (200, 2, 2))
    program = Target(IdealFactory(lsb=4.0), 1, range_share=4).compile(graph, x)
    assert [node.name for node in program.graph.nodes] == ["flat", "a", "a.products", "b", "b.products", "sum", "out"]
    assert np.abs(program.run(x, 0).logits - graph.logits(x)).max() <= 1  # 4 codes' half steps, shifted by 4
    with pytest.raises(ConfigError, match="'sum' multiplies no matrix"):
        fold_code_scales(graph, {"sum": 2.0})


def test_what_arrays_cannot_hold_is_told(graph, digits):
    x = np.full((3, 2), 9)
    wide = Node("wide", Linear(np.array([[700, -700], [0, 0]]), np.zeros(2, int)), ("input",))
    nodes = wide, Node("fc", Linear(np.array([[1], [2]]), np.array([0])), ("wide",))
    with pytest.raises(ConfigError, match="layer 'fc': input_bits is 19; it must be from 1 to 16"):
        Target(crossbar_factory(TileConfig(weight_bits=11)), 1).compile(Graph((2,), 8, nodes, "fc", 1.0), x)
    nothing = Graph((2,), 8, (Node("fc", Linear(np.zeros((2, 1), int), np.array([0])), ("input",)),), "fc", 1.0)
    with pytest.raises(ConfigError, match="layer 'fc': it gives no current"):
        Target(IdealFactory(), 1).compile(nothing, x)
    with pytest.raises(ConfigError, match="no calibration images"):
        Target(IdealFactory(), 1).compile(graph, digits.train_x[:0])
    with pytest.raises(ConfigError, match="range_share"):
        Target(IdealFactory(), 1, range_share=0.0)


def test_arrays_for_weights_of_more_bits_than_the_networks_are_refused(digits):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    graph = quantise(import_module(network, (8, 8, 1)), digits.train_x[:50], Quantisation(weight_bits=4))
    wide = Target(crossbar_factory(TileConfig(rows=64, cols=64)), seed=1)
    with pytest.raises(ConfigError, match=r"up to 7, which is 4 bits.*8 bits, up to 127: set weight_bits = 4"):
        wide.compile(graph, digits.train_x[:20])
    Target(crossbar_factory(TileConfig(rows=64, cols=64, weight_bits=4)), seed=1).compile(graph, digits.train_x[:20])
