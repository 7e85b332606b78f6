import numpy as np
import pytest

from bitline.core.errors import FitError, ModelRangeError
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile, quadratic_terms
from bitline.core.samples import Samples
from spice.fits_sram import fit_sram
from spice.sram import SHIFTS, UNITS, SramMonteCarlo

COUNT = 200
NAMES = {"sram.hold_snm", "sram.read_snm", "sram.write_margin_bl", "sram.write_margin_wl", "sram.read_current"}


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
    ]
    truth = {name: np.append(0.3, 0.01 * rng.standard_normal(terms.shape[1] - 1)) for name in parts}
    columns |= {name: terms @ truth[name] for name in parts}
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
        assert model.residual.rms < 0.01 * spread, name
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
