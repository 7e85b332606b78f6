"""Currents that the ngspice program found, with the decks it ran (see make_golden.py)."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from circuits.crossbar import Wires
from crossbar.nodal import node_voltages
from crossbar.solve import effective_matrix, solve

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden").glob("*.json"))


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_currents_are_those_of_ngspice(file):
    case = json.loads(file.read_text())
    g, v, i = (np.array(case[name]) for name in ("g", "v", "i"))
    for found in (
        solve(g, v, **case["wires"]),
        np.stack([solve(g, one, **case["wires"]) for one in v]),
        v @ effective_matrix(g, Wires(**case["wires"])),
        node_voltages(g, v, Wires(**case["wires"])).i_bl_last,
    ):
        assert np.abs(found - i).max() <= 1e-9 * np.abs(i).max()


def test_there_is_a_golden_case_for_every_one_that_is_made(maker):
    assert [file.stem for file in GOLDEN] == sorted(maker.CASES)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_the_decks_are_those_that_the_netlists_of_today_give(file, maker):
    assert maker.case_netlist(file.stem).deck() == file.with_suffix(".cir").read_text()
