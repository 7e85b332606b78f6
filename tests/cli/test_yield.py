"""The command `bitline yield`: what it prints, keeps and refuses."""

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from bitline.cli.commands.yield_ import PARTS
from bitline.cli.limits import parse_limits
from bitline.cli.main import app
from bitline.core.errors import ConfigError
from spice.rare.part import part_names

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
        (["yield", "sram"], "nothing that can fail"),
        (["yield", "sram", "--below", "1m"], "give each metric its limit"),
        ([*ASKED, "--above", "1", "--above", "2"], "limits read_snm twice"),
        ([*ASKED[:4], "--below", "hold_snm=1", "--above", "hold_snm=2"], "give each metric its limit"),
        ([*ASKED, "--above", "read_snm=1", "--metric", "hold_snm"], "name the metric of each limit"),
        (["yield", "sram", "--below", "read_snm=1m", "--below", "read-snm=2m"], "limits read_snm twice"),
        (["yield", "sram", "--below", "read_snmm=1m"], "did you mean 'read_snm'"),
        (["yield", "read-access", "--metric", "margin", "--below", "0"], "--sensing-time"),
        (["yield", "sense-amp", "--metric", "offset", "--above", "1", "--sensing-time", "1p"], "no setting"),
        (["yield", "macro", "--cell-failure", "often"], "neither a probability"),
        (["yield", "macro", "--cell-failure", "2"], "no probability"),
        (["yield", "macro", "--cell-failure", "1e-6", "--words", "10", "--ways", "4"], "do not fill"),
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


def test_limits_above_and_below_are_said_with_their_metric():
    asked = ("--metric", "offset", "--below", "-100m", "--above", "80m", "--variation", "vth")
    answer = run("yield", "sense-amp", *asked, "--method", "plain", "--max-simulations", "3", "--json")
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert (said["part"], said["metric"]) == ("sense_amp", "offset")
    assert (said["below"], said["above"]) == ({"offset": -0.1}, {"offset": 0.08})
    assert parse_limits((), ["a=1m"], ["b=2", "a=3"], lambda _metric: "V") == ({"a": 1e-3}, {"b": 2.0, "a": 3.0})
    assert parse_limits(("a", "b"), (), ["1", "2"], lambda _metric: "V") == ({}, {"a": 1.0, "b": 2.0})
    assert parse_limits(("a",), ["1"], ["b=2"], lambda _metric: "V") == ({"a": 1.0}, {"b": 2.0})


def test_help_names_every_part_and_the_macro():
    said = " ".join(run("yield", "--help").stdout.split())
    assert "macro" in said
    assert sorted(PARTS.replace("-", "_").split(", ")) == part_names()


def kept(folder, part, value, *, trusted=True):
    found = {"probability": {"value": value, "ci_low": value / 2, "ci_high": value * 2}, "part": part}
    folder.mkdir()
    (folder / "yield.json").write_text(json.dumps({**found, "trusted": trusted}))
    return str(folder)


def test_a_macro_takes_what_was_estimated_before(tmp_path):
    cell, column = kept(tmp_path / "cell", "sram", 1e-5), kept(tmp_path / "column", "sense_amp", 1e-4, trusted=False)
    answer = run("yield", "macro", "--cell-failure", cell, "--column-failure", f"{column}/yield.json", "--json")
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert said["yield"]["value"] == pytest.approx((1 - 1e-5) ** 2048 * (1 - 1e-4) ** 16)
    assert said["yield"]["ci_low"] == pytest.approx((1 - 2e-5) ** 2048 * (1 - 2e-4) ** 16)
    assert said["yield"]["ci_high"] == pytest.approx((1 - 5e-6) ** 2048 * (1 - 5e-5) ** 16)
    assert said["yield"]["kind"] == "modelled"
    assert said["with_redundancy"]["value"] == said["yield"]["value"] < said["with_ecc"]["value"]
    assert said["expected_failing_words"]["value"] == pytest.approx(128 * 16 * 1.1e-4, rel=1e-2)
    assert (said["words"], said["word_bits"], said["check_bits"]) == (128, 16, 5)
    assert said["warnings"] == ["the column failure is an estimate that is itself not to be trusted"]


def test_an_amplifiers_failure_is_no_cells(tmp_path):
    answer = run("yield", "macro", "--cell-failure", kept(tmp_path / "kept", "sense_amp", 1e-4), "--spare-rows", "2")
    assert answer.exit_code == 0, answer.output
    assert "--column-failure" in answer.stderr
    assert "with_redundancy" in answer.stdout
    (tmp_path / "kept/yield.json").write_text("{}")
    broken = run("yield", "macro", "--cell-failure", str(tmp_path / "kept"))
    assert "no answer of bitline yield" in str(broken.exception)
