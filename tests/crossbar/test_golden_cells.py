"""Currents that the ngspice program found for cells of any kind and any ends (see make_golden.py)."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from crossbar.lines import solve_lines
from crossbar.newton import solve_cells

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden_cells").glob("*.json"))
ENDS = ("i_wl_first", "i_wl_last", "i_bl_first", "i_bl_last")


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_currents_of_all_ends_are_those_of_ngspice(file, maker):
    case = json.loads(file.read_text())
    cells, wires, terminals = maker.cell_case(file.stem)
    linear = isinstance(cells, np.ndarray)
    found = (solve_lines if linear else solve_cells)(cells, wires, terminals)
    largest = max(np.abs(case[end]).max() for end in ENDS)
    for end in ENDS:
        worst = np.abs(getattr(found, end) - case[end]).max()
        assert worst <= (1e-9 if linear else 1e-6) * largest, end
    assert found.iterations <= 60  # from easy wires to hard ones, shorts among the cells: no cliff


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_the_inputs_and_decks_are_those_of_today(file, maker):
    assert json.loads(file.read_text())["inputs"] == maker.digest(file.stem)
    if max(maker.CELL_CASES[file.stem][:2]) <= maker.DECKS:
        assert maker.cell_netlist(file.stem).deck() == file.with_suffix(".cir").read_text()


def test_there_is_a_golden_case_for_every_one_that_is_made(maker):
    assert [file.stem for file in GOLDEN] == sorted(maker.CELL_CASES)
