import json
import subprocess
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from bitline.cli.array_files import array_writer, write_together
from bitline.cli.crossbar import CellOptions, read_crossbar
from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from spice.raw import read_raw


@pytest.fixture
def array(tmp_path):
    """A crossbar of 8 word lines and 5 bit lines, and 3 vectors."""
    rng = np.random.default_rng(1)
    g, v = rng.uniform(1e-6, 40e-6, (8, 5)), rng.uniform(0, 0.2, (3, 8))
    g[2, 3] = 0  # an open cell
    np.save(tmp_path / "g.npy", g)
    np.save(tmp_path / "v.npy", v)
    np.save(tmp_path / "v0.npy", v[0])
    return g, v


def test_without_wires_it_is_a_product(array, call, tmp_path):
    g, v = array
    ended = call("solve", "--g", "g.npy", "--v", "v.npy", "-o", "i.npy")
    assert ended.code == 0
    assert "i.npy: currents (3, 5)" in ended.out
    np.testing.assert_allclose(np.load(tmp_path / "i.npy"), v @ g, rtol=1e-12)


@pytest.mark.usefixtures("array")
def test_one_vector_gives_one_vector(call, tmp_path):
    call("solve", "--g", "g.npy", "--v", "v.npy", "-o", "i.npy", "--r-wire", "1k")
    call("solve", "--g", "g.npy", "--v", "v0.npy", "-o", "i0.npy", "--r-wire", "1k")
    batch, single = np.load(tmp_path / "i.npy"), np.load(tmp_path / "i0.npy")
    assert single.shape == (5,)
    np.testing.assert_allclose(single, batch[0], rtol=1e-10)


WIRES = {
    "both": ("--r-wire", "20"),
    "word lines": ("--r-wire-wl", "1k"),
    "bit lines": ("--r-wire-bl", "50"),
    "one of both": ("--r-wire", "7", "--r-wire-bl", "0"),
}


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("vectors", ["v.npy", "v0.npy"])
def test_currents_are_those_of_the_exported_netlist_in_ngspice(name, vectors, array, call, tmp_path):
    assert call("solve", "--g", "g.npy", "--v", vectors, "-o", "i.npy", *WIRES[name]).code == 0
    exported = call("export", "netlist", "crossbar", "--g", "g.npy", "--v", vectors, "-o", "x.cir", *WIRES[name])
    assert exported.code == 0
    subprocess.run(
        ["ngspice", "-b", "-r", "x.raw", "x.cir"],  # noqa: S607 - the ngspice on the path
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (plot,) = read_raw(tmp_path / "x.raw")
    spice = np.stack([plot[f"vbl{j}#branch"] for j in range(5)], axis=-1)
    ours = np.atleast_2d(np.load(tmp_path / "i.npy"))
    assert np.abs(ours - spice).max() <= 1e-9 * np.abs(spice).max()
    g, v = array
    assert np.abs(ours - v[: len(ours)] @ g).max() > 1e-6 * np.abs(spice).max()  # the wires count


def test_numbers_of_any_type_and_order(array, call, tmp_path):
    g, _ = array
    np.save(tmp_path / "gf.npy", np.asfortranarray(g.astype(">f8")))
    np.save(tmp_path / "vi.npy", np.ones(8, dtype=np.int16))
    assert call("solve", "--g", "gf.npy", "--v", "vi.npy", "-o", "i.npy").code == 0
    np.testing.assert_allclose(np.load(tmp_path / "i.npy"), g.sum(axis=0), rtol=1e-12)


TRANSISTOR = Path(__file__).parents[1] / "crossbar" / "access_tt.json"
OPTIONS = {
    "ends": ("--drive", "both", "--sense", "first", "--r-driver", "100", "--r-sink", "50"),
    "sinh": ("--iv", "sinh:4"),
    "table": ("--iv", "iv.csv", "--drive", "last"),
    "curves": ("--iv", "curves.csv"),
    "1T1R": ("--iv", TRANSISTOR, "--transistor", TRANSISTOR, "--v-gate", "1.5"),
    "1T1R both": ("--transistor", TRANSISTOR, "--v-gate", "900m", "--drive", "both", "--sense", "both"),
}


@pytest.fixture
def tables(tmp_path):
    """Two tables of the same I-V: a shape, and curves of cells of three conductances."""
    v = np.linspace(0, 0.4, 9)
    shape = np.stack([v, np.sinh(4 * v) / 4], axis=1)
    np.savetxt(tmp_path / "iv.csv", shape, delimiter=",", header="volts,amperes", comments="")
    curves = np.concatenate([shape[:, :1], shape[:, 1:] * [1e-6, 2e-5, 4e-5]], axis=1)
    np.savetxt(tmp_path / "curves.csv", curves, delimiter=",", header="V,1u,20 uS,4e-5", comments="")


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.usefixtures("array", "tables")
def test_any_cells_and_ends_are_those_of_the_exported_netlist_in_ngspice(name, call, tmp_path):
    given = ("--g", "g.npy", "--v", "v.npy", "--r-wire", "200", *OPTIONS[name])
    ended = call("solve", *given, "-o", "i.npy", "--json")
    assert ended.code == 0, ended.err
    assert call("export", "netlist", "crossbar", *given, "-o", "x.cir").code == 0
    subprocess.run(
        ["ngspice", "-b", "-r", "x.raw", "x.cir"],  # noqa: S607 - the ngspice on the path
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (plot,) = read_raw(tmp_path / "x.raw")
    sensed = [source for source in ("vbt", "vbl") if f"{source}0#branch" in plot]
    assert len(sensed) == (2 if "both" in name else 1)
    spice = np.stack([sum(plot[f"{source}{j}#branch"] for source in sensed) for j in range(5)], axis=-1)
    assert np.abs(np.load(tmp_path / "i.npy") - spice).max() <= 1e-8 * np.abs(spice).max()
    said = json.loads(ended.out)
    assert said["shapes"] == {"g": [8, 5], "v": [3, 8], "i": [3, 5]}
    assert said["bound_relative"] <= 1e-9
    assert said["bound"] <= 1e-9 * said["largest"]
    assert said["iterations"] >= 1
    assert said["wrote"] == ["i.npy"]


@pytest.mark.usefixtures("array", "tables")
def test_a_table_is_the_sinh_it_was_taken_from(call, tmp_path):
    for name, iv in (("a", "sinh:4"), ("b", "iv.csv"), ("c", "curves.csv")):
        assert (
            call("solve", "--g", "g.npy", "--v", "v.npy", "-o", f"{name}.npy", "--iv", iv, "--r-wire", "1k").code == 0
        )
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    np.testing.assert_allclose(b, a, rtol=1e-2)
    np.testing.assert_allclose(c, a, rtol=1e-2)
    assert np.abs(a - np.load(tmp_path / "v.npy") @ np.load(tmp_path / "g.npy")).max() > 0.02 * a.max()


def test_the_same_numbers_from_any_kind_of_file_to_any(array, call, tmp_path):
    g, v = array
    np.savetxt(tmp_path / "g.csv", g, delimiter=",", header="conductances, S")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["read/v"] = v
        file["read/v"].attrs["unit"] = "V"
    assert call("solve", "--g", "g.npy", "--v", "v.npy", "-o", "i.npy", "--r-wire", "50").code == 0
    assert call("solve", "--g", "g.csv", "--v", "a.h5:/read/v", "-o", "i.csv", "--r-wire", "50").code == 0
    assert (
        call("solve", "--g", "g.csv", "--v", "a.h5:read/v", "-o", "i.h5", "--r-wire", "50", "--threads", "2").code == 0
    )
    i = np.load(tmp_path / "i.npy")
    np.testing.assert_allclose(np.loadtxt(tmp_path / "i.csv", delimiter=","), i, rtol=1e-9)
    with h5py.File(tmp_path / "i.h5") as file:
        np.testing.assert_allclose(file["i"], i, rtol=1e-9)
        assert file["i"].attrs["unit"] == "A"
        assert file.attrs["bound_relative"] < 1e-9


def test_nodes_obey_ohm_and_the_picture_is_one(array, call, tmp_path):
    g, _ = array
    given = ("--g", "g.npy", "--v", "v.npy", "--r-wire", "50", "-o", "i.npy")
    assert call("solve", *given, "--nodes", "n.h5", "--picture", "drop.png").code == 0
    assert call("solve", *given, "--nodes", "n.npz").code == 0
    with h5py.File(tmp_path / "n.h5") as file:
        word, bit = file["word"][:], file["bit"][:]
        assert (file["word"].attrs["unit"], file["i_wl_first"].attrs["unit"]) == ("V", "A")
        into = file["i_wl_first"][:]
    assert word.shape == bit.shape == (3, 8, 5)
    np.testing.assert_allclose(((word - bit) * g).sum(axis=1), np.load(tmp_path / "i.npy"), rtol=1e-8)
    np.testing.assert_allclose(((word - bit) * g).sum(axis=2), into, rtol=1e-7, atol=1e-15)
    with np.load(tmp_path / "n.npz") as file:
        np.testing.assert_array_equal(file["word"], word)
    assert (tmp_path / "drop.png").read_bytes().startswith(b"\x89PNG")


BAD = {
    "a word in a table": (("--g", "bad.csv"), "bad.csv, row 2, column 3: 'x' is no number"),
    "a ragged table": (("--g", "ragged.csv"), "ragged.csv, row 2 has 2 columns"),
    "a negative conductance": (("--g", "minus.csv"), "minus.csv: g[1, 0] is -1e-06"),
    "no dataset": (("--v", "a.h5"), "NAME being one of v"),
    "another unit": (("--v", "a.h5:/v"), "is in 'mV', expected 'V'"),
    "no such file": (("--g", "no.h5:/g"), "no.h5 is missing"),
    "a side": (("--drive", "left"), "--drive is 'left'"),
    "an I-V": (("--iv", "cubic:3"), "--iv cubic:3"),
    "a bend": (("--iv", "sinh:-1"), "bend"),
    "a falling table": (("--iv", "falling.csv"), "falling.csv: an I-V table ascends"),
    "a gate alone": (("--v-gate", "1"), "--transistor"),
    "no gate": (("--transistor", TRANSISTOR), "--v-gate"),
    "a gate beyond the model": (("--transistor", TRANSISTOR, "--v-gate", "5"), "access.mos_iv"),
    "a model that is not there": (("--iv", TRANSISTOR), "reram.read_iv"),
    "a tolerance": (("--tolerance", "0"), "--tolerance is 0"),
    "threads": (("--threads", "0"), "--threads is 0"),
    "currents of another kind": (("-o", "i.txt"), "i.txt"),
    "nodes of another kind": (("--nodes", "n.npy"), "n.npy"),
    "a picture of another kind": (("--picture", "p.gif"), "p.gif"),
    "a folder that is not there": (("--nodes", "no/n.h5"), "no/n.h5 cannot be written"),
    "two in one": (("-o", "x.h5", "--nodes", "x.h5"), "name two files"),
    "both ends without wires": (("--drive", "both"), "both its ends are held"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("array")
def test_what_is_wrong_is_named_and_nothing_is_written(name, refused, tmp_path):
    (tmp_path / "bad.csv").write_text("1e-6,2e-6,3e-6\n1e-6,2e-6,x\n")
    (tmp_path / "ragged.csv").write_text("1e-6,2e-6,3e-6\n1e-6,2e-6\n")
    (tmp_path / "minus.csv").write_text("1e-6\n-1e-6\n")
    (tmp_path / "falling.csv").write_text("volts,amperes\n0,0\n0.1,2\n0.2,1\n")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = np.zeros((2, 8))
        file["v"].attrs["unit"] = "mV"
    options = {"--g": "g.npy", "--v": "v.npy", "-o": "i.npy"}
    given, said = BAD[name]
    options |= dict(zip(given[::2], given[1::2], strict=True))
    assert said in refused("solve", *(word for pair in options.items() for word in pair))


OVER = {
    "the conductances": ("--g", "g.npy", "--v", "v.npy", "-o", "g.npy"),
    "the voltages, spelled otherwise": ("--g", "g.npy", "--v", "v.npy", "-o", "no/../v.npy"),
    "a dataset's file": ("--g", "in.h5:/g", "--v", "in.h5:/v", "-o", "in.h5"),
    "a dataset's file, by the nodes": ("--g", "in.h5:/g", "--v", "v.npy", "-o", "i.npy", "--nodes", "in.h5"),
    "a table": ("--g", "g.npy", "--v", "v.npy", "-o", "iv.csv", "--iv", "iv.csv"),
    "a file that a link leads to": ("--g", "g.npy", "--v", "v.npy", "-o", "link.npy"),
}


@pytest.mark.parametrize("name", OVER)
@pytest.mark.usefixtures("tables")
def test_no_input_is_overwritten(name, array, refused, tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["g"], file["v"] = array
    (tmp_path / "link.npy").symlink_to("g.npy")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "would be overwritten; name another file" in refused("solve", *OVER[name])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("array")
def test_one_file_in_two_spellings_is_one_file(refused, tmp_path):
    given = ("--g", "g.npy", "--v", "v.npy", "-o", tmp_path / "a.h5", "--nodes", "a.h5")
    assert "are one file and would hold two things" in refused("solve", *given)


def test_two_names_of_one_file_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write = array_writer(Path("a.npy"), "i", np.zeros(3), "A", {})
    with pytest.raises(ConfigError, match="are one file"):
        write_together({Path("a.npy"): write, tmp_path / "a.npy": write})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wanted", [("--nodes", "n.h5"), ("--picture", "p.png")])
@pytest.mark.usefixtures("array")
def test_there_are_no_nodes_of_no_vector(wanted, refused, tmp_path):
    np.save(tmp_path / "none.npy", np.zeros((0, 8)))
    said = refused("solve", "--g", "g.npy", "--v", "none.npy", "-o", "i.npy", "--r-wire", "1", *wanted)
    assert said.startswith(f"none.npy holds no vector, and so there is none for {wanted[1]}")


@pytest.mark.usefixtures("array")
def test_it_says_what_it_wrote(call, tmp_path):
    before = set(tmp_path.iterdir())
    given = ("--g", "g.npy", "--v", "v.npy", "--r-wire", "50", "-o", "i.csv", "--nodes", "n.h5", "--picture", "p.png")
    said = json.loads(call("solve", *given, "--json").out)
    assert said["wrote"] == ["i.csv", "n.h5", "p.png"]
    assert {path.name for path in set(tmp_path.iterdir()) - before} == set(said["wrote"])
    np.save(tmp_path / "none.npy", np.zeros((0, 8)))
    ended = call("solve", "--g", "g.npy", "--v", "none.npy", "-o", "none_i.npy", "--json")
    assert json.loads(ended.out)["wrote"] == ["none_i.npy"]
    assert np.load(tmp_path / "none_i.npy").shape == (0, 5)


CELLS = {
    "both ends": CellOptions(drive="both", sense="both"),
    "sinh": CellOptions(iv="sinh:4"),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_nodes_that_nobody_asks_for_take_no_memory(name, threads, tmp_path):
    m, n, vectors = 40, 36, 100
    rng = np.random.default_rng(2)
    np.save(tmp_path / "g.npy", rng.uniform(1e-6, 40e-6, (m, n)))
    np.save(tmp_path / "v.npy", rng.uniform(0, 0.2, (vectors, m)))
    crossbar = read_crossbar(tmp_path / "g.npy", tmp_path / "v.npy", Wires(5.0, 5.0), CELLS[name])
    all_nodes = vectors * 2 * m * n * 8  # bytes
    peaks, found = {}, {}
    crossbar.solve(1e-6, threads, all_nodes=True)  # compiles and loads
    for wanted in (False, True):
        tracemalloc.start()
        found[wanted] = crossbar.solve(1e-6, threads, all_nodes=wanted)
        peaks[wanted] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[False] < all_nodes / 2 < all_nodes < peaks[True]
    assert found[False].nodes is None
    assert found[True].nodes.word.shape == (vectors, m, n)
    np.testing.assert_array_equal(found[False].i, found[True].i)
