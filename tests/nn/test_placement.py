"""Convolutions, groups and signed inputs on arrays."""

from dataclasses import replace

import numpy as np
import pytest
from ideal_arrays import IdealFactory
from small_networks import conv, convolutional, images, to_codes

import nn.graph
import nn.placement
from bitline.core.seeds import stream
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.graph import Graph, Node
from nn.ops.conv2d import Conv2d
from nn.ops.linear import Linear
from nn.placement import PlacedLayer, input_range
from nn.product_inputs import sampled_vectors
from nn.targets.reram import Target
from nn.tiling import block_tiles, tiles

# 18 word lines of weights up to 7 sum to at most 126 a plane, which 8 bits hold: a code is a product
EXACT = TileConfig(
    rows=18, cols=16, r_wire_wl=0.0, r_wire_bl=0.0, weight_bits=4, adc_bits=8, read_noise=0.0, g_min=0.0, g_max=30e-6
)


@pytest.fixture(scope="module")
def graph():
    return convolutional()


def test_any_product_on_exact_arrays_gives_the_integer_graph_bit_for_bit(graph):
    x = images(40)
    assert graph.bounds["stem.codes"] == (-127, 127)
    program = Target(IdealFactory(), seed=1, batch=16, range_share=4).compile(graph, x)
    inference = program.run(x, 0)
    assert np.array_equal(inference.logits, graph.logits(x))
    assert program.logit_scale == graph.output_scale
    assert {layer.name: layer.low for layer in program.layers} == {
        "stem": 0,
        "depthwise": -127,
        "pointwise": 0,
        "fc": -127,
    }


def test_the_crossbars_compute_a_convolutional_network_too(graph):
    x = images(20)
    program = Target(crossbar_factory(EXACT), seed=3).compile(graph, x)
    assert [layer.scale for layer in program.layers] == pytest.approx([1.0] * 4)
    assert np.array_equal(program.run(x, 0).logits, graph.logits(x))
    noisy = replace(EXACT, read_noise=0.01, r_wire_wl=0.5, r_wire_bl=0.5)
    real = Target(crossbar_factory(noisy), seed=3).compile(graph, x)
    found, exact = real.run(x, 0).logits * real.logit_scale, graph.logits(x)
    assert 0 < np.abs(found - exact).max() < 0.2 * np.abs(exact).max()
    assert np.array_equal(real.run(x, 0).logits * real.logit_scale, found)


def test_channels_of_a_depthwise_convolution_share_an_array_off_its_diagonal_zero():
    rng = np.random.default_rng(2)
    operator = conv(rng, 3, 10, 10, groups=10)
    cut = block_tiles(operator.matrices, 32, 16)  # 3 kernels of 9 word lines on 32
    assert [tile.place for tile in cut] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert [tile.shape for tile in cut] == [(18, 2), (27, 3), (18, 2), (27, 3)]
    whole = np.zeros((90, 10), int)
    for group, block in enumerate(operator.matrices):
        whole[9 * group : 9 * group + 9, group : group + 1] = block
    for tile in cut:
        assert np.array_equal(tile.weights(operator.matrices), whole[tile.rows, tile.cols])


@pytest.mark.parametrize("blocks", [(1, 40, 9), (1, 3, 2), (3, 40, 9), (5, 7, 3), (2, 5, 20)])
def test_the_tiles_of_a_block_diagonal_matrix_hold_every_weight_once(blocks):
    groups, rows, cols = blocks
    weights = 1 + np.arange(groups * rows * cols).reshape(blocks)
    cut = block_tiles(weights, 16, 8)
    whole = np.zeros((groups * rows, groups * cols), int)
    for tile in cut:
        assert tile.shape[0] <= 16
        assert tile.shape[1] <= 8
        whole[tile.rows, tile.cols] += tile.weights(weights)
    expected = np.zeros_like(whole)
    for group in range(groups):
        expected[group * rows : (group + 1) * rows, group * cols : (group + 1) * cols] = weights[group]
    assert np.array_equal(whole, expected)
    assert len({tile.place for tile in cut}) == len(cut)
    if groups == 1:
        assert cut == tiles(rows, cols, 16, 8)
    for tile in cut:  # of a row the same inputs, of a column the same outputs
        for other in cut:
            assert (tile.place[0] == other.place[0]) == (tile.rows == other.rows)
            assert (tile.place[1] == other.place[1]) == (tile.cols == other.cols)


def test_signed_inputs_are_shifted_and_what_that_takes_is_in_the_bias():
    rng = np.random.default_rng(3)
    operator = conv(rng, 3, 2, 4, padding=1)
    assert input_range(operator, (-5, 90)) == (-5, 7)
    assert input_range(operator, (-100, 200)) == (-100, 9)
    assert input_range(operator, (-9, -4)) == (-9, 4)  # the padding is 0
    assert input_range(Linear(np.ones((2, 1), int), np.zeros(1, int)), (3, 250)) == (0, 8)
    nodes = Node("codes", to_codes(1, -100, 27), ("flip",)), Node("out", operator, ("codes",))
    flip = Conv2d(-np.eye(2, dtype=int)[None, None], np.array([27, 27]), *(np.ones(2), np.zeros(4), np.ones(2)))
    graph = Graph((4, 4, 2), 8, (Node("flip", flip, ("input",)), *nodes), "out", 1.0)
    x = rng.integers(0, 256, (6, 4, 4, 2))
    program = Target(IdealFactory(), 1, range_share=4).compile(graph, x)
    layer = program.layers[1]
    assert (layer.low, layer.input_bits) == (-100, 7)
    assert np.array_equal(layer.bias - operator.bias, -100 * operator.weights.sum(axis=(0, 1, 2)))
    values = graph.run(x)["codes"]
    taken = layer.vectors(values)
    assert taken.min() == 0
    assert taken[0, :2].tolist() == [100, 100]  # the corner's first pixel lies in the padding
    assert np.array_equal(taken @ layer.operator.matrices[0] + layer.bias, graph.run(x)["out"].reshape(-1, 4))
    assert np.array_equal(program.run(x, 0).logits.reshape(6, 4, 4, 4), graph.run(x)["out"])


def test_inputs_that_noise_takes_beyond_the_bits_go_to_the_nearest():
    layer = Target(IdealFactory(), 1).compile(convolutional(), images(3)).layers[1]
    x = np.full((1, 3, 3, 8), -200)
    assert layer.vectors(x).min() == 0
    assert layer.vectors(x + 1000).max() == 255


def test_chunks_of_vectors_bound_the_memory_and_key_the_noise(graph, monkeypatch):
    x = images(30)
    factory = IdealFactory(sigma=0.02, noise=2.0)
    program = Target(factory, 5).compile(graph, x)
    layer = program.layers[0]
    monkeypatch.setattr(nn.placement, "CHUNK", 50)  # of 9 vectors an image: 5 images
    assert [len(part) for part in layer.chunks(x)] == [5] * 6
    placed = PlacedLayer.program(layer, factory, 5, 7)
    seen = []
    codes = placed.product(2, lambda place, found: seen.append((place, found)))(x.astype(int))
    array = layer.programmed(0, factory, 5, 7)
    for chunk in (0, 1, 5):
        key = (2, chunk) if chunk else (2,)
        rng = stream(5, "chip.read", 7, "stem", 0, 0, *key)
        expected, _ = array.mvm(layer.vectors(x[5 * chunk : 5 * chunk + 5].astype(int)), rng)
        assert np.array_equal(codes[5 * chunk : 5 * chunk + 5].reshape(-1, 8), expected + layer.bias)
        assert seen[chunk][0] == (0, 0)
        assert np.array_equal(seen[chunk][1], expected)
    assert placed.stats[0].products == 30 * 9
    monkeypatch.setattr(nn.placement, "CHUNK", 4)  # less than an image
    assert [len(part) for part in layer.chunks(x)] == [1] * 30


def test_a_batch_shrinks_until_its_values_are_small(graph, monkeypatch):
    numbers = sum(int(np.prod(shape)) for shape in graph.shapes.values())
    assert graph.batch(1000) == 1000
    monkeypatch.setattr(nn.graph, "_VALUES", 10 * numbers + 1)
    assert graph.batch(1000) == 10
    assert graph.batch(4) == 4
    monkeypatch.setattr(nn.graph, "_VALUES", 1)
    assert graph.batch(1000) == 1
    x = images(7)
    by_one = graph.logits(x)
    monkeypatch.undo()
    assert np.array_equal(graph.logits(x), by_one)


def test_calibration_looks_at_a_sample_of_the_vectors(graph):
    x = images(50)
    values = graph.run(x)
    few = sampled_vectors(graph, x, 3, most=100)
    every = sampled_vectors(graph, x, 3)
    for name, source in (("stem", "input"), ("depthwise", "stem.codes"), ("fc", "flat")):
        operator = graph.node(name).operator
        vectors = operator.vectors(values[source])
        assert np.array_equal(every[name], vectors)
        if name == "fc":
            assert np.array_equal(few[name], vectors)
            continue
        assert few[name].shape == (100, operator.rows)
        drawn = np.sort(stream(3, "calibration.vectors", name).choice(len(vectors), 100, replace=False))
        assert np.array_equal(few[name], vectors[drawn])


def test_latency_and_energy_count_every_position(graph):
    x = images(10)
    inference = Target(IdealFactory(max_rows=40, max_cols=8), 1).compile(graph, x).run(x, 0)
    # stem 9 x 8: 9 positions; depthwise: 2 tiles of 36 x 4, 9 positions; pointwise: 9; fc 72 x 5: 2 tiles, 1
    assert inference.counts["depthwise"]["products"] == 10 * 9 * 2
    assert inference.counts["fc"]["products"] == 10 * 2
    assert inference.latency["adc"].value == pytest.approx((9 * 8 + 9 * 4 + 9 * 8 + 5) * 1e-9)
    assert inference.energy["array"].value == pytest.approx((9 + 9 * 2 + 9 + 2) * 1e-12)
    # sums of tiles, then the requantisations' roundings and the residual's additions
    sums = 9 * (8 + 8 + 8) + 2 * 5
    assert inference.counts["digital"] == {"add": 10 * (sums + 5 * 72), "multiply": 10 * 4 * 72}


def test_a_trace_keeps_fewer_images_where_they_are_large(graph, monkeypatch):
    import nn.targets.reram

    x = images(10)
    kept = Target(IdealFactory(), 1, trace=6).compile(graph, x).run(x, 0).trace
    assert kept["stem_codes"].shape == (6, 3, 3, 8)
    assert kept["fc_inputs"].shape == (6, 72)
    each = 36 + 72 + 72 + 72 + 72 + 72 + 72 + 5
    monkeypatch.setattr(nn.targets.reram, "_TRACED", 3 * each)
    assert Target(IdealFactory(), 1, trace=6).compile(graph, x).run(x, 0).trace["stem_codes"].shape == (3, 3, 3, 8)
    monkeypatch.setattr(nn.targets.reram, "_TRACED", each - 1)
    assert Target(IdealFactory(), 1, trace=6).compile(graph, x).run(x, 0).trace == {}
