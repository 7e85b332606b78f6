"""The command `bitline yield`: what it prints, keeps and refuses."""

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from bitline.cli.commands.yield_ import METRICS, PARTS
from bitline.cli.limits import parse_limits
from bitline.cli.macro_yield import near_one
from bitline.cli.main import app
from bitline.core.errors import ConfigError
from spice.rare.part import part_names, rare_part

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
    assert (tmp_path / "kept/yield.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    likely = said["likely_failures"]
    assert len(likely) == 2
    assert 5 < likely[0]["distance"] <= likely[1]["distance"] < 6.5
    assert max(likely[0]["scores"].items(), key=lambda item: abs(item[1]))[0].startswith("dvth_pull_down")
    curve = said["curve"]
    middle = curve["limit"].index(0.15)
    assert curve["probability"][middle] == pytest.approx(probability["value"], rel=0.1)
    assert curve["probability"][0] < curve["probability"][middle] / 10 < curve["probability"][-1] / 100


def test_several_metrics_in_one_option_fail_a_cell_in_either_way():
    asked = ("--method", "plain", "--max-simulations", "5", "--variation", "vth", "--json")
    answer = run("yield", "sram", "--metric", "read_snm,write_margin_bl", "--below", "150m,650m", *asked)
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert said["below"] == {"read_snm": 0.15, "write_margin_bl": 0.65}
    assert said["metric"] == "read_snm or write_margin_bl"


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
    for part, metrics in METRICS.items():
        assert sorted(metrics.split(", ")) == sorted(rare_part(part).METRICS)
        assert metrics.split(", ")[0] in said
    assert "--sensing-time" in said
    assert "--relative-error" in said


def kept(folder, part, value, *, trusted=True, **more):
    found = {"probability": {"value": value, "ci_low": value / 2, "ci_high": value * 2}, "part": part, **more}
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
    assert said["failure"]["value"] == pytest.approx(1 - said["yield"]["value"])
    assert said["failure"]["ci_low"] < said["failure"]["value"] < said["failure"]["ci_high"]
    assert said["with_redundancy"]["value"] == said["yield"]["value"] < said["with_ecc"]["value"]
    assert said["expected_failing_words"]["value"] == pytest.approx(128 * 16 * 1.1e-4, rel=1e-2)
    assert (said["words"], said["word_bits"], said["check_bits"]) == (128, 16, 5)
    assert said["warnings"] == ["the column failure is an estimate that is itself not to be trusted"]


def test_a_yield_near_one_is_said_by_what_is_missing():
    answer = run("yield", "macro", "--cell-failure", "1e-12")
    assert answer.exit_code == 0, answer.output
    assert "2.048e-09" in answer.stdout
    assert "99.99999980 % bare" in answer.stdout
    assert near_one(0.25) == "75.00 %"
    assert near_one(1e-15) == near_one(0.0) == "over 99.9999999999 %"
    said = json.loads(run("yield", "macro", "--cell-failure", "1e-12", "--json").stdout)
    assert said["failure"]["value"] == pytest.approx(2.048e-9)


def test_a_macro_that_is_drawn_says_its_error_and_takes_a_seed():
    asked = ["yield", "macro", "--cell-failure", "3e-5", "--spare-rows", "1", "--spare-columns", "1", "--json"]
    said, other = (json.loads(run(*asked, "--seed", seed).stdout) for seed in ("1", "2"))
    assert (said["seed"], other["seed"]) == (1, 2)
    drawn = said["failure_with_redundancy"]
    assert drawn["value"] != other["failure_with_redundancy"]["value"]
    assert 0 < drawn["sigma"] < 0.2 * drawn["value"]
    assert f"{drawn['sigma']:.1e}" in drawn["source"]
    assert drawn["ci_high"] - drawn["ci_low"] == pytest.approx(2 * 1.96 * drawn["sigma"])
    assert said["with_redundancy"]["ci_low"] == 1 - drawn["ci_high"]
    assert "sigma" not in said["failure_with_ecc"]  # exact
    bound = said["failure_with_both"]
    assert (bound["source"], bound["ci_low"]) == ("an upper bound", 0.0)


def test_a_macro_takes_reads_at_its_enable(tmp_path):
    reads = kept(tmp_path / "late", "read_access", 1e-7, settings={"sensing_time": 2e-10})
    asked = ["yield", "macro", "--cell-failure", "1e-9", "--read-failure", "150p=1e-4", "--read-failure", reads]
    answer = run(*asked, "--enable-time", "180p", "--enable-sigma", "5p", "--json")
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert said["timing"]["times"] == [1.5e-10, 2e-10]
    assert said["timing"]["early"] == pytest.approx(6)
    assert 2048 * 1e-7 < said["failure"]["value"] < 2048 * 1e-4
    for arguments, named in (
        (asked, "--enable-time"),
        ([*asked[:4], "--enable-time", "1p"], "--read-failure"),
        ([*asked[:4], "--read-failure", "1e-4", "--enable-time", "1p"], "at which sensing time"),
        ([*asked, "--enable-time", "1n"], "outside"),
    ):
        assert named in str(run(*arguments).exception)


def test_an_amplifiers_failure_is_no_cells(tmp_path):
    answer = run("yield", "macro", "--cell-failure", kept(tmp_path / "kept", "sense_amp", 1e-4), "--spare-rows", "2")
    assert answer.exit_code == 0, answer.output
    assert "--column-failure" in answer.stderr
    assert "with_redundancy" in answer.stdout
    (tmp_path / "kept/yield.json").write_text("{}")
    broken = run("yield", "macro", "--cell-failure", str(tmp_path / "kept"))
    assert "no answer of bitline yield" in str(broken.exception)
