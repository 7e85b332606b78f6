"""The network on the fast crossbars, where they are exact and where they are not."""

from dataclasses import replace

import numpy as np
import pytest

from circuits.dac import Dac
from circuits.faults import Faults
from circuits.mapping import Mapping
from circuits.variation import load_spread
from crossbar import costs
from crossbar.tile import TileConfig, crossbar_factory
from nn.statistics import accuracy_interval
from nn.targets.reram import Target

# 16 word lines of weights up to 127 sum to at most 2032, which 12 bits resolve: a code is a product
EXACT = TileConfig(rows=16, cols=32, r_wire_wl=0.0, r_wire_bl=0.0, adc_bits=12, read_noise=0.0)
REAL = TileConfig(rows=32, cols=32, programming_sigma=load_spread("wan2022").sigma)


def program(config, graph, digits, **settings):
    return Target(crossbar_factory(config), seed=3, **settings).compile(graph, digits.train_x[:200])


def test_without_non_idealities_the_crossbars_compute_the_integer_graph(graph, digits):
    exact = program(EXACT, graph, digits)
    inference = exact.run(digits.test_x, 0)
    assert [layer.scale for layer in exact.layers] == pytest.approx([1.0, 1.0])
    assert np.array_equal(inference.logits, graph.logits(digits.test_x))
    assert sum(inference.counts[layer]["saturated"] for layer in ("fc1", "fc2")) == 0


def test_a_chip_with_published_spread_replays_and_decides_almost_as_well(graph, digits):
    real = program(REAL, graph, digits, batch=100)
    correct = []
    for chip in range(4):
        logits = real.run(digits.test_x, chip).logits
        correct.append(logits.argmax(axis=1) == digits.test_y)
    again = program(REAL, graph, digits, batch=100).run(digits.test_x, 3).logits
    assert np.array_equal(logits, again)
    ideal = (graph.logits(digits.test_x).argmax(axis=1) == digits.test_y).mean()
    assert accuracy_interval(np.array(correct)).value > ideal - 0.05
    assert not np.array_equal(correct[0], correct[1])


def test_every_count_is_of_all_images_and_gives_the_energies_of_one(graph, digits):
    settings, x = program(REAL, graph, digits), digits.test_x[:30]
    found, process = settings.run(x, 0), settings.target.process
    priced = {
        "adc": ("conversions", costs.adc_energy(process, REAL.adc_bits, 1.0, REAL.adc.kind)),
        "dac": ("drives", costs.driver_energy(process, REAL.dac.bits)),
    }
    for component, (event, each) in priced.items():
        total = sum(found.counts[layer][event] for layer in ("fc1", "fc2"))
        assert found.energy[component].value * len(x) == pytest.approx(total * each.value)
    for kind, operation in (("add", costs.INTEGER_ADD), ("multiply", costs.INTEGER_MULTIPLY)):
        total = found.counts["digital"][kind] * operation.energy_in(process).value
        assert found.energy[f"digital_{kind}"].value * len(x) == pytest.approx(total)


def test_each_non_ideality_moves_the_logits(graph, digits):
    x = digits.test_x[:100]
    exact = program(EXACT, graph, digits)
    ideal = exact.run(x, 0).logits * exact.logit_scale
    spread = load_spread("wan2022").sigma
    changes = {
        "wires": {"r_wire_wl": 20.0, "r_wire_bl": 20.0},
        "noise": {"read_noise": 0.05},
        "spread": {"programming_sigma": spread},
        "converter": {"adc_bits": 5},
    }
    for name, change in changes.items():
        worse = program(replace(EXACT, **change), graph, digits)
        error = np.abs(worse.run(x, 0).logits * worse.logit_scale - ideal).max() / np.abs(ideal).max()
        assert 0.002 < error < 0.5, name


def test_what_an_image_costs_is_told_by_component_and_kind(graph, digits):
    inference = program(REAL, graph, digits).run(digits.test_x[:100], 0)
    assert set(inference.energy) == {"cells", "wires", "dac", "adc", "shift_add", "digital_add", "digital_multiply"}
    assert all(figure.value > 0 and figure.unit == "J" for figure in inference.energy.values())
    assert "32 nm" in inference.energy["adc"].source
    # fc1 in two rows of tiles: 8 planes x (2 x 24 + 10) conversions of 2.58 pJ at 32 nm and 1 V
    assert inference.energy["adc"].value == pytest.approx(8 * 58 * 3.1e-3 / 1.2e9 * 130 / 32 * 1.8**2)
    # two layers in sequence, 8 planes of 100 ns each
    assert inference.latency["array"].value == pytest.approx(2 * 8 * 100e-9)


def test_threads_change_no_bit(graph, digits):
    one, two = (program(REAL, graph, digits, threads=threads).run(digits.test_x[:60], 1) for threads in (1, 2))
    assert np.array_equal(one.logits, two.logits)
    assert one.counts == two.counts
    assert {name: figure.value for name, figure in one.energy.items()} == {
        name: figure.value for name, figure in two.energy.items()
    }


def test_stuck_cells_are_traced_and_counted(graph, digits):
    config = replace(REAL, faults=Faults(off_rate=0.01, on_rate=0.01), remap=True)
    inference = program(config, graph, digits, trace=2).run(digits.test_x[:20], 0)
    for layer, tiles in (("fc1", 4), ("fc2", 1)):
        stuck = inference.trace[f"{layer}_faults"]
        assert stuck.shape == (tiles, 32, 32)
        assert inference.counts[layer]["stuck"] == np.count_nonzero(stuck) > 0
        assert inference.counts[layer]["missed"] == 0
    assert "fc1_faults" not in program(REAL, graph, digits, trace=2).run(digits.test_x[:20], 0).trace


def test_slices_and_multi_level_inputs_compute_the_integer_graph_too(graph, digits):
    # 12 bits hold a digit of 2 bits times one of 2 over 16 rows: 144
    config = replace(EXACT, cols=64, mapping=Mapping(slice_bits=2), dac=Dac(bits=2))
    inference = program(config, graph, digits).run(digits.test_x[:50], 0)
    assert np.array_equal(inference.logits, graph.logits(digits.test_x[:50]))
