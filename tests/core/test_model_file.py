import dataclasses
import json

import numpy as np
import pytest

from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Input, ModelFile, Residual, quadratic_terms, residual

SCORE = Input("score", "1", -3.0, 3.0)
NONE = Residual(0.0, 0.0, 1, "V")


def model(kind, parameters, *inputs):
    return FittedModel("m", kind, inputs, "y", "V", parameters, NONE, SIMULATED)


def test_each_kind_evaluates_its_formula():
    x = Input("x", "V", 0.0, 2.0)
    assert model("polynomial", {"coefficients": [1.0, 2.0, 3.0]}, x)(2.0) == 17.0
    assert model("normal", {"mean": 1.0, "sigma": 2.0}, SCORE)(-1.5) == -2.0
    assert model("log_linear", {"a": 1.0, "b": 2.0, "x0": 0.5}, x)(0.5 * np.e) == pytest.approx(3.0)
    assert model("interpolation", {"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 4.0]}, x)(1.0) == 1.0
    g = Input("g", "S", 1e-6, 40e-6)
    iv = model("sinh_iv", {"v_ref": 0.2, "k": [2.0]}, x, g)
    assert iv(0.2, 1e-5) == pytest.approx(2e-6)
    assert iv(0.1, 1e-5) == pytest.approx(2e-6 * np.sinh(0.2) / np.sinh(0.4))
    two = {"scale": [1.0, 2.0], "coefficients": [[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]]}
    cubic = {"scale": [1.0, 2.0], "powers": [[0, 0], [1, 0], [1, 2]], "coefficients": [1.0, 10.0, 100.0]}
    assert model("monomials", cubic, x, x)(1.5, 2.0) == 1 + 15 + 150
    assert np.array_equal(model("monomials", cubic, x, x)(np.array([[0.0], [2.0]]), 2.0), [[1.0], [221.0]])
    lobes = model("minimum_of_quadratics", two, x, x)
    assert lobes(1.0, 2.0) == 2.0  # min(1 + 1, 1 + 1 + 1)
    assert lobes([0.0, 2.0], [0.0, 0.0]).tolist() == [0.0, 3.0]


def test_the_least_corner_bounds_what_is_monotone_and_is_exact_on_knots():
    table = {"knots": [[0.0, 1.0, 2.0], [0.0, 2.0]], "values": [[5.0, 9.0], [4.0, 7.0], [1.0, 2.0]]}
    bound = model("least_corner", table, Input("x", "V", 0.0, 2.0), Input("y", "V", 0.0, 2.0))
    assert bound([0.0, 1.0, 2.0], [2.0, 0.0, 2.0]).tolist() == [9.0, 4.0, 2.0]
    assert bound(0.5, 2.0) == 7.0  # on one knot and between two
    assert bound(1.5, 1.0) == 1.0  # the least of four
    assert bound(0.5, [0.0, 1.0]).tolist() == [4.0, 4.0]


def test_the_terms_of_a_quadratic():
    assert quadratic_terms(np.array([2.0, 3.0])).tolist() == [1, 2, 3, 4, 6, 9]


@pytest.mark.parametrize("value", [3.1, -3.1, float("nan")])
def test_outside_the_fitted_range_it_refuses(value):
    with pytest.raises(ModelRangeError, match=r"score = .* outside the fitted range -3 to 3"):
        model("normal", {"mean": 0.0, "sigma": 1.0}, SCORE)([0.0, value])


def test_a_file_comes_back_equal_and_equal_files_are_equal_bytes(tmp_path):
    one = model("normal", {"mean": 0.1, "sigma": 1 / 3}, SCORE)
    file = ModelFile({"corner": "tt", "seed": 3}, {"m": one})
    file.save(tmp_path / "model.json")
    back = ModelFile.load(tmp_path / "model.json")
    assert back == file
    assert back.to_json() == (tmp_path / "model.json").read_text()
    with pytest.raises(FitError, match="holds no 'n', only m"):
        back["n"]


def broken(tmp_path, change):
    file = ModelFile({}, {"m": model("normal", {"mean": 0.1, "sigma": 1.0}, SCORE)})
    document = json.loads(file.to_json())
    change(document)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="x"), "not a bitline model file"),
        (lambda d: d.update(version=99), "version 99"),
        (lambda d: d.pop("models"), "models"),
        (lambda d: d["models"]["m"].update(kind="spline"), "unknown kind 'spline'"),
        (lambda d: d["models"]["m"].update(colour="red"), "colour"),
        (lambda d: d["models"]["m"].pop("residual"), "residual"),
    ],
)
def test_a_broken_file_is_refused_and_the_key_named(tmp_path, change, said):
    with pytest.raises(ConfigError, match=said):
        ModelFile.load(broken(tmp_path, change))


def test_no_file_and_no_json(tmp_path):
    with pytest.raises(ConfigError, match="bitline fit"):
        ModelFile.load(tmp_path / "none.json")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        ModelFile.load(tmp_path / "x.json")


def test_residuals():
    r = residual(np.array([1.0, 2.0]), np.array([1.0, 1.0]), "V")
    assert (r.rms, r.maximum, r.samples) == (pytest.approx(0.5**0.5), 1.0, 2)
    assert residual(np.array([1.1]), np.array([1.0]), "1").maximum == pytest.approx(0.1)


def test_a_model_needs_all_its_inputs():
    with pytest.raises(TypeError, match="takes 1 inputs"):
        model("normal", {"mean": 0.1, "sigma": 1.0}, SCORE)()
    assert dataclasses.replace(NONE, samples=2).samples == 2
