"""The 6T cell against reference figures of the SKY130 cell and against the closed cell in ngspice."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Failure, Result
from bitline.core.executors import executor
from bitline.core.figures import COUNTED, MODELLED, SIMULATED
from bitline.core.samples import Samples
from circuits import cells
from circuits.technology import load_technology
from spice.engine import engine
from spice.sram import FIGURES, SHIFTS, UNITS, SramMonteCarlo, SramNominal, figures

SAMPLES = 200

# corner, C, V: read SNM mV, hold SNM mV, write margin (bit line, word line) mV, read current uA, leakage pA; made with
# closed-loop write sweeps in steps of vdd / 720 by an independent script on the PDK's own model library
REFERENCE = {
    ("tt", 27.0, 1.8): (297, 690, 823, 750, 47.7, 1.2),
    ("tt", 125.0, 1.8): (265, 663, 828, 745, 40.0, 77),
    ("tt", -40.0, 1.8): (318, 699, 815, 753, 54.7, 0.07),
    ("tt", 27.0, 1.0): (158, 378, 407, 356, 5.7, 0.65),
    ("ff", 27.0, 1.8): (216, 627, 918, 818, 62, 76),
    ("ss", 27.0, 1.8): (333, 714, 750, 708, 32, 0.09),
    ("sf", 27.0, 1.8): (176, 537, 1085, 1043, 69, 78),
    ("fs", 27.0, 1.8): (402, 768, 543, 465, 29, 0.09),
}
COLUMNS = ("read_snm", "hold_snm", "write_margin_bl", "write_margin_wl", "read_current", "leakage")
SCALES = (1e-3, 1e-3, 1e-3, 1e-3, 1e-6, 1e-12)


def nominal(**condition):
    ((index, outcome),) = executor(1).map(SramNominal(**condition), [0])
    assert index == 0
    assert isinstance(outcome, Result), outcome
    return outcome.record


@pytest.fixture(scope="module")
def typical():
    return nominal()


@pytest.fixture(scope="module")
def monte_carlo():
    outcomes = dict(executor(1).map(SramMonteCarlo(seed=11), range(SAMPLES)))
    assert all(isinstance(outcome, Result) for outcome in outcomes.values())
    return [outcomes[index].record for index in range(SAMPLES)]


def column(records, name):
    return np.array([record[name] for record in records])


@pytest.mark.parametrize(("condition", "expected"), REFERENCE.items(), ids=str)
def test_the_reference_table_is_met(condition, expected):
    corner, temperature, vdd = condition
    record = nominal(corner=corner, temperature=temperature, vdd=vdd)
    for name, value, scale in zip(COLUMNS, expected, SCALES, strict=True):
        absolute = 0.02e-12 if name == "leakage" else 0.0
        relative = 0.10 if name == "leakage" else 0.02
        assert record[name] == pytest.approx(value * scale, rel=relative, abs=absolute), name


def test_the_worst_conditions_for_reading_and_writing():
    assert nominal(corner="sf", temperature=125.0)["read_snm"] == pytest.approx(0.137, rel=0.02)
    assert nominal(corner="fs", temperature=-40.0, vdd=1.62)["write_margin_bl"] == pytest.approx(0.448, rel=0.02)


def test_a_record_has_a_unit_for_every_field(typical, monte_carlo):
    assert set(typical) - {"absent"} == set(UNITS) - set(SHIFTS)
    assert set(monte_carlo[0]) - {"absent"} == set(UNITS)
    assert typical["vin"].shape == typical["read_q"].shape == (181,)
    assert monte_carlo[0]["vin"].shape == monte_carlo[0]["hold_qb"].shape == (61,)
    assert monte_carlo[0]["vin"][-1] == pytest.approx(1.8)


def test_the_nominal_cell_is_symmetric(typical):
    for one, other in (
        ("read_snm_q0", "read_snm_q1"),
        ("hold_snm_q0", "hold_snm_q1"),
        ("write_margin_bl_left", "write_margin_bl_right"),
        ("write_margin_wl_left", "write_margin_wl_right"),
        ("read_current_left", "read_current_right"),
    ):
        assert typical[one] == pytest.approx(typical[other], rel=1e-9), one
    np.testing.assert_allclose(typical["read_q"], typical["read_qb"], rtol=0, atol=1e-9)


def closed(corner, vdd, shifts, stored):
    running = engine()
    running.load(cells.cell(load_technology(), corner, vdd, 27.0, stored=stored))
    for name, shift in shifts.items():
        running.alter(f"m{name}", "delvto", shift)
    return running


def test_currents_are_those_of_the_closed_cell(monte_carlo):
    for record in monte_carlo[:3]:
        running = closed("tt", 1.8, {name: record[f"dvth_{name}"] for name in cells.DEVICES}, stored=0)
        read = running.run("op")
        assert read["q"][0] < 0.5
        assert record["read_current"] == pytest.approx(-read["vbl#branch"][0], rel=2e-3)
        running.alter("vwl", "dc", 0.0)
        hold = running.run("op")
        drawn = -sum(hold[f"{source}#branch"][0] for source in ("vdd", "vbl", "vblb"))
        assert record["leakage"] == pytest.approx(drawn, rel=0.02, abs=2e-14)


@pytest.mark.parametrize(("corner", "vdd"), [("tt", 1.8), ("fs", 1.62), ("tt", 1.0)])
def test_write_margins_are_those_of_the_closed_cell(monte_carlo, corner, vdd):
    """A closed sweep flips within two steps of the saddle-node: early by ngspice's tolerance, late by its step."""
    task = SramMonteCarlo(corner=corner, vdd=vdd, seed=11)
    context = task.prepare()
    step = vdd / 720
    for index in (0, 1):
        record = task.run(context, index)
        shifts = {name: record[f"dvth_{name}"] for name in cells.DEVICES}
        assert shifts == {name: monte_carlo[index][f"dvth_{name}"] for name in cells.DEVICES}
        running = closed(corner, vdd, shifts, stored=1)
        swept = running.run(f"dc vbl {vdd!r} 0 {-step!r}")
        flip = swept["v-sweep"][np.argmax(swept["q"] < swept["qb"])]
        assert record["write_margin_bl"] == pytest.approx(flip, abs=2 * step)
        running.alter("vbl", "dc", 0.0)
        swept = running.run(f"dc vwl 0 {vdd!r} {step!r}")
        flip = vdd - swept["v-sweep"][np.argmax(swept["q"] < swept["qb"])]
        assert record["write_margin_wl"] == pytest.approx(flip, abs=2 * step)


def test_mismatch_moves_and_spreads_the_read_margin_as_published(typical, monte_carlo):
    """279 +- 17 mV from lobes of 296 +- 23.5 mV, correlation -0.5; bounds are four standard errors of 200 cells."""
    read = column(monte_carlo, "read_snm")
    lobes = column(monte_carlo, "read_snm_q0"), column(monte_carlo, "read_snm_q1")
    error = np.sqrt(SAMPLES)
    assert np.mean(read) == pytest.approx(0.279, abs=4 * 0.017 / error)
    assert np.std(read, ddof=1) == pytest.approx(0.017, abs=4 * 0.017 / (np.sqrt(2) * error))
    assert np.mean(read) < typical["read_snm"] - 4 * 0.017 / error
    for lobe in lobes:
        assert np.mean(lobe) == pytest.approx(0.296, abs=4 * 0.0235 / error)
        assert np.std(lobe, ddof=1) == pytest.approx(0.0235, abs=4 * 0.0235 / (np.sqrt(2) * error))
    assert np.corrcoef(lobes)[0, 1] == pytest.approx(-0.5, abs=4 * 0.75 / error)


def test_write_margin_spreads_as_single_cells_do(monte_carlo):
    """823 +- 34.9 mV from closed-loop sweeps of one cell at a time."""
    margin = column(monte_carlo, "write_margin_bl")
    assert np.mean(margin) == pytest.approx(0.823, abs=4 * 0.035 / np.sqrt(SAMPLES))
    assert np.std(margin, ddof=1) == pytest.approx(0.0349, abs=4 * 0.035 / np.sqrt(2 * SAMPLES))


def test_shifts_have_the_technologys_sigma(monte_carlo):
    technology = load_technology()
    for name in cells.DEVICES:
        score = column(monte_carlo, f"dvth_{name}") / technology.device(name.rsplit("_", 1)[0]).sigma("vth")
        assert np.mean(score) == pytest.approx(0, abs=4 / np.sqrt(SAMPLES))
        assert np.std(score) == pytest.approx(1, abs=4 / np.sqrt(2 * SAMPLES))


def test_a_sample_replays_alone_in_any_order_with_the_same_bits(monte_carlo):
    task = SramMonteCarlo(seed=11)
    for order in ([7], [12, 3, 7]):
        outcomes = dict(executor(1).map(task, order))
        for index in order:
            record = outcomes[index].record
            assert record.keys() == monte_carlo[index].keys()
            for name, value in record.items():
                np.testing.assert_array_equal(value, monte_carlo[index][name], err_msg=name)


def test_workers_give_the_same_bits(monte_carlo):
    for index, outcome in executor(2).map(SramMonteCarlo(seed=11), range(4)):
        for name, value in outcome.record.items():
            np.testing.assert_array_equal(value, monte_carlo[index][name], err_msg=name)


def test_another_seed_and_another_sample_are_another_cell(monte_carlo):
    ((_, outcome),) = executor(1).map(SramMonteCarlo(seed=12), [0])
    shifts = [tuple(record[name] for name in SHIFTS) for record in (outcome.record, *monte_carlo)]
    assert len(set(shifts)) == len(shifts)


def test_a_mirrored_cell_has_mirrored_figures(monte_carlo):
    task = SramMonteCarlo()
    context = task.prepare()
    record = monte_carlo[5]
    other = {"left": "right", "right": "left"}
    mirrored = context.measure(
        {f"{role}_{side}": record[f"dvth_{role}_{other[side]}"] for role in cells.ROLES for side in cells.SIDES}
    )
    for mode in ("read", "hold"):
        assert mirrored[f"{mode}_snm_q0"] == pytest.approx(record[f"{mode}_snm_q1"], abs=1e-6)
    for name in ("write_margin_bl", "write_margin_wl", "read_current"):
        assert mirrored[f"{name}_left"] == pytest.approx(record[f"{name}_right"], rel=1e-4)


def test_shifts_act_as_physics_has_it(typical):
    context = SramNominal().prepare()

    def shifted(device, value):
        return context.measure(dict.fromkeys(cells.DEVICES, 0.0) | {device: value})

    weak_access = shifted("pass_gate_left", 0.05)
    assert weak_access["read_current"] < typical["read_current"]
    assert weak_access["read_snm_q0"] > typical["read_snm_q0"]
    assert weak_access["write_margin_bl"] < typical["write_margin_bl"]
    weak_pull_down = shifted("pull_down_left", 0.05)
    assert weak_pull_down["read_snm_q0"] < typical["read_snm_q0"] < weak_pull_down["read_snm_q1"]
    weak_pull_up = shifted("pull_up_left", -0.05)  # delvto adds to vth0, which is negative in a PMOS
    assert weak_pull_up["write_margin_bl"] > typical["write_margin_bl"]
    assert shifted("pass_gate_left", 0.2)["leakage"] < typical["leakage"] < shifted("pass_gate_left", -0.2)["leakage"]


def test_a_cell_that_flips_when_read_has_a_negative_margin():
    context = SramNominal().prepare()
    zero = dict.fromkeys(cells.DEVICES, 0.0)
    healthy = context.measure(zero)
    shifts = (0.5, 0.6, 0.7)
    margins = [context.measure(zero | {"pull_down_left": shift})["read_snm"] for shift in shifts]
    assert healthy["read_snm"] > margins[0] > 0 > margins[-1]
    for shift, margin in zip(shifts, margins, strict=True):
        running = closed("tt", 1.8, {"pull_down_left": shift}, stored=0)
        running.alter("vwl", "dc", 0.0)
        rising = running.run("dc vwl 0 1.8 0.01")  # from hold to read
        assert (rising["q"][-1] < rising["qb"][-1]) == (margin > 0)


def test_a_nominal_cell_without_states_says_so():
    with pytest.raises(SimulationError, match=r"no read_snm.*one state only.*higher vdd"):
        nominal_of(SramNominal(vdd=0.3))


def test_a_cell_that_cannot_be_written_keeps_its_other_figures_and_the_next_one_is_measured(typical):
    context = SramNominal().prepare()
    healthy = dict.fromkeys(cells.DEVICES, 0.0)
    closed_left = context.measure(healthy | {"pass_gate_left": 2.0})
    assert np.isnan([closed_left["write_margin_bl_left"], closed_left["write_margin_wl_left"]]).all()
    assert 0 < closed_left["write_margin_bl_right"] < typical["write_margin_bl_right"]  # the left no longer helps
    assert closed_left["hold_snm"] == pytest.approx(typical["hold_snm"], abs=1e-4)
    assert "no write_margin_bl_left: the cell cannot be written" in closed_left["absent"]
    again = context.measure(healthy)
    assert again["absent"] == ""
    assert again["write_margin_bl"] == pytest.approx(typical["write_margin_bl"], abs=1e-5)


def test_a_skewed_cell_with_one_state_keeps_what_exists(typical):
    """Its read has lost the stored 1 for good; it still holds both values, and reads a 0."""
    context = SramNominal().prepare()
    skewed = context.measure(dict.fromkeys(cells.DEVICES, 0.0) | {"pull_down_right": 0.9})
    assert np.isnan(skewed["read_snm_q1"])
    assert np.isnan(skewed["read_snm"])
    assert skewed["read_snm_q0"] > typical["read_snm_q0"]
    assert 0 < skewed["hold_snm"] < typical["hold_snm"]
    assert skewed["write_margin_bl_left"] == 1.8  # lost before its bit line falls
    assert skewed["absent"].startswith("no read_snm: the cell has one state only")


def test_a_bound_keeps_the_mean_where_leaving_it_out_would_raise_it(typical):
    rng = np.random.default_rng(8)
    drawn = rng.normal(0.05, 0.04, 4000)
    columns = {name: drawn.copy() for name in FIGURES}
    columns["read_snm"][drawn < 0] = np.nan
    spread = figures(typical, Samples(4000, columns))
    error = 0.04 / np.sqrt(4000)
    assert spread["read_snm_mean"].value == pytest.approx(0.05, abs=5 * error)
    assert spread["read_snm_sigma"].value == pytest.approx(0.04, abs=5 * error)
    assert spread["read_snm_bounded"].value == np.count_nonzero(drawn < 0)
    assert spread["read_snm_bounded"].kind == COUNTED
    assert spread["read_snm_mean"].kind == spread["read_snm_sigma"].kind == MODELLED
    assert spread["hold_snm_mean"].kind == SIMULATED
    assert np.mean(drawn[drawn >= 0]) > 0.05 + 5 * error  # what the survivors alone would say
    assert "hold_snm_bounded" not in spread


def nominal_of(task):
    return task.run(task.prepare(), 0)


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"corner": "tf"}, "no corner 'tf'"),
        ({"technology": "sky131"}, "sky130"),
        ({"vdd": 0.0}, "vdd"),
        ({"vdd": float("nan")}, "vdd"),
        ({"temperature": -300.0}, "temperature"),
    ],
)
def test_bad_conditions_are_named_before_anything_runs(condition, named):
    with pytest.raises(ConfigError, match=named):
        list(executor(1).map(SramNominal(**condition), [0]))


def test_figures_keep_nominal_and_statistics_apart(typical, monte_carlo):
    alone = figures(typical)
    assert list(alone) == list(FIGURES)
    assert all(figure.kind == SIMULATED for figure in alone.values())
    assert alone["read_snm"].value == typical["read_snm"]
    assert alone["read_current"].unit == "A"

    columns = {name: np.append(column(monte_carlo[:9], name), np.nan) for name in FIGURES}
    spread = figures(typical, Samples(10, columns, {9: "ConvergenceError: no"}))
    assert spread["read_snm"] == alone["read_snm"]
    values = column(monte_carlo[:9], "leakage")
    assert spread["leakage_mean"].value == pytest.approx(values.mean())
    assert spread["leakage_sigma"].value == pytest.approx(values.std(ddof=1))
    assert (spread["samples"].value, spread["failed_samples"].value) == (10, 1)


def test_all_samples_failing_leaves_no_statistics(typical):
    spread = figures(typical, Samples(2, {}, {0: "no", 1: "no"}))
    assert spread["failed_samples"].value == 2
    assert "read_snm_mean" not in spread


def test_a_failed_sample_is_recorded_and_the_next_one_runs():
    class Broken(SramMonteCarlo):
        def run(self, context, index):
            if index == 1:
                context.engine.alter("mpull_up_nowhere", "delvto", 0.0)
            return super().run(context, index)

    outcomes = dict(executor(1).map(Broken(), range(3)))
    assert isinstance(outcomes[1], Failure)
    assert "mpull_up_nowhere" in outcomes[1].reason
    assert isinstance(outcomes[2], Result)
