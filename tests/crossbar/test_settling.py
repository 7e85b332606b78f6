import math
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires, crossbar_netlist, resistors
from circuits.line_timing import LineTiming
from circuits.netlist import Netlist
from circuits.wiring import Wiring
from crossbar.adjoint import Readout
from crossbar.noise import output_variance
from crossbar.settling import step_response
from crossbar.solve import effective_matrix, solve
from crossbar.tile import CrossbarArray, TileConfig
from crossbar.transient import step_currents
from spice.batch import run_batch

LINES = LineTiming(c_wl=1e-15, c_bl=2e-15)
WHOLE = LineTiming(c_wl=1e-15, c_bl=2e-15, f_driver=1e9, f_front=5e8)
WIRED = Wires(500.0, 400.0, 500.0, 100.0)


def tile(m=8, n=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1e-6, 4e-5, (m, n)), rng.uniform(0.05, 0.2, m)


def transient(g, v, wires, timing, end, points=40):
    """The crossbar of the usual netlist with its capacitances, and sources with the drivers' pole."""
    static = crossbar_netlist(g.shape, wires, resistors(g), v)
    tau = 1 / (2 * math.pi * timing.f_driver)
    lines = []
    for line in static.text.splitlines():
        if line.startswith("vwl"):
            name, node, ground, volts = line.split()
            # a step that ngspice cannot take for part of the operating point
            step = f"{name} {node} {ground} pwl(0 0 {end * 1e-6!r} {volts})"
            pole = f"b{name} {node} {ground} v = {volts} * (1 - exp(-time / {tau!r}))" if tau > 0 else ""
            lines.append(pole or step)
        else:
            lines.append(line)
    for i, j in np.ndindex(*g.shape):
        lines += [f"cw{i}_{j} w{i}_{j} 0 {timing.c_wl!r} ic=0", f"cb{i}_{j} b{i}_{j} 0 {timing.c_bl!r} ic=0"]
    lines.append(".options reltol=1e-6 abstol=1e-18 vntol=1e-12 chgtol=1e-22 gmin=1e-15")
    step = end / (20 * points)
    plot = run_batch(Netlist("transient", "\n".join(lines), (f".tran {step!r} {end!r} 0 {step!r} uic",)))
    times = np.linspace(end / points, end, points)
    i = [np.interp(times, plot["time"], plot[f"vbl{j}#branch"]) for j in range(g.shape[1])]
    return times, np.stack(i, axis=-1)


@pytest.mark.parametrize(("size", "timing"), [((8, 6), LINES), ((16, 16), LineTiming(1e-15, 2e-15, f_driver=2e9))])
def test_ngspice_settles_the_same(size, timing):
    g, v = tile(*size)
    response = step_response(g, v, WIRED, timing)
    times, i = transient(g, v, WIRED, timing, 8 * float(response.delay.max()))
    np.testing.assert_allclose(step_currents(g, v, WIRED, timing, times[::8]), i[::8], atol=5e-4 * i.max())
    missing = np.array([response.missing(t) for t in times])
    assert np.abs((1 - i / response.i) - missing)[4:].max() < 0.025
    assert np.abs((1 - i / response.i) - missing)[20:].max() < 2e-3


@pytest.mark.parametrize(
    ("wires", "timing"),
    [
        (WIRED, LINES),
        (WIRED, WHOLE),
        (Wires(5.0, 5.0, 5000.0, 10.0), WHOLE),
        (Wires(0.0, 500.0, 300.0, 0.0), LINES),
        (Wires(500.0, 0.0, 0.0, 300.0), LINES),
        (Wires(2000.0, 2000.0, 50.0, 10.0), LINES),
    ],
)
def test_two_poles_are_near_the_whole_system(wires, timing):
    g, v = tile(9, 7)
    response = step_response(g, v, wires, timing)
    times = response.delay.max() * np.array([1.0, 2.0, 4.0, 7.0])
    exact = 1 - step_currents(g, v, wires, timing, times) / response.i
    error = np.abs(np.array([response.missing(t) for t in times]) - exact).max(axis=1)
    assert (error < [1e-2, 5e-3, 1e-3, 2e-4]).all()


def test_the_delay_is_the_area_of_what_is_missing():
    g, v = tile()
    response = step_response(g, v, WIRED, WHOLE)
    times = np.linspace(0, 25 * response.delay.max(), 6001)
    exact = 1 - step_currents(g, v, WIRED, WHOLE, times[::20]) / response.i
    np.testing.assert_allclose(np.trapezoid(exact, times[::20], axis=0), response.delay, rtol=5e-3)
    model = np.array([response.missing(t) for t in times])
    np.testing.assert_allclose(np.trapezoid(model, times, axis=0), response.delay, rtol=1e-4)


def test_what_settles_is_the_static_current():
    g, v = tile()
    ohms = (WIRED.r_wire_wl, WIRED.r_wire_bl, WIRED.r_driver, WIRED.r_sink)
    response = step_response(g, v, WIRED, WHOLE)
    np.testing.assert_allclose(response.i, solve(g, v, *ohms), rtol=1e-8)
    np.testing.assert_allclose(response.missing(0.0), 1.0)


def test_one_capacitance_alone_is_an_rc():
    # a single cell between ideal lines but for the driver: R = driver parallel to the cell
    g, v = np.array([[1e-4]]), np.array([0.2])
    response = step_response(g, v, Wires(0.0, 0.0, 1000.0, 0.0), LineTiming(c_wl=1e-12))
    tau = 1e-12 / (1e-4 + 1e-3)
    assert response.delay[0] == pytest.approx(tau)
    assert response.missing(3 * tau)[0] == pytest.approx(math.exp(-3), rel=1e-2)
    assert response.time_to(0.01)[0] == pytest.approx(tau * math.log(100), rel=1e-2)


def test_poles_alone_and_nothing_at_all():
    g, v = tile()
    front = step_response(g, v, Wires(), LineTiming(f_front=1e8))
    assert front.time_to(1e-3) == pytest.approx(math.log(1e3) / (2 * math.pi * 1e8), rel=5e-3)
    ideal = step_response(g, v, Wires(), LineTiming())
    assert (ideal.missing(1e-15) == 0).all()
    assert (ideal.time_to(0.01) == 0).all()
    dead = step_response(g * [1, 1, 0, 1, 1, 1], v, WIRED, WHOLE)
    assert np.isfinite(dead.missing(1e-9)).all()


def test_time_to_settle_is_when_that_share_is_missing():
    g, v = tile()
    response = step_response(g, v, WIRED, WHOLE)
    np.testing.assert_allclose(response.missing(response.time_to(1e-3)), 1e-3, rtol=1e-6)
    exact = 1 - step_currents(g, v, WIRED, WHOLE, [response.time_to(1e-3).max()])[0] / response.i
    assert exact.max() == pytest.approx(1e-3, rel=0.05)


def test_timing_of_a_technologys_wires_and_its_noise():
    timing = LineTiming.of_wiring(Wiring(), f_front=50e6)
    assert timing.c_wl == pytest.approx(1.63e-16, rel=0.01)
    assert timing.c_bl == pytest.approx(2.72e-16, rel=0.01)
    assert timing.sampled_variance == 0
    # 1 pF at 27 C: 64 uV
    assert math.sqrt(LineTiming(c_sample=1e-12).sampled_variance) == pytest.approx(64.4e-6, rel=1e-2)


@pytest.mark.parametrize("change", [{"c_wl": -1.0}, {"c_bl": math.inf}, {"f_driver": 0.0}, {"c_sample": math.nan}])
def test_impossible_timings_are_named(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        LineTiming(**change)


TILE = TileConfig(rows=24, cols=20, r_wire_wl=50, r_wire_bl=50, r_driver=500, read_noise=0, adc_bits=8, input_bits=3)


def programmed(config):
    weights = np.random.default_rng(1).integers(-7, 8, (config.rows, config.outputs)) * 16
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(1))
    array.set_range(array.required_range(np.full((1, config.rows), 7)))
    return array


def test_reading_early_costs_codes_and_late_none():
    timing = LineTiming(c_wl=1e-15, c_bl=1e-15, f_front=50e6)
    x = np.random.default_rng(2).integers(0, 8, (100, 24))
    settled = programmed(TILE).mvm(x, np.random.default_rng(3))[0]
    slow = programmed(replace(TILE, timing=timing))
    time = slow.settling_time()
    assert time == pytest.approx(math.log(254) / (2 * math.pi * 50e6), rel=0.05)  # the front end is what is slow

    def lost(t_read):
        array = programmed(replace(TILE, timing=timing, t_read=t_read))
        return np.abs(array.mvm(x, np.random.default_rng(3))[0] - settled).max()

    assert lost(10 * time) == 0
    assert lost(time) <= 7  # a code of each plane at most
    assert lost(0.3 * time) > 20
    codes = programmed(replace(TILE, timing=timing, t_read=0.3 * time)).mvm(x, np.random.default_rng(3))[0]
    share = np.sum(codes * settled) / np.sum(settled**2)
    assert share == pytest.approx(1 - 254**-0.3, abs=0.02)


def test_an_early_read_is_that_of_the_whole_transient():
    timing = LineTiming(c_wl=5e-15, c_bl=5e-15)
    array = programmed(replace(TILE, timing=timing, adc_bits=12))
    wait = 2.0 * float(array.settling().delay.max())
    early = programmed(replace(TILE, timing=timing, adc_bits=12, t_read=wait))
    x = np.random.default_rng(2).integers(0, 2, (5, 24))
    codes = early.mvm(x, np.random.default_rng(3))[0]
    i = np.array([step_currents(early.conductances, 0.2 * one, early.config.wires, timing, [wait])[0] for one in x])
    exact = (i[:, 0::2] - i[:, 1::2]) / early.lsb
    settled = array.mvm(x, np.random.default_rng(3))[0]
    # what is missing is taken from all word lines on; drivers of 500 ohm make it right to a fifth of itself here
    assert np.abs(codes - exact).max() < 0.2 * np.abs(settled - exact).max() + 0.5


def test_sampled_noise_has_its_variance():
    timing = LineTiming(c_sample=1e-15)
    array = programmed(replace(TILE, timing=timing, adc_bits=12))
    codes = array.mvm(np.full((4000, 24), 1), np.random.default_rng(3))[0]
    each = timing.sampled_variance * (2047 / 0.9) ** 2 + 1 / 12
    expected = each * (1 + 4 + 16)  # of three planes
    np.testing.assert_allclose(codes.var(axis=0) / expected, 1.0, atol=4.5 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("way", ["auto", "matrix", "local", "adjoint"])
def test_read_noise_falls_with_the_share_that_has_come(way):
    timing = LineTiming(f_front=1e6)
    config = replace(TILE, timing=timing, read_noise=0.02, noise_way=way, adc_bits=12, t_read=1e-4)
    x = np.full((1, 24), 5, dtype=np.float32)
    late, early = (programmed(replace(config, t_read=t)) for t in (1e-4, 2e-8))
    share = 1 - math.exp(-2 * math.pi * 1e6 * 2e-8)
    spread = [np.sqrt(array._ready().variance.of(x, x * x)) for array in (late, early)]
    assert late._ready().variance.way == early._ready().variance.way
    np.testing.assert_allclose(spread[1] / spread[0], share, rtol=2e-3)


def test_the_two_bit_lines_of_a_channel_settle_each_by_itself():
    g, _ = tile(12, 8)
    wires, readout = Wires(30.0, 40.0, 100.0, 50.0), Readout.pairs(12, 4)
    settled, rng = np.linspace(0.2, 0.9, 8), np.random.default_rng(3)
    x = np.ones(12, dtype=np.float32)
    v = 0.2 * x
    draws = np.array(
        [solve(g * (1 + 0.02 * rng.standard_normal(g.shape)), v, 30.0, 40.0, 100.0, 50.0) for _ in range(1500)]
    )
    truth = readout.difference(draws * settled).std(axis=0)
    for way, tolerance in (("local", 0.06), ("adjoint", 0.02)):
        variance = output_variance(g, effective_matrix(g, wires), wires, 0.02, readout, 0.2, way, settled=settled)
        np.testing.assert_allclose(np.sqrt(variance.of(x[None])[0]), truth, rtol=4.5 / np.sqrt(3000) + tolerance)
