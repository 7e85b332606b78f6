import json

import numpy as np
import pytest

from bitline.core.figures import MODELLED
from circuits.crossbar import Wires
from crossbar.cells import sinh_cells
from crossbar.writing import write_cell

G = np.random.default_rng(1).uniform(1e-6, 40e-6, (8, 5))


@pytest.fixture(autouse=True)
def array(tmp_path):
    """A crossbar of 8 word lines and 5 bit lines."""
    np.save(tmp_path / "g.npy", G)


@pytest.mark.parametrize("scheme", ["half", "third", "ground", "float"])
def test_a_write_is_told_as_the_library_finds_it(scheme, call):
    options = ("--r-wire", "20", "--r-driver", "100", "--scheme", scheme, "--json")
    ended = call("write", "--g", "g.npy", "--cell", "3,4", "--v-write", "-1.2", *options)
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    done = write_cell(G, Wires(20.0, 20.0, 100.0), (3, 4), -1.2, scheme)
    assert (said["cell"], said["scheme"]) == ([3, 4], scheme)
    for name, figure in said["figures"].items():
        assert figure["value"] == pytest.approx(getattr(done, name), rel=1e-9)
        assert figure["kind"] == MODELLED
    assert said["figures"]["margin"]["unit"] == "V"


def test_without_a_cell_it_is_the_worst_one_and_cells_may_be_nonlinear(call):
    ended = call("write", "--g", "g.npy", "--v-write", "1500m", "--r-wire", "50", "--iv", "sinh:3", "--json")
    said = json.loads(ended.out)
    assert said["cell"] == [0, 4]
    done = write_cell(G, Wires(50.0, 50.0), (0, 4), 1.5, law=sinh_cells(G, 3.0))
    assert said["figures"]["i_cell"]["value"] == pytest.approx(done.i_cell, rel=1e-9)
    elsewhere = call("write", "--g", "g.npy", "--v-write", "1.5", "--r-wire", "50", "--sense", "first", "--json")
    assert json.loads(elsewhere.out)["cell"] == [7, 4]


def test_it_is_a_table_for_people(call):
    ended = call("write", "--g", "g.npy", "--v-write", "2")
    assert "cell 0,4 of 8 x 5, 2 V, half" in ended.out
    for name in ("ir_loss", "v_half", "margin"):
        assert name in ended.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cell", "8,0"), "within 8 x 5"),
        (("--cell", "3"), "WORD_LINE,BIT_LINE"),
        (("--scheme", "whole"), "no write scheme 'whole'"),
        (("--drive", "frist"), "did you mean 'first'"),
        (("--v-write", "0"), "must be finite and not 0"),
        (("--iv", "g.npy"), "an I-V is"),
    ],
)
def test_what_cannot_be_written_is_named(options, said, call):
    ended = call("write", "--g", "g.npy", "--v-write", "1", *options)
    assert ended.code == 1
    assert said in ended.err.replace("\n", " ")
