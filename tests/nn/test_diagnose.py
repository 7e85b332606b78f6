"""What costs a layer its accuracy is found where it was put."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ideal_arrays import IdealFactory
from small_networks import convolutional, images

from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from circuits.cim import CimConfig
from circuits.cim_model import ColumnModel
from circuits.tile import TileConfig
from circuits.variation import load_spread
from crossbar.solve import effective_matrix
from crossbar.sram_cim import cim_factory
from crossbar.tile import crossbar_factory
from nn.calibration import Calibration
from nn.diagnose import Without, diagnose
from nn.targets import sram_cim
from nn.targets.reram import Target

COLUMNS = ModelFile.load(Path(__file__).parents[1] / "crossbar" / "golden_cim" / "8t.json")
TILE = TileConfig(rows=36, cols=16, weight_bits=4, adc_bits=8, read_noise=0.0, r_wire_wl=0.0, r_wire_bl=0.0)


@pytest.fixture(scope="module")
def graph():
    return convolutional()


def found(graph, arrays, without, count=20, **settings):
    x = images(count)
    program = Target(arrays, seed=3, **settings).compile(graph, x)
    return diagnose(program, graph, x, 1, without)


def test_a_chip_without_errors_has_none(graph):
    told = found(graph, IdealFactory(), {"noise": Without(IdealFactory())}, range_share=4)
    assert told.equal == 1
    assert [layer.own_db for layer in told.layers] == [math.inf] * 4
    assert [layer.accumulated_db for layer in told.layers] == [math.inf] * 4
    assert all(layer.cost("noise") == 0 and layer.saturated == 0 for layer in told.layers)
    assert told.layers[0].wire_loss is None
    values = graph.run(images(20))
    for layer in told.layers:
        assert layer.negative == np.mean(values[layer.layer] < 0)
        assert layer.range_use == pytest.approx(0.25)
    assert [layer.layer for layer in sorted(told.layers, key=lambda each: each.number)] == [
        "stem",
        "depthwise",
        "pointwise",
        "fc",
    ]
    assert {layer.layer: (layer.kind, layer.vectors) for layer in told.layers}["depthwise"] == ("conv2d", 9)


def test_own_and_accumulated_errors_are_those_of_the_codes(graph):
    """Noise of 3 codes on each tile: the own error is that of so many tiles, the accumulated one has more."""
    noisy = IdealFactory(noise=3.0, max_rows=100)
    told = found(graph, noisy, {"noise": Without(IdealFactory(max_rows=100))}, count=200, range_share=4)
    exact = graph.run(images(200))
    by_name = {layer.layer: layer for layer in told.layers}
    signal = np.mean(np.square(exact["stem"], dtype=float))
    assert by_name["stem"].own_db == pytest.approx(10 * math.log10(signal / (9 + 1 / 12)), abs=0.2)
    assert by_name["stem"].accumulated_db == by_name["stem"].own_db  # the first layer has the image itself
    assert by_name["fc"].accumulated_db < by_name["fc"].own_db
    assert all(layer.cost("noise") == math.inf for layer in told.layers)
    assert [layer.own_db for layer in told.layers] == sorted(layer.own_db for layer in told.layers)
    assert 0.5 < told.equal <= 1


@pytest.mark.parametrize(
    ("cause", "change"),
    [
        ("wires", {"r_wire_wl": 30.0, "r_wire_bl": 30.0}),
        ("programming", {"programming_sigma": load_spread("wan2022").sigma}),
        ("read noise", {"read_noise": 0.1}),
        ("resolution", {"adc_bits": 4}),
    ],
)
def test_what_was_put_in_costs_most(graph, cause, change):
    off = {
        "wires": {"r_wire_wl": 0.0, "r_wire_bl": 0.0},
        "programming": {"programming_sigma": None},
        "read noise": {"read_noise": 0.0},
        "resolution": {"adc_bits": 12},
    }
    config = replace(TILE, **change)
    without = {name: Without(crossbar_factory(replace(config, **values))) for name, values in off.items()}
    told = found(graph, crossbar_factory(config), without)
    for layer in told.layers:
        costs = {name: layer.cost(name) for name in off}
        assert max(costs, key=costs.get) == cause, layer
        assert costs[cause] > 3
        others = [cost for name, cost in costs.items() if name not in (cause, "resolution")]
        assert np.abs(others).max() < 1e-9  # equal draws: what was not there costs nothing at all
        assert (layer.wire_loss > 1e-3) == (cause == "wires")


def test_the_worst_tile_is_the_one_that_loses_most(graph):
    config = replace(TILE, r_wire_wl=20.0, r_wire_bl=20.0, programming_sigma=load_spread("wan2022").sigma)
    told = found(graph, crossbar_factory(config), {})
    program = Target(crossbar_factory(config), seed=3).compile(graph, images(20))
    layer = next(layer for layer in program.layers if layer.name == "depthwise")
    losses = {}
    for number, tile in enumerate(layer.tiles):
        array = layer.programmed(number, program.target.arrays, 3, 1)
        rows, cols = tile.shape
        used = np.s_[:rows, : 2 * cols]
        matrix = effective_matrix(array.conductances, config.wires)
        losses[tile.place] = 1 - matrix[used].sum() / array.conductances[used].sum()
    figures = next(each for each in told.layers if each.layer == "depthwise")
    assert figures.worst_tile == max(losses, key=losses.get)
    assert figures.wire_loss == pytest.approx(max(losses.values()), rel=1e-9)


def test_a_range_that_is_too_small_saturates_and_a_wider_one_mends_it(graph):
    narrow = {"saturation": Without(IdealFactory(), wider=10.0)}
    told = found(graph, IdealFactory(), narrow, range_share=0.3)
    stem = next(layer for layer in told.layers if layer.layer == "stem")
    assert stem.saturated > 0.05
    assert stem.range_use == pytest.approx(1 / 0.3)
    assert math.isfinite(stem.own_db)
    assert stem.without_db["saturation"] == math.inf
    program = Target(IdealFactory(), 1).compile(graph, images(3))
    with pytest.raises(ConfigError, match="diagnose: no images"):
        diagnose(program, graph, images(0), 0, {})


def test_computing_columns_run_and_are_taken_apart_too(graph):
    config = CimConfig(ColumnModel.of(COLUMNS), rows=36, cols=32, weight_bits=4, adc_bits=8)
    even = replace(config, column=replace(config.column, log_current=None))
    x = images(20)
    program = sram_cim.Target(cim_factory(config), seed=3).compile(graph, x)
    causes = {"cell spread": even, "converter resolution": replace(config, adc_bits=12), "nothing": config}
    told = diagnose(program, graph, x, 0, {name: Without(cim_factory(each)) for name, each in causes.items()})
    assert [layer.layer for layer in sorted(told.layers, key=lambda each: each.number)][1] == "depthwise"
    for layer in told.layers:
        assert layer.cost("nothing") == 0  # equal draws
        assert layer.cost("cell spread") > 3
        assert abs(layer.cost("converter resolution")) < layer.cost("cell spread")
        assert (layer.wire_loss, layer.worst_tile) == (None, None)
        assert 0.5 < layer.range_use <= 1


class Distorted(IdealFactory):
    """Each output times (1 + gain) plus an offset, of its own."""

    def __call__(self, rows, cols, input_bits):
        array = super().__call__(rows, cols, input_bits)
        exact = array.mvm

        def mvm(x, rng):
            codes, stats = exact(x, rng)
            across = np.linspace(-1, 1, cols)
            return np.rint(codes * (1 + 0.3 * across) + self.offset * across).astype(np.int64), stats

        array.mvm = mvm
        return array

    offset = 0.0


class Shifted(Distorted):
    """Offsets too, which outweigh the gains."""

    offset = 1000.0


def test_what_gains_and_offsets_take_back_is_a_figure_of_its_own(graph):
    """Gains of 30 % are fitted away to the rounding of codes; an offset alone takes back most offsets; noise stays."""
    for factory in (Distorted(max_rows=100), Shifted(max_rows=100)):
        told = found(graph, factory, {}, count=200, range_share=4)
        stem = next(layer for layer in told.layers if layer.layer == "stem")
        assert stem.gain_db > stem.own_db + 15
        assert stem.own_db <= stem.offset_db < stem.gain_db
        assert (stem.offset_db - stem.own_db > 6) == (factory.offset > 0)
    noisy = found(graph, IdealFactory(noise=3.0, max_rows=100), {}, count=200, range_share=4)
    for layer in noisy.layers:
        assert layer.gain_db == pytest.approx(layer.own_db, abs=0.5)


def test_a_chip_whose_outputs_are_fitted_has_what_the_fit_foretold(graph):
    """Calibrated on images of the same kind, the own error of a chip is what `gain_db` said of it uncalibrated."""
    config = replace(TILE, programming_sigma=load_spread("wan2022").sigma)
    plain, calibrated = (
        found(graph, crossbar_factory(config), {}, count=120, calibration=Calibration(correction, images=120))
        for correction in ("none", "gain")
    )
    first, again = (next(each for each in told.layers if each.number == 0) for told in (plain, calibrated))
    assert first.gain_db > first.own_db + 2
    assert again.own_db == pytest.approx(first.gain_db, abs=0.3)
    assert again.gain_db == pytest.approx(again.own_db, abs=0.3)  # nothing is left to take back
