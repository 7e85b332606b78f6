from dataclasses import replace

import numpy as np
import pytest

from circuits.crossbar import Wires
from crossbar.voltage_mode import VoltageCrossbar, VoltageModeConfig, transfer_matrix
from spice.voltage_mode import SpiceVoltageArray, line_voltages

CONFIG = VoltageModeConfig(
    rows=6,
    cols=5,
    r_wire_wl=4.0,
    r_wire_bl=3.0,
    r_driver=150.0,
    input_bits=3,
    weight_bits=5,
    offset_sigma=5e-3,
    programming_sigma=lambda g: 1e-6 + 0.0 * g,
)


@pytest.mark.parametrize(
    "wires", [Wires(0.0, 0.0), Wires(0.0, 3.0), Wires(5.0, 0.0, 100.0), Wires(4.0, 3.0), Wires(4.0, 3.0, 2e3)]
)
def test_settled_voltages_are_ngspices_to_a_billionth(wires):
    rng = np.random.default_rng(0)
    g, v = rng.uniform(1e-6, 39e-6, (16, 12)), 0.2 * rng.integers(-1, 2, (3, 16))
    slow = line_voltages(g, v, wires)
    fast = v @ transfer_matrix(g, wires)
    assert np.abs(fast - slow).max() < 1e-9 * np.abs(slow).max()


def test_a_single_vector_is_settled_too():
    g, v = np.full((4, 2), 1e-5), np.array([[0.2, -0.2, 0.2, 0.2]])
    assert line_voltages(g, v, Wires(0.0, 0.0)) == pytest.approx(np.full((1, 2), 0.1))


def test_outputs_are_those_of_the_netlist():
    rng = np.random.default_rng(3)
    weights, x = rng.integers(-15, 16, (6, 5)), rng.integers(0, 8, (4, 6))
    found = []
    for kind in (VoltageCrossbar, SpiceVoltageArray):
        array = kind(CONFIG)
        array.program(weights, np.random.default_rng(7))
        array.set_range(array.required_range(x))
        found.append(array.mvm(x, rng))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]
    # and would not be without the wires
    none = VoltageCrossbar(replace(CONFIG, r_wire_wl=0.0, r_wire_bl=0.0, r_driver=0.0))
    none.program(weights, np.random.default_rng(7))
    none.set_range(none.required_range(x))
    assert not np.array_equal(none.mvm(x, rng)[0], found[1][0])
