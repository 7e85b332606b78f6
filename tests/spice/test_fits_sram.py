import numpy as np
import pytest

from bitline.core.errors import FitError, ModelRangeError
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile, quadratic_terms
from bitline.core.samples import Samples
from spice.characterise import Span
from spice.fits_sram import LOGARITHMIC, PARTS, by_lobe, check_sram, compare_sram, fit_sram
from spice.fits_sram_conditions import points, survey
from spice.sram import SHIFTS, UNITS, SramMonteCarlo
from spice.sram_design import SramDesign

COUNT = 200
NAMES = {f"sram.{name}" for name in PARTS}


@pytest.fixture(scope="module")
def simulated():
    outcomes = dict(executor(1).map(SramMonteCarlo(seed=5), range(COUNT)))
    names = [name for name in UNITS if np.ndim(outcomes[0].record[name]) == 0]
    return Samples(COUNT, {name: np.array([outcomes[i].record[name] for i in range(COUNT)]) for name in names})


def synthetic(count, rng, failures=None):
    """Samples of known quadratics: each column has its own coefficients."""
    shifts = 0.03 * rng.standard_normal((count, 6))
    columns = {name: shifts[:, k] for k, name in enumerate(SHIFTS)}
    terms = quadratic_terms(shifts / 0.03)
    parts = [name for name in UNITS if "_q" in name and "snm" in name] + [
        "write_margin_bl",
        "write_margin_wl",
        "read_current",
        "leakage",
    ]
    truth = {name: terms @ np.append(0.3, 0.01 * rng.standard_normal(terms.shape[1] - 1)) for name in parts}
    columns |= {name: np.exp(value) if name in LOGARITHMIC else value for name, value in truth.items()}
    for mode in ("read", "hold"):
        columns[f"{mode}_snm"] = np.minimum(columns[f"{mode}_snm_q0"], columns[f"{mode}_snm_q1"])
    return Samples(count, columns, failures or {})


def test_a_known_quadratic_is_recovered_on_samples_it_never_saw():
    samples = synthetic(120, np.random.default_rng(1))
    for model in fit_sram(samples, {}):
        assert model.residual.samples == 30
        assert model.residual.maximum < 1e-12


def test_failed_samples_are_left_out():
    samples = synthetic(120, np.random.default_rng(1), failures={4: "no"})
    for values in samples.columns.values():
        values[4] = np.nan
    models = fit_sram(samples, {})
    assert {model.residual.maximum < 1e-12 for model in models} == {True}


def test_simulated_cells_are_predicted_to_a_fraction_of_a_millivolt(simulated):
    models = {model.name: model for model in fit_sram(simulated, {"corner": "tt"})}
    assert set(models) == NAMES
    for name, model in models.items():
        spread = np.std(simulated[name.removeprefix("sram.")])
        relative = model.residual.unit == "1"  # of the currents
        level = np.mean(simulated[name.removeprefix("sram.")]) if relative else 1.0
        assert model.residual.rms * level < (0.1 if name == "sram.leakage" else 0.01) * spread, name
        assert model.provenance == {"corner": "tt"}
    assert models["sram.read_snm"].residual.rms < 0.2e-3
    assert models["sram.write_margin_bl"].residual.maximum < 0.3e-3


def test_one_quadratic_through_the_minimum_would_be_far_worse(simulated):
    shifts = np.stack([simulated[name] for name in SHIFTS], axis=-1)
    terms = quadratic_terms(shifts / shifts.std(axis=0))
    held_out = np.arange(COUNT) % 4 == 3
    solved, *_ = np.linalg.lstsq(terms[~held_out], simulated["read_snm"][~held_out], rcond=None)
    naive = np.sqrt(np.mean((terms[held_out] @ solved - simulated["read_snm"][held_out]) ** 2))
    (model,) = [model for model in fit_sram(simulated, {}) if model.name == "sram.read_snm"]
    assert naive > 10 * model.residual.rms


def test_a_model_refuses_shifts_that_it_never_saw(simulated):
    model = fit_sram(simulated, {})[0]
    inside = [0.0] * 6
    assert float(model(*inside)) == pytest.approx(0.690, rel=0.01)
    with pytest.raises(ModelRangeError, match="dvth_pass_gate_right"):
        model(*inside[:4], 0.5, 0.0)


def test_few_samples_give_a_simpler_model_and_too_few_none():
    exact = fit_sram(synthetic(120, np.random.default_rng(2)), {})[0]
    linear = fit_sram(synthetic(40, np.random.default_rng(2)), {})[0]
    constant = fit_sram(synthetic(12, np.random.default_rng(2)), {})[0]

    def used(model):
        return np.count_nonzero(np.asarray(model.parameters["coefficients"])[0])

    assert (used(exact), used(linear), used(constant)) == (28, 7, 1)
    assert linear.residual.rms > 100 * exact.residual.rms
    with pytest.raises(FitError, match="more samples"):
        fit_sram(synthetic(7, np.random.default_rng(2)), {})


def test_models_survive_the_model_file(simulated, tmp_path):
    models = {model.name: model for model in fit_sram(simulated, {"corner": "tt"})}
    ModelFile({"corner": "tt"}, models).save(tmp_path / "model.json")
    again = ModelFile.load(tmp_path / "model.json")
    shifts = [simulated[name][0] for name in SHIFTS]
    for name, model in models.items():
        assert float(again[name](*shifts)) == float(model(*shifts))


def stacked(task, count):
    outcomes = dict(executor(1).map(task, range(count)))
    names = [name for name, value in outcomes[0].record.items() if not isinstance(value, str) and np.ndim(value) == 0]
    return Samples(count, {name: np.array([outcomes[i].record[name] for i in range(count)]) for name in names})


@pytest.fixture(scope="module")
def design():
    return stacked(SramDesign(seed=5), 64)


def test_a_design_holds_nearly_every_fresh_cell_and_is_as_accurate(simulated, design):
    models = {model.name: model for model in fit_sram(design, {})}
    checked = check_sram(models, simulated)
    narrow = {
        model.name: model for model in fit_sram(Samples(64, {k: v[:64] for k, v in simulated.columns.items()}), {})
    }
    fresh = Samples(COUNT - 64, {name: values[64:] for name, values in simulated.columns.items()})
    assert check_sram(narrow, fresh)["sram.read_snm"].outside > 0.05 * fresh.count  # of a Monte Carlo's own box
    for name in NAMES:
        assert checked[name].outside < 0.02 * COUNT
    assert checked["sram.read_snm"].rms < 0.1e-3
    assert checked["sram.write_margin_bl"].rms < 0.1e-3
    assert checked["sram.leakage"].rms < 0.1
    assert checked["sram.leakage"].limit > 0


def test_a_designs_cell_is_the_same_alone(design):
    ((_, alone),) = executor(1).map(SramDesign(seed=5), [9])
    for name in design.columns:
        assert alone.record[name] == pytest.approx(design[name][9], rel=1e-7)
    assert alone.record["weight"] < 1


def test_lobes_are_compared_apart_and_samples_keep_their_numbers(simulated, design):
    models = {model.name: model for model in fit_sram(design, {})}
    found = {each.name: each for each in compare_sram(models, {}, design, simulated)}
    assert {"sram.read_snm_q0", "sram.read_snm_q1", "sram.leakage"} <= found.keys()
    lobe = found["sram.read_snm_q1"]
    number = int(lobe.index[lobe.held_out][3])
    assert lobe.simulated[lobe.held_out][3] == simulated["read_snm_q1"][number]
    assert np.sqrt(np.mean(lobe.error[lobe.held_out] ** 2)) < 0.1e-3
    zero, one = by_lobe(models["sram.read_snm"])
    shifts = [simulated[name][number] for name in SHIFTS]
    assert float(models["sram.read_snm"](*shifts)) == pytest.approx(min(float(zero(*shifts)), float(one(*shifts))))


def test_a_fit_over_conditions_recovers_what_is_smooth_in_them():
    """A made-up cell, polynomial in temperature, supply and shifts within the orders that are fitted."""
    made = survey(Span(temperatures=(-40.0, 125.0), supplies=(1.2, 1.98)))

    def filled(task, count):
        rng = np.random.default_rng(count)
        columns = {name: 0.03 * rng.standard_normal(count) for name in SHIFTS}
        at = np.repeat(np.array(task.conditions), task.count, axis=0)
        t, v = (at[:, 0] - 40) / 80, at[:, 1]
        z = np.stack(list(columns.values())) / 0.03
        columns |= {"temperature": at[:, 0], "vdd": at[:, 1], "weight": np.ones(count)}
        for number, part in enumerate(dict.fromkeys(part for parts in PARTS.values() for part in parts)):
            value = 0.3 + 0.1 * v**3 - 0.02 * t**2 * v + 0.01 * z[number % 6] * v**2 + 0.002 * z[0] * z[1] * t
            columns[part] = np.exp(value) if part in LOGARITHMIC else value
        for mode in ("read", "hold"):
            columns[f"{mode}_snm"] = np.minimum(columns[f"{mode}_snm_q0"], columns[f"{mode}_snm_q1"])
        return Samples(count, columns)

    seen, unseen = filled(made.design, made.samples), filled(made.held_out, made.held_out_samples)
    assert not set(zip(unseen["temperature"], unseen["vdd"], strict=True)) & set(made.design.conditions)
    models = {model.name: model for model in made.fit(seen, unseen, {"corner": "tt"})}
    assert set(models) == NAMES
    for model in models.values():
        assert model.residual.maximum < 1e-9
        assert model.residual.samples + model.residual.outside == made.held_out_samples
    with pytest.raises(ModelRangeError, match="vdd = 1 V"):
        models["sram.read_snm"](27.0, 1.0, *[0.0] * 6)
    with pytest.raises(ModelRangeError, match="temperature"):
        models["sram.leakage"](150.0, 1.8, *[0.0] * 6)


def test_points_of_a_range_hold_both_ends():
    assert points(-40.0, 125.0, 4)[[0, -1]] == pytest.approx([-40.0, 125.0])


def test_a_survey_simulates_the_same_cells_at_every_condition_and_others_to_check():
    conditions = ((-40.0, 1.2), (125.0, 1.98))
    wide = [outcome.record for _, outcome in executor(1).map(SramDesign(conditions=conditions, count=2), range(4))]
    assert [(r["temperature"], r["vdd"]) for r in wide] == [conditions[0]] * 2 + [conditions[1]] * 2
    assert wide[0]["dvth_pull_up_left"] == wide[2]["dvth_pull_up_left"] != wide[1]["dvth_pull_up_left"]
    assert wide[2]["leakage"] > 100 * wide[0]["leakage"]
    drawn = SramDesign(conditions=conditions, count=2, wide=False)
    assert len({outcome.record["dvth_pull_up_left"] for _, outcome in executor(1).map(drawn, range(4))}) == 4
