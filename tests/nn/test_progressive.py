"""Fine-tuning with one chip in the loop, layer by layer."""

import pickle
from dataclasses import replace
from itertools import repeat

import numpy as np
import pytest
from ideal_arrays import IdealFactory
from small_networks import convolutional, images

from bitline.core.errors import ConfigError
from bitline.core.executor import Result
from bitline.core.executors import executor
from bitline.core.samples import collect
from bitline.core.store import MemoryStore, complete
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from crossbar.voltage_mode import VoltageModeConfig, voltage_factory
from nn.calibration import Calibration
from nn.graph_file import graph_hash, save
from nn.product_inputs import products
from nn.quantise import Quantisation, quantise
from nn.statistics import paired_difference
from nn.study import AccuracyTask
from nn.targets.integer import Target as Integer
from nn.targets.reram import Target
from nn.trace import Traced, TraceTask
from nn.tuning import progressive
from nn.tuning.growing_chip import GrowingChip, Outputs
from nn.tuning.progressive import ChipTuning, tune_chip


def spread(g):
    return 3 * (0.5e-6 + 0.03 * g)


TILES = crossbar_factory(
    TileConfig(
        rows=64, cols=64, weight_bits=4, r_wire_wl=20, r_wire_bl=20, adc_bits=6, programming_sigma=spread, read_noise=0
    )
)
VOLTAGE = voltage_factory(
    VoltageModeConfig(
        rows=96, cols=64, weight_bits=4, adc_bits=6, r_wire_wl=2.0, r_wire_bl=2.0, programming_sigma=spread, g_max=39e-6
    )
)
IDEAL = IdealFactory(max_rows=80, max_cols=40, sigma=0.3, lsb=3.0)


@pytest.fixture
def measured(monkeypatch):
    """The chips that were measured, as they are at the end."""
    chips = []

    class Recorded(GrowingChip):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.held = {}
            chips.append(self)

        def place(self, graph, node):
            super().place(graph, node)
            self.held[node.name] = node.operator.weights.copy()

    monkeypatch.setattr(progressive, "GrowingChip", Recorded)
    return chips


def cells(array):
    return array.weights if hasattr(array, "weights") and not hasattr(array, "conductances") else array.conductances


@pytest.mark.parametrize("correction", ["none", "offset", "gain"])
@pytest.mark.parametrize("arrays", [IDEAL, TILES, VOLTAGE], ids=["ideal", "tiles", "voltage"])
def test_the_finished_networks_chip_is_the_one_that_was_measured(measured, arrays, correction):
    """Cells, ranges, corrections and all results, bit for bit, in a network with a residual connection."""
    graph, x = replace(convolutional(), output_scale=1e-4), images(120)
    labels = graph.logits(x).argmax(axis=1)
    target = Target(arrays, 7, batch=50, calibration=Calibration(correction, images=40))
    how = ChipTuning(steps=6, rate=0.1, batch=32, images=100)
    tuned = tune_chip(graph, x, labels, target, 3, x[:60], how)
    (chip,) = measured
    program = target.compile(tuned, x[:60])
    layers, coded = program.chip(3)
    for placed in layers:
        name, there = placed.layer.name, chip.layers[placed.layer.name]
        assert np.array_equal(tuned.node(name).operator.weights, chip.held[name])
        assert np.array_equal(chip.held[name], graph.node(name).operator.weights) == (name == "stem")
        for now, then in zip(placed.arrays, there.arrays, strict=True):
            assert np.array_equal(cells(now), cells(then))
        assert (placed.layer.full_scale, placed.layer.scale) == (there.layer.full_scale, there.layer.scale)
        if name in chip.fixed:
            assert np.array_equal(placed.worth, there.worth)
            assert np.array_equal(placed.layer.bias, there.layer.bias)
    values = coded.run(x[:100], {each.layer.name: each.product(0) for each in layers})
    assert layers[-1].layer.name == "fc"
    assert "fc" not in chip.fixed  # its bias was tuned after it was measured: what is compared is without
    codes = chip.given(tuned, ["fc"], np.arange(100))["fc"] + tuned.node("fc").operator.bias
    given = codes / chip.layers["fc"].worth - chip.layers["fc"].layer.bias
    there = values["fc"] - layers[-1].layer.bias
    assert np.array_equal(np.rint(given) if np.min(layers[-1].worth) > 1 else there, there)


def test_what_the_rest_is_tuned_on_is_what_the_chip_gives_in_whole_products():
    """Given the frontier, the untrained rest gives the chip's own logits but for roundings to whole products."""
    graph, x = convolutional(), images(60)
    target = Target(IdealFactory(80, 40, sigma=0.3, lsb=1.0), 7, calibration=Calibration("gain", images=40))
    chip = GrowingChip(target, 3, graph, x, x)
    everyone = np.arange(len(x))
    held = {}
    for number, node in enumerate(products(graph)):
        chip.place(graph, node)
        held[number] = chip.given(graph, chip.frontier(graph), everyone)
    assert set(held[0]) == {"stem"}
    assert set(held[1]) == {"stem.codes", "depthwise"}  # the way around still reads what fed the layer
    assert set(held[2]) == {"stem.codes", "pointwise"}
    assert set(held[3]) == {"fc"}
    layers, coded = target.compile(graph, x).chip(3)
    values = coded.run(x, {each.layer.name: each.product(0) for each in layers})
    for place, names in held.items():
        for name, found in names.items():
            worth = {each.layer.name: each.worth for each in layers}.get(name)
            if worth is None:
                assert np.array_equal(found, values[name])
            else:
                bias = graph.node(name).operator.bias
                assert np.array_equal(found, np.rint(values[name] * worth) - bias), place


@pytest.fixture(scope="module")
def four_bit(network, digits):
    return quantise(network, digits.train_x[:500], Quantisation(weight_bits=4, activation_bits=4))


def right(graph, target, digits, chip):
    program = target.compile(graph, digits.train_x[:200])
    return program.run(digits.test_x, chip).logits.argmax(axis=1) == digits.test_y


@pytest.mark.parametrize("arrays", [TILES, VOLTAGE], ids=["tiles", "voltage"])
@pytest.mark.parametrize("correction", ["none", "gain"])
def test_a_chip_in_the_loop_wins_points_on_that_chip(four_bit, digits, arrays, correction):
    factory = replace(arrays, config=replace(arrays.config, programming_sigma=lambda g: 2.5 * spread(g)))
    plain, target = Target(factory, 5), Target(factory, 5, calibration=Calibration(correction))
    tuned = [
        tune_chip(four_bit, digits.train_x, digits.train_y, target, chip, digits.train_x[:200]) for chip in range(6)
    ]
    before = np.array([right(four_bit, plain, digits, chip) for chip in range(6)])
    after = np.array([right(graph, target, digits, chip) for chip, graph in enumerate(tuned)])
    assert paired_difference(after, before).low > 0.02
    again = tune_chip(four_bit, digits.train_x, digits.train_y, target, 1, digits.train_x[:200])
    assert graph_hash(again) == graph_hash(tuned[1])
    assert graph_hash(again) != graph_hash(tuned[2])


def test_steps_are_told_and_distillation_is_another_loss(four_bit, network, digits):
    told = []
    target, how = Target(IDEAL, 5), ChipTuning(steps=20, images=100, batch=32)

    def tuned(how):
        calibration = digits.train_x[:50]
        return tune_chip(
            four_bit,
            digits.train_x,
            digits.train_y,
            target,
            0,
            calibration,
            how,
            network,
            lambda *steps: told.append(steps),
        )

    found = tuned(how)
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]
    assert graph_hash(tuned(replace(how, distillation=0.5))) != graph_hash(found)


@pytest.mark.parametrize(
    ("ends", "kind"),
    [((0, 255), "u1"), ((-1, 127), "i1"), ((-1, 128), "i2"), ((-(2**15), 0), "i2"), ((-1, 2**31 - 1), "i4")],
)
def test_what_is_kept_of_images_takes_the_fewest_bytes(ends, kind):
    x = np.array([ends[0], ends[1], 0])
    kept = Outputs(np.zeros((3, 1), np.uint8), 2)
    kept.multiply("p", "input", repeat(lambda part: x[: len(part)] if len(part) > 1 else x[2:]))
    assert kept.products["p"].dtype == np.dtype(kind)
    assert np.array_equal(kept.products["p"], x)


def test_what_cannot_be_tuned_is_told(four_bit, digits):
    def tuned(how):
        tune_chip(four_bit, digits.train_x, digits.train_y, Target(IDEAL, 5), 0, digits.train_x[:50], how)

    with pytest.raises(ConfigError, match="20 images are fewer than one batch of 64"):
        tuned(ChipTuning(images=20))
    with pytest.raises(ConfigError, match="distillation needs the float network"):
        tuned(ChipTuning(distillation=0.5))
    with pytest.raises(ConfigError, match="images = 0"):
        ChipTuning(images=0)


def test_a_study_tunes_each_of_its_chips(four_bit, digits, tmp_path):
    """A sample is what `tune_chip` gives for its chip, on any worker; a target without arrays is refused."""
    save(four_bit, tmp_path / "graph.npz")
    how = ChipTuning(steps=5, images=100, batch=32)
    target = Target(replace(IDEAL, noise=1.0), 5, trace=3)
    task = AccuracyTask(str(tmp_path / "graph.npz"), "digits", target, 100, 50, how)
    store = MemoryStore()
    complete(task, 2, store, executor(1))
    found = collect(store, 2)
    tuned = tune_chip(four_bit, digits.train_x, digits.train_y, target, 1, digits.train_x[:50], how)
    there = target.compile(tuned, digits.train_x[:50]).run(digits.test_x[:100], 1)
    assert np.array_equal(found["logits"][1], there.logits)
    ((_, outcome),) = executor(2).map(pickle.loads(pickle.dumps(task)), [1])  # noqa: S301 - our own bytes
    assert isinstance(outcome, Result)
    assert np.array_equal(outcome.record["logits"], there.logits)
    traced = TraceTask(task, Traced(("fc1",), 3, ("codes",)))
    assert np.array_equal(traced.run(traced.prepare(), 1)["fc1/codes"], found["trace_fc1_codes"][1])
    digital = replace(task, target=Integer())
    context = digital.prepare()
    with pytest.raises(ConfigError, match="no arrays that a network is tuned to"):
        digital.run(context, 0)
