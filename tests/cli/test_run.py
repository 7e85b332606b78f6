"""A finished run: what it leaves, and the commands that read it."""

import json
import shutil

import pytest
import typer
from command import listing

from bitline.cli.summary import read_summary
from bitline.cli.terminal import resumable
from bitline.core.model_file import ModelFile
from bitline.core.samples import group_names


def test_what_a_run_leaves(finished, finished_run):
    _, ended = finished
    assert str(finished_run) in ended.err
    assert "results in" in ended.err
    names = set(listing(finished_run))
    assert {"config.toml", "model.json", "run.h5", "summary.json", "report.html"} <= names
    assert {"netlists/sram-butterfly.cir", "waveforms/reram-hysteresis.raw", "network/graph.npz"} <= names
    assert [name for name in names if name.startswith(".") or "journal" in name] == []
    assert {"sram/nominal", "reram/monte_carlo", "network/accuracy", "trust/linear"} <= set(
        group_names(finished_run / "run.h5")
    )


def test_the_headline_is_the_summarys(finished, finished_run):
    _, ended = finished
    found = read_summary(finished_run).figures["network"]
    first, *rest = ended.out.splitlines()
    assert first.startswith(f"tiny: accuracy {100 * found['accuracy'].value:.2f} %")
    assert "5 chips x 60 images" in first
    assert any("energy" in line and "latency" in line for line in rest)
    assert any("rung 2" in line for line in rest)


def test_every_figure_has_a_unit_and_a_kind(finished_run):
    figures = read_summary(finished_run).figures
    assert figures.keys() == {"sram", "sense_amp", "reram", "network"}
    for found in figures.values():
        assert all(figure.unit and figure.kind for figure in found.values())


def test_fit_of_a_run_is_its_model_file(call, finished_run, tmp_path):
    assert call("fit", finished_run, "-o", "again.json").code == 0
    again, kept = ModelFile.load(tmp_path / "again.json"), ModelFile.load(finished_run / "model.json")
    assert again.to_json() == kept.to_json()


def test_report_of_a_run(call, finished_run, tmp_path):
    ended = call("report", finished_run, "-o", "page.html")
    assert ended.code == 0
    assert ended.out == "wrote page.html\n"
    assert (tmp_path / "page.html").stat().st_size > 1e6


def test_verify_by_folder_and_by_study_file(call, finished_run, study_file, tmp_path):
    folder = tmp_path / "results/tiny" / finished_run.name
    shutil.copytree(finished_run, folder)
    few = ("--samples", 3, "--products", 1, "--images", 1, "--json")
    ended = call("verify", folder, *few)
    found = json.loads(ended.out)
    assert {rung["rung"] for rung in found["ladder"]} == {0, 1, 2, 3}
    assert ended.code == (0 if all(rung["holds"] for rung in found["ladder"]) else 1)
    assert (folder / "verification.json").is_file()
    by_study = call("verify", study_file, "--results", "results", *few)
    assert json.loads(by_study.out) == found  # of the run that is there: none is made
    assert len(list(folder.parent.iterdir())) == 1


def test_an_interrupt_within_a_numba_kernel_is_one_too():
    with pytest.raises(typer.Exit) as ended, resumable("bitline run x.toml"):
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
    assert ended.value.exit_code == 130
    inner, outer = SystemError("returned a result"), SystemError("returned a result")
    inner.__cause__, outer.__cause__ = KeyboardInterrupt(), inner
    with pytest.raises(typer.Exit) as ended, resumable("bitline run x.toml"):  # a kernel called by a kernel
        raise outer
    assert ended.value.exit_code == 130
    with pytest.raises(SystemError, match="another"), resumable("bitline run x.toml"):
        raise SystemError("another")
