from dataclasses import replace

import numpy as np
import pytest

from bitline.core.array import Array
from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.figures import SIMULATED
from circuits.adc import Adc
from circuits.array_factory import ConfiguredFactory
from circuits.crossbar import Wires
from circuits.dac import Dac
from circuits.faults import Faults
from circuits.mapping import Mapping
from circuits.terminals import writing
from circuits.verify import Verify
from crossbar.lines import solve_lines
from crossbar.solve import solve
from crossbar.tile import CrossbarArray, TileConfig
from spice.array import SpiceArray, TransistorCells, currents, netlist, simulate
from spice.batch import run_batch

CONFIG = TileConfig(
    rows=12,
    cols=10,
    r_wire_wl=3.0,
    r_wire_bl=4.0,
    r_driver=50.0,
    r_sink=20.0,
    read_noise=0.0,
    input_bits=3,
    programming_sigma=lambda g: 1e-6 + 0.0 * g,
    adcs=2,
    offset_sigma=5e-3,
    auto_zero=True,
)


def test_a_crossbar_of_32_by_32_is_solved_to_a_billionth():
    rng = np.random.default_rng(0)
    g = rng.uniform(1e-6, 1e-4, (32, 32)) * (rng.random((32, 32)) > 0.1)
    v = rng.uniform(-0.2, 0.3, (3, 32))
    wires = Wires(2.0, 3.0, 100.0, 50.0)
    truth = currents(g, v, wires)
    for found in (solve(g, v, 2.0, 3.0, 100.0, 50.0), v @ solve(g, np.eye(32), 2.0, 3.0, 100.0, 50.0)):
        assert np.abs(found - truth).max() <= 1e-9 * np.abs(truth).max()


def test_a_batch_gives_what_its_vectors_give_alone():
    rng = np.random.default_rng(1)
    g, v = rng.uniform(1e-6, 1e-4, (5, 4)), rng.uniform(0, 0.3, (70, 5))  # more than a netlist holds
    wires = Wires(10.0, 20.0)
    together = currents(g, v, wires)
    assert together.shape == (70, 4)
    for k in (0, 1, 64, 69):
        np.testing.assert_allclose(currents(g, v[k], wires), together[k], rtol=1e-9)


def test_the_library_and_the_program_agree():
    rng = np.random.default_rng(2)
    g, v = rng.uniform(1e-6, 1e-4, (4, 3)), rng.uniform(0, 0.3, (2, 4))
    plot = run_batch(netlist(g, v, Wires(10.0, 20.0)))
    found = np.stack([plot[f"vbl{j}#branch"] for j in range(3)], axis=-1)
    np.testing.assert_allclose(found, currents(g, v, Wires(10.0, 20.0)), rtol=1e-12)


def test_source_currents_are_those_that_come_out_again():
    rng = np.random.default_rng(3)
    found = simulate(rng.uniform(1e-6, 1e-4, (5, 4)), rng.uniform(-0.3, 0.3, (6, 5)), Wires(10.0, 20.0))
    np.testing.assert_allclose(found.i_source.sum(axis=1), found.i.sum(axis=1), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("scheme", ["half", "third", "ground", "float"])
def test_all_ends_carry_what_they_do_in_the_fast_solver(scheme):
    rng = np.random.default_rng(8)
    g, wires = rng.uniform(1e-5, 1e-3, (5, 4)), Wires(10.0, 20.0, 50.0, 30.0)
    terminals = writing((5, 4), (3, 1), 1.2, scheme, "both", "both")
    slow, fast = simulate(g, terminals, wires), solve_lines(g, wires, terminals)
    pairs = {"i": "i_bl_last", "i_source": "i_wl_first", "i_wl_last": "i_wl_last", "i_bl_first": "i_bl_first"}
    for ours, theirs in pairs.items():
        assert np.abs(getattr(slow, ours) - getattr(fast, theirs)).max() <= 1e-9 * np.abs(slow.i).max()
    assert (slow.i_source + slow.i_wl_last).sum() == pytest.approx((slow.i + slow.i_bl_first).sum(), rel=1e-9)


def chips(config):
    rng = np.random.default_rng(4)
    weights, x = rng.integers(-127, 128, (9, 4)), rng.integers(0, 8, (6, 9))
    arrays: tuple[Array, Array] = (CrossbarArray(config), SpiceArray(config))
    for array in arrays:
        array.program(weights, np.random.default_rng(5))
        array.set_range(array.required_range(x))
    return arrays, x


def test_a_tile_in_ngspice_decides_as_the_fast_one():
    (fast, slow), x = chips(CONFIG)
    codes, stats = fast.mvm(x, np.random.default_rng(6))
    truth, true_stats = slow.mvm(x, np.random.default_rng(6))
    assert fast.scale == slow.scale
    assert np.array_equal(codes, truth)
    assert np.abs(codes).max() > 50
    assert dict(stats.counts) == dict(true_stats.counts)
    assert sum(stats.energy.values()) == pytest.approx(true_stats.energy["array"], rel=0.001)
    cost = slow.cost(true_stats)
    assert cost.energy["array"].kind == SIMULATED
    assert set(cost.energy) == {"array"}


def test_a_netlist_without_read_noise_says_so():
    with pytest.raises(ConfigError, match=r"read_noise is 0\.01"):
        SpiceArray(replace(CONFIG, read_noise=0.01))


def test_the_factory_gives_netlist_tiles():
    factory = ConfiguredFactory(CONFIG, SpiceArray)
    assert (factory.max_rows, factory.max_cols) == (12, 5)
    array = factory(3, 2, 4)
    assert (array.rows, array.cols, array.config.input_bits) == (3, 2, 4)


def test_transistor_cells_carry_what_they_were_programmed_to():
    cells = TransistorCells(v_read=0.2)
    g = np.array([[2e-6, 20e-6], [39e-6, 0.0]])
    # one word line at a time and no wires: every cell alone at v_read
    found = currents(g, 0.2 * np.eye(2), Wires(), cells) / 0.2
    np.testing.assert_allclose(found, g, rtol=1e-3, atol=1e-9)


def test_transistor_cells_with_wires_are_near_linear_ones_but_no_resistors():
    rng = np.random.default_rng(7)
    g, v = rng.uniform(2e-6, 39e-6, (6, 6)), 0.2 * rng.integers(0, 2, (4, 6))
    wires = Wires(50.0, 50.0)
    linear, real = currents(g, v, wires), currents(g, v, wires, TransistorCells(v_read=0.2))
    apart = np.abs(real - linear).max() / linear.max()
    assert 1e-5 < apart < 0.02


def test_a_conductance_beyond_the_device_is_refused():
    with pytest.raises(ModelRangeError, match="reaches"):
        currents(np.array([[1e-3]]), np.array([0.2]), Wires(), TransistorCells(v_read=0.2))


@pytest.mark.parametrize(
    "change",
    [
        {"mapping": Mapping(slice_bits=3), "cols": 24},
        {"mapping": Mapping("offset", "analog", 4), "dac": Dac(bits=3)},
        {"mapping": Mapping("offset", "digital"), "adcs": "column"},
        {"dac": Dac(bits=2, dnl_sigma=0.1), "adc": Adc(kind="sar", mismatch=0.05, gain_sigma=0.02)},
        {"dac": Dac(bits=1, inl=(0.4, -0.1)), "offset_mean": 2e-3},
        {"adc": Adc(kind="flash", mismatch=0.5), "adc_bits": 6},
        {"faults": Faults(off_rate=0.05, on_rate=0.05), "remap": True, "verify": Verify(1e-6, 4, 0.3)},
    ],
)
def test_every_option_of_a_tile_decides_in_ngspice_as_at_speed(change):
    (fast, slow), x = chips(replace(CONFIG, **change))
    codes, stats = fast.mvm(x, np.random.default_rng(6))
    truth, true_stats = slow.mvm(x, np.random.default_rng(6))
    assert np.array_equal(codes, truth)
    assert np.abs(codes).max() > 10
    assert dict(stats.counts) == dict(true_stats.counts)
    assert sum(stats.energy.values()) == pytest.approx(true_stats.energy["array"], rel=0.001)
