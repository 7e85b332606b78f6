import pickle
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.array import Array
from bitline.core.errors import ConfigError, ModelRangeError
from circuits.crossbar import Wires
from circuits.terminals import floating
from circuits.variation import load_spread
from circuits.voltage_mode import NORMALISER_BITS
from crossbar.lines import solve_lines
from crossbar.voltage_mode import VoltageCrossbar, VoltageModeConfig, transfer_matrix, voltage_factory

PERFECT = VoltageModeConfig(
    rows=12, cols=7, r_wire_wl=0, r_wire_bl=0, adc_bits=14, input_bits=3, weight_bits=4, normaliser="target"
)
REAL = replace(PERFECT, r_wire_wl=5.0, r_wire_bl=5.0, r_driver=100.0, offset_sigma=5e-3, adc_bits=8)


def problem(config, seed=0, batch=40, rows=None):
    rng = np.random.default_rng(seed)
    shape = (rows or config.rows, config.cols)
    weights = rng.integers(-config.weight_max, config.weight_max + 1, shape)
    return weights, rng.integers(0, 2**config.input_bits, (batch, shape[0]))


def programmed(config, weights, x, kind=VoltageCrossbar):
    array = kind(config)
    array.program(weights, np.random.default_rng(1))
    array.set_range(array.required_range(x))
    return array


def rng(seed=2):
    return np.random.default_rng(seed)


def test_an_ideal_array_is_the_product_to_its_converters_step():
    weights, x = problem(PERFECT)
    array: Array = programmed(PERFECT, weights, x)
    codes, stats = array.mvm(x, rng())
    # half a code, and the normaliser's half step on a code
    step = array.scale * (array.normaliser.max() / 2 + np.abs(codes / array.normaliser).max() / 2)
    assert np.abs(codes * array.scale - x @ weights).max() <= step
    assert step < 0.25
    assert stats.counts == {"conversions": 280, "saturated": 0, "drives": 40 * 3 * 24, "samples": 280}


def test_the_normaliser_takes_the_column_sum_out():
    # a column of large weights and the same one of small weights settle at nearly the same voltage
    config = replace(PERFECT, cols=2)
    weights = np.stack([np.full(12, 7), np.full(12, 1)], axis=1)
    weights[::2] *= -1
    x = np.zeros((1, 12), dtype=np.int64)
    x[0, 1] = 7
    array = programmed(config, weights, x)
    volts = array.line_voltages(config.drives(x)[0])[0]
    shares = (config.g_max - config.g_min) * weights[1] / 7 / (array.conductances.sum(axis=0))
    assert volts == pytest.approx(config.v_read * shares)
    assert volts[0] / volts[1] < 3  # weights differ sevenfold
    found = array.mvm(x, rng())[0][0] * array.scale
    assert found == pytest.approx([49, 7], rel=2e-4)


def test_codes_are_those_of_the_definition():
    weights, x = problem(REAL)
    array = programmed(replace(REAL, programming_sigma=lambda g: 1e-6 + 0 * g), weights, x)
    assert np.array_equal(array.mvm(x, rng())[0], array.defined(x)[0])


@pytest.mark.parametrize("wires", [Wires(0, 0), Wires(0, 3.0), Wires(4.0, 0.0, 50.0), Wires(2.0, 3.0, 200.0)])
def test_the_transfer_matrix_is_that_of_open_bit_lines(wires):
    g = rng().uniform(1e-6, 39e-6, (10, 6))
    v = rng(3).normal(0, 0.2, (4, 10))
    exact = solve_lines(g, wires, floating(v, 6), 1e-12).bit[:, -1]
    assert np.abs(v @ transfer_matrix(g, wires) - exact).max() < 1e-9 * np.abs(exact).max()


def test_a_bit_line_is_at_the_voltage_that_all_its_word_lines_have():
    g = rng().uniform(1e-6, 39e-6, (30, 9))
    assert transfer_matrix(g, Wires(3.0, 2.0, 500.0)).sum(axis=0) == pytest.approx(np.ones(9), abs=1e-9)


def test_wires_take_from_products_and_more_with_more_resistance():
    config = replace(PERFECT, rows=64, cols=32)
    weights, x = problem(config)
    exact = x @ weights

    def error(r):
        array = programmed(replace(config, r_wire_wl=r, r_wire_bl=r), weights, x)
        return float(np.abs(array.mvm(x, rng())[0] * array.scale - exact).mean())

    assert error(0.0) < error(2.0) < error(20.0)


def test_read_noise_has_the_spread_of_redrawn_cells():
    config = replace(PERFECT, read_noise=0.05, input_bits=1)
    weights, x = problem(config, batch=1)
    array = programmed(config, weights, x)
    level = np.sqrt(array._variance(x)[0]) * array.lsb
    g, v = array.conductances, config.drives(x)[0]
    drawn = g * (1 + 0.05 * rng().standard_normal((4000, *g.shape)))
    found = np.einsum("bi,kij->kj", v, drawn) / drawn.sum(axis=1)
    # the spread of 4000 draws is known to 1/sqrt(8000); the rest is second order
    assert level == pytest.approx(found.std(axis=0), rel=5 / np.sqrt(8000) + 0.05**2)


def test_sample_noise_adds_up_over_the_samples_of_an_input():
    config = replace(PERFECT, noise=1e-3)
    weights, x = problem(config, batch=4000)
    quiet, noisy = (programmed(each, weights, x) for each in (PERFECT, config))
    moved = (noisy.mvm(x, rng())[0] - quiet.mvm(x, rng())[0]) / quiet.normaliser * quiet.lsb
    assert moved.std() == pytest.approx(np.sqrt(7) * 1e-3, rel=0.03)


def test_auto_zero_leaves_less_than_a_code_of_the_offset():
    config = replace(PERFECT, adc_bits=8, offset_sigma=20e-3)
    weights, x = problem(config)
    ideal = programmed(replace(config, offset_sigma=0.0), weights, x).mvm(x, rng())[0]
    found = {}
    for zeroed in (True, False):
        array = programmed(replace(config, auto_zero=zeroed), weights, x)
        array.set_range(2 * array.full_scale)  # room for the offset
        wide = programmed(replace(config, offset_sigma=0.0), weights, x)
        wide.set_range(2 * wide.full_scale)
        found[zeroed] = np.abs(array.mvm(x, rng())[0] - wide.mvm(x, rng())[0]) / array.normaliser
    assert ideal.shape == (40, 7)
    assert found[True].max() <= 1
    assert found[False].max() > 2


def test_a_published_spread_is_drawn_and_refuses_conductances_beyond_it():
    spread = load_spread("wan2022").sigma
    config = replace(PERFECT, programming_sigma=spread)
    weights, x = problem(config)
    array = programmed(config, weights, x)
    off = array.conductances - config.targets(weights)
    assert 0.5e-6 < off.std() < 6e-6
    assert array.conductances.min() >= 0
    with pytest.raises(ModelRangeError, match="wan2022"):
        programmed(replace(config, g_max=80e-6), weights, x)


def test_a_measured_normaliser_takes_out_what_relaxation_did_to_the_sum():
    weights, x = problem(replace(PERFECT, rows=60))
    errors = []
    for normaliser in ("target", "measured"):
        config = replace(PERFECT, rows=60, normaliser=normaliser, programming_sigma=lambda g: 0 * g + 4e-6)
        array = programmed(config, weights, x)
        direct = x @ (array.conductances[0::2] - array.conductances[1::2]) * 7 / (config.g_max - config.g_min)
        errors.append(float(np.abs(array.mvm(x, rng())[0] * array.scale - direct).mean()))
    assert errors[1] < errors[0] / 3


def test_costs_say_what_they_are():
    weights, x = problem(REAL)
    array = programmed(REAL, weights, x)
    stats = array.mvm(x, rng())[1]
    cost = array.cost(stats)
    assert cost.latency["array"].value == pytest.approx(7 * REAL.t_read)
    assert cost.energy["adc"].value > 0
    # sum of u (u - v) g of every sample, without wires, is at most the cells' energy and near it
    exact, v = 0.0, REAL.drives(x)
    for p in range(3):
        held = v[p] @ (array.conductances / array.conductances.sum(axis=0))
        power = (v[p] ** 2 @ array.conductances).sum() - (held**2 @ array.conductances.sum(axis=0)).sum()
        exact += 2**p * power * REAL.t_read
    assert exact <= cost.energy["cells"].value < 1.5 * exact


@pytest.mark.parametrize(
    ("name", "value"), [("rows", 0), ("g_min", 0.0), ("adc_bits", 1), ("read_noise", 1.0), ("g_reach", (2e-6, 1.0))]
)
def test_a_value_that_no_array_has_is_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        replace(PERFECT, **{name: value})


def test_what_does_not_fit_is_refused():
    array = VoltageCrossbar(PERFECT)
    with pytest.raises(ConfigError, match="not programmed"):
        _ = array.conductances
    with pytest.raises(ConfigError, match="hold"):
        array.program(np.zeros((13, 7), dtype=np.int64), rng())
    with pytest.raises(ConfigError, match=r"within \+-7"):
        array.program(np.full((12, 7), 8), rng())
    array.program(np.ones((12, 7), dtype=np.int64), rng())
    with pytest.raises(ConfigError, match="no range"):
        array.mvm(np.ones((1, 12), dtype=np.int64), rng())
    array.set_range(1.0)
    with pytest.raises(ConfigError, match="3 bits"):
        array.mvm(np.full((1, 12), 8), rng())
    with pytest.raises(ConfigError, match="above 0"):
        array.set_range(0.0)


def test_a_factory_travels():
    made = pickle.loads(pickle.dumps(voltage_factory(PERFECT)))(5, 3, 2)  # noqa: S301 - made here
    assert (made.rows, made.cols, made.config.input_bits) == (5, 3, 2)
    assert NORMALISER_BITS > 8
