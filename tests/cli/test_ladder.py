import numpy as np
import pytest

from bitline.cli.ladder import Rung, comparison, model_rungs, product_rungs
from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, ModelFile, Residual
from bitline.core.samples import Samples


def products(errors, failures=()):
    count = len(errors) + len(failures)
    columns = {
        "error": np.array([*errors, *(np.nan for _ in failures)]),
        "power_error": np.zeros(count),
        "noise_error": np.zeros(count),
        "g": np.zeros((count, 64, 64)),
        "drop": np.zeros((count, 128, 128)),
    }
    return Samples(count, columns if errors else {}, {len(errors) + k: "why" for k in range(len(failures))})


def test_products_within_the_limit_hold_and_one_beyond_does_not():
    good, *_ = product_rungs({"linear": products([1e-12, 3e-12])})
    assert good.holds
    assert (good.cases, good.maximum) == (2, 3e-12)
    assert "64 x 64 blocks of 128 x 128 tiles" in good.what
    assert not product_rungs({"linear": products([1e-12, 3e-8])})[0].holds


def test_a_failed_product_is_counted_and_the_rung_does_not_hold():
    some, *_ = product_rungs({"linear": products([1e-12], ["no convergence"])})
    assert not some.holds
    assert (some.cases, some.failed) == (1, 1)
    assert "1 more could not be simulated" in some.told()
    none, *_ = product_rungs({"linear": products([], ["no convergence"] * 3)})
    assert not none.holds
    assert (none.cases, none.failed) == (0, 3)


def test_a_rung_that_was_not_asked_for_is_told_and_does_no_harm():
    none, *_ = product_rungs({"linear": Samples(0, {})})
    assert none.holds
    assert "not checked" in none.told()


def test_models_keep_their_limits_and_count_what_lies_outside():
    model = FittedModel("a.b", "polynomial", (), "y", "V", {}, Residual(0, 0, 0, "V"), SIMULATED)
    models = ModelFile({}, {"a.b": model})
    (good,) = model_rungs(models, {"a.b": Residual(0.1, 0.2, 7, "V", outside=3, limit=0.3)}, "samples")
    assert good.holds
    assert "3 more outside its range" in good.told()
    (bad,) = model_rungs(models, {"a.b": Residual(0.1, 0.4, 7, "V", limit=0.3)}, "samples")
    assert not bad.holds
    (empty,) = model_rungs(models, {"a.b": Residual(0.0, 0.0, 0, "V", outside=9)}, "samples")
    assert (empty.cases, empty.outside) == (0, 9)


def test_a_comparison_is_of_sizes():
    rung = comparison(3, "decisions", "ngspice", np.array([0, 1, 0, 0]), "1", 0.0)
    assert (rung.rms, rung.maximum, rung.cases) == (0.5, 1.0, 4)
    assert not rung.holds
    assert comparison(3, "decisions", "ngspice", np.array([-3e-4]), "1").maximum == pytest.approx(3e-4)
    assert Rung(3, "x", "too large a network", 0).holds
