from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from circuits.line_timing import LineTiming
from circuits.telegraph import Telegraph
from crossbar.adjoint import Readout, cell_voltages
from crossbar.rtn import TelegraphCells, correction, first_order_error
from crossbar.solve import effective_matrix
from crossbar.tile import CrossbarArray, TileConfig
from spice.array import SpiceArray

TRAPS = Telegraph("test", share=0.4, amplitude=0.2, tau_capture=3e-3, tau_emission=1e-3)
WIRES = Wires(5.0, 8.0, 20.0, 10.0)
QUIET = TileConfig(rows=24, cols=20, r_wire_wl=3.0, r_wire_bl=3.0, read_noise=0, adc_bits=12, input_bits=3)


def cells(noise=TRAPS, shape=(24, 20), seed=0):
    rng = np.random.default_rng(seed)
    return TelegraphCells.draw(noise, rng.uniform(2e-6, 4e-5, shape), np.ones(shape, dtype=bool), rng)


def tile(config, seed=1):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-config.weight_max, config.weight_max + 1, (config.rows, config.outputs))
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(seed))
    array.set_range(array.required_range(np.full((1, config.rows), 7)) * 4)
    return array


def test_traps_are_filled_for_their_share_of_time_and_forget_as_markov_does():
    traps = cells(shape=(60, 60))
    share = traps.word.size / 3600
    assert share == pytest.approx(0.4, abs=4.5 * np.sqrt(0.4 * 0.6 / 3600))
    gap = 0.4e-3
    states = traps.follow(np.full(600, gap), np.random.default_rng(2)).astype(float)
    occupancy, rate = 0.25, 1 / 3e-3 + 1 / 1e-3
    memory = 1 / np.tanh(rate * gap / 2)  # independent samples are fewer by this
    sigma = np.sqrt(occupancy * (1 - occupancy) * memory / states.size)
    assert states.mean() == pytest.approx(occupancy, abs=4.5 * sigma)
    deviation = states - occupancy
    for lag in (1, 2, 4):
        found = np.mean(deviation[:-lag] * deviation[lag:]) / (occupancy * (1 - occupancy))
        assert found == pytest.approx(np.exp(-rate * gap * lag), abs=4.5 * 2 / np.sqrt(states.size / memory))


def test_states_after_a_long_time_are_new_and_after_none_the_old():
    traps = cells()
    before = traps.filled.copy()
    assert np.array_equal(traps.follow(np.zeros(3), np.random.default_rng(1))[-1], before)
    later = traps.follow(np.array([1.0]), np.random.default_rng(1))[0]
    assert np.mean(later != before) == pytest.approx(
        np.mean(np.where(before, 0.75, 0.25)), abs=4.5 * 0.5 / np.sqrt(before.size)
    )


def test_the_mean_over_time_is_what_was_programmed():
    traps = cells()
    none, full = traps.conductances(np.zeros_like(traps.filled)), traps.conductances(np.ones_like(traps.filled))
    np.testing.assert_allclose(0.75 * none + 0.25 * full, traps.g)
    at = (traps.word, traps.bit)
    np.testing.assert_allclose((none - full)[at], 0.2 * traps.g[at])
    assert (none != traps.g).sum() == traps.word.size


def test_the_amplitude_may_depend_on_the_conductance():
    traps = cells(replace(TRAPS, amplitude=lambda g: 1e-6 / g))
    np.testing.assert_allclose(traps.swing, 1e-6)
    with pytest.raises(ConfigError, match="amplitude"):
        cells(replace(TRAPS, amplitude=lambda g: 1e-4 / g))


def test_first_order_is_near_the_exact_solution_and_far_nearer_than_no_correction():
    traps = cells()
    base = traps.filled.copy()
    matrix = effective_matrix(traps.conductances(base), WIRES)
    readout = Readout.pairs(24, 10)
    traps.follow(np.array([1.0]), np.random.default_rng(4))
    now = effective_matrix(traps.conductances(traps.filled), WIRES)
    x = (np.random.default_rng(5).random((1, 7, 24)) < 0.5).astype(np.float32)
    level = readout.difference(x @ matrix).astype(np.float32)
    plain = level.copy()
    correction(traps, matrix, base, WIRES, readout).add(level, x, np.tile(traps.filled, (7, 1, 1)))
    exact = readout.difference(x @ now)
    assert np.abs(level - exact).max() < 0.08 * np.abs(plain - exact).max()
    error = first_order_error(traps, matrix, base, WIRES, readout)
    assert 0 < error < 3e-3
    # twice the swing is about four times the error: it is of second order
    twice = replace_swing(traps, 2.0)
    matrix = effective_matrix(twice.conductances(base), WIRES)
    assert 1.5 < first_order_error(twice, matrix, base, WIRES, readout) / error < 6


@pytest.mark.parametrize("digits", [1, 15, 255])
def test_first_order_holds_for_digits_of_any_size_and_word_lines_at_0(digits):
    traps = cells()
    base = traps.filled.copy()
    matrix = effective_matrix(traps.conductances(base), WIRES)
    readout = Readout.pairs(24, 10)
    traps.follow(np.array([1.0]), np.random.default_rng(4))
    now = effective_matrix(traps.conductances(traps.filled), WIRES)
    x = np.random.default_rng(5).integers(0, digits + 1, (1, 40, 24)).astype(np.float32)
    x[0, :, ::3] = 0
    level = readout.difference(x @ matrix).astype(np.float32)
    plain = level.copy()
    correction(traps, matrix, base, WIRES, readout).add(level, x, np.tile(traps.filled, (40, 1, 1)))
    exact = readout.difference(x @ now)
    assert np.abs(level - exact).max() < 0.08 * np.abs(plain - exact).max()
    error = first_order_error(traps, matrix, base, WIRES, readout, digits)
    assert 0.4 < error / first_order_error(traps, matrix, base, WIRES, readout) < 2.5


def test_a_cell_on_a_word_line_at_0_counts_with_the_rise_of_its_bit_line():
    g = np.full((6, 2), 2e-5)
    traps = TelegraphCells(TRAPS, np.array([2]), np.array([0]), g, np.array([1e-6]), np.array([False]))
    wires = Wires(0.0, 400.0, 0.0, 500.0)
    matrix = effective_matrix(traps.conductances(traps.filled), wires)
    x = np.array([1, 1, 0, 1, 1, 1], dtype=np.float32)
    change = x @ (effective_matrix(traps.conductances(np.array([True])), wires) - matrix)
    readout = Readout(np.arange(6), np.array([0]))
    level = np.zeros((1, 1, 1), dtype=np.float32)
    correction(traps, matrix, traps.filled, wires, readout).add(level, x[None, None], np.array([[[True]]]))
    assert change[0] > 0  # the bit line is above the word line: a lower conductance loses it less
    assert level[0, 0, 0] == pytest.approx(change[0], rel=0.1)


class Fixed:
    """A generator that draws the same number always."""

    def __init__(self, value):
        self.value = value

    def random(self, size, dtype=float):
        return np.full(size, self.value, dtype=dtype)


def test_traps_far_slower_than_a_product_still_jump():
    # 2e-8 of the memory goes in a gap, which single precision does not tell from nothing: 1e-8 is how likely a jump is
    slow = replace(TRAPS, share=1.0, tau_capture=4.0, tau_emission=4.0)
    gap = np.array([4e-8])
    for drawn, jumps in ((0.99e-8, True), (1.01e-8, False)):
        traps = cells(slow)
        before = traps.filled.copy()
        assert ((traps.follow(gap, Fixed(drawn))[-1] != before) == jumps).all()


def replace_swing(traps, factor):
    return TelegraphCells(traps.noise, traps.word, traps.bit, traps.g, factor * traps.swing, traps.filled)


def test_a_reference_bit_line_acts_on_every_channel():
    traps = cells()
    base = np.zeros_like(traps.filled)
    g = traps.conductances(base)
    readout = Readout(np.array([4, 2, 9]), np.array([1, 3, 5]), np.array([7, 7, 7]))
    level = readout.difference(g[readout.rows].sum(axis=0))[None, None].astype(np.float32)
    fix = correction(traps, g, base, Wires(), readout)
    fix.add(level, np.ones((1, 1, 3), dtype=np.float32), np.ones_like(base)[None, None])
    full = traps.conductances(np.ones_like(base))
    np.testing.assert_allclose(level[0, 0], readout.difference(full[readout.rows].sum(axis=0)), rtol=1e-5)


def test_outputs_have_the_variance_of_their_traps():
    # far apart in time, every product has states of its own
    array = tile(replace(QUIET, telegraph=replace(TRAPS, interval=1.0, error_limit=1.0)))
    codes, _ = array.mvm(np.ones((6000, 24), dtype=int), np.random.default_rng(3))
    traps = array._traps
    seen = array.matrix / array._solved * array.config.v_read / array.lsb  # both with the traps as they were at first
    each = np.zeros((24, 20))
    each[traps.word, traps.bit] = traps.swing**2 * 0.25 * 0.75
    volts = cell_voltages(array._solved, array.readout.rows, array.config.wires)
    each *= (seen * (1 - volts.rise / volts.left)) ** 2  # bit lines rise with every input on
    expected = (each[:, 0::2] + each[:, 1::2]).sum(axis=0)
    assert (expected > 5).all()  # LSB^2
    np.testing.assert_allclose(codes.var(axis=0), expected + 1 / 12, rtol=4.5 * np.sqrt(2 / 6000) + 0.01)


def test_planes_of_a_product_share_states_and_far_images_do_not():
    slow = replace(QUIET, telegraph=replace(TRAPS, interval=1.0, error_limit=1.0))
    array = tile(slow)
    x = np.full((4000, 24), 0b011)
    both = array.mvm(x, np.random.default_rng(3))[0]
    one = tile(slow).mvm(np.full_like(x, 1), np.random.default_rng(4))[0]
    # frozen over the planes: 1 + 2 of one draw; independent planes would give sqrt(5)
    np.testing.assert_allclose(both.std(axis=0) / one.std(axis=0), 3.0, rtol=5 * np.sqrt(1 / 4000))
    deviation = both - both.mean(axis=0)
    near = np.mean(deviation[:-1] * deviation[1:]) / np.mean(deviation**2)
    assert abs(near) < 4.5 / np.sqrt(deviation.size)
    fast = replace(slow, telegraph=replace(slow.telegraph, tau_capture=3e-9, tau_emission=1e-9))
    apart = tile(fast).mvm(x, np.random.default_rng(3))[0]
    np.testing.assert_allclose(apart.std(axis=0) / one.std(axis=0), np.sqrt(5), rtol=5 * np.sqrt(1 / 4000))


def test_images_close_in_time_see_the_same_states():
    array = tile(replace(QUIET, telegraph=replace(TRAPS, interval=0.25e-3, error_limit=1.0)))
    codes = array.mvm(np.ones((8000, 24), dtype=int), np.random.default_rng(3))[0]
    deviation = codes - codes.mean(axis=0)
    near = np.mean(deviation[:-1] * deviation[1:]) / np.mean(deviation**2)
    assert near == pytest.approx(np.exp(-1 / 3), abs=0.02)


def test_the_matrix_is_solved_anew_where_first_order_misses_too_much():
    noise = replace(TRAPS, share=1.0, amplitude=0.9, interval=1.0, error_limit=1e-5)
    array = tile(replace(QUIET, telegraph=noise, r_wire_wl=30.0, r_wire_bl=30.0))
    x = np.ones((1, 24), dtype=int)
    array.mvm(x, np.random.default_rng(3))
    before = array.matrix
    array.mvm(x, np.random.default_rng(4))
    assert array.matrix is not before
    patient = tile(replace(QUIET, telegraph=replace(noise, error_limit=1.0)))
    kept = patient.matrix
    patient.mvm(x, np.random.default_rng(3))
    patient.mvm(x, np.random.default_rng(4))
    assert patient.matrix is kept


def test_a_large_batch_is_checked_as_its_parts_are():
    noise = replace(TRAPS, share=1.0, amplitude=0.9, interval=1.0, error_limit=1e-5)
    config = replace(QUIET, telegraph=noise, r_wire_wl=60.0, r_wire_bl=60.0)
    x = np.ones((768, 24), dtype=int)
    whole, parts = tile(config), tile(config)
    together = whole.mvm(x, np.random.default_rng(3))[0]
    draws = np.random.default_rng(3).spawn(1)[0]
    apart = np.concatenate([parts.mvm(x[k : k + 256], Spawning(draws))[0] for k in range(0, 768, 256)])
    assert np.array_equal(together, apart)
    # the matrix is that of the traps as the last block found them
    assert whole._base is not whole._traps.filled
    np.testing.assert_array_equal(whole._base, parts._base)
    assert not np.array_equal(whole._base, tile(config)._base)


class Spawning:
    """A generator whose child is another, so that traps draw on where the last call ended."""

    def __init__(self, child):
        self.child = child

    def spawn(self, _):
        return [self.child]


def test_without_traps_nothing_else_changes():
    config = replace(QUIET, read_noise=0.01)
    x = np.random.default_rng(0).integers(0, 8, (50, 24))
    plain = tile(config).mvm(x, np.random.default_rng(3))[0]
    empty = tile(replace(config, telegraph=replace(TRAPS, share=0.0))).mvm(x, np.random.default_rng(3))[0]
    assert np.array_equal(plain, empty)


@pytest.mark.parametrize("change", [{"telegraph": TRAPS}, {"timing": LineTiming()}])
def test_a_netlist_has_no_time(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        SpiceArray(replace(QUIET, **change))


@pytest.mark.parametrize(
    "change", [{"share": 1.5}, {"amplitude": -0.1}, {"tau_capture": 0.0}, {"tau_emission": np.inf}, {"interval": 0.0}]
)
def test_impossible_traps_are_named(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(TRAPS, **change)
