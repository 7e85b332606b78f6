import pickle
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.array import Array, Stats
from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.figures import ESTIMATED, MODELLED
from bitline.core.model_file import FittedModel, Input, Residual
from circuits.converters import bit_planes
from circuits.crossbar import Wires
from circuits.programming import targets, write
from crossbar.nodal import node_voltages
from crossbar.solve import effective_matrix
from crossbar.tile import CrossbarArray, TileConfig, crossbar_factory

PERFECT = TileConfig(rows=24, cols=20, r_wire_wl=0, r_wire_bl=0, read_noise=0, adc_bits=12, input_bits=5, weight_bits=4)
REAL = TileConfig(rows=24, cols=20, r_wire_wl=5.0, r_wire_bl=5.0, read_noise=0.02, input_bits=5, weight_bits=6)


def problem(config, seed=0, batch=40, rows=None, cols=None):
    rng = np.random.default_rng(seed)
    shape = (rows or config.rows, cols or config.outputs)
    weights = rng.integers(-config.weight_max, config.weight_max + 1, shape)
    return weights, rng.integers(0, 2**config.input_bits, (batch, shape[0]))


def programmed(config, weights, x, seed=1):
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(seed))
    array.set_range(array.required_range(x))
    return array


def rng(seed=2):
    return np.random.default_rng(seed)


def constant(sigma):
    inputs = (Input("g", "S", 0.9e-6, 39e-6),)
    none = Residual(0.0, 0.0, 0, "S")
    return FittedModel("spread", "polynomial", inputs, "sigma", "S", {"coefficients": [sigma]}, none, "test")


def test_a_perfect_tile_is_the_integer_product():
    weights, x = problem(PERFECT)
    array = programmed(PERFECT, weights, x)
    codes, stats = array.mvm(x, rng())
    assert array.scale == pytest.approx(1.0)
    assert np.array_equal(codes, x @ weights)
    assert stats.counts["saturated"] == 0


def test_a_part_of_a_tile_may_be_used():
    weights, x = problem(PERFECT, rows=7, cols=3)
    array = programmed(PERFECT, weights, x)
    assert (array.rows, array.cols) == (7, 3)
    assert np.array_equal(array.mvm(x, rng())[0], x @ weights)


def test_pairs_are_neighbours_and_cells_without_weight_idle():
    config = replace(PERFECT, rows=3, cols=6)
    g = targets(config, np.array([[7, -7], [0, 1]]))
    one = config.g_min + (config.g_max - config.g_min) / 7
    low, high = config.g_min, config.g_max
    np.testing.assert_allclose(g, [[high, low, low, high, low, low], [low, low, one, low, low, low], [low] * 6])


def test_cells_out_of_use_load_the_wires():
    weights, x = problem(REAL, rows=6, cols=4)
    quiet = replace(REAL, read_noise=0.0)
    used = programmed(quiet, weights, x).matrix[:6, :8]
    g = targets(quiet, weights)
    alone = effective_matrix(g[:6, :8], quiet.wires)
    assert (used < alone).all()
    assert used == pytest.approx(effective_matrix(g, quiet.wires)[:6, :8], rel=1e-12)


def test_the_range_fits_the_calibration_inputs():
    weights, x = problem(PERFECT)
    planes = np.abs(bit_planes(x, 5) @ weights)
    coarse = replace(PERFECT, adc_bits=4)
    array = programmed(coarse, weights, x)
    assert array.full_scale == pytest.approx(planes.max() * coarse.product_current)
    assert array.mvm(x, rng())[1].counts["saturated"] == 0
    array.set_range(array.full_scale / 2)
    _, stats = array.mvm(x, rng())
    expected = np.abs(np.rint(planes / (planes.max() / 2 / 7))) > 7
    assert stats.counts["saturated"] == expected.sum() > 0


def test_a_silent_tile_still_has_a_range():
    weights, x = problem(PERFECT)
    array = programmed(PERFECT, weights, np.zeros_like(x))
    assert array.scale == pytest.approx(1.0)


def test_the_error_is_what_the_converter_leaves():
    config = replace(PERFECT, adc_bits=6)
    weights, x = problem(config, batch=300)
    array = programmed(config, weights, x)
    codes, _ = array.mvm(x, rng())
    error = codes - x @ weights / array.scale
    # an LSB is more than a product here: uniform errors of variance 1/12 in each plane, weighted by 4^p
    assert array.scale > 1
    assert error.std() == pytest.approx(np.sqrt(sum(4.0**p for p in range(5)) / 12), rel=0.1)


def test_wires_are_in_the_codes_as_in_nodal_analysis():
    config = replace(REAL, read_noise=0.0, adc_bits=12)
    weights, x = problem(config)
    array = programmed(config, weights, x)
    planes = bit_planes(x, 5).reshape(-1, 24) * config.v_read
    i = node_voltages(array.conductances, planes, config.wires).i_bl_last.reshape(5, 40, 20)
    exact = np.tensordot(2.0 ** np.arange(5), i[..., 0::2] - i[..., 1::2], axes=1) / config.lsb(array.full_scale)
    assert np.abs(array.mvm(x, rng())[0] - exact).max() <= 0.51 * (2**5 - 1)
    assert np.abs(exact * array.scale - x @ weights).max() > 50  # and they matter


def test_read_noise_has_the_spread_that_perturbed_cells_give():
    config = replace(REAL, adc_bits=12)
    weights, _ = problem(config)
    x = np.full((4000, 24), 1)
    array = programmed(config, weights, x)
    codes, stats = array.mvm(x, rng())
    assert stats.counts["saturated"] == 0
    draws, v = rng(3), np.full(24, config.v_read)
    perturbed = (array.conductances * (1 + 0.02 * draws.standard_normal((24, 20))) for _ in range(1000))
    exact = np.array([v @ effective_matrix(g, config.wires) for g in perturbed])
    truth = (exact[:, 0::2] - exact[:, 1::2]).std(axis=0) / config.lsb(array.full_scale)
    assert truth.min() > 1  # an LSB is fine enough to see it, and its own 1/12 is taken off
    found = np.sqrt(codes.var(axis=0) - 1 / 12)
    # both are estimates, good to 1 / sqrt(2 n) each: 4 sigma over ten outputs, and 5 % for wires to first order
    np.testing.assert_allclose(found, truth, rtol=4 * np.sqrt(1 / 2000 + 1 / 8000) + 0.05)


def test_planes_have_noise_of_their_own():
    config = replace(REAL, r_wire_wl=0, r_wire_bl=0, adc_bits=12)
    weights, _ = problem(config)
    x = np.full((3000, 24), 0b00011)
    array = programmed(config, weights, x)
    both = array.mvm(x, rng())[0].std(axis=0)
    one = array.mvm(np.full_like(x, 1), rng(4))[0].std(axis=0)
    # independent: sqrt(1 + 4) times one plane's; a shared draw would give 3 times
    np.testing.assert_allclose(both / one, np.sqrt(5), rtol=5 * np.sqrt(2 / 6000))


def test_programming_spread_is_that_of_its_model():
    config = replace(REAL, rows=128, cols=128, programming_sigma=constant(1e-6))
    weights = np.full((128, 64), config.weight_max)
    g = write(config, weights, rng()).g
    high, low = g[:, 0::2] - config.g_max, g[:, 1::2]
    n = high.size
    assert high.std() == pytest.approx(1e-6, rel=4 / np.sqrt(2 * n))
    assert high.mean() == pytest.approx(0, abs=4e-6 / np.sqrt(n))
    # g_min = 1 uS is one sigma: 15.9 % would come out negative
    assert low.min() == 0
    assert (low == 0).mean() == pytest.approx(0.1587, abs=4 * np.sqrt(0.1587 * 0.8413 / n))


def test_a_cells_draw_does_not_depend_on_what_else_is_written():
    config = replace(REAL, programming_sigma=constant(1e-7))
    weights, _ = problem(config)
    all_of_it, part = write(config, weights, rng()), write(config, weights[:5, :3], rng())
    np.testing.assert_array_equal(part.g[:5, :6], all_of_it.g[:5, :6])
    np.testing.assert_array_equal(part.offsets, all_of_it.offsets)


def test_a_programming_model_is_not_extrapolated():
    config = replace(REAL, g_min=0.5e-6, programming_sigma=constant(1e-7))
    with pytest.raises(ModelRangeError, match="outside the fitted range"):
        CrossbarArray(config).program(problem(config)[0], rng())


def test_an_offset_shifts_its_converters_columns_and_auto_zero_leaves_less_than_half_an_lsb():
    config = replace(PERFECT, adc_bits=8, adcs=2, v_full_scale=0.5, offset_sigma=20e-3, offset_mean=10e-3)
    weights, x = problem(config)
    ideal = programmed(replace(config, offset_sigma=0.0, offset_mean=0.0), weights, x)
    zeroed, biased = (programmed(replace(config, auto_zero=zero), weights, x) for zero in (True, False))
    full_scale = 2 * ideal.full_scale
    for array in (ideal, zeroed, biased):
        array.set_range(full_scale)
    offsets = biased.written.offsets * 127 / 0.5
    assert np.abs(offsets[0] - offsets[1]) > 2
    assert np.abs(offsets).max() > 2
    truth = ideal.mvm(x, rng())[0]
    codes, stats = biased.mvm(x, rng())
    assert stats.counts["saturated"] == 0
    # every plane's code moves against the offset, rounded up or down; what is left of it after zeroing is the fraction
    for array, left in ((biased, offsets), (zeroed, offsets - np.rint(offsets))):
        shift = (truth - array.mvm(x, rng())[0]) / (2**5 - 1)
        assert np.abs(shift - left[np.arange(10) % 2]).max() < 1
    np.testing.assert_array_equal(codes + np.rint(offsets)[np.arange(10) % 2] * (2**5 - 1), zeroed.mvm(x, rng())[0])


def test_results_are_the_same_bits_and_an_inputs_own():
    weights, x = problem(replace(REAL, read_noise=0.0), batch=300)
    array = programmed(replace(REAL, read_noise=0.0), weights, x)
    codes, stats = array.mvm(x, rng())
    parts = [array.mvm(part, rng()) for part in np.split(x, [1, 20, 257])]
    assert np.array_equal(np.concatenate([part[0] for part in parts]), codes)
    total = sum((part[1] for part in parts), Stats())
    assert dict(total.counts) == dict(stats.counts)
    noisy = programmed(REAL, weights, x)
    assert np.array_equal(noisy.mvm(x, rng())[0], noisy.mvm(x, rng())[0])
    assert not np.array_equal(noisy.mvm(x, rng())[0], noisy.mvm(x, rng(9))[0])


def test_energy_is_the_power_that_nodal_analysis_finds():
    config = replace(REAL, read_noise=0.0)
    weights, x = problem(config)
    array = programmed(config, weights, x)
    _, stats = array.mvm(x, rng())
    v = bit_planes(x, 5).reshape(-1, 24) * config.v_read
    exact = (v * node_voltages(array.conductances, v, config.wires).i_wl_first).sum() * config.t_read
    # to first order in wires that take 8 % here; without what returns through word lines at 0 V it is 2 % off
    assert sum(stats.energy.values()) == pytest.approx(exact, rel=0.004)
    nodes = node_voltages(array.conductances, v, config.wires)
    cells = (array.conductances * (nodes.word - nodes.bit) ** 2).sum() * config.t_read
    assert stats.energy["wires"] == pytest.approx(exact - cells, rel=0.1)
    ideal = programmed(replace(config, r_wire_wl=0, r_wire_bl=0), weights, x)
    v_squared = (v**2 @ ideal.conductances).sum() * config.t_read
    found = ideal.mvm(x, rng())[1].energy
    assert found["wires"] == 0
    assert found["cells"] == pytest.approx(v_squared, rel=1e-12)


def test_costs_say_where_they_come_from():
    config = replace(REAL, adc_bits=8, adcs=3, node=32e-9, vdd=1.0)
    weights, x = problem(config)
    array = programmed(config, weights, x)
    _, stats = array.mvm(x, rng())
    assert stats.products == 40
    assert stats.counts["conversions"] == 40 * 5 * 10
    assert stats.counts["drives"] == 40 * 5 * 24
    cost = array.cost(stats)
    assert cost.energy["cells"].kind == cost.energy["wires"].kind == MODELLED
    assert cost.energy["adc"].kind == ESTIMATED
    assert cost.energy["adc"].value == pytest.approx(2000 * 3.1e-3 / 1.2e9)
    assert cost.latency["adc"].value == pytest.approx(5 * 4 / 1.2e9)  # ten outputs on three converters: four turns
    assert cost.latency["array"].value == pytest.approx(5 * config.t_read)
    assert all(figure.source for name, figure in cost.energy.items() if name not in {"cells", "wires"})


def test_the_factory_gives_tiles_of_its_kind():
    factory = pickle.loads(pickle.dumps(crossbar_factory(replace(REAL, programming_sigma=constant(1e-7)))))  # noqa: S301
    assert (factory.max_rows, factory.max_cols) == (24, 10)
    array: Array = factory(7, 3, 4)
    assert (array.rows, array.cols) == (7, 3)
    weights, x = problem(replace(REAL, input_bits=4), rows=7, cols=3)
    array.program(weights, rng())
    array.set_range(array.required_range(x))
    assert array.mvm(x, rng())[0].shape == (40, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cols": 5}, "cols is 5; it must be even"),
        ({"rows": 0}, "rows is 0"),
        ({"adc_bits": 1}, "adc_bits is 1; it must be from 2 to 12"),
        ({"v_read": float("nan")}, "v_read is nan"),
        ({"g_min": 50e-6}, "g_min is 5e-05; it must be below g_max"),
        ({"read_noise": -0.1}, "read_noise"),
        ({"g_reach": (2e-6, 1e-3)}, r"g_reach\[0\]"),
        ({"g_reach": (0.0, 1e-6)}, r"g_reach\[1\]"),
        ({"node": 0.0}, "node"),
        ({"r_wire_bl": -1.0}, "r_wire_bl"),
    ],
)
def test_an_impossible_tile_is_named(change, says):
    with pytest.raises(ConfigError, match=says):
        replace(REAL, **change)


def test_what_does_not_fit_is_named():
    weights, x = problem(PERFECT)
    array = CrossbarArray(PERFECT)
    with pytest.raises(ConfigError, match="no range"):
        _ = array.scale
    with pytest.raises(ConfigError, match=r"weights have shape \(25, 10\)"):
        array.program(np.zeros((25, 10), dtype=int), rng())
    with pytest.raises(ConfigError, match="a weight is 8"):
        array.program(np.full((2, 2), -8), rng())
    with pytest.raises(ConfigError, match="float64"):
        array.program(weights * 1.0, rng())
    array.set_range(1e-3)
    with pytest.raises(ConfigError, match="not programmed"):
        array.mvm(x, rng())
    array.program(weights, rng())
    with pytest.raises(ConfigError, match=r"x has shape \(40, 3\)"):
        array.mvm(x[:, :3], rng())
    with pytest.raises(ConfigError, match="from 0 to 31"):
        array.mvm(x + 1, rng())
    with pytest.raises(ConfigError, match="from 0 to 31"):
        array.mvm(-x, rng())
    with pytest.raises(ConfigError, match="full_scale is 0"):
        array.set_range(0)


def test_wires_come_from_the_config():
    assert replace(REAL, r_driver=7.0, r_sink=9.0).wires == Wires(5.0, 5.0, 7.0, 9.0)
