"""The word line's driver: its codes, what it drives, and how fast."""

import dataclasses
import subprocess

import numpy as np
import pytest

from bitline.cli.artefacts import write_netlists
from bitline.core.errors import ConfigError, FitError
from bitline.core.samples import Samples
from circuits.dac_driver import UNITY, DacDriverDesign
from circuits.front_end_line import Line
from spice.characterise import Conditions, part
from spice.dac_driver import STAGE, DacDriver, nonlinearity
from spice.fits_front_end import FEWEST, check_dac_driver, fit_dac_driver
from spice.front_end_bench import MonteCarlo
from spice.raw import read_raw

SMALL = DacDriverDesign(bits=2)
OPEN = Line(g_cell=0.0)


def measured(design, **conditions):
    return DacDriver(Conditions(**conditions), design).nominal()


@pytest.fixture(scope="module")
def nominal():
    return measured(SMALL)


def drawn(design, count, seed=2, variation="vth"):
    task = MonteCarlo(DacDriver, Conditions(seed=seed), design, STAGE, variation)
    context = task.prepare()
    records = [task.run(context, index) for index in range(count)]
    return Samples(count, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_every_code_of_an_ideal_string_is_in_its_place():
    found = DacDriver(Conditions(), DacDriverDesign(line=OPEN)).run("codes")
    np.testing.assert_allclose(found["tap"], 1 + 0.2 * np.arange(16) / 15, atol=1e-6)  # the tree picks each tap in turn
    inl, dnl = nonlinearity(found["tap"], 0.2 / 15)
    assert np.max(np.abs(inl)) < 1e-5
    assert np.max(np.abs(dnl)) < 1e-5


def test_nonlinearity_of_a_known_curve():
    inl, dnl = nonlinearity(np.array([0.0, 1.0, 2.5, 3.0]), 1.0)
    np.testing.assert_allclose(inl, [0, 0, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(dnl, [0, 0.5, -0.5], atol=1e-12)


def test_one_bit_is_the_tiles_driver():
    found = measured(DacDriverDesign(bits=1))
    assert list(found["code"]) == [0, 1]
    assert found["inl"] == pytest.approx(0, abs=1e-9)
    assert found["code_out"][1] - found["code_out"][0] == pytest.approx(0.2, rel=0.03)


@pytest.mark.parametrize("corner", ["tt", "ff", "ss", "sf", "fs"])
def test_the_loop_is_stable_on_any_line(corner):
    for temperature in (-40.0, 125.0):
        for line in (OPEN, Line(g_cell=39e-6)):
            design = DacDriverDesign(bits=1, line=line)
            found = DacDriver(Conditions(corner=corner, temperature=temperature), design).stability("out")
            assert found["phase_margin"] > 45
            assert found["saturation_margin"] > 0.03


def test_the_error_of_a_loaded_driver_is_its_resistance_times_the_load(nominal):
    free = measured(dataclasses.replace(SMALL, line=OPEN))
    fallen = free["code_out"][-1] - nominal["code_out"][-1]
    # what the line takes: less than all cells at v_read would, since its wire drops some
    taken = fallen / nominal["r_out"]
    assert 0.5 * nominal["load_current"] < taken < nominal["load_current"]
    assert nominal["load_current"] == pytest.approx(128 * 39e-6 * 0.2)
    assert nominal["load_limit"] > nominal["load_current"]
    assert abs(free["gain_error"]) < abs(nominal["gain_error"])


def test_more_output_devices_drive_more(nominal):
    weak = measured(dataclasses.replace(SMALL, ota=dataclasses.replace(UNITY, output=4)))
    assert weak["load_limit"] < 0.7 * nominal["load_limit"]
    assert weak["r_out"] > nominal["r_out"]


def test_settling_goes_with_the_compensation_and_the_line(nominal):
    slow = measured(dataclasses.replace(SMALL, ota=dataclasses.replace(UNITY, c_c=3e-12)))
    assert slow["unity_frequency"] == pytest.approx(nominal["unity_frequency"] / 3, rel=0.15)
    assert slow["settling_time"] > 1.5 * nominal["settling_time"]
    heavy = measured(dataclasses.replace(SMALL, line=Line(g_cell=0.0, c_cell=100e-15)))
    free = measured(dataclasses.replace(SMALL, line=OPEN))
    assert heavy["settling_time"] > free["settling_time"]
    assert heavy["phase_margin"] < free["phase_margin"]


def test_energy_adds_up(nominal):
    power = nominal["static_power"] + nominal["load_power"]
    assert nominal["energy"] == pytest.approx(power * 100e-9, rel=0.1)  # most of a conversion is its hold
    assert 0 < nominal["switching_energy"] < 0.01 * nominal["energy"]
    # code 0 takes the amplifier's mirrors of the reference current, and the string's
    string = 0.2 * 0.2 / (3 * 500)
    assert nominal["static_power"] == pytest.approx(1.8 * 20e-6 * (1 + 4 + 12) + string, rel=0.1)
    assert nominal["load_power"] < 1.8 * nominal["load_current"]  # the rest of the current returns into v_cm


def test_mismatch_of_amplifier_and_string():
    ideal = drawn(SMALL, 24)
    assert 1e-3 < np.std(ideal["offset"], ddof=1) < 4e-3
    varied = drawn(dataclasses.replace(SMALL, r_sigma=0.05), 24)
    # sigma of the middle taps of n resistors: sqrt(n k (n - k)) / n^2 of r_sigma, times n LSB; the worst of two of them
    assert 0.02 < np.mean(varied["inl"]) < 0.09
    assert np.mean(ideal["inl"]) < 0.01
    # the same thresholds, whatever the string: where all resistors are alike the offset is the same
    np.testing.assert_allclose(varied["offset"], ideal["offset"], atol=1e-6)


def test_models_agree_with_points_they_have_not_seen(nominal):
    samples = drawn(SMALL, FEWEST)
    models = {model.name: model for model in fit_dac_driver(nominal, samples, {})}
    for found in (
        *(model.residual for model in models.values()),
        *check_dac_driver(models, nominal, drawn(SMALL, 12, seed=5)).values(),
    ):
        assert found.samples > 0
        assert found.maximum < found.limit
    falls = models["dac_driver.output"](0.0) - models["dac_driver.output"](nominal["load_current"])
    assert falls == pytest.approx(nominal["r_out"] * nominal["load_current"], rel=1e-3)
    said = part("dac-driver").figures(nominal, samples)
    assert said["offset_sigma"].source == "variation: vth"
    assert said["load_current"].kind == said["line_capacitance"].kind == "modelled"


def test_exported_netlists_give_the_same_figures_in_plain_ngspice(nominal, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = {}
    for path in write_netlists(tmp_path, "dac_driver", Conditions(), {"bits": 2.0}):
        raw = tmp_path / f"{path.stem}.raw"
        ran = subprocess.run(["ngspice", "-b", "-r", raw, path], capture_output=True, text=True, check=False)  # noqa: S607
        assert ran.returncode == 0, ran.stdout + ran.stderr
        found[path.stem.removeprefix("dac_driver-")] = read_raw(raw)[0]
    np.testing.assert_allclose(found["codes"]["out"], nominal["code_out"], atol=2e-6)
    load = found["load"]
    current, *_ = load.values()
    fallen = np.interp(nominal["load_current"], current, load["out"][0] - load["out"])
    assert fallen == pytest.approx(nominal["r_out"] * nominal["load_current"], rel=1e-3)
    assert np.interp(100e-9, found["step"]["time"], found["step"]["far"]) == pytest.approx(
        nominal["step_far"][-1], abs=1e-4
    )


def test_what_cannot_be():
    with pytest.raises(ConfigError, match="bits is 9"):
        DacDriverDesign(bits=9)
    with pytest.raises(ConfigError, match="r_sigma"):
        DacDriverDesign(r_sigma=0.5)
    with pytest.raises(ConfigError, match="v_read"):
        DacDriverDesign(v_read=-0.2)
    with pytest.raises(ConfigError, match="whole number"):
        part("dac-driver", {"bits": 2.5})


def test_what_lies_beyond_the_sweep_of_the_load_is_no_number(nominal):
    many = dataclasses.replace(SMALL, line=Line(cells=1024, g_cell=39e-6))  # 8 mA at v_read, swept to 4 mA
    found = measured(many)
    assert found["load_current"] == pytest.approx(8e-3, rel=0.01)
    assert np.isnan(found["r_out"])
    coarse = measured(
        dataclasses.replace(SMALL, v_read=0.7, v_cm=0.9, ota=dataclasses.replace(UNITY, output=40, sink=40))
    )
    fallen = coarse["swept_out"][0] - coarse["swept_out"]
    reached = fallen.max() > coarse["lsb"] / 2
    assert np.isfinite(coarse["load_limit"]) == reached
    with pytest.raises(FitError, match="r_out"):
        fit_dac_driver(found, drawn(SMALL, FEWEST), {})
    assert np.isfinite(nominal["r_out"])
    assert np.isfinite(nominal["load_limit"])


def test_a_line_that_hardly_moves_does_not_settle():
    far = measured(DacDriverDesign(bits=1, line=Line(cells=1024, g_cell=39e-6)))
    assert abs(far["step_far"][-1] - far["step_far"][0]) < far["lsb"]
    assert np.isnan(far["settling_time"])


def test_the_margin_is_the_worse_of_code_0_and_the_top(nominal):
    bench = DacDriver(Conditions(), SMALL)
    each = []
    for sources in bench.rests:
        bench.__class__ = type("At", (DacDriver,), {"rests": (sources,)})
        bias = bench.bias()
        each.append(float(np.min(bias["vds"] - bias["vdsat"])))
    assert each[0] != pytest.approx(each[1], abs=1e-3)
    assert nominal["saturation_margin"] == pytest.approx(min(each), abs=1e-6)
    assert nominal["saturation_margin"] == pytest.approx(np.min(nominal["bias_vds"] - nominal["bias_vdsat"]))


def test_plain_ngspice_measures_the_same_figures(nominal, measured_alone):
    netlists = part("dac-driver", {"bits": 2.0}).netlists(Conditions())
    found = {key: measured_alone(netlists[key]) for key in ("codes", "load", "step")}
    for key, names in (("codes", ("static_power", "load_power", "offset")), ("load", ("r_out",))):
        for name in names:
            assert found[key][name] == pytest.approx(nominal[name], rel=1e-3), name
    assert found["step"]["energy"] == pytest.approx(nominal["energy"], rel=1e-3)
    assert found["step"]["switching_energy"] == pytest.approx(nominal["switching_energy"], rel=0.03)


def test_a_code_lasts_as_long_as_is_said():
    netlist = part("dac-driver", {"bits": 1.0, "t_convert": 40e-9}).netlists(Conditions())["step"]
    assert float(netlist.analyses[0].split()[2]) == pytest.approx(45e-9)
