"""Transimpedance front end and integrator: limits of feedback, noise, settling and mismatch."""

import dataclasses
import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, SimulationError
from bitline.core.samples import Samples
from circuits.front_end_integrator import IntegratorDesign
from circuits.front_end_line import Line
from circuits.front_end_tia import TiaDesign
from circuits.ota import TRANSISTORS, Ota
from circuits.technology import load_technology
from spice.characterise import Conditions, part
from spice.fits_front_end import FEWEST, check_tia, fit_integrator, fit_tia
from spice.front_end_bench import MonteCarlo, Nominal
from spice.front_end_loop import bandwidth, loop_gain, unity
from spice.integrator import Integrator
from spice.tia import STAGE, UNITS, Tia

BOLTZMANN = 1.380649e-23
COUNT = 48
EXTREMES = [(corner, t) for corner in ("tt", "ff", "ss", "sf", "fs") for t in (-40.0, 125.0)]


def measured(design, bench=Tia, **conditions):
    return bench(Conditions(**conditions), design).nominal()


@pytest.fixture(scope="module")
def nominal():
    return measured(TiaDesign())


@pytest.fixture(scope="module")
def unloaded():
    """The front end on a line whose cells are open."""
    return measured(TiaDesign(line=Line(g_cell=0.0)))


@pytest.fixture(scope="module")
def samples():
    task = MonteCarlo(Tia, Conditions(seed=3), TiaDesign(), STAGE)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


@pytest.mark.parametrize(("corner", "temperature"), EXTREMES)
def test_every_transistor_is_saturated_and_the_loop_is_stable(corner, temperature):
    for g_cell in (0.0, 5e-6):
        bench = Tia(Conditions(corner=corner, temperature=temperature), TiaDesign(line=Line(g_cell=g_cell)))
        found = bench.stability("in")
        assert found["phase_margin"] > 45
        assert found["saturation_margin"] > 0.05
        assert found["bias_id"].shape == (len(TRANSISTORS),)


@pytest.mark.parametrize("corner", ["tt", "ff", "ss", "sf", "fs"])
def test_the_integrators_loop_is_stable(corner):
    for temperature in (-40.0, 125.0):
        found = Integrator(Conditions(corner=corner, temperature=temperature), IntegratorDesign()).stability("in")
        assert found["phase_margin"] > 45


def test_an_uncompensated_amplifier_has_no_margin():
    bare = TiaDesign(line=Line(g_cell=0.0), c_f=1e-16, ota=Ota(c_c=1e-15))
    assert Tia(Conditions(), bare).stability("in")["phase_margin"] < 20


def test_the_input_resistance_is_the_feedbacks_over_the_gain(unloaded):
    """(r_f + output resistance) / (1 + gain): halving r_f takes half of it over the gain away."""

    def near_rest(swing):
        design = TiaDesign(line=Line(g_cell=0.0), swing=swing)
        swept = Tia(Conditions(), design).run("transfer")
        low = swept["i-sweep"] < 5e-6  # near the bias point that the loop gain is of
        return np.polyfit(swept["i-sweep"][low], swept["in"][low], 1)[0]

    assert near_rest(0.6) - near_rest(0.3) == pytest.approx(3e3 / (1 + unloaded["loop_gain"]), rel=0.05)
    assert unloaded["gain_error"] == pytest.approx(-unloaded["r_in"] / 6e3, rel=0.05)  # what reaches the input is lost


def test_cells_take_their_share_of_the_current(nominal):
    """The current divides between the input's resistance and the cells'; the feedback is what is left."""
    share = nominal["r_in"] * 128 * 5e-6
    assert nominal["transimpedance"] / 6e3 == pytest.approx(1 - share - nominal["r_in"] / 6e3, abs=3e-3)


def test_the_bandwidth_is_about_that_of_the_loop(nominal):
    assert nominal["bandwidth"] == pytest.approx(nominal["unity_frequency"], rel=0.3)
    tau = 1 / (2 * math.pi * nominal["bandwidth"])  # nearly one pole: half of 127 codes is 5.5 time constants
    assert nominal["settling_time_lsb"] == pytest.approx(math.log(254) * tau, rel=0.3)
    assert nominal["settling_time"] > nominal["settling_time_lsb"]


def test_a_heavier_line_is_slower(nominal):
    heavy = measured(TiaDesign(line=Line(c_cell=10e-15)))
    assert heavy["line_capacitance"] == pytest.approx(nominal["line_capacitance"] + 128 * 9e-15, rel=1e-6)
    assert heavy["phase_margin"] < nominal["phase_margin"] - 5
    heaviest = measured(TiaDesign(line=Line(c_cell=100e-15)))
    assert heaviest["unity_frequency"] < heavy["unity_frequency"] < nominal["unity_frequency"]
    assert heaviest["overshoot"] > 0.05 > nominal["overshoot"]
    slow = measured(dataclasses.replace(TiaDesign(), ota=dataclasses.replace(TiaDesign().ota, c_c=1e-12)))
    # settling goes with c_c, since unity frequency is gm / c_c
    assert slow["settling_time_lsb"] == pytest.approx(2 * nominal["settling_time_lsb"], rel=0.2)


def test_noise_is_above_that_of_the_resistors(nominal):
    frequency, density = nominal["noise_frequency"], nominal["noise_density"]
    at = float(np.interp(10e6, frequency, density)) / nominal["transimpedance"]
    resistors = math.sqrt(4 * BOLTZMANN * 300.15 * (1 / 6e3 + 128 * 5e-6))  # feedback and cells, A / sqrt(Hz)
    assert resistors < at < 10 * resistors
    colder = measured(TiaDesign(), temperature=-40.0)
    assert colder["noise"] < nominal["noise"]


def test_a_read_takes_about_its_power(nominal):
    assert nominal["energy"] == pytest.approx(nominal["power"] * 100e-9, rel=0.5)
    assert nominal["power"] == pytest.approx(1.8 * 20e-6 * (1 + 4 + 12), rel=0.1)  # mirrors of the reference current


def test_the_offset_is_that_of_pair_and_mirror(samples):
    """Sigma by the slopes: the pair's, and the mirror's by the ratio of transconductances (about 0.4)."""
    devices = Ota().devices(load_technology())
    pair, mirror = (math.sqrt(2) * devices[name].sigma("vth") for name in ("plus", "mirror"))
    assert pair == pytest.approx(math.sqrt(2) * 3.356e-9 / math.sqrt(4 * 5e-6 * 0.5e-6), rel=1e-6)
    offset = samples.valid("offset")
    terms = np.column_stack([np.ones(COUNT), samples["scores"]])
    linear, *_ = np.linalg.lstsq(terms, offset, rcond=None)
    weight = dict(zip(TRANSISTORS, linear[1:], strict=True))
    assert abs(weight["plus"]) == pytest.approx(pair / math.sqrt(2), rel=0.1)
    assert weight["plus"] == pytest.approx(-weight["minus"], rel=0.1)
    assert 0.2 < abs(weight["mirror"]) / (mirror / math.sqrt(2)) < 0.6
    assert math.hypot(*linear[1:]) == pytest.approx(np.std(offset, ddof=1), rel=4 / math.sqrt(2 * COUNT))
    larger = Ota(pair=16).devices(load_technology())
    assert larger["plus"].sigma("vth") == pytest.approx(devices["plus"].sigma("vth") / 2)


def test_a_sample_is_the_same_alone(samples):
    task = MonteCarlo(Tia, Conditions(seed=3), TiaDesign(), STAGE)
    assert task.run(task.prepare(), 7)["offset"] == samples["offset"][7]


def test_full_variation_has_the_same_thresholds_and_more(samples):
    task = MonteCarlo(Tia, Conditions(seed=3), TiaDesign(), STAGE, "full")
    context = task.prepare()
    records = [task.run(context, index) for index in range(6)]
    assert len(records[0]["scores"]) > len(TRANSISTORS)
    for index, record in enumerate(records):
        np.testing.assert_array_equal(record["scores"][: len(TRANSISTORS)], samples["scores"][index])
        assert record["offset"] != samples["offset"][index]


def test_models_agree_with_points_they_have_not_seen(nominal, samples):
    models = {model.name: model for model in fit_tia(nominal, samples, {})}
    for found in (models["tia.output"].residual, *check_tia(models, nominal, samples).values()):
        assert found.samples > 0
        assert found.maximum < found.limit
    assert models["tia.output"](50e-6) == pytest.approx(
        np.interp(50e-6, nominal["current"], nominal["v_out"]), abs=1e-5
    )
    assert models["tia.output"].parameters["r_in"] == nominal["r_in"]
    other = measured(TiaDesign(), corner="ff", temperature=125.0)
    found = check_tia(models, other, samples)["tia.output"]
    assert found.maximum > found.limit  # another corner is told apart
    with pytest.raises(FitError, match="no settling_time"):
        fit_tia({**nominal, "settling_time": math.nan}, samples, {})
    with pytest.raises(FitError, match=f"needs {FEWEST} samples"):
        fit_tia(nominal, Samples(2, {"offset": np.zeros(2)}), {})


def test_figures(nominal, samples):
    found = part("tia").figures(nominal, samples)
    assert found["offset_sigma"].value == np.std(samples.valid("offset"), ddof=1)
    assert found["line_capacitance"].kind == "modelled"
    assert all(name in UNITS for name in (*nominal, *samples.columns))


@pytest.fixture(scope="module")
def integrator():
    return measured(IntegratorDesign(), Integrator)


def test_reset_noise_is_kt_over_c():
    found = measured(IntegratorDesign(line=Line(g_cell=0.0)), Integrator)
    assert found["ktc_noise"] == pytest.approx(math.sqrt(BOLTZMANN * 300.15 / found["c_int"]))
    assert found["reset_noise"] == pytest.approx(found["ktc_noise"], rel=0.05)  # without cells, nothing amplifies more
    assert abs(found["gain_error"]) < 0.005
    assert abs(found["droop"]) < 1e-6  # no conductance that the offset could drive a current through


def test_cells_take_current_while_the_output_moves(integrator):
    """The virtual ground moves by slope times c_c over the pair's transconductance; cells divide the current by it."""
    assert -0.1 < integrator["gain_error"] < -0.03
    assert integrator["reset_noise"] > 1.1 * integrator["ktc_noise"]
    drift = integrator["offset"] * 128 * 5e-6 * 100e-9 / integrator["c_int"]
    assert integrator["droop"] == pytest.approx(drift, rel=0.2)
    straight = integrator["v_out"][0] + (integrator["v_out"][-1] - integrator["v_out"][0]) * np.linspace(0, 1, 9)
    assert np.max(np.abs(integrator["v_out"] - straight)) / integrator["lsb"] < 0.5


@pytest.mark.parametrize(("corner", "temperature"), [("tt", 27.0), ("ss", -40.0), ("ss", 125.0), ("fs", 125.0)])
def test_the_output_is_reset_in_time(corner, temperature):
    bench = Integrator(Conditions(corner=corner, temperature=temperature), IntegratorDesign())
    assert 0 < bench.reset_time(bench.cycle(1.0)) < 40e-9


def test_a_small_switch_does_not_reset():
    bench = Integrator(Conditions(), IntegratorDesign(switch=2))
    assert np.isnan(bench.reset_time(bench.cycle(1.0)))


def test_the_pedestal_falls_with_the_capacitance():
    wide, narrow = (
        Integrator(Conditions(), IntegratorDesign(line=Line(g_cell=0.0), i_full_scale=full)) for full in (1e-4, 2.5e-5)
    )
    assert wide.design.c_int == pytest.approx(4 * narrow.design.c_int)
    small, large = (bench.sample(np.random.default_rng(1))["pedestal"] for bench in (wide, narrow))
    assert large == pytest.approx(4 * small, rel=0.3)  # the switch's charge over c_int


def test_the_integrators_models(integrator):
    task = MonteCarlo(Integrator, Conditions(), IntegratorDesign(t_hold=10e-9), "integrator.mismatch")
    context = task.prepare()
    records = [task.run(context, index) for index in range(FEWEST)]
    drawn = Samples(FEWEST, {name: np.array([record[name] for record in records]) for name in records[0]})
    for model in fit_integrator(integrator, drawn, {}):
        assert model.residual.maximum < model.residual.limit


def test_loop_gain_of_a_known_loop():
    """A voltage amplifier of gain -A behind an output resistance, its input of resistance R_i, all ideal."""
    amplification, r_out, r_in = 50.0, 2e3, 3e3
    truth = amplification * r_in / (r_in + r_out)
    # voltage injection: 1 V between driven side and gate; current injection: 1 A into the gate's side
    gate = np.array([-1 / (1 + r_out / r_in + amplification)], dtype=complex)
    driven = gate + 1
    v = 1 / (1 / r_in + (1 + amplification) / r_out)  # both sides joined
    probe = np.array([-(1 + amplification) * v / r_out], dtype=complex)
    assert loop_gain(driven, gate, probe)[0] == pytest.approx(truth, rel=1e-9)


def test_margin_and_bandwidth_of_known_responses():
    frequency = np.geomspace(1, 1e8, 400)
    pole = 1 / (1 + 1j * frequency / 1e3)
    crossing, margin = unity(frequency, 1000 * pole)
    assert crossing == pytest.approx(1e6, rel=1e-2)
    assert margin == pytest.approx(90, abs=0.5)
    assert bandwidth(frequency, 7 * pole) == pytest.approx(1e3, rel=1e-2)
    assert unity(frequency, 0.5 * pole)[0] != unity(frequency, 0.5 * pole)[0]  # no crossing


def test_what_cannot_be():
    with pytest.raises(ConfigError, match=r"swing = 1\.2"):
        TiaDesign(swing=1.2)
    with pytest.raises(ConfigError, match="t_int"):
        IntegratorDesign(t_int=0.0)
    with pytest.raises(ConfigError, match="c_c"):
        Ota(c_c=-1e-12)
    with pytest.raises(ConfigError, match="cells"):
        Line(cells=0)
    with pytest.raises(ConfigError, match="variation = 'all'"):
        part("tia", {"variation": "all"}).monte_carlo(Conditions()).prepare()
    task = Nominal(Tia, Conditions(), TiaDesign(i_full_scale=1e-3))
    context = task.prepare()
    with pytest.raises(SimulationError, match="lower its swing"):
        task.run(context, 0)
    for name in ("tia", "integrator"):
        for setting in ("adc_bits", "cells"):
            with pytest.raises(ConfigError, match="whole number"):
                part(name, {setting: 8.5})


def test_plain_ngspice_measures_the_same_figures(nominal, integrator, measured_alone):
    netlists = part("tia").netlists(Conditions())
    found = measured_alone(netlists["transfer"]) | measured_alone(netlists["step"])
    for name in ("r_in", "transimpedance", "offset", "power", "energy"):
        assert found[name] == pytest.approx(nominal[name], rel=2e-3), name
    assert found["overshoot"] == pytest.approx(nominal["overshoot"], abs=1e-5)
    found = measured_alone(part("integrator").netlists(Conditions())["cycle"])
    assert found["energy"] == pytest.approx(integrator["energy"], rel=2e-3)
    assert found["offset"] == pytest.approx(integrator["offset"], rel=1e-3)
    assert found["pedestal"] == pytest.approx(integrator["pedestal"], abs=1e-6)


def test_times_and_the_feedback_capacitor_are_settings():
    read = part("tia", {"t_read": 40e-9, "c_f": 0.1e-12}).netlists(Conditions())["step"]
    assert float(read.analyses[0].split()[2]) == pytest.approx(45e-9)
    assert "cf in out 1e-13" in read.text
    usual, other = (
        float(part("integrator", settings).netlists(Conditions())["cycle"].analyses[0].split()[2])
        for settings in ({}, {"t_reset": 30e-9, "t_hold": 50e-9})
    )
    assert usual - other == pytest.approx(2 * 10e-9 + 50e-9)
