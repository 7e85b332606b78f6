import numpy as np

from circuits.crossbar import Wires
from crossbar.adjoint import Readout, cell_voltages, driven_cells, sensitivities
from crossbar.nodal import node_voltages
from crossbar.solve import effective_matrix, solve

WIRES = Wires(20.0, 30.0, 200.0, 100.0)


def tile(m=9, n=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1e-6, 1e-4, (m, n)), rng.uniform(-0.1, 0.3, m)


def currents(g, v):
    return solve(g, v, WIRES.r_wire_wl, WIRES.r_wire_bl, WIRES.r_driver, WIRES.r_sink, 1e-12)


def test_a_change_of_any_cell_moves_outputs_as_the_adjoint_says():
    g, v = tile()
    readout = Readout.pairs(9, 4)
    predicted = np.array([driven_cells(g, v, WIRES) * each for each in sensitivities(g, WIRES, readout)])
    step = 1e-9
    for i, j in np.ndindex(*g.shape):
        more, less = g.copy(), g.copy()
        more[i, j] += step
        less[i, j] -= step
        slope = readout.difference(currents(more, v) - currents(less, v)) / (2 * step)
        np.testing.assert_allclose(predicted[:, i, j], slope, atol=1e-5 * np.abs(predicted).max())


def test_bit_lines_may_stand_alone_and_share_a_reference():
    g, _ = tile()
    single = list(sensitivities(g, WIRES, Readout(np.arange(9), np.array([5, 2]))))
    shared = list(sensitivities(g, WIRES, Readout(np.arange(9), np.array([5, 2]), np.array([7, 7]))))
    reference = next(sensitivities(g, WIRES, Readout(np.arange(9), np.array([7]))))
    for alone, pair in zip(single, shared, strict=True):
        np.testing.assert_allclose(pair, alone - reference, atol=1e-5)


def test_without_wires_a_cell_acts_on_its_own_bit_line_alone():
    g, v = tile()
    sensed = next(sensitivities(g, Wires(), Readout(np.arange(9), np.array([3]))))
    expected = np.zeros_like(g)
    expected[:, 3] = 1.0
    np.testing.assert_allclose(sensed, expected, atol=1e-12)
    np.testing.assert_allclose(driven_cells(g, v, Wires()), np.tile(v[:, None], 8), atol=1e-12)


def test_adjoint_currents_are_the_effective_matrix():
    g, _ = tile()
    matrix = effective_matrix(g, WIRES)
    for j in range(8):
        sensed = next(sensitivities(g, WIRES, Readout(np.arange(9), np.array([j]))))
        # what flows through a word line's cells leaves through its source
        np.testing.assert_allclose((g * sensed).sum(axis=1), matrix[:, j], rtol=1e-5, atol=1e-9 * matrix.max())


def test_cells_under_a_mean_input_follow_from_two_solutions():
    g, _ = tile(seed=3)
    rows = np.array([1, 2, 5, 8])
    volts = cell_voltages(g, rows, WIRES)
    on = np.isin(np.arange(9), rows).astype(float)
    nodes = node_voltages(g, on, WIRES)
    np.testing.assert_allclose(volts.left * on[:, None] - volts.rise, nodes.word[0] - nodes.bit[0], atol=1e-6)
    np.testing.assert_allclose(volts.bit, nodes.bit[0], atol=1e-6)
    assert (volts.left > 0.8).all()
    assert (volts.left < 1).all()
    assert (volts.rise > 0).all()
    assert (volts.rise < volts.bit).all()  # word lines rise with them
