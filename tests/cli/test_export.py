import csv
import json
import subprocess

import numpy as np
import pytest

from circuits.reram.devices import load_device
from spice.butterfly import Butterfly
from spice.raw import read_raw


@pytest.fixture
def rerun(call, tmp_path, monkeypatch):
    """Export a part's netlists, run each in plain ngspice, and give their vectors by netlist."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # ngspice is slower with more

    def run(part, *options):
        ended = call("export", "netlist", part, "-o", "netlists", *options)
        assert ended.code == 0, ended.err
        plots = {}
        for path in sorted((tmp_path / "netlists").iterdir()):
            assert f"wrote netlists/{path.name}" in ended.out
            raw = tmp_path / f"{path.stem}.raw"
            ran = subprocess.run(["ngspice", "-b", "-r", raw, path], capture_output=True, text=True, check=False)  # noqa: S607
            assert ran.returncode == 0, ran.stdout + ran.stderr
            (plots[path.stem],) = read_raw(raw)
        return plots

    return run


@pytest.fixture
def figures(call):
    """The nominal figures of a part, by name."""

    def run(part, *options):
        found = json.loads(call("characterize", part, "--samples", 0, "--json", *options).out)
        return {name: figure["value"] for name, figure in found.items()}

    return run


def test_netlists_of_the_sram_cell(rerun, figures):
    options = ("--vdd", "1.6", "--corner", "ff")
    plots, figures = rerun("sram", *options), figures("sram", *options)
    assert plots.keys() == {"sram-butterfly", "sram-cell", "sram-write"}
    swept = plots["sram-butterfly"]
    snm = min(Butterfly(swept["v-sweep"], swept["q"], swept["qb"]).lobes())
    assert snm == pytest.approx(figures["read_snm"], abs=1e-6)
    assert abs(plots["sram-cell"]["vbl#branch"][0]) == pytest.approx(figures["read_current"], rel=1e-3)


def test_netlists_of_the_sense_amplifier(rerun):
    plots = rerun("sense-amp")
    (swept,) = plots.values()
    assert {swept["xsense.dint"][-1] > 1.7, swept["xsense.dint_bar"][-1] > 1.7} == {True, False}  # it has decided


def test_netlists_of_the_reram_cell(rerun, figures):
    plots, figures = rerun("reram"), figures("reram")
    assert plots.keys() == {"reram-cell", "reram-hysteresis", "reram-read"}
    loop = plots["reram-hysteresis"]
    back = (loop["time"] > 1e-6) & (loop["time"] < 2e-6)  # from SET: the device is in its LRS
    v, i = loop["te"][back][::-1], -loop["vramp#branch"][back][::-1]
    assert np.interp(0.2, v, i) / 0.2 == pytest.approx(figures["g_lrs"], rel=1e-3)
    assert -plots["reram-cell"]["vtop#branch"].min() == pytest.approx(figures["set_current"], rel=1e-3)
    held = plots["reram-read"]  # at the state of highest conductance
    assert held["valone#branch"][0] / 0.2 > figures["g_lrs"]


def test_a_netlist_says_what_it_is_made_from(call, tmp_path):
    call("export", "netlist", "reram", "-o", "n", "--corner", "ss", "--vdd", "1.7", "--set", "v_read=100m")
    text = (tmp_path / "n/reram-read.cir").read_text()
    for line in ("* corner: ss", "* vdd: 1.7", "* device: stanford_pku", "* v_read: 0.1"):
        assert f"{line}\n" in text
    assert load_device("stanford_pku").name in text


def test_waveforms_in_both_formats(call, finished_run, tmp_path):
    listed = call("export", "waveform", finished_run)
    assert listed.code == 0
    names = [line.split()[0] for line in listed.out.splitlines()]
    assert {"sram-read-butterfly", "sense_amp-read-0", "reram-hysteresis"} <= set(names)
    for name in names:
        for suffix in ("raw", "csv"):
            assert call("export", "waveform", finished_run, name, "-o", f"w.{suffix}").code == 0
        (plot,) = read_raw(tmp_path / "w.raw")
        with (tmp_path / "w.csv").open() as file:
            header, *rows = csv.reader(file)
        assert len(header) == len(plot)
        for title, column, vector in zip(header, np.array(rows, dtype=float).T, plot.values(), strict=True):
            assert title.endswith(")")  # its unit
            np.testing.assert_array_equal(column, vector)
        kept = finished_run / "waveforms" / f"{name}.raw"
        assert [list(plot) for plot in read_raw(kept)] == [list(plot)]


def test_a_waveform_that_is_not_there(refused, finished_run):
    assert "did you mean 'reram-hysteresis'" in refused(
        "export", "waveform", finished_run, "reram-hysteresys", "-o", "w.raw"
    )
    assert "w.vcd: waveforms are written as .raw or .csv" in refused(
        "export", "waveform", finished_run, "reram-hysteresis", "-o", "w.vcd"
    )
    assert "give -o reram-hysteresis.raw" in refused("export", "waveform", finished_run, "reram-hysteresis")
    assert "no/w.raw" in refused("export", "waveform", finished_run, "reram-hysteresis", "-o", "no/w.raw")
