import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.reram import load_device
from circuits.reram.pulsed import EDGE, LEAD, Pulse
from spice import reram_programming, reram_stress
from spice.characterise import Conditions, part
from spice.reram import ReramSpread
from spice.reram_disturb import CHANGE, DisturbBench
from spice.reram_programming import LEVELS, Cell, ProgrammingMonteCarlo, ProgrammingNominal, Scheme, figures, program
from spice.reram_pulses import SUPPLIES, PulseBench
from spice.reram_read import ReadBench
from spice.reram_stress import SET, TEMPERATURES, StressMonteCarlo, StressNominal, activation, compliance

CONDITIONS = Conditions(seed=5)
V_READ = 0.2
COUNT = 18


@pytest.fixture(scope="module")
def bench() -> PulseBench:
    return PulseBench(CONDITIONS, "stanford_pku", V_READ)


@pytest.fixture(scope="module")
def nominal() -> dict:
    task = ProgrammingNominal(CONDITIONS)
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = ProgrammingMonteCarlo(CONDITIONS)
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


@pytest.fixture(scope="module")
def stress() -> dict:
    task = StressNominal(CONDITIONS)
    return task.run(task.prepare(), 0)


def test_the_verify_reads_what_a_held_state_reads(bench: PulseBench) -> None:
    held = ReadBench(CONDITIONS, "stanford_pku", V_READ)
    for level in (2e-6, 10e-6, 39e-6):
        assert bench.read(held.state_for(level)).conductance == pytest.approx(level, rel=1e-5)


def test_a_read_moves_nothing_and_a_pulse_of_the_right_sign_moves_the_state(bench: PulseBench) -> None:
    assert bench.read(0.5).state == pytest.approx(0.5, abs=1e-9)
    assert bench.apply(Pulse(2.0, 0.0, 1.0, 100e-9), 0.92).state < 0.6  # SET closes the gap
    assert bench.apply(Pulse(0.0, 2.0, 2.5, 100e-9), 0.4).state > 0.5  # RESET opens it


def test_the_gate_decides_what_set_reaches(bench: PulseBench) -> None:
    reached = [bench.apply(Pulse(2.0, 0.0, gate, 100e-9), 0.92).conductance for gate in (0.85, 0.9, 0.95, 1.0, 1.05)]
    assert np.all(np.diff(reached) > 2e-6)


def test_the_supplies_energy_is_what_cell_and_gate_dissipate(bench: PulseBench) -> None:
    done = bench.apply(Pulse(2.0, 0.0, 1.0, 100e-9), 0.92)
    run = done.run
    into_cell = np.trapezoid(-run["vtop#branch"] * (run["top"] - run["bottom"]), run["time"])
    assert done.energy == pytest.approx(into_cell, rel=0.01)  # capacitors end where they began
    flat = 2.0 * np.max(-run["vtop#branch"]) * 100e-9
    assert 0.5 * flat < done.energy < 1.1 * flat
    assert set(SUPPLIES) <= set(run)
    longer = bench.apply(Pulse(2.0, 0.0, 1.0, 300e-9), 0.92)
    assert longer.energy > 2.5 * done.energy


def test_every_level_is_reached_within_its_tolerance(nominal: dict) -> None:
    assert np.all(nominal["reached"] == 1)
    assert np.all(np.abs(nominal["program_error"]) <= 0.05 * np.array(LEVELS))
    assert nominal["conductance"] - nominal["level"] == pytest.approx(nominal["program_error"])
    assert np.all(nominal["pulses"] == nominal["set_pulses"] + nominal["reset_pulses"])


def test_higher_levels_take_more_set_pulses_and_more_energy(nominal: dict) -> None:
    above = np.array(LEVELS) > 5.3e-6  # what the erased cell has
    assert np.all(np.diff(nominal["set_pulses"][above]) > 0)
    assert np.all(np.diff(nominal["program_energy"][above]) > 0)
    assert nominal["reset_pulses"][0] > 0  # the lowest lies below the erased cell


def test_the_sequence_is_what_the_figures_count(nominal: dict) -> None:
    shown = LEVELS.index(reram_programming.SHOWN)
    assert len(nominal["verify_gate"]) == nominal["pulses"][shown] == len(nominal["verify_g"]) - 1
    assert np.all(np.diff(nominal["sequence_time"]) >= 0)
    assert nominal["verify_g"][-1] == pytest.approx(nominal["conductance"][shown])
    energy = np.trapezoid(nominal["sequence_i"] * nominal["sequence_top"], nominal["sequence_time"])
    assert nominal["program_energy"][shown] == pytest.approx(energy, rel=0.02)  # no RESET in it


def test_an_overshoot_is_taken_back(bench: PulseBench) -> None:
    done = program(bench, 10e-6, Scheme(erased=False))  # starts far above
    assert done.reached
    assert all(pulse.bottom > 0 for pulse in done.pulses[:3])
    assert done.reads[0] > 40e-6


def test_what_is_out_of_reach_counts_as_not_reached(bench: PulseBench) -> None:
    few = program(bench, 39e-6, Scheme(most=3))
    assert (few.reached, len(few.pulses)) == (False, 3)
    assert not program(bench, 80e-6, Scheme(most=12)).reached


def test_a_tighter_tolerance_is_kept(bench: PulseBench) -> None:
    done = program(bench, 20e-6, Scheme(tolerance=0.02, most=200))
    assert done.reached
    assert done.reads[-1] == pytest.approx(20e-6, rel=0.02)


def test_a_weak_transistor_takes_more_gate(bench: PulseBench) -> None:
    strong, weak = (len(program(bench, 20e-6, Scheme(), Cell(shift)).pulses) for shift in (-0.03, 0.03))
    assert weak == pytest.approx(strong + 6, abs=2)  # 60 mV in steps of 10 mV


def test_mismatch_spreads_pulses_and_energy(nominal: dict, samples: Samples) -> None:
    found = figures(nominal, samples)
    assert found["pulses_39uS_sigma"].value > 0
    assert found["program_energy_20uS_mean"].value == pytest.approx(found["program_energy_20uS"].value, rel=0.25)
    assert found["cells_not_reached"].value == np.sum(samples["reached"] == 0)
    assert found["not_reached"].value == 0
    assert {f"pulses_{level}uS" for level in (2, 5, 10, 20, 30, 39)} <= set(found)


def test_failed_levels_are_counted(nominal: dict, samples: Samples) -> None:
    lost = Samples(COUNT, {**samples.columns, "reached": np.arange(COUNT) % 2})
    assert figures(nominal, lost)["cells_not_reached"].value == COUNT // 2
    assert figures({**nominal, "reached": np.zeros(len(LEVELS))})["not_reached"].value == len(LEVELS)


def test_a_programmed_sample_replays_alone_with_the_same_bits(samples: Samples) -> None:
    task = ProgrammingMonteCarlo(CONDITIONS)
    context = task.prepare()
    for index in (9, 4):
        again = task.run(context, index)
        assert all(np.array_equal(again[name], samples[name][index]) for name in again)


@pytest.mark.parametrize(
    "settings", [{"tolerance": 0.0}, {"width": -1e-9}, {"most": 0}, {"start": "half"}, {"start": "erase"}]
)
def test_impossible_schemes_are_errors(settings: dict) -> None:
    with pytest.raises(ConfigError):
        part("reram_programming", settings)


def test_impossible_reads_and_wires_are_errors() -> None:
    with pytest.raises(ConfigError, match="v_read"):
        PulseBench(CONDITIONS, "stanford_pku", -0.2)
    with pytest.raises(ConfigError, match="c_mid"):
        PulseBench(CONDITIONS, "stanford_pku", V_READ, -1e-15)


@pytest.mark.parametrize("name", ["reram_programming", "reram_stress"])
def test_every_field_of_the_parts_has_a_unit(name: str) -> None:
    found = part(name)
    for make, index in ((found.nominal, 0), (found.monte_carlo, 1)):
        task = make(CONDITIONS)
        record = task.run(task.prepare(), index)
        assert set(record) <= set(found.units)
        if index == 0:
            assert {field for fields in found.waveforms.values() for field in fields} <= set(record)
            assert all(math.isfinite(figure.value) for figure in found.figures(record, None).values())


@pytest.mark.parametrize("v", [1.1, -1.2])
def test_the_integral_of_the_rate_is_the_time_of_a_transient(v: float) -> None:
    rates = DisturbBench(CONDITIONS, "stanford_pku")
    state = 0.5
    predicted = rates.time(state, v, V_READ)
    pulses = PulseBench(CONDITIONS, "stanford_pku", V_READ)
    start = pulses.read(state).conductance
    run = pulses.apply(Pulse(v, 0.0, CONDITIONS.vdd, predicted), state).run
    end = float(np.interp(LEAD + EDGE + predicted, run["time"], run["state"]))
    moved = pulses.read(end).conductance / start - 1
    assert 1e-7 < predicted < 1e-2
    assert moved == pytest.approx(math.copysign(CHANGE, v), rel=0.02)


def test_read_disturb_slows_exponentially_with_voltage_and_speeds_up_with_heat(stress: dict) -> None:
    v, times = stress["disturb_v"], stress["disturb_time"]
    assert np.all(np.diff(np.log(times[:, v > 0]), axis=1) < -1)
    assert np.all(np.diff(np.log(stress["hot_disturb_time"]), axis=1) < -3)
    # at a low voltage sinh(x) / kT and exp(-ea / kT): what the model's equation says of 27 and 125 C
    kt27, kt125 = (8.617333262e-5 * (273.15 + celsius) for celsius in (27, 125))
    arrhenius = 1.501 / kt27 - 1.501 / kt125
    cool, hot = (TEMPERATURES.index(celsius) for celsius in (27.0, 125.0))
    ratio = np.log(stress["hot_disturb_time"][:, cool] / stress["hot_disturb_time"][:, hot])
    assert np.all(ratio < arrhenius)
    assert np.all(ratio > 0.85 * arrhenius)  # the field's share falls with heat


def test_the_activation_energy_is_the_device_s_less_what_the_field_takes(stress: dict) -> None:
    device = load_device("stanford_pku")
    kt = 8.617333262e-5 * (273.15 + 27)
    assert stress["activated_v"][-1] == V_READ
    for state, row in zip(stress["level_state"], stress["activation"], strict=True):
        force = (device.gamma0 - device.beta * state**3) * device.a0 / device.tox  # eV taken off for each volt
        assert np.all(np.diff(row[:-1]) < 0)
        for v, energy in zip(stress["activated_v"], row, strict=True):
            taken = force * v / np.tanh(force * v / kt)  # of d ln sinh(c / kT) / d(1 / kT)
            heat = device.rth * v * float(device.current(v, state))  # K of its own, hardly less when it is cold
            assert energy == pytest.approx((device.ea - taken) / (1 + heat / 300) ** 2, abs=0.015)
    assert stress["device_ea"] == device.ea


def test_an_activation_energy_is_the_slope_over_reciprocal_kt() -> None:
    celsius = np.array([-40.0, 27.0, 125.0])
    times = np.exp(0.7 / (8.617333262e-5 * (celsius + 273.15)))
    found = activation(celsius, np.array([times, [1.0, np.inf, 1.0]]))
    assert found[0] == pytest.approx(0.7, rel=1e-9)
    assert math.isnan(found[1])  # it rests at one of them


def test_a_device_with_a_threshold_rests_for_ever() -> None:
    bench = DisturbBench(CONDITIONS, "vteam")
    assert bench.time(0.5, V_READ, V_READ) == math.inf
    assert 0 < bench.time(0.5, 1.4, V_READ) < 1e-6


def test_the_transistor_sees_what_the_ramps_and_gates_say(stress: dict) -> None:
    assert stress["gate_stress_reset"] == pytest.approx(2.5, abs=0.01)
    assert stress["gate_overdrive"] == pytest.approx(2.5 / 1.8, abs=0.01)
    assert 0 < stress["drain_stress_set"] < 2.2
    assert stress["drain_overdrive"] == max(stress["drain_stress_set"], stress["drain_stress_reset"]) / 1.8


def test_a_wire_between_device_and_transistor_lets_the_current_overshoot(stress: dict) -> None:
    assert stress["overshoot"][0] == pytest.approx(1.0, abs=0.01)  # nothing to discharge
    assert np.all(np.diff(stress["overshoot"]) > 0)
    assert stress["overshoot"][-1] > 2
    assert np.all(np.diff(stress["set_g"]) > 0)  # the overshoot programs, too
    assert stress["compliance"][:2] == pytest.approx(stress["compliance"][0] * np.ones(2), rel=0.01)


def test_heat_lowers_the_switching_voltages_and_the_transistor_s_share_grows(stress: dict) -> None:
    assert np.all(np.diff(stress["v_set_by_temperature"]) < 0)
    assert np.all(np.diff(stress["v_reset_by_temperature"]) > 0)
    assert stress["g_by_temperature"][:, TEMPERATURES.index(27.0)] == pytest.approx(stress["level"], rel=1e-3)
    assert np.all(np.diff(stress["g_by_temperature"], axis=1) < 0)


def test_the_compliance_follows_the_threshold() -> None:
    task = StressMonteCarlo(CONDITIONS)
    context = task.prepare()
    records = [task.run(context, index) for index in range(12)]
    vth, current = (np.array([record[name] for record in records]) for name in ("access_vth", "compliance"))
    assert np.corrcoef(vth, current)[0, 1] < -0.99
    done = context.apply(SET, context.device.fresh)
    assert compliance(done.run)[0] == pytest.approx(np.mean(current), rel=0.1)
    found = reram_stress.figures(
        StressNominal(CONDITIONS).run(context, 0),
        Samples(12, {name: np.array([record[name] for record in records]) for name in records[0]}),
    )
    assert found["compliance_sigma"].value == pytest.approx(np.std(current, ddof=1))
    assert "extrapolation" in found["disturb_time_20uS_27C"].source


def test_cells_may_be_programmed_with_a_measured_spread(tmp_path: Path) -> None:
    rng = stream(9, "test.measured")
    rows = [f"{target},{target + 0.5 * rng.standard_normal():.5f}" for target in (10, 20, 30) for _ in range(100)]
    path = tmp_path / "chip.csv"
    path.write_text("\n".join(["target (uS),g (uS)", *rows]))
    task = ReramSpread(CONDITIONS, spread=str(path))
    context = task.prepare()
    records = [task.run(context, index) for index in range(6)]
    assert [record["target"] for record in records] == [10e-6, 20e-6, 30e-6] * 2
    moved = np.array([record["programmed"] - record["target"] for record in records])
    assert np.all((moved != 0) & (np.abs(moved) < 5 * 0.55e-6))


def test_corners_change_what_a_gate_lets_pass() -> None:
    final = []
    for corner in ("ss", "tt", "ff"):
        bench = PulseBench(dataclasses.replace(CONDITIONS, corner=corner), "stanford_pku", V_READ)
        final.append(compliance(bench.apply(SET, bench.device.fresh).run)[0])
    assert final[0] < final[1] < final[2]
