"""What a tile can be beside the default: mappings, multi-level inputs, converters, stuck cells, verify, remapping."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.adc import Adc
from circuits.dac import Dac
from circuits.faults import Faults
from circuits.mapping import Layout, Mapping, Placement
from circuits.programming import targets, write
from circuits.remap import harm, placed
from circuits.verify import Verify
from crossbar.costs import INTEGER_ADD, Process, adc_area, adc_energy, adc_time, tile_area
from crossbar.tile import CrossbarArray, TileConfig

PERFECT = TileConfig(rows=24, cols=42, r_wire_wl=0, r_wire_bl=0, read_noise=0, adc_bits=12, input_bits=5, weight_bits=5)
MAPPINGS = [
    Mapping(scheme, reference, slice_bits)
    for scheme, reference in (("differential", "analog"), ("offset", "analog"), ("offset", "digital"))
    for slice_bits in (None, 2, 1)
]


def rng(seed=2):
    return np.random.default_rng(seed)


def problem(config, batch=30, rows=None, cols=None):
    draw = np.random.default_rng(0)
    shape = (rows or config.rows, cols or config.outputs)
    weights = draw.integers(-config.weight_max, config.weight_max + 1, shape)
    return weights, draw.integers(0, 2**config.input_bits, (batch, shape[0]))


def programmed(config, weights, x, seed=1):
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(seed))
    array.set_range(array.required_range(x))
    return array


@pytest.mark.parametrize("dac_bits", [1, 2, 5])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_every_mapping_of_a_perfect_tile_is_the_integer_product(mapping, dac_bits):
    # an idle cell conducts a whole number of digits, so that a single bit line's current is a whole number of codes
    digits = Layout(mapping, 5, 42).level_max
    config = replace(PERFECT, mapping=mapping, dac=Dac(bits=dac_bits), g_min=1e-6, g_max=(1 + digits) * 1e-6)
    weights, x = problem(config, rows=15)
    array = programmed(replace(config, adc_bits=12), weights, x)
    codes, stats = array.mvm(x, rng())
    if array.scale == pytest.approx(1.0):
        assert np.array_equal(codes, x @ weights)
    else:  # full currents go beyond 12 bits: every conversion may be off by half a code
        channel = 0.5 * array.scale * config.plane_sum * sum(2 ** (config.layout.slice_bits * np.arange(5)))
        assert np.abs(codes * array.scale - x @ weights).max() <= 2 * channel
    assert stats.counts["saturated"] == 0
    assert stats.counts["conversions"] == 30 * config.planes * config.layout.channels(config.outputs)


def test_slices_and_references_take_bit_lines():
    assert [Layout(mapping, 5, 42).outputs for mapping in MAPPINGS] == [21, 10, 5, 41, 13, 7, 41, 13, 7]
    # a sign is worth a bit: pairs hold 4 bits of 5, offset columns all 5
    assert [Layout(mapping, 5, 42).slices for mapping in MAPPINGS] == [1, 2, 4, 1, 3, 5, 1, 3, 5]
    with pytest.raises(ConfigError, match="too few bit lines"):
        replace(PERFECT, cols=6, mapping=Mapping(slice_bits=1))


def test_where_cells_of_slices_and_references_are():
    config = replace(PERFECT, rows=2, cols=6, weight_bits=5, g_min=1e-6, g_max=4e-6)
    pairs = targets(replace(config, mapping=Mapping(slice_bits=2)), [[-6]])
    np.testing.assert_allclose(pairs * 1e6, [[1, 3, 1, 2, 1, 1], [1] * 6])  # 6 = 2 + 4 x 1, in minus cells
    offset = targets(replace(config, mapping=Mapping("offset", "analog", 2)), [[-6]])
    np.testing.assert_allclose(offset * 1e6, [[3, 3, 1, 1, 1, 2], [1] * 6])  # 10 = 2 + 4 x 2; 16 = 4^2 x 1


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_placement_moves_rows_and_outputs_and_no_result(mapping):
    config = replace(PERFECT, mapping=mapping)
    weights, x = problem(config, rows=10, cols=3)
    draw = rng()
    swapped = np.array([True, False, True]) & (mapping.scheme == "differential")
    moved = Placement(draw.permutation(24)[:10], draw.permutation(config.outputs)[:3], swapped)
    straight, array = programmed(config, weights, x), programmed(config, weights, x)
    object.__setattr__(array.written, "g", targets(config, weights, moved))
    object.__setattr__(array.written, "placement", moved)
    assert np.array_equal(array.mvm(x, rng())[0], straight.mvm(x, rng())[0])


def test_multi_level_inputs_take_fewer_planes_and_a_wider_range():
    config = replace(PERFECT, adc_bits=8, adcs="column")
    weights, x = problem(config)
    serial, level = programmed(config, weights, x), programmed(replace(config, dac=Dac(bits=5)), weights, x)
    assert (serial.config.planes, level.config.planes) == (5, 1)
    assert serial.cost(serial.mvm(x, rng())[1]).latency["array"].value == pytest.approx(5 * config.t_read)
    assert level.cost(level.mvm(x, rng())[1]).latency["array"].value == pytest.approx(config.t_read)
    # the largest digit is at v_read, so a product's current is a thirty-first
    assert level.config.product_current == pytest.approx(serial.config.product_current / 31)


def test_driver_errors_are_in_the_products():
    config = replace(PERFECT, dac=Dac(bits=5, dnl_sigma=0.2))
    weights, x = problem(config)
    array = programmed(config, weights, x)
    drives = array.written.dac[np.arange(24), x]
    assert np.abs(drives - x).max() > 0.3
    assert np.abs(array.mvm(x, rng())[0] * array.scale - drives @ weights).max() <= 0.51 * array.scale
    # power goes with the square of what is really driven
    volts = drives * config.v_read / 31
    expected = (volts**2 @ array.conductances).sum() * config.t_read
    assert array.mvm(x, rng())[1].energy["cells"] == pytest.approx(expected, rel=1e-6)


def test_ranges_by_percentile_and_error_clip_the_tail():
    config = replace(PERFECT, adc_bits=4)
    weights, x = problem(config, batch=200)
    ranges = {}
    for chosen in ("max", "percentile", "mse"):
        array = programmed(replace(config, adc=Adc(range=chosen, percentile=95.0)), weights, x)
        codes, stats = array.mvm(x, rng())
        error = np.mean((codes * array.scale - x @ weights) ** 2)
        ranges[chosen] = (array.full_scale, stats.counts["saturated"] / stats.counts["conversions"], error)
    assert ranges["max"][1] == 0
    assert 0.01 < ranges["percentile"][1] < 0.05
    assert ranges["mse"][0] < ranges["max"][0]
    assert ranges["mse"][2] < 0.8 * ranges["max"][2]
    assert ranges["mse"][2] <= 1.02 * ranges["percentile"][2]


def test_gain_errors_scale_their_converters_columns():
    config = replace(PERFECT, adcs=2, adc=Adc(gain_sigma=0.05))
    weights, x = problem(config)
    array = programmed(config, weights, x)
    gains = array.written.gains
    assert np.abs(gains - 1).max() > 0.01
    array.set_range(2 * array.full_scale)
    error = array.mvm(x, rng())[0] * array.scale - (x @ weights) * gains[np.arange(config.outputs) % 2]
    assert np.abs(error).max() <= 0.51 * array.scale * 31


def test_steps_of_a_table_are_those_of_the_definition():
    config = replace(PERFECT, adc_bits=6, adcs=3, adc=Adc(kind="flash", mismatch=0.4), offset_sigma=5e-3)
    weights, x = problem(config, batch=300)
    array = programmed(config, weights, x)
    i = array._drives(x) * config.v_read @ array.conductances
    truth, saturated = array._converted(i)
    found, stats = array.mvm(x, rng())
    # single precision decides the few levels that lie within a millionth of a threshold as it likes
    assert np.mean(found != truth) < 1e-3
    assert abs(stats.counts["saturated"] - saturated) <= 2
    ideal = programmed(replace(config, adc=Adc()), weights, x).mvm(x, rng())[0]
    assert np.mean(found != ideal) > 0.5


def test_converter_noise_has_its_spread():
    config = replace(PERFECT, adc=Adc(noise=2e-3), input_bits=1, adc_bits=10)
    weights, _ = problem(config)
    x = np.ones((5000, 24), dtype=int)
    array = programmed(config, weights, x)
    sigma = 2e-3 * 511 / config.v_full_scale
    found = array.mvm(x, rng())[0]
    inside = np.abs(found).max(axis=0) < 505  # saturation cuts a spread short
    assert inside.sum() > 10
    spread = np.sqrt(found.var(axis=0) - 1 / 12)
    np.testing.assert_allclose(spread[inside], sigma, rtol=5 / np.sqrt(2 * 5000))


def test_verify_narrows_the_spread_and_counts_its_attempts():
    config = replace(PERFECT, rows=128, cols=128, programming_sigma=lambda g: 2e-6 + 0 * g, g_min=10e-6)
    weights, _ = problem(config)
    once, checked = (write(replace(config, verify=v), weights, rng()) for v in (Verify(), Verify(2e-6, 50)))
    target = targets(config, weights)
    assert (once.g - target).std() == pytest.approx(2e-6, rel=0.03)
    assert np.abs(checked.g - target).max() <= 2e-6
    # 68.3 % pass at each attempt: 1 / 0.683 of them on average
    cells = target.size
    assert once.attempts == cells
    assert checked.attempts / cells == pytest.approx(1 / 0.6827, rel=4 * 0.7 / np.sqrt(cells))
    assert checked.missed == 0


def test_a_cell_that_misses_keeps_its_last_attempt():
    """Spread of N attempts at tolerance t, in sigma: those that pass are a normal's middle, the rest its tails."""
    tolerance, attempts = 0.3, 3
    target = np.full(200_000, 2e-5)
    score = np.random.default_rng(1).standard_normal(target.shape)
    verify = Verify(tolerance * 1e-6, attempts)
    g, _ = verify.program(target, np.full_like(target, 1e-6), score, (0.0, 1.0), rng())
    inside = math.erf(tolerance / math.sqrt(2))
    middle = 1 - 2 * tolerance * math.exp(-(tolerance**2) / 2) / math.sqrt(2 * math.pi) / inside
    tails = (1 - inside * middle) / (1 - inside)
    missed = (1 - inside) ** attempts
    expected = math.sqrt((1 - missed) * middle + missed * tails)
    assert np.mean(np.abs(g - target) > tolerance * 1e-6) == pytest.approx(missed, rel=0.01)
    assert (g - target).std() == pytest.approx(1e-6 * expected, rel=4.5 * 1.5 / math.sqrt(2 * 200_000))


def test_what_is_a_cells_own_no_attempt_removes():
    config = replace(PERFECT, rows=128, cols=128, programming_sigma=lambda g: 2e-6 + 0 * g, g_min=10e-6)
    weights, _ = problem(config)
    own = write(replace(config, verify=Verify(1e-6, 20, device_share=1.0)), weights, rng())
    error = own.g - targets(config, weights)
    assert error.std() == pytest.approx(2e-6, rel=0.03)
    assert own.missed == np.count_nonzero(np.abs(error) > 1e-6) > 0


def test_stuck_cells_are_where_the_map_says_and_not_missed(tmp_path):
    stuck = np.zeros((24, 42), dtype=int)
    stuck[3, 4], stuck[5, 7] = 1, -1
    np.save(tmp_path / "map.npy", stuck)
    config = replace(PERFECT, faults=Faults(path=str(tmp_path / "map.npy")))
    weights, x = problem(config)
    weights[3, 2], weights[5, 3] = -5, -6  # output 2's plus cell stuck on; output 3's minus cell stuck off
    array = programmed(config, weights, x)
    assert array.conductances[3, 4] == config.g_max
    assert array.conductances[5, 7] == 0
    assert array.programming_counts["stuck"] == 2
    idle = config.g_min / (config.g_max - config.g_min) * config.weight_max
    really = weights.astype(float)
    really[3, 2] += config.weight_max
    really[5, 3] += 6 + idle
    array.set_range(2 * array.full_scale)
    codes = array.mvm(x, rng())[0]
    assert np.abs(codes * array.scale - x @ really).max() <= 0.51 * array.scale * 31
    assert np.abs(x @ really - x @ weights).max() > 100


@pytest.mark.parametrize("mapping", MAPPINGS[:2] + MAPPINGS[3:5])
def test_remapping_lessens_what_stuck_cells_do(mapping):
    base = replace(PERFECT, rows=32, mapping=mapping, faults=Faults(off_rate=0.04, on_rate=0.02))
    weights, x = problem(base, rows=24, cols=min(8, base.outputs - 2), batch=100)
    errors, harms = [], []
    for remap in (False, True):
        config = replace(base, remap=remap)
        array = programmed(config, weights, x)
        array.set_range(4 * array.full_scale)
        error = array.mvm(x, rng())[0] * array.scale - x @ weights
        errors.append(np.sqrt(np.mean(error**2)))
        harms.append(harm(config, weights, array.fault_map, array.written.placement))
        assert sorted(set(array.written.placement.rows)) == sorted(array.written.placement.rows)
    assert harms[1] < 0.25 * harms[0]
    assert errors[1] < 0.7 * errors[0]


def test_harm_is_what_stuck_cells_add_to_weights():
    config = replace(PERFECT, faults=Faults(off_rate=0.05, on_rate=0.05), mapping=Mapping(slice_bits=2))
    weights, _ = problem(config)
    faults = write(config, weights, rng()).faults
    g = write(config, weights, rng()).g
    place = Placement.in_order(*weights.shape)
    plus, minus = config.layout.lines(place)
    digits = (g[:, plus] - g[:, minus]) / (config.g_max - config.g_min) * 3
    added = digits @ (4.0 ** np.arange(2)) - weights
    assert harm(config, weights, faults, place) == pytest.approx((added**2).sum())
    assert harm(config, weights, faults, placed(config, weights, faults)) < 0.5 * (added**2).sum()


@pytest.mark.parametrize("bits", [1, 2])
def test_auto_zero_takes_the_code_of_drivers_that_do_not_reach_0(bits):
    config = replace(PERFECT, dac=Dac(bits=bits, inl=(0.3, *[0.0] * (2**bits - 2), -0.2)), input_bits=2, g_min=4e-6)
    weights = np.full((24, config.outputs), config.weight_max)
    x = np.zeros((2, 24), dtype=int)
    x[1] = 3
    zeroed, plain = (programmed(replace(config, auto_zero=zero), weights, x) for zero in (True, False))
    found, raw = (array.mvm(x, rng())[0] for array in (zeroed, plain))
    assert (found[0] == 0).all()
    assert (raw[0] > 20).all()
    # the ends are given errors, so that the step between them is shorter by both
    top = 2**bits - 1
    np.testing.assert_allclose(found[1] * zeroed.scale, (top - 0.5) / top * (x[1] @ weights), rtol=5e-3)


def test_shift_and_add_takes_references_off_and_puts_slices_together():
    home = Process(PERFECT.node, PERFECT.vdd)
    each = INTEGER_ADD.energy_in(home).value
    for mapping, extra in (
        (Mapping(), 0),
        (Mapping(slice_bits=2), 1),
        (Mapping("offset", "digital"), 1),
        (Mapping("offset", "digital", 2), 5),  # three slices: a reference off each, two additions
    ):
        config = replace(PERFECT, mapping=mapping)
        weights, x = problem(config, batch=3, cols=2)
        array = programmed(config, weights, x)
        _, stats = array.mvm(x, rng())
        additions = array.cost(stats).energy["shift_add"].value / each - stats.counts["conversions"]
        assert additions == pytest.approx(3 * 2 * extra)


def test_kinds_of_converters_differ_in_time_energy_and_area():
    home = Process(32e-9, 1.0)
    times = {kind: adc_time(home, 6, 1, kind).value for kind in ("sar", "ramp", "flash")}
    assert times["ramp"] / times["sar"] == pytest.approx(64 / 6)
    assert times["sar"] / times["flash"] == pytest.approx(6)
    assert adc_energy(home, 8, 1, "flash").value == pytest.approx(255 / 8 * adc_energy(home, 8).value)
    assert adc_area(home, 8).value == pytest.approx(0.0015e-6)
    assert adc_area(home, 4, 3, "flash").value == pytest.approx(3 * 15 / 8 * 0.0015e-6)
    for figure in (adc_time(home, 6, 1, "ramp"), adc_energy(home, 6, 1, "flash"), adc_area(home, 6, 1, "flash")):
        assert "comparator" in figure.source


def test_the_area_of_a_tile_is_told_by_component():
    area = tile_area(replace(PERFECT, node=32e-9, adcs=2, adc_bits=8, dac=Dac(bits=2)))
    assert area["cells"].value == pytest.approx(24 * 42 / (8 * 128 * 128) * 0.0002e-6)
    assert area["dac"].value == pytest.approx(3 * 24 / 1024 * 0.00017e-6)
    assert area["adc"].value == pytest.approx(2 * 0.0015e-6)
    assert all(figure.unit == "m^2" and figure.source for figure in area.values())
