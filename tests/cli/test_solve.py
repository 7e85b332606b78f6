import subprocess

import numpy as np
import pytest

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
