"""The command `bitline yield`: what it prints, keeps and refuses."""

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from bitline.cli.main import app
from bitline.core.errors import ConfigError

ASKED = ["yield", "sram", "--metric", "read_snm", "--below", "150m", "--variation", "vth"]


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_json_holds_every_key_in_the_style_of_figures(tmp_path):
    answer = run(*ASKED, "--json", "--out", str(tmp_path / "kept"), "--seed", "2")
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    probability = said["probability"]
    assert 0 < probability["ci_low"] < probability["value"] < probability["ci_high"] < 2e-9
    assert (probability["unit"], probability["kind"]) == ("1", "simulated (ngspice)")
    assert said["relative_error"]["value"] < 0.1
    assert said["effective_samples"]["value"] > 100
    assert 0 < said["simulations"]["value"] <= 200
    assert said["failed_simulations"]["value"] == 0
    assert (said["method"], said["trusted"], said["warnings"]) == ("mixture importance sampling", True, [])
    assert (said["variation"], said["metric"], said["below"]) == ("vth", "read_snm", {"read_snm": 0.15})
    assert (said["corner"], said["vdd"], said["seed"]) == ("tt", 1.8, 2)

    assert json.loads((tmp_path / "kept/yield.json").read_text()) == said
    with h5py.File(tmp_path / "kept/yield.h5") as file:
        kept = file["sram/yield"]
        assert kept["scores"].shape == (said["simulations"]["value"], 6)
        assert np.sum(kept["read_snm_q0"][:] < 0.15) > 10
        assert json.loads(kept.attrs["below"]) == {"read_snm": 0.15}
    assert not list((tmp_path / "kept").glob(".yield*"))


def test_an_answer_that_is_not_to_be_trusted_says_so():
    answer = run(*ASKED, "--method", "plain", "--max-simulations", "20", "--json")
    said = json.loads(answer.stdout)
    assert said["trusted"] is False
    assert "too few" in said["warnings"][0]
    assert said["probability"]["value"] == 0
    assert said["relative_error"]["value"] is None
    assert "warning" in answer.stderr


def test_the_table_names_the_method():
    answer = run(
        *ASKED[:4], "--below", "250m", "--method", "plain", "--max-simulations", "20", "--relative-error", "0.9"
    )
    assert answer.exit_code == 0, answer.output
    assert "plain Monte Carlo" in answer.stdout
    assert "95 % interval" in answer.stdout
    assert "full variation" in " ".join(answer.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["yield", "sram", "--metric", "read_snmm", "--below", "1m"], "did you mean 'read_snm'"),
        (["yield", "sram", "--metric", "read_snm", "--below", "150x"], "'150x'"),
        (["yield", "sram", "--metric", "read_snm", "--below", "150uA"], "expected 'V'"),
        (["yield", "srm", "--metric", "read_snm", "--below", "150m"], "did you mean 'sram'"),
        ([*ASKED, "--metric", "hold_snm"], "give each metric its limit"),
        ([*ASKED, "--metric", "read-snm", "--below", "1m"], "given twice"),
        ([*ASKED, "--method", "subsets"], "did you mean 'subset'"),
        ([*ASKED, "--corner", "tf"], "no corner 'tf'"),
        ([*ASKED, "--max-simulations", "9"], "at least"),
    ],
)
def test_bad_questions_are_refused_in_one_message(arguments, named):
    answer = run(*arguments)
    assert answer.exit_code == 1
    assert isinstance(answer.exception, ConfigError)
    assert named in str(answer.exception)
