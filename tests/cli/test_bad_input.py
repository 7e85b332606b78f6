"""Bad input: one message that names what is wrong and what to do, an exit status, nothing written."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from command import PROGRAM, TINY, bitline, listing

from circuits.technology import load_technology

STUDIES = {
    "misspelt key": ("[network]\nepoch = 3", ["study.toml", "network.epoch", "did you mean 'epochs'"]),
    "misspelt section": ("[netwrk]\nepochs = 3", ["study.toml", "netwrk", "did you mean 'network'"]),
    "wrong type": ("[sram]\nsamples = 'many'", ["study.toml", "sram.samples", "whole number", "many"]),
    "true is no number": ("[sram]\nsamples = true", ["study.toml", "sram.samples", "whole number", "true"]),
    "quotes": ("[conditions]\ntemperature = '27'", ["study.toml", "conditions.temperature", "without quotes", "'27'"]),
    "a number is no switch": ("[array]\nvariation = 1", ["study.toml", "array.variation", "true or false"]),
    "no list": ("[network]\naugment = 16", ["study.toml", "network.augment", "[ ... ]"]),
    "no section": ("sram = 5", ["study.toml", "sram: it is a section, written [sram]"]),
    "out of range": ("[array]\nadc_bits = 40", ["array.adc_bits", "less than or equal to 12"]),
    "other unit": ("[array]\nr_wire = '1 kV'", ["array.r_wire", "expected 'Ohm'"]),
    "no converter": ("[array]\nadcs = 0", ["array.adcs", '"column"']),
    "misspelt key of a part": ("[array.adc]\nmismach = 1", ["array.adc.mismach", "did you mean 'mismatch'"]),
    "unknown mapping": ("[array.mapping]\nscheme = 'pairs'", ["array.mapping.scheme", "'differential' or 'offset'"]),
    "rates beside a map": ("[array.faults]\nmap = 'm.npy'\non_rate = 0.1", ["array.faults", "leave one out"]),
    "INL of another converter": ("[array.adc]\ninl = [0.1, 0.2]", ["adc.inl has 2 values", "254"]),
    "missing map": ("[array.faults]\nmap = 'none.npy'", ["none.npy", "cannot be read"]),
    "odd bit lines": ("[array]\ncols = 31", ["array", "odd"]),
    "conductances in a wrong order": ("[array]\ng_min = '30u'\ng_max = '20u'", ["array", "not below g_max"]),
    "too few samples for a fit": ("[sense_amp]\nsamples = 0", ["sense_amp.samples = 0", "at least 24"]),
    "too few samples of a column": (
        "target = 'sram-cim'\n[sram_cim]\nsamples = 60",
        ["sram_cim.samples = 60", "at least 80"],
    ),
    "bad name of a variant": ("[variants.'a.b']\nseed = 1", ["study.toml: variants: ", "letters, digits, _ and -"]),
    "bad name": ("name = '../up'", ["study.toml: name", "letters, digits"]),
    "unknown corner": ("[conditions]\ncorner = 'tx'", ["no corner 'tx'", "ff, fs, sf, ss, tt"]),
    "unknown technology": ("[conditions]\ntechnology = 'sky13'", ["sky13", "did you mean 'sky130'"]),
    "below absolute zero": ("[conditions]\ntemperature = -300", ["conditions.temperature", "-273.15"]),
    "no supply": ("[conditions]\nvdd = 0", ["conditions.vdd", "greater than 0"]),
    "not finite": ("[conditions]\nvdd = nan", ["conditions.vdd", "not finite"]),
    "unknown device": ("[reram]\ndevice = 'stanfrd'", ["stanfrd", "did you mean 'stanford_pku'"]),
    "unknown device to compare": ("[reram]\ncompare = ['vteem']", ["vteem", "did you mean 'vteam'"]),
    "unknown spread": ("[reram]\nspread = 'wan'", ["wan", "did you mean 'wan2022'"]),
    "beyond the published spread": ("[array]\ng_max = '60u'", ["wan2022", "39.26 uS", "60 uS"]),
    "unknown data": ("[network]\ndata = 'nodata'", ["nodata", "digits, mnist"]),
    "missing data file": ("[network]\ndata = './none.npz'", ["./none.npz", "digits, mnist"]),
    "no TOML": ("a = [1", ["study.toml is not TOML"]),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_that_cannot_be_run(name, refused, tmp_path):
    text, said = STUDIES[name]
    (tmp_path / "study.toml").write_text(text)
    message = refused("run", "study.toml")
    for part in said:
        assert part in message


OWN = """
import torch
class Net(torch.nn.Module):
    def __init__(self, classes=10, value=0.1):
        super().__init__()
        self.fc = torch.nn.Linear(64, classes)
        self.fc.weight.data.fill_(value)
    def forward(self, x):
        return self.fc(x.flatten(1))
"""
OWN_NETWORKS = {
    "fewer outputs than classes": ("classes = 7", "", "7 outputs, the data 10 classes"),
    "fewer outputs than classes, trained": ("classes = 7", "net.pt", "7 outputs, the data 10 classes"),
    "no numbers": ("value = nan", "", "layer 'fc': its weights are not all finite"),
    "no numbers, trained": ("value = nan", "net.pt", "layer 'fc': its weights are not all finite"),
}


@pytest.mark.parametrize("name", OWN_NETWORKS)
def test_an_own_network_that_cannot_be_run_is_told_before_anything_is_simulated(name, refused, tmp_path, monkeypatch):
    import torch

    from nn.importers.loading import load_module

    def simulated(*_):
        raise AssertionError("ngspice was asked first")

    monkeypatch.setattr("bitline.cli.stages.characterise", simulated)
    arguments, checkpoint, said = OWN_NETWORKS[name]
    (tmp_path / "net.py").write_text(OWN)
    text = f"[network]\nmodel = 'net.py:Net'\narguments = {{ {arguments} }}\ncheckpoint = '{checkpoint}'"
    (tmp_path / "study.toml").write_text(text)
    if checkpoint:
        given = {"classes": 7} if "classes" in arguments else {"value": float("nan")}
        torch.save(load_module(f"{tmp_path}/net.py:Net", (8, 8, 1), given).state_dict(), tmp_path / checkpoint)
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    message = refused("run", "study.toml")
    assert said in message
    assert "\n" not in message


def test_what_is_quick_to_see_is_told_before_the_network_is_built(refused, tmp_path, monkeypatch):
    """A key of a variant, and a folder that another process holds."""
    from bitline.cli.run_folder import partial_folder, writing
    from bitline.cli.stages import study_key
    from bitline.cli.study import load_study

    def built(*_):
        raise AssertionError("the network was built first")

    monkeypatch.setattr("bitline.cli.preflight.check_network", built)
    for command in (("run", "study.toml"), ("sweep", "study.toml", "--over", "array.adc_bits=4,5")):
        (tmp_path / "study.toml").write_text("[variants.x]\narray.adc_bitz = 5")
        assert "variants.x: unknown key 'array.adc_bitz'; did you mean 'array.adc_bits'?" in refused(*command)
    (tmp_path / "study.toml").write_text("")
    with writing(partial_folder(tmp_path / "results/study", study_key(load_study(tmp_path / "study.toml")))):
        assert "another process is running this study" in refused("run", "study.toml")


def test_a_study_file_that_cannot_be_read(refused, tmp_path):
    assert "missing.toml: No such file" in refused("run", "missing.toml")
    assert "Is a directory" in refused("run", ".")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "binary.toml is not TOML" in refused("run", "binary.toml")


def test_a_study_file_may_have_any_name(tmp_path):
    from bitline.cli.study import load_study

    (tmp_path / ".my study (2).toml").write_text("")
    assert load_study(tmp_path / ".my study (2).toml").name == "my_study_2_"


def test_no_mnist(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path / "empty"))
    (tmp_path / "study.toml").write_text("[network]\ndata = 'mnist'")
    message = refused("run", "study.toml")
    assert "python -m nn.datasets.fetch mnist" in message
    assert "digits" in message


def test_no_ngspice_library(tmp_path):
    (tmp_path / "study.toml").write_text(TINY)
    environment = os.environ | {"NGSPICE_LIBRARY_PATH": "/no/libngspice.so"}
    for command in (
        ("characterize", "sram", "--samples", 0),
        ("characterize", "sram", "--out", "out"),
        ("run", "study.toml"),
    ):
        ended = bitline(*command, cwd=tmp_path, env=environment)
        assert ended.code == 1
        assert ended.err.startswith("error: NGSPICE_LIBRARY_PATH=/no/libngspice.so: cannot be loaded")
        assert listing(tmp_path) == ["study.toml"]


CONDITIONS = {
    "unknown part": (("sramm",), "did you mean 'sram'"),
    "unknown corner": (("sram", "--corner", "tx"), "no corner 'tx'"),
    "unknown technology": (("sram", "--technology", "sky13"), "did you mean 'sky130'"),
    "no technology's folder": (("sram", "--technology", "."), "technology.toml: missing"),
    "no supply": (("sram", "--vdd", "0"), "vdd = 0.0 V"),
    "no supply of a latch": (("sense-amp", "--vdd", "-1"), "vdd"),
    "no quantity": (("sram", "--vdd", "high"), "'high' is not a quantity"),
    "an impossible supply": (("sram", "--vdd", "1e9"), "ngspice: "),
    "below absolute zero": (("sram", "--temperature", "-300"), "-273.15"),
    "below absolute zero in a latch": (("sense-amp", "--temperature", "-300"), "-273.15"),
    "below absolute zero in a cell": (("reram", "--temperature", "-300"), "-273.15"),
    "no temperature": (("sram", "--temperature", "nan"), "temperature"),
    "one state only": (("sram", "--vdd", "10m"), "vdd"),
    "unknown setting": (("reram", "--set", "devise=x"), "did you mean 'device'"),
    "unknown device": (("reram", "--set", "device=x"), "stanford_pku, vteam"),
    "a number for a name": (("reram", "--set", "device=3"), "expected the like of 'stanford_pku'"),
    "a name for a number": (("reram", "--set", "v_read=high"), "expected the like of 0.2"),
    "no key": (("reram", "--set", "high"), "write it as key=value"),
    "a read beyond the supply": (("reram", "--set", "v_read=1"), "v_read = 1.0 V"),
    "unknown spread": (("reram", "--set", "spread=x"), "milo2021, wan2022"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_characterisation_that_cannot_be(name, refused):
    arguments, said = CONDITIONS[name]
    assert said in refused("characterize", *arguments, "--samples", 0, "--out", "made/by/it")


@pytest.mark.parametrize("arguments", [("--samples", "-1"), ("--seed", "-1"), ("--seed", 2**63), ("--workers", "0")])
def test_a_count_out_of_range_is_a_usage_error(arguments, call, tmp_path):
    ended = call("characterize", "sram", *arguments, "--out", "out")
    assert ended.code == 2
    assert arguments[0] in ended.err
    assert listing(tmp_path) == []


def own_technology(folder, change):
    """The shipped technology with its typical cards changed."""
    shutil.copytree(load_technology("sky130").path, folder)
    cards = folder / "tt.spice"
    cards.write_text(change(cards.read_text()))
    return folder


def test_cards_that_cannot_be_read(refused, tmp_path):
    own_technology(tmp_path / "own", lambda text: text.replace(" tnom = 30", " tnom = thirty"))
    message = refused("characterize", "sram", "--technology", "own", "--samples", 0, "--out", "out")
    assert "own/tt.spice" in message
    assert "thirty" in message


def test_cards_that_lack_a_device(refused, tmp_path):
    own_technology(tmp_path / "own", lambda text: text.replace("special_pfet_latch", "other_pfet_latch"))
    message = refused("characterize", "sram", "--technology", "own", "--samples", 0)
    assert "own/tt.spice" in message
    assert "special_pfet_latch" in message


def test_cards_that_ngspice_refuses(refused, tmp_path):
    own_technology(tmp_path / "own", lambda text: text.replace("+ tox = ", "+ tox = -"))
    message = refused("characterize", "sram", "--technology", "own", "--samples", 0, "--out", "out")
    assert "ngspice: " in message
    assert "dc simulation(s) aborted" in message


def test_cards_whose_threshold_cannot_be_shifted(refused, tmp_path):
    own_technology(tmp_path / "own", lambda text: text.replace(" level = 49", " level = 1"))
    message = refused("characterize", "sram", "--technology", "own", "--samples", 0, "--out", "out")
    assert "own/tt.spice: .model 'special_nfet_latch_w0p21_l0p15' is level 1" in message
    assert "give a BSIM3 or BSIM4 card" in message


@pytest.mark.parametrize(
    ("vdd", "said"), [("1e9", "no solution"), ("10m", "no read_snm: the cell has one state only")], ids=str
)
def test_a_nominal_cell_that_cannot_be_simulated_stops_a_study_and_leaves_nothing(vdd, said, refused, tmp_path):
    (tmp_path / "study.toml").write_text(f"[conditions]\nvdd = '{vdd}'\n[sram]\n[array]\nv_read = '2m'")
    assert said in refused("run", "study.toml")


ARRAYS = {
    "missing": None,
    "empty": b"",
    "text": b"hello",
    "nan": np.array([[1e-5, np.nan]]),
    "negative": np.array([[1e-5, -1e-5]]),
    "infinite": np.array([[np.inf]]),
    "vector": np.full(4, 1e-5),
    "complex": np.ones((2, 2), complex),
    "objects": np.array([[{}]], dtype=object),
    "text array": np.array([["a"]]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_conductances_that_are_none(name, refused, tmp_path):
    np.save(tmp_path / "v.npy", np.full(2, 0.2))
    bad = ARRAYS[name]
    if isinstance(bad, bytes):
        (tmp_path / "g.npy").write_bytes(bad)
    elif bad is not None:
        np.save(tmp_path / "g.npy", bad, allow_pickle=True)
    for command in (("solve",), ("export", "netlist", "crossbar")):
        message = refused(*command, "--g", "g.npy", "--v", "v.npy", "-o", "out")
        assert message.startswith("g")


@pytest.mark.parametrize("cut", [10, 90, 130])
def test_a_truncated_array(cut, refused, tmp_path):
    np.save(tmp_path / "v.npy", np.full(2, 0.2))
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-5))
    (tmp_path / "g.npy").write_bytes((tmp_path / "g.npy").read_bytes()[:cut])
    assert "g.npy is not a .npy file of numbers, or it is cut short" in refused(
        "solve", "--g", "g.npy", "--v", "v.npy", "-o", "i.npy"
    )


def test_an_array_that_claims_more_than_there_is_memory(refused, tmp_path):
    np.save(tmp_path / "v.npy", np.full(2, 0.2))
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-5))
    content = (tmp_path / "g.npy").read_bytes()
    (tmp_path / "g.npy").write_bytes(content.replace(b"(2, 2), }" + b" " * 14, b"(99999999999999, 2), }" + b" ", 1))
    assert "g.npy" in refused("solve", "--g", "g.npy", "--v", "v.npy", "-o", "i.npy")


@pytest.mark.parametrize(
    ("v", "said"),
    [
        (np.ones(3), "v has shape (3,)"),
        (np.ones((2, 3)), "v has shape (2, 3)"),
        (np.ones((1, 1, 2)), "v has shape"),
        (np.array([0.1, np.nan]), "v[1] is nan"),
    ],
)
def test_voltages_that_do_not_match(v, said, refused, tmp_path):
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-5))
    np.save(tmp_path / "v.npy", v)
    for command in (("solve",), ("export", "netlist", "crossbar")):
        assert said in refused(*command, "--g", "g.npy", "--v", "v.npy", "-o", "out")


@pytest.mark.parametrize("r_wire", ["-1", "nan", "inf", "one", "1 V"])
def test_wires_that_are_none(r_wire, refused, tmp_path):
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-5))
    np.save(tmp_path / "v.npy", np.ones(2))
    for command in (("solve",), ("export", "netlist", "crossbar")):
        assert refused(*command, "--g", "g.npy", "--v", "v.npy", "-o", "out", "--r-wire-bl", r_wire)


def test_a_place_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-5))
    np.save(tmp_path / "v.npy", np.ones(2))
    (tmp_path / "study.toml").write_text(TINY)
    solve = ("solve", "--g", "g.npy", "--v", "v.npy", "-o")
    netlist = ("export", "netlist", "crossbar", "--g", "g.npy", "--v", "v.npy", "-o")
    for command, place in (
        ((*solve, "folder"), "folder"),
        ((*solve, "file/i.npy"), "file/i.npy"),
        ((*solve, "no/i.npy"), "no/i.npy"),
        ((*netlist, "folder"), "folder"),
        ((*netlist, "no/x.cir"), "no/x.cir"),
        (("export", "netlist", "sram", "-o", "file"), "file"),
        (("export", "netlist", "sram", "-o", "file/x"), "file/x"),
        (("export", "netlist", "sram", "-o", "out", "--corner", "tx"), "tx"),
        (("characterize", "sram", "--samples", 0, "--out", "file"), "file"),
        (("characterize", "sram", "--samples", 0, "--out", "file/x"), "file/x"),
        (("characterize", "sram", "--samples", 0, "--out", "/proc/x"), "/proc/x"),
        (("run", "study.toml", "--results", "file"), "file"),
        (("run", "study.toml", "--results", "/proc/x"), "/proc/x"),
    ):
        assert place in refused(*command)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write(refused, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "closed" in refused("characterize", "sram", "--samples", 0, "--out", "closed/x")


def test_a_full_disk_keeps_what_fits_and_goes_on_with_room(tmp_path):
    """Files may not grow beyond a limit, as on a full disk: journals meet it, then the HDF5 file."""
    command = f"{PROGRAM} characterize sram --samples 7 --out {tmp_path}"
    for blocks, what in ((8, "sram-nominal.journal"), (16, "sram-monte_carlo.journal"), (28, "sram.h5")):
        limited = ["bash", "-c", f"ulimit -f {blocks}; exec {command}"]
        ran = subprocess.run(limited, capture_output=True, text=True, check=False)
        assert ran.returncode == 1, ran.stderr
        assert "Traceback" not in ran.stderr
        assert f"{what}" in ran.stderr.splitlines()[-1]
        assert "File too large" in ran.stderr.splitlines()[-1]
    assert [path for path in listing(tmp_path) if path.endswith((".h5", ".partial"))] == []
    ended = bitline(*command.split()[1:], cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "sram: monte carlo: 7 done, 7 of them before" in ended.err
    assert (tmp_path / "sram.h5").is_file()


@pytest.mark.parametrize("command", ["fit", "report", "verify", "export waveform"])
def test_a_folder_that_is_no_run(command, refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(*command.split(), "empty")
    assert "missing" in refused(*command.split(), "missing")


DAMAGES = {
    "run.h5": (["report"], ["verify"], ["fit"], ["export", "waveform"]),
    "model.json": (["report"], ["verify"]),
    "summary.json": (["report"],),
    "config.toml": (["verify"],),
    "network/graph.npz": (["verify"],),
}


@pytest.mark.parametrize(("name", "how"), [(name, how) for name in DAMAGES for how in ("truncated", "missing")][:-1])
def test_a_damaged_run_is_one_error(name, how, refused, finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run")
    file = tmp_path / "run" / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if how == "missing":
        file.unlink()
    for command in DAMAGES[name]:
        if (command[0], how) in {("fit", "missing"), ("export", "missing")}:
            assert "no characterisation in run" in refused(*command, "run")
        else:
            assert name.rpartition("/")[2].partition(".")[0] in refused(*command, "run")


def test_import_of_what_is_no_library(refused, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for importer, source, said in (
        ("sky13", "file", "did you mean 'sky130'"),
        ("sky130", "missing", "missing"),
        ("sky130", "file", "file"),
        ("sky130", "folder", "folder"),
    ):
        assert said in refused("technology", "import", importer, "--from", source)
    assert "exists" in refused("technology", "import", "sky130", "--from", "file", "--out", "folder")
