import dataclasses
import math

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError, SimulationError
from bitline.core.figures import PUBLISHED, SIMULATED
from bitline.core.samples import Samples
from circuits.netlist import OPTIONS, Netlist
from circuits.reram import access_device, available, instance, load_device, read_cell_subckt
from circuits.reram.benches import RAMP, hysteresis
from circuits.technology import load_technology
from circuits.variation import load_spread
from spice import reram_switching
from spice.characterise import Conditions
from spice.engine import engine
from spice.fits_reram import check_reram, compare_reram, fit_reram
from spice.reram import LEVELS, UNITS, ReramNominal, ReramSpread, figures
from spice.reram_read import ReadBench

CONDITIONS = Conditions(seed=5)
COUNT = 280
V_READ = 0.2
BETWEEN = 0.5  # V, where the branches lie apart


@pytest.fixture(scope="module", params=available())
def nominal(request: pytest.FixtureRequest) -> dict:
    task = ReramNominal(CONDITIONS, device=request.param)
    return {"device": request.param, **task.run(task.prepare(), 0)}


@pytest.fixture(scope="module")
def samples() -> Samples:
    task = ReramSpread(CONDITIONS)  # of the default device
    context = task.prepare()
    records = [task.run(context, index) for index in range(COUNT)]
    return Samples(COUNT, {name: np.array([record[name] for record in records]) for name in records[0]})


def test_the_loop_is_pinched_at_the_origin(nominal: dict) -> None:
    still = np.abs(nominal["loop_v"]) < 1e-3
    assert np.count_nonzero(still) >= 3  # start, middle, end
    assert np.max(np.abs(nominal["loop_i"][still])) < 1e-7
    assert np.all(nominal["loop_i"] * nominal["loop_v"] > -1e-9)  # never a source of power


def test_the_loop_has_two_branches(nominal: dict) -> None:
    rise, fall = (np.interp(BETWEEN, *_branch(nominal, ramp)) for ramp in (0, 1))
    assert fall > 5 * rise
    rise, fall = (np.interp(BETWEEN, *_branch(nominal, ramp)) for ramp in (2, 3))
    assert rise > 5 * fall


def test_set_is_positive_and_reset_negative(nominal: dict) -> None:
    assert 1.2 < nominal["v_set"] < 1.8
    assert -1.8 < nominal["v_reset"] < -1.2
    assert nominal["g_lrs"] > 5 * nominal["g_hrs"]
    assert nominal["on_off_ratio"] == pytest.approx(nominal["g_lrs"] / nominal["g_hrs"])


def test_the_state_stays_in_its_range(nominal: dict) -> None:
    device = load_device(nominal["device"])
    low, high = sorted((device.lrs, device.hrs))
    slack = 1e-3 * (high - low)
    for loop in ("loop_state", "cell_loop_state"):
        assert low - slack < np.min(nominal[loop]) <= np.max(nominal[loop]) < high + slack


def test_currents_obey_kirchhoff_at_the_series_resistor(nominal: dict) -> None:
    assert (nominal["loop_source"] - nominal["loop_v"]) / 2e3 == pytest.approx(nominal["loop_i"], rel=1e-4, abs=1e-9)


def test_ngspice_and_numpy_give_the_same_read_current(nominal: dict) -> None:
    device = load_device(nominal["device"])
    expected = device.current(nominal["read_v"][None, :], nominal["level_state"][:, None])
    assert nominal["device_i"] == pytest.approx(expected, rel=1e-4, abs=1e-12)


def test_the_cell_divides_the_voltage_between_device_and_transistor(nominal: dict) -> None:
    device = load_device(nominal["device"])
    across = nominal["read_v"][None, :] - nominal["mid"]
    through = device.current(across, nominal["level_state"][:, None])
    assert nominal["cell_i"] == pytest.approx(through, rel=1e-4, abs=1e-12)
    assert np.all(nominal["mid"][:, 1:] > 0)
    assert np.all(nominal["cell_i"][:, 1:] < nominal["device_i"][:, 1:])


def test_levels_are_met_and_rise(nominal: dict) -> None:
    assert nominal["level_g"] == pytest.approx(nominal["level"], rel=1e-4)
    assert np.all(np.diff(nominal["cell_i"][:, -1]) > 0)
    assert set(nominal["level"]) <= set(LEVELS)


def test_a_deselected_cell_leaks_next_to_nothing(nominal: dict) -> None:
    assert 0 < nominal["leakage"] < 1e-6 * nominal["cell_i"][0, 10]


def test_the_gate_limits_what_set_reaches(nominal: dict) -> None:
    reached = nominal["compliance_g"]
    assert np.all(np.diff(reached) > -1e-3 * reached[:-1])  # rises with the gate, until LRS
    device = load_device(nominal["device"])
    assert reached[-1] == pytest.approx(float(device.current(V_READ, device.lrs)) / V_READ, rel=0.02)
    assert reached[0] < 0.8 * reached[-1]


def test_only_the_filament_model_bends(nominal: dict) -> None:
    if nominal["device"] == "vteam":
        assert nominal["read_nonlinearity"] == pytest.approx(0, abs=1e-3)
    else:  # sinh(0.4 / 0.43) / 2 sinh(0.2 / 0.43) - 1, less the transistor's share
        bare = math.sinh(0.4 / 0.43) / (2 * math.sinh(0.2 / 0.43)) - 1
        assert 0.9 * bare < nominal["read_nonlinearity"] < bare


def test_every_field_has_a_unit(nominal: dict, samples: Samples) -> None:
    assert {*nominal, *samples.columns} - {"device"} <= set(UNITS)


def test_heat_makes_the_filament_switch_sooner() -> None:
    loops = [reram_switching.device_loop(Conditions(temperature=t), "stanford_pku", V_READ) for t in (-40, 27, 125)]
    assert loops[0]["v_set"] > loops[1]["v_set"] > loops[2]["v_set"]
    assert loops[0]["v_reset"] < loops[1]["v_reset"] < loops[2]["v_reset"]


def test_the_filament_heats_itself_by_two_hundred_kelvin() -> None:
    netlist = hysteresis(load_device("stanford_pku"), 27.0)
    engine().load(netlist)
    heat = engine().run(netlist.analyses[0].removeprefix("."))["xdevice.heat"]
    assert 300.15 + np.max(heat) == pytest.approx(526, abs=5)


@pytest.mark.parametrize(("rth", "gap"), [(7.2e5, (0.28, 0.30)), (2.1e3, (0.45, 0.92))])
def test_without_heating_the_filament_switches_but_partly(rth: float, gap: tuple[float, float]) -> None:
    netlist = hysteresis(dataclasses.replace(load_device("stanford_pku"), rth=rth), 27.0)
    engine().load(netlist)
    run = engine().run(netlist.analyses[0].removeprefix("."))
    assert gap[0] < np.interp(2 * RAMP, run["time"], run["state"]) < gap[1]


@pytest.mark.parametrize(("peak", "reached"), [(1.15, (-1e-9, 1e-9)), (1.6, (0.5, 1.0))])
def test_vteam_rests_below_its_threshold(peak: float, reached: tuple[float, float]) -> None:
    netlist = hysteresis(load_device("vteam"), 27.0, peak)
    engine().load(netlist)
    state = engine().run(netlist.analyses[0].removeprefix("."))["state"]
    assert reached[0] <= np.max(state) <= reached[1] + 1e-3


def test_a_device_that_cannot_switch_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = dataclasses.replace(load_device("stanford_pku"), vel0=1e-3)
    monkeypatch.setattr(reram_switching, "load_device", lambda _name: slow)
    with pytest.raises(SimulationError, match="shows no SET"):
        reram_switching.device_loop(CONDITIONS, "stanford_pku", V_READ)


def test_the_frozen_cell_of_an_array_reads_as_the_held_one() -> None:
    bench = ReadBench(CONDITIONS, "stanford_pku", V_READ)
    state = bench.state_for(20e-6)
    device, technology = load_device("stanford_pku"), load_technology()
    text = "\n".join(
        [
            OPTIONS,
            technology.cards("tt"),
            read_cell_subckt(device, technology),
            "vwl wl 0 dc 0.2",
            "vgate gate 0 dc 1.8",
            "vbl bl 0 dc 0",
            instance(device, "0_0", "wl", "bl", "gate", state),
        ]
    )
    held, _ = bench.point(state)
    engine().load(Netlist("one cell", text))
    assert engine().run("op")["vbl#branch"][0] == pytest.approx(held, rel=1e-6)
    assert held / V_READ == pytest.approx(20e-6, rel=1e-4)


def test_the_spread_read_is_the_published_one(samples: Samples) -> None:
    spread = load_spread("wan2022")
    for level in (10e-6, 20e-6, 30e-6, 39e-6):  # far enough from 0 that none is cut
        read = samples["conductance"][samples["target"] == level]
        sigma, count = float(spread.sigma(level)), len(read)
        assert count == COUNT // len(LEVELS)
        assert np.mean(read) == pytest.approx(level, abs=4 * sigma / math.sqrt(count))
        assert np.std(read, ddof=1) == pytest.approx(sigma, rel=4 / math.sqrt(2 * (count - 1)))


def test_the_transistor_adds_little_to_the_spread(samples: Samples) -> None:
    sigma = access_device(load_technology()).sigma("vth")
    assert np.std(samples["access_vth"]) == pytest.approx(sigma, rel=4 / math.sqrt(2 * COUNT))
    assert abs(np.corrcoef(samples["access_vth"], samples["programmed"] - samples["target"])[0, 1]) < 4 / math.sqrt(
        COUNT
    )
    error = samples["conductance"] / samples["programmed"] - 1
    assert 1e-6 < np.max(np.abs(error)) < 1e-3
    assert np.corrcoef(error, -samples["access_vth"] * samples["programmed"])[0, 1] > 0.9


def test_an_unreachable_draw_ends_at_the_nearest_state_and_is_marked(samples: Samples) -> None:
    bench = ReadBench(CONDITIONS, "stanford_pku", V_READ)
    marked = samples["out_of_reach"] == 1
    assert np.any(marked[samples["target"] == LEVELS[0]])
    assert samples["programmed"][marked] == pytest.approx(bench.low, rel=1e-9)
    assert np.all(samples["programmed"] >= bench.low)


def test_a_sample_replays_alone_with_the_same_bits(samples: Samples) -> None:
    task = ReramSpread(CONDITIONS)
    context = task.prepare()
    for index in (9, 4):
        again = task.run(context, index)
        assert all(np.array_equal(again[name], samples[name][index]) for name in again)


def test_figures_say_what_is_published(nominal: dict, samples: Samples) -> None:
    found = figures(nominal, Samples(COUNT, samples.columns, {0: "no convergence"}))
    assert found["programmed_sigma_20uS"].kind == PUBLISHED
    assert "Wan" in found["programmed_sigma_20uS"].source
    assert found["conductance_sigma_20uS"].kind == SIMULATED
    assert "Wan" in found["conductance_sigma_20uS"].source
    assert found["failed_samples"].value == 1
    assert {"v_set", "v_reset", "g_lrs", "g_hrs", "on_off_ratio", "leakage"} <= set(figures(nominal))


def test_the_fits_hold_where_they_were_not_made(nominal: dict) -> None:
    read_iv, state, sigma = fit_reram(nominal, {"corner": "tt"})
    assert read_iv.residual.maximum < 1e-3
    assert read_iv.residual.samples > 100
    v, g = np.meshgrid(nominal["read_v"], nominal["level_g"])
    assert read_iv(v, g) == pytest.approx(nominal["cell_i"], rel=1e-3, abs=1e-12)
    assert read_iv(V_READ, 20e-6) == pytest.approx(V_READ * 20e-6, rel=1e-12)
    assert state(nominal["level"]) == pytest.approx(nominal["level_state"], abs=1e-3)
    assert sigma(20e-6) == pytest.approx(float(load_spread().sigma(20e-6)))
    assert sigma.origin == PUBLISHED


def test_models_refuse_what_they_never_saw(nominal: dict) -> None:
    read_iv, state, sigma = fit_reram(nominal, {})
    for ask in (lambda: read_iv(0.5, 20e-6), lambda: read_iv(0.2, 60e-6), lambda: state(0.1e-6), lambda: sigma(45e-6)):
        with pytest.raises(ModelRangeError):
            ask()


def test_levels_out_of_reach_and_impossible_reads_are_errors() -> None:
    bench = ReadBench(CONDITIONS, "vteam", V_READ)
    with pytest.raises(ModelRangeError, match="vteam reaches"):
        bench.state_for(1e-6)
    with pytest.raises(ConfigError, match="v_read"):
        ReadBench(CONDITIONS, "vteam", 1.0)
    task = ReramSpread(CONDITIONS, "vteam", spread="milo2021")
    context = task.prepare()
    with pytest.raises(ConfigError, match="no level lies in both"):
        task.run(context, 0)


def _branch(record: dict, ramp: int) -> tuple[np.ndarray, np.ndarray]:
    """Absolute voltage, rising, and absolute current of one ramp."""
    within = (record["loop_time"] >= ramp * RAMP) & (record["loop_time"] <= (ramp + 1) * RAMP)
    voltage, current = np.abs(record["loop_v"][within]), np.abs(record["loop_i"][within])
    order = np.argsort(voltage)
    return voltage[order], current[order]


def test_a_state_is_found_in_ngspice_and_not_only_on_the_map() -> None:
    bench = ReadBench(CONDITIONS, "stanford_pku", V_READ)
    for conductance in (1.7e-6, 11e-6, 38e-6):
        current, _ = bench.point(bench.state_for(conductance))
        assert current / V_READ == pytest.approx(conductance, rel=2e-7)


def test_a_wrong_bend_or_a_wrong_state_does_not_pass_the_check(samples: Samples) -> None:
    task = ReramNominal(CONDITIONS)
    nominal = task.run(task.prepare(), 0)
    models = {model.name: model for model in fit_reram(nominal, {})}
    right = check_reram(models, nominal, samples)
    assert all(found.maximum < found.limit and found.samples for found in right.values())
    assert right["reram.read_iv"].outside == samples["out_of_reach"].sum() > 0
    straight = dataclasses.replace(models["reram.read_iv"], parameters={"v_ref": V_READ, "k": [0.05]})
    wrong = check_reram({**models, "reram.read_iv": straight}, nominal, samples)["reram.read_iv"]
    assert wrong.maximum > wrong.limit
    table = models["reram.state"].parameters
    shifted = dataclasses.replace(
        models["reram.state"], parameters={"x": table["x"], "y": [y + 0.01 for y in table["y"]]}
    )
    wrong = check_reram({**models, "reram.state": shifted}, nominal, samples)["reram.state"]
    assert wrong.maximum > wrong.limit


def test_the_fits_stand_beside_the_map_and_the_cells(nominal: dict, samples: Samples) -> None:
    models = {model.name: model for model in fit_reram(nominal, {})}
    none = Samples(0, {})
    read_iv, state = compare_reram(models, nominal, None, samples if nominal["device"] == "stanford_pku" else none)
    for found in (read_iv, state):
        assert found.held_out.any()
        assert (~found.held_out).any()
        assert np.abs(found.error).max() < 0.02 * np.abs(found.simulated).max()
    unseen = read_iv.held_out & (read_iv.index < np.asarray(nominal["map_i"])[1::2, 1::2].size)
    assert np.abs(read_iv.error[unseen] / read_iv.simulated[unseen]).max() < 0.02
