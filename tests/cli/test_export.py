import csv
import functools
import hashlib
import itertools
import json
import re
import subprocess
from dataclasses import replace

import h5py
import numpy as np
import pytest

from bitline.cli.artefacts import WAVEFORM_FORMATS, write_netlist, write_netlists, write_waveform
from bitline.cli.characterise import Work, nominal_figures
from bitline.cli.vcd import timescale
from bitline.core.errors import ConfigError
from circuits.reram.devices import load_device
from spice.butterfly import Butterfly
from spice.characterise import Conditions, part_names
from spice.characterise import part as part_of
from spice.engine import engine
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


SMALL = {
    "bit_errors": {"cells": 8.0, "supplies": 1.0},
    "sram_column": {"cells": 8.0, "ways": 2.0},
    "sram_macro": {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 2.0},
    "sram_storage": {"address_bits": 3.0, "word_bits": 2.0, "replica_cells": 2.0},
}  # the rest are small as they are
MOST = 2  # netlists of a part that are run once more


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Run each of a part's netlists with `ngspice -b FILE` and nothing else; the file and what was said, by netlist."""

    @functools.cache
    def run(part):
        said = {}
        for path in write_netlists(tmp_path_factory.mktemp(part), part, Conditions(), SMALL.get(part)):
            ran = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=False, timeout=60)  # noqa: S607
            assert ran.returncode == 0, f"{path.name}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
            said[path.stem.removeprefix(f"{part}-")] = (path.read_text(), ran.stdout)
        return said

    return run


@pytest.mark.parametrize("part", part_names())
def test_every_netlist_runs_alone(alone, part):
    for name, (_, said) in alone(part).items():
        numbers = re.findall(r"[-+]?\d\.\d+e[-+]\d\d", said)
        assert len(numbers) > 4, name  # a table, an operating point or measures
        assert not re.search("^error|no simulations run|aborted", said, re.IGNORECASE | re.MULTILINE), name


@pytest.mark.parametrize("part", part_names())
def test_every_netlist_gives_the_same_waveforms_alone(part, tmp_path):
    """Figures are made of what ngspice gives in bitline's own process; the exported file gives it without bitline."""
    settings = SMALL.get(part)
    netlists = part_of(part, settings).netlists(Conditions())
    for key, netlist in list(netlists.items())[:MOST]:
        path, raw = tmp_path / f"{key}.cir", tmp_path / f"{key}.raw"
        bare = replace(netlist, measures=())  # par('...') of a measure is an element more, and moves the last digits
        write_netlist(path, bare, {})
        subprocess.run(["ngspice", "-b", "-r", raw, path], capture_output=True, check=True, timeout=60)  # noqa: S607
        plot = {name: vector for one in read_raw(raw) for name, vector in one.items()}  # noise has two
        running = engine()
        running.load(bare)
        ours = running.run(netlist.analyses[-1].removeprefix("."))
        shared = [name for name in plot if name in ours]
        assert len(shared) > 1, key
        for name in shared:
            assert plot[name].shape == ours[name].shape, (key, name)
            pair = (plot[name], ours[name])
            if name == "frequency":  # of whose imaginary part ngspice sets nothing: what lay in its memory
                pair = (np.real(plot[name]), np.real(ours[name]))
            np.testing.assert_allclose(*pair, rtol=1e-6, atol=1e-15, err_msg=f"{key} {name}")


def charges(said):
    return np.array([float(charge) for charge in re.findall(r"charge_\w+ += +(\S+)", said)])


@pytest.mark.parametrize("part", ["sram_column", "sram_macro"])
def test_measures_give_the_energy_of_a_cycle(alone, part):
    figures = nominal_figures(Work(part, settings=SMALL[part]))
    for what in ("read", "write"):
        drawn = [-1.8 * charges(alone(part)[f"{what}-{bit}"][1]).sum() for bit in (0, 1)]
        assert np.mean(drawn) == pytest.approx(figures[f"{what}_energy"].value, rel=2e-3), what


def test_the_macro_as_a_whole_and_its_critical_path_are_one_circuit(alone):
    path, whole = (charges(alone("sram_macro")[name][1]) for name in ("read-1", "whole"))
    assert len(path) == len(whole) == 7
    assert whole.sum() == pytest.approx(path.sum(), rel=0.05)
    text, _ = alone("sram_macro")["whole"]
    columns = len(re.findall("^xcolumn", text, re.MULTILINE))
    (body,) = re.findall(r"^\.subckt column .*?^\.ends", text, re.MULTILINE | re.DOTALL)
    assert columns * len(re.findall(r"^x\w+ .* cell mult=", body, re.MULTILINE)) == 8 * 2  # every bit


def test_a_crossbar_runs_alone(call, tmp_path):
    conductances = np.array([[20e-6, 5e-6], [1e-6, 40e-6], [10e-6, 10e-6]])  # (word lines, bit lines), S
    np.save(tmp_path / "g.npy", conductances)
    np.save(tmp_path / "v.npy", np.array([0.2, 0.1, 0.3]))
    arrays = ("--g", "g.npy", "--v", "v.npy", "--r-wire", "1m")
    assert call("export", "netlist", "crossbar", *arrays, "-o", "x.cir").code == 0
    ran = subprocess.run(["ngspice", "-b", "x.cir"], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S607
    said = [abs(float(number)) for number in re.findall(r"[-+]?\d\.\d+e[-+]\d\d", ran.stdout)]
    for current in conductances.T @ [0.2, 0.1, 0.3]:
        assert min(abs(number / current - 1) for number in said) < 1e-5


def test_the_header_leaves_the_circuit_as_it_is(call, tmp_path):
    call("export", "netlist", "sram", "-o", "n")
    for path in (tmp_path / "n").iterdir():
        title, *lines = path.read_text().splitlines(keepends=True)
        body = itertools.dropwhile(lambda line: line.startswith(("* ", ".options num_threads", ".print")), lines)
        found = hashlib.sha256("".join([title, *body]).encode()).hexdigest()
        assert f"* sha256 without this header: {found}\n" in lines


def test_waveforms_in_every_format(call, finished_run, tmp_path):
    listed = call("export", "waveform", finished_run)
    assert listed.code == 0
    names = [line.split()[0] for line in listed.out.splitlines()]
    assert {"sram-read-butterfly", "sense_amp-read-0", "reram-hysteresis"} <= set(names)
    for name in names:
        for suffix in ("raw", "csv", "h5"):
            assert call("export", "waveform", finished_run, name, "-o", f"w.{suffix}").code == 0
        (plot,) = read_raw(tmp_path / "w.raw")
        with (tmp_path / "w.csv").open() as file:
            header, *rows = csv.reader(file)
        assert len(header) == len(plot)
        for title, column, vector in zip(header, np.array(rows, dtype=float).T, plot.values(), strict=True):
            assert title.endswith(")")  # its unit
            np.testing.assert_array_equal(column, vector)
        with h5py.File(tmp_path / "w.h5") as file:
            assert [f"{key} ({data.attrs['unit']})" for key, data in file.items()] == header
            for data, vector in zip(file.values(), plot.values(), strict=True):
                np.testing.assert_array_equal(data, vector)
        kept = finished_run / "waveforms" / f"{name}.raw"
        assert [list(plot) for plot in read_raw(kept)] == [list(plot)]


SLOW = {"sram_column", "sram_macro"}  # their waveforms are of the kind of eight_t_column's


@pytest.mark.parametrize("name", sorted(set(part_names()) - SLOW))
def test_every_waveform_of_a_part_in_every_format(name, tmp_path):
    made = part_of(name, SMALL.get(name))
    if not made.waveforms:
        pytest.skip("it has none")
    task = made.nominal(Conditions())
    record = task.run(task.prepare(), 0)
    for key, fields in made.waveforms.items():
        wave = {field: np.asarray(record[field], dtype=np.float64) for field in fields}
        for suffix in WAVEFORM_FORMATS:
            path = tmp_path / f"{key}{suffix}"
            if suffix == ".vcd" and made.units[fields[0]] != "s":
                with pytest.raises(ConfigError, match="has a time axis"):
                    write_waveform(path, key, wave, made.units, 1.8)
                continue
            write_waveform(path, key, wave, made.units, 1.8)
        (plot,) = read_raw(tmp_path / f"{key}.raw")
        for found, field in zip(plot.values(), fields, strict=True):
            np.testing.assert_array_equal(found, wave[field])
        with h5py.File(tmp_path / f"{key}.h5") as file:
            assert list(file) == list(fields)
        if made.units[fields[0]] == "s":
            _, said = changes((tmp_path / f"{key}.vcd").read_text())
            assert {f"real:{field}" for field in fields[1:]} <= said.keys()


def changes(text):
    """A value change dump read back: tick in s, and (time, value) pairs by signal."""
    head, _, body = text.partition("$enddefinitions $end\n")
    number, prefix = re.search(r"\$timescale (\d+) (\w+) \$end", head).groups()
    tick = int(number) * {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15}[prefix]
    names = {key: f"{kind}:{name}" for kind, key, name in re.findall(r"\$var (\w+) \d+ (\S+) (\S+) \$end", head)}
    found, at = {name: [] for name in names.values()}, None
    for line in body.splitlines():
        if line[0] == "#":
            assert at is None or int(line[1:]) > at
            at = int(line[1:])
        elif line[0] == "r":
            value, key = line[1:].split()
            found[names[key]].append((at * tick, float(value)))
        else:
            found[names[line[1:]]].append((at * tick, line[0]))
    return tick, found


def test_a_value_change_dump_holds_reals_and_logic(call, finished_run, tmp_path):
    for suffix in ("vcd", "raw"):
        assert call("export", "waveform", finished_run, "sense_amp-read-1", "-o", f"w.{suffix}").code == 0
    (plot,) = read_raw(tmp_path / "w.raw")
    tick, found = changes((tmp_path / "w.vcd").read_text())
    time, *_ = plot.values()
    assert tick <= np.diff(time).min() / 10
    for name, wave in list(plot.items())[1:]:
        times, values = np.array(found[f"real:{name}"]).T
        kept = np.searchsorted(times, time - time[0] + tick, side="right") - 1
        np.testing.assert_array_equal(values[kept], wave)
        logic = [bit for _, bit in found[f"wire:{name}"]]
        assert all(a != b for a, b in itertools.pairwise(logic))
        for at, bit in found[f"wire:{name}"]:
            level = wave[np.argmin(np.abs(time - time[0] - at))] / 1.8
            assert bit == ("0" if level < 0.3 else "1" if level > 0.7 else "x")
    (switched,) = (key for key in found if key.startswith("wire:") and key.endswith("dout"))
    assert [bit for _, bit in found[switched]][-1] == "1"


@pytest.mark.parametrize(
    ("shortest", "written"), [(1e-12, "100 fs"), (2.5e-9, "100 ps"), (3.0, "100 ms"), (1e-15, "1 fs"), (20.0, "1 s")]
)
def test_the_timescale_resolves_the_shortest_step(shortest, written):
    assert timescale(np.array([0.0, shortest, 3 * shortest]))[1] == written


def test_a_waveform_that_is_not_there(refused, finished_run):
    assert "did you mean 'reram-hysteresis'" in refused(
        "export", "waveform", finished_run, "reram-hysteresys", "-o", "w.raw"
    )
    assert "w.txt: waveforms are written as .raw, .csv, .vcd or .h5, not '.txt'" in refused(
        "export", "waveform", finished_run, "reram-hysteresis", "-o", "w.txt"
    )
    assert "a .vcd has a time axis, this is over vin (V)" in refused(
        "export", "waveform", finished_run, "sram-read-butterfly", "-o", "w.vcd"
    )
    assert "give -o reram-hysteresis.raw" in refused("export", "waveform", finished_run, "reram-hysteresis")
    assert "no/w.raw" in refused("export", "waveform", finished_run, "reram-hysteresis", "-o", "no/w.raw")
