from dataclasses import replace

import numpy as np
import pytest
from ideal_arrays import IdealFactory

from bitline.core.errors import ConfigError
from circuits.adc import Adc
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.calibration import Calibration, calibrate
from nn.diagnose import Without, diagnose
from nn.fold_codes import fold_code_scales
from nn.graph import Graph, Node
from nn.ops.conv2d import Conv2d
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.max_pool2d import MaxPool2d
from nn.ops.rearrange import Rearrange
from nn.ops.requantise import Requantise
from nn.placement import PlacedLayer
from nn.targets.reram import Target
from nn.trace import Traced, trace

WIRES = TileConfig(rows=64, cols=64, r_wire_wl=60.0, r_wire_bl=60.0)


def accuracies(target, graph, digits, chips=3):
    program = target.compile(graph, digits.train_x[:300])
    return np.array(
        [np.mean(program.run(digits.test_x, k).logits.argmax(axis=1) == digits.test_y) for k in range(chips)]
    )


def test_an_exact_chip_needs_no_correction(graph, digits):
    plain = Target(IdealFactory(), 1, range_share=4).compile(graph, digits.train_x[:300]).run(digits.test_x, 0).logits
    target = Target(IdealFactory(), 1, range_share=4, calibration=Calibration("gain"))
    program = target.compile(graph, digits.train_x[:300])
    corrected = program.run(digits.test_x, 0).logits * program.logit_scale
    assert np.abs(corrected - plain * graph.output_scale).max() < 0.02 * np.abs(plain * graph.output_scale).max()


def test_a_chips_gains_and_offsets_are_found(graph, digits):
    """An array whose outputs are three quarters of what they should be, and 40 too high."""

    class Off:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def mvm(self, x, rng):
            codes, stats = self.inner.mvm(x, rng)
            return np.rint(0.75 * codes).astype(np.int64) + 40, stats

    target = Target(IdealFactory(lsb=2.0), 1, range_share=8)
    program = target.compile(graph, digits.train_x[:300])
    chip, _ = program.chip(0)
    for layer in chip:
        layer.arrays = tuple(Off(array) for array in layer.arrays)
    before = [layer.layer.bias for layer in chip]
    coded = calibrate(graph, chip, digits.train_x[:300], Calibration("gain", images=300))
    first = chip[0]
    rows = len({tile.place[0] for tile in first.layer.tiles})
    ratio = coded.node("relu1").operator.ratios / program.graph.node("relu1").operator.ratios
    assert np.median(ratio) == pytest.approx(1 / 0.75, rel=0.02)
    # before the bias a code is 0.75 of the product's plus 40 a row of tiles
    assert np.median(first.layer.bias - 0.75 * before[0]) == pytest.approx(-40 * rows, abs=8)
    assert all(stats.products == 0 for layer in chip for stats in layer.stats)
    corrected = coded.run(digits.test_x, {layer.layer.name: layer.product(0) for layer in chip})[coded.output]
    assert np.mean(corrected.argmax(axis=1) == graph.logits(digits.test_x).argmax(axis=1)) > 0.98


def test_calibration_wins_back_what_wires_take(graph, digits):
    target = Target(crossbar_factory(WIRES), 5)
    none = accuracies(target, graph, digits)
    offset = accuracies(replace(target, calibration=Calibration("offset")), graph, digits)
    gain = accuracies(replace(target, calibration=Calibration("gain")), graph, digits)
    assert none.mean() < 0.85
    assert offset.mean() > none.mean() + 0.05
    assert gain.mean() > 0.9


def test_targets_after_the_activation_cost_accuracy(graph, digits):
    """Fitting signed outputs to rectified targets halves gains; converters set by them clip what is negative."""
    tile = TileConfig(rows=16, cols=64)  # so that a layer's sum is of several tiles, each with negative parts
    target = Target(crossbar_factory(tile), 5)
    good = accuracies(replace(target, calibration=Calibration("gain")), graph, digits)
    rectified = crossbar_factory(replace(tile, adc=Adc(signed=False)))
    naive = accuracies(
        replace(target, arrays=rectified, calibration=Calibration("gain", "post_activation")), graph, digits
    )
    assert good.mean() > naive.mean() + 0.05


def test_calibration_is_of_the_chip_alone(graph, digits):
    """The same bits whatever chips came before, and other corrections on another chip."""
    target = Target(crossbar_factory(WIRES), 5, calibration=Calibration("gain", images=50))
    program = target.compile(graph, digits.train_x[:50])
    first = program.run(digits.test_x[:40], 3)
    program.run(digits.test_x[:40], 4)
    assert np.array_equal(program.run(digits.test_x[:40], 3).logits, first.logits)
    biases = [program.chip(chip)[0][0].layer.bias for chip in (3, 4)]
    assert not np.array_equal(*biases)
    assert first.counts["fc1"]["products"] == 40 * len(program.layers[0].tiles)  # calibration is not counted


def test_codes_that_differ_in_worth_go_into_multipliers_and_back_to_products(graph):
    scales = np.linspace(2.0, 4.0, 24)
    folded = fold_code_scales(graph, {"fc1": scales})
    ratios = [each.node("relu1").operator.ratios * np.ones(24) for each in (graph, folded)]
    assert np.allclose(ratios[1] / ratios[0], scales, rtol=1e-4)
    last = graph.node("fc2")
    cut = replace(graph, nodes=tuple(n for n in graph.nodes if n.name != graph.output), output=last.name)
    folded = fold_code_scales(cut, {"fc2": np.linspace(2.0, 4.0, 10)})
    assert folded.output == "fc2.products"
    assert folded.output_scale == cut.output_scale
    assert isinstance(folded.node("fc2.products").operator, Requantise)


@pytest.mark.parametrize("around", ["pool", "flatten and pick"])
def test_an_activation_is_found_behind_what_only_moves_or_chooses(around):
    """Whether numbers move before a ReLU or after it, targets after the activation are the same."""
    rng = np.random.default_rng(2)
    one, none = np.ones(2, np.int64), np.zeros(4, np.int64)
    conv = Conv2d(rng.integers(-7, 8, (3, 3, 1, 4)), rng.integers(-99, 99, 4), one, none, one)
    relu = Requantise(np.array([2**15]), np.array([19]), 0, 127)
    moves = {
        "pool": [MaxPool2d(2 * one, 2 * one, none, one)],
        "flatten and pick": [Flatten(), Rearrange(rng.permutation(64)[:20])],
    }[around]
    images, biases = rng.integers(0, 256, (40, 6, 6, 1), dtype=np.uint8), []
    for order in ([conv, relu, *moves], [conv, *moves, relu]):
        names = [f"node{number}" for number in range(len(order))]
        sources = ["input", *names]
        nodes = [Node(name, operator, (source,)) for name, operator, source in zip(names, order, sources, strict=False)]
        graph = Graph((6, 6, 1), 8, tuple(nodes), names[-1], 1.0)
        how = Calibration("offset", "post_activation")
        chip, _ = Target(IdealFactory(sigma=0.2), 1, calibration=how).compile(graph, images).chip(0)
        biases.append(chip[0].layer.bias)
    assert np.array_equal(*biases)


def test_too_few_images_are_refused():
    with pytest.raises(ConfigError, match="images = 1"):
        Calibration("gain", images=1)


def test_a_dead_output_keeps_its_scale(graph, digits):
    """A column that always reads 0 has no slope; its gain stays what it was."""
    operator = graph.node("fc1").operator
    weights = operator.weights.copy()
    weights[:, 3] = 0
    dead = graph.rewired([replace(graph.node("fc1"), operator=replace(operator, weights=weights))])
    program = Target(IdealFactory(), 1, range_share=4).compile(dead, digits.train_x[:100])
    chip = [PlacedLayer.program(layer, IdealFactory(), 1, 0) for layer in program.layers]
    coded = calibrate(dead, chip, digits.train_x[:100], Calibration("gain"))
    was = program.graph.node("relu1").operator.ratios * np.ones(24)
    assert coded.node("relu1").operator.ratios[3] == pytest.approx(was[3], rel=1e-4)


@pytest.mark.parametrize("correction", ["none", "offset", "gain"])
def test_a_trace_and_a_diagnosis_are_of_the_calibrated_chip(graph, digits, correction):
    target = Target(crossbar_factory(WIRES), 5, trace=5, calibration=Calibration(correction, images=50))
    program = target.compile(graph, digits.train_x[:50])
    ran = program.run(digits.test_x[:30], 2)
    kept = trace(program, digits.test_x[:30], 2, Traced(("*",), 5, ("inputs", "codes")))
    for layer in ("fc1", "fc2"):
        for quantity in ("inputs", "codes"):
            assert np.array_equal(kept[f"{layer}/{quantity}"], ran.trace[f"{layer}_{quantity}"])
    # without read noise the causes that are left out and a chip without any are the same draws
    quiet = replace(program, target=replace(target, arrays=crossbar_factory(replace(WIRES, read_noise=0.0))))
    straight = crossbar_factory(replace(WIRES, read_noise=0.0, r_wire_wl=0.0, r_wire_bl=0.0))
    found = diagnose(quiet, graph, digits.test_x[:30], 2, {"wires": Without(straight)})
    decided = quiet.run(digits.test_x[:30], 2).logits.argmax(axis=1) == graph.logits(digits.test_x[:30]).argmax(axis=1)
    assert found.equal == pytest.approx(decided.mean())
    assert all(layer.cost("wires") > 0 for layer in found.layers)


def test_one_output_keeps_its_scale():
    rng = np.random.default_rng(4)
    nodes = (
        Node("flat", Flatten(), ("input",)),
        Node("fc", Linear(rng.integers(-9, 10, (16, 1)), np.array([7])), ("flat",)),
    )
    one = Graph((4, 4, 1), 8, nodes, "fc", 0.5)
    x = rng.integers(0, 256, (60, 4, 4, 1))
    program = Target(IdealFactory(lsb=3.0), 1, range_share=4, calibration=Calibration("gain")).compile(one, x)
    found, exact = program.run(x, 0).logits * program.logit_scale, one.logits(x) * one.output_scale
    assert np.abs(found - exact).max() < 0.02 * np.abs(exact).max()
