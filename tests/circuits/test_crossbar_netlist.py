import re

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import (
    Wires,
    checked_conductances,
    checked_voltages,
    crossbar_netlist,
    resistor_crossbar,
    resistors,
)
from circuits.terminals import reading, writing

ALL = Wires(r_wire_wl=1.0, r_wire_bl=2.0, r_driver=3.0, r_sink=4.0)


def elements(wires, g, v=None):
    """Element lines as {name: (node, node, value)}."""
    text = crossbar_netlist(g.shape, wires, resistors(g), np.zeros(g.shape[0]) if v is None else v).text
    return {line.split()[0]: tuple(line.split()[1:]) for line in text.splitlines()}


def test_the_wiring_is_the_one_that_the_design_defines():
    g = np.array([[1e-5, 2e-5, 4e-5], [5e-5, 8e-5, 1e-4]])
    found = elements(ALL, g, np.array([0.25, 0.5]))
    # source, driver, one segment, bit line 0, and on along the word line
    assert found["vwl1"] == ("wl1", "0", "0.5")
    assert found["rdriver1"] == ("wl1", "d1", "3.0")
    assert found["rwl1_0"] == ("d1", "w1_0", "1.0")
    assert found["rwl1_1"] == ("w1_0", "w1_1", "1.0")
    # down the bit line, one segment past the last word line, sink, 0 V
    assert found["rbl0_2"] == ("b0_2", "b1_2", "2.0")
    assert found["rbl1_2"] == ("b1_2", "e2", "2.0")
    assert found["rsink2"] == ("e2", "s2", "4.0")
    assert found["vbl2"] == ("s2", "0", "0")
    assert found["rcell1_2"] == ("w1_2", "b1_2", "10000.0")
    assert len(found) == 2 + 2 + 6 + 6 + 6 + 3 + 3  # sources, drivers, word, cells, bit, sinks, senses


@pytest.mark.parametrize(
    ("wires", "word", "bit"),
    [
        (Wires(), "wl1", "s2"),
        (Wires(r_driver=3.0, r_sink=4.0), "w1", "b2"),
        (Wires(r_wire_wl=1.0), "w1_2", "s2"),
        (Wires(r_wire_bl=1.0), "wl1", "b1_2"),
        (ALL, "w1_2", "b1_2"),
    ],
)
def test_nodes_without_resistance_between_them_are_one(wires, word, bit):
    found = elements(wires, np.full((2, 3), 1e-5))
    assert found["rcell1_2"][:2] == (word, bit)
    # ngspice would take a resistor of 0 for one of 1 mOhm
    assert all(float(entry[2]) > 0 for name, entry in found.items() if name.startswith("r"))


def test_a_cell_of_zero_conductance_is_open():
    assert "rcell0_1" not in elements(ALL, np.array([[1e-5, 0.0]]))


def test_numbers_reach_ngspice_to_the_last_bit():
    g = np.random.default_rng(0).uniform(1e-7, 1e-4, (4, 4))
    found = elements(ALL, g)
    back = [[1 / float(found[f"rcell{i}_{j}"][2]) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(back, g, rtol=4e-16)


def test_a_batch_is_one_sweep_over_its_vectors():
    v = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    netlist = crossbar_netlist((2, 2), ALL, resistors(np.full((2, 2), 1e-5)), v)
    assert netlist.analyses == (".dc vselect 0 2 1",)
    table = re.search(r"bwl1 wl1 0 v = pwl\(v\(select\), (.*)\)", netlist.text)
    points = [float(number) for number in table[1].split(",")]
    assert points[:6] == [0, 0.2, 1, 0.4, 2, 0.6]


def test_plain_arrays_make_a_netlist_once_they_are_checked():
    g = np.full((2, 3), 1e-5)
    netlist = resistor_crossbar(g.tolist(), [0.1, 0.2], ALL)
    assert netlist == crossbar_netlist((2, 3), ALL, resistors(g), np.array([0.1, 0.2]))
    assert netlist.analyses == (".op",)
    with pytest.raises(ConfigError, match=r"g\[0, 0\] is nan"):
        resistor_crossbar([[float("nan")]], [0.1], ALL)
    with pytest.raises(ConfigError, match="no vector"):
        resistor_crossbar(g, np.zeros((0, 2)), ALL)


def test_any_cell_may_stand_at_a_crossing():
    netlist = crossbar_netlist(
        (1, 2), Wires(), lambda i, j, word, bit: f"xcell{i}_{j} {word} {bit} gate mycell", np.zeros(1), "vgate gate 0 1"
    )
    assert "xcell0_1 wl0 s1 gate mycell" in netlist.text
    assert netlist.text.endswith("vgate gate 0 1")


def lines_of(ends, wires=ALL):
    netlist = crossbar_netlist(ends.shape, wires, resistors(np.full(ends.shape, 1e-5)), ends)
    return {line.split()[0]: line.split()[1:3] for line in netlist.text.splitlines()}


def test_all_ends_are_held_through_their_resistances():
    found = lines_of(reading(np.full((2, 2), 0.1), 3, "both", "both"))
    assert found["rwl0_3"] == ["w0_2", "dr0"]
    assert found["rdriverr0"] == ["wr0", "dr0"]
    assert found["bwr0"] == ["wr0", "0"]
    assert found["rblt_1"] == ["et1", "b0_1"]
    assert found["rsinkt1"] == ["et1", "t1"]
    assert found["vbt1"] == ["t1", "0"]
    usual = lines_of(reading(np.full((2, 2), 0.1), 3))
    assert {name: nodes for name, nodes in found.items() if name in usual} == usual


def test_an_open_end_has_neither_segment_nor_source():
    v = np.array([[0.1, np.nan]])
    found = lines_of(reading(v, 3, "last", "first"))
    assert not {"bwl0", "bwl1", "bwr1", "rwl0_0", "rwl1_0", "rwl1_3", "rbl1_0", "vbl0", "rsink0"} & set(found)
    assert found["rwl1_1"] == ["w1_0", "w1_1"]
    assert found["rbl0_0"] == ["b0_0", "b1_0"]


def test_a_bit_line_at_a_voltage_is_still_measured():
    text = crossbar_netlist((2, 2), Wires(), resistors(np.full((2, 2), 1e-5)), writing((2, 2), (0, 0), 1.0)).text
    assert "vbl1 s1 ps1 0\nbbl1 ps1 0 v = pwl(v(select), 0, 0.5, 1, 0.5)" in text
    assert "vbl0 s0 0 0" in text


def test_terminals_that_cannot_be_are_refused():
    both = reading(np.ones((1, 2)), 2, "both")
    with pytest.raises(ConfigError, match="word line 0 has no resistance"):
        lines_of(both, Wires(0.0, 1.0))
    with pytest.raises(ConfigError, match="the terminals are those of"):
        crossbar_netlist((3, 2), ALL, resistors(np.ones((3, 2))), both)


@pytest.mark.parametrize("ohms", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["r_wire_wl", "r_wire_bl", "r_driver", "r_sink"])
def test_an_impossible_resistance_is_named(name, ohms):
    with pytest.raises(ConfigError, match=name):
        Wires(**{name: ohms})


@pytest.mark.parametrize(
    ("g", "says"),
    [
        ([[1e-5, float("nan")]], r"g\[0, 1\] is nan"),
        ([[1e-5], [-1e-5]], r"g\[1, 0\] is -1e-05"),
        ([[float("inf")]], r"g\[0, 0\] is inf"),
        ([1e-5, 1e-5], r"g has shape \(2,\)"),
        (np.zeros((0, 3)), r"g has shape \(0, 3\)"),
        ([["a"]], "g holds"),
        ([[1j]], "g holds"),
    ],
)
def test_impossible_conductances_are_named(g, says):
    with pytest.raises(ConfigError, match=says):
        checked_conductances(g)


@pytest.mark.parametrize(
    ("v", "says"),
    [
        ([0.1, 0.2, 0.3], r"v has shape \(3,\); g has 2 word lines"),
        (np.zeros((2, 3)), r"v has shape \(2, 3\)"),
        (np.zeros((1, 1, 2)), r"v has shape"),
        ([[0.1, 0.2], [0.1, float("inf")]], r"v\[1, 1\] is inf"),
        ([0.1, float("nan")], r"v\[1\] is nan"),
    ],
)
def test_impossible_voltages_are_named(v, says):
    with pytest.raises(ConfigError, match=says):
        checked_voltages(v, 2)
