import math
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError, SimulationError
from bitline.core.samples import Samples
from circuits.current_sense import CurrentSense
from circuits.sar_comparator import StrongArm
from circuits.technology import load_technology
from circuits.variation import load_spread
from spice.characterise import Conditions, part
from spice.current_sense import STEP, UNITS, CurrentSenseMonteCarlo, CurrentSenseNominal, Sensing, SensingBench
from spice.current_sense_figures import figures
from spice.mismatch import thresholds
from spice.raw import read_raw

SEED = Conditions(seed=6)
COUNT = 12
LEVELS = {"lrs": 30e-6, "hrs": 5e-6}


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = CurrentSenseNominal(SEED)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def bench() -> SensingBench:
    return SensingBench(SEED, Sensing())


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = CurrentSenseMonteCarlo(SEED)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_more_current_reads_as_one(bench: SensingBench) -> None:
    bench.clocked.straighten()
    assert bench.clocked.reads_one(50e-9)
    assert not bench.clocked.reads_one(-50e-9)
    for state, one in ((bench.bias.lrs, True), (bench.bias.hrs, False)):
        bench.clocked.alter("vstate_cell", state)
        assert bench.clocked.reads_one(0.0) is one
    bench.clocked.alter("vstate_cell", bench.bias.ref)


def test_the_clamp_holds_the_bit_line(nominal: dict) -> None:
    assert nominal["clamp_voltage"] == pytest.approx(0.2, abs=1e-5)
    # a cell with more current pulls its source follower down, one with less lets it rise
    assert -0.05 < nominal["clamp_error_lrs"] < 0 < nominal["clamp_error_hrs"] < 0.06
    assert nominal["current_lrs"] == pytest.approx(30e-6 * (0.2 + nominal["clamp_error_lrs"]), rel=0.05)
    assert nominal["reference_current"] == pytest.approx(17.5e-6 * 0.2, rel=1e-3)


def test_a_wider_clamp_holds_it_better(nominal: dict) -> None:
    wide = SensingBench(SEED, Sensing(sizes=CurrentSense(clamp=4))).levels()
    # not by much: at these currents the clamp is in weak inversion, where the current alone gives gm
    assert 0.6 < wide["clamp_error_lrs"] / nominal["clamp_error_lrs"] < 0.95


def test_both_sides_are_alike(nominal: dict) -> None:
    assert abs(nominal["offset"]) < 1e-3 * nominal["reference_current"]


def test_the_offset_does_not_hang_on_the_time_step(bench: SensingBench) -> None:
    bench.clocked.vary(thresholds({"clamp_cell": 10e-3, "in_p": -10e-3}))
    found = bench.clocked.find_flip()
    bench.clocked.step = STEP / 4
    assert bench.clocked.find_flip() == pytest.approx(found, abs=1e-3 * bench.reference_current)
    bench.clocked.step = STEP
    bench.clocked.straighten()


def test_a_weak_clamp_takes_its_conductance_times_its_shift(bench: SensingBench) -> None:
    # the follower's bit line falls by the shift over 1 + g / gm, and the cell's current by g times that
    bench.clocked.vary(thresholds({"clamp_cell": 10e-3}))
    shift = bench.clocked.find_flip() - bench.clocked.flip
    assert 0.5 * 17.5e-6 * 10e-3 < shift < 17.5e-6 * 10e-3
    bench.clocked.vary(thresholds({"clamp_cell": 10e-3, "clamp_ref": 10e-3}))
    assert abs(bench.clocked.find_flip() - bench.clocked.flip) < 0.05 * shift
    bench.clocked.straighten()


def test_a_cell_whose_current_is_the_threshold_decides_so(bench: SensingBench) -> None:
    """The current source stands for the cell's own current: a cell of another state flips at the same difference."""
    bench.clocked.vary(thresholds({"in_p": 20e-3}))
    flip = bench.clocked.find_flip()
    for beyond, one in ((-40e-9, False), (40e-9, True)):
        wanted = bench.reference_current + flip + beyond
        low, high = bench.bias.lrs, bench.bias.hrs
        for _ in range(25):  # the state of that current, the clamp as drawn
            middle = (low + high) / 2
            low, high = (middle, high) if bench._point(middle)[1] > wanted else (low, middle)
        bench.clocked.alter("vstate_cell", low)
        assert bench.clocked.reads_one(0.0) is one
    bench.clocked.alter("vstate_cell", bench.bias.ref)
    bench.clocked.straighten()


def test_delay_falls_with_the_difference(nominal: dict) -> None:
    assert np.all(np.diff(nominal["curve_delay"]) < 0)


def test_the_comparators_share_falls_with_sensing_time_and_the_clamps_stays(nominal: dict) -> None:
    sigma, time = nominal["sensing_sigma"], nominal["sensing_time"]
    assert np.all(np.diff(sigma) < 0)
    clamp = math.sqrt(2) * load_technology().device("nmos_wide").sigma("vth") * 17.5e-6
    assert 0.5 * clamp < sigma[-1] < 1.2 * clamp
    assert sigma[0] > 0.5 * sigma[-1] * time[-1] / time[0] / 3


def test_sigma_falls_with_the_area_of_the_pairs(nominal: dict) -> None:
    wide = Sensing(sizes=CurrentSense(clamp=4, comparator=StrongArm(pair=16)))
    _, sigma = SensingBench(SEED, wide).spread(3e-9)
    # a wider clamp has more gm, so that it also follows its own threshold more closely
    assert nominal["sensing_sigma"][3] / sigma == pytest.approx(1.8, abs=0.35)


def test_samples_have_the_spread_that_slopes_give(nominal: dict, samples: Samples) -> None:
    expected = nominal["sensing_sigma"][3]
    assert np.std(samples["offset"], ddof=1) == pytest.approx(expected, rel=4 / math.sqrt(2 * COUNT))
    assert abs(np.mean(samples["offset"])) < 4 * expected / math.sqrt(COUNT)
    task = CurrentSenseMonteCarlo(SEED)
    assert task.run(task.prepare(), 5)["offset"] == samples["offset"][5]


def test_energy_is_that_of_the_currents_and_the_capacitances(nominal: dict) -> None:
    static = 1.8 * (np.mean([nominal["current_lrs"], nominal["current_hrs"]]) + nominal["reference_current"]) * 10e-9
    bit_lines = 1.8 * 2 * 100e-15 * 0.2  # charged to about v_read; sense nodes and comparator come on top
    assert static + bit_lines < nominal["energy"] < 1.8 * (static + bit_lines)


def test_bit_lines_settle_before_they_are_sensed_and_a_low_current_takes_longer(nominal: dict) -> None:
    assert 0 < nominal["settling_time_lrs"] < nominal["settling_time_hrs"] < 10e-9


def test_the_margin_counts_offset_and_published_spread(nominal: dict, samples: Samples) -> None:
    spread = load_spread()
    alone, sampled = (figures(nominal, drawn, "vth", spread, LEVELS) for drawn in (None, samples))
    for found in (alone, sampled):
        assert found["read_margin_lrs"].kind == found["read_margin_hrs"].kind == "modelled"
        assert 2 < found["read_margin_hrs"].value < 8
    sigma = alone["offset_sigma_modelled"].value
    cell = float(spread.sigma(5e-6)) * nominal["current_hrs"] / 5e-6
    distance = abs(nominal["difference_hrs"] - nominal["offset"])
    assert alone["read_margin_hrs"].value == pytest.approx(distance / math.hypot(sigma, cell), rel=1e-3)
    assert alone["resolvable_current"].value == pytest.approx(3 * sigma, rel=1e-2)
    assert {*nominal, *samples.columns} <= set(UNITS)


def test_the_exported_netlist_reads_alike_in_plain_ngspice(nominal: dict, tmp_path: Path) -> None:
    netlists = part("current-sense").netlists(SEED)
    for level in ("read-lrs", "read-hrs"):
        netlist = netlists[level]
        deck, raw = tmp_path / f"{level}.cir", tmp_path / f"{level}.raw"
        deck.write_text(netlist.deck())
        subprocess.run(["ngspice", "-b", "-r", raw, deck], capture_output=True, check=True, cwd=tmp_path)  # noqa: S607
        (run,) = read_raw(raw)
        decided = np.interp(nominal["time"][-1] - 10.5e-9, run["time"], run["outp"] - run["outn"])
        assert np.sign(decided) == (1 if level == "read-lrs" else -1)
        before = np.interp(10e-9, run["time"], run["vcell#branch"])
        assert before == pytest.approx(nominal[f"current_{level.removeprefix('read-')}"], rel=0.02)


def test_full_variation_draws_the_same_thresholds(samples: Samples) -> None:
    task = CurrentSenseMonteCarlo(SEED, replace(Sensing(), variation="full"))
    record = task.run(task.prepare(), 0)
    np.testing.assert_array_equal(record["vth"], samples["vth"][0])
    assert record["offset"] != samples["offset"][0]


def test_impossible_settings_are_errors() -> None:
    for settings, said in (
        ({"g_ref": 50e-6}, "lies between"),
        ({"clamp": 0}, "1, 2, 3"),
        ({"t_sense": 0.0}, "t_sense"),
    ):
        with pytest.raises(ConfigError, match=said):
            part("current-sense", settings)
    with pytest.raises(ModelRangeError, match="reaches"):
        SensingBench(SEED, Sensing(g_lrs=1e-3))
    with pytest.raises(ConfigError, match="whole number"):
        part("current-sense", {"clamp": 1.5})


def test_a_sensing_time_that_is_too_long_says_what_to_change() -> None:
    with pytest.raises(SimulationError, match="shorten t_sense"):
        SensingBench(SEED, Sensing(sizes=CurrentSense(t_sense=100e-9)))


def test_plain_ngspice_measures_the_same_figures(nominal: dict, measured_alone) -> None:
    found = {key: measured_alone(netlist) for key, netlist in part("current-sense").netlists(SEED).items()}
    assert np.mean([found[f"read-{level}"]["energy"] for level in LEVELS]) == pytest.approx(nominal["energy"], rel=1e-2)
    for level in LEVELS:
        for name in ("current", "delay"):
            assert found[f"decision-{level}"][name] == pytest.approx(nominal[f"{name}_{level}"], rel=1e-3), (
                level,
                name,
            )
