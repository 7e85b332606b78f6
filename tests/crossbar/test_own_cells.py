import numpy as np
import pytest

from circuits.crossbar import Wires
from crossbar.adjoint import Readout, cell_voltages, driven_cells
from crossbar.own_cells import OwnCells, seen_alone

HARD = Wires(60.0, 80.0, 200.0, 100.0)


def cells(g, wires, readout, weight=None):
    volts = cell_voltages(g, readout.rows, wires)
    shape = len(g), len(readout.lines)
    return OwnCells.of(g, volts, np.ones(shape) if weight is None else weight, wires, readout)


def conductances(m, n, seed=0):
    return np.random.default_rng(seed).uniform(1e-6, 5e-5, (m, n))


def variance(form, x):
    return np.sum(x[:, None] * form.product(np.repeat(x[:, None], form.weight.shape[1] // form.sides, axis=1)), axis=0)


@pytest.mark.parametrize("wires", [HARD, Wires(60.0, 0.0, 0.0, 100.0), Wires(0.0, 80.0), Wires()])
def test_a_bit_line_without_neighbours_is_exact_for_any_input(wires):
    g, rng = conductances(12, 1), np.random.default_rng(1)
    weight, rows = rng.random((12, 1)), np.array([2, 3, 7, 11])
    form = cells(g, wires, Readout(rows, np.array([0])), weight)
    for x in rng.uniform(-1, 1, (3, 4)):
        v = np.zeros(12)
        v[rows] = x
        exact = np.sum(weight * driven_cells(g, v, wires) ** 2)
        assert variance(form, x)[0] == pytest.approx(exact, rel=1e-5)


def test_among_neighbours_it_is_exact_with_every_input_on_and_near_for_some():
    g, readout = conductances(24, 20), Readout.pairs(24, 10)
    form, left = cells(g, HARD, readout), cell_voltages(g, readout.rows, HARD).left
    rng = np.random.default_rng(2)
    for x, error in ((np.ones(24), 1e-5), ((rng.random(24) < 0.5) * 1.0, 0.02)):
        exact = readout.total(np.sum(driven_cells(g, x, HARD) ** 2, axis=0))
        np.testing.assert_allclose(variance(form, x), exact, rtol=error)
        alone = readout.total(np.sum((x[:, None] * left) ** 2, axis=0))
        assert (alone / exact > 1.2).all()  # bit lines do rise


@pytest.mark.parametrize("wires", [HARD, Wires(60.0, 0.0, 0.0, 100.0), Wires()])
def test_the_diagonal_is_that_of_the_products(wires):
    g, rows = conductances(16, 12), np.array([1, 5, 6, 12, 15])
    readout = Readout(rows, np.array([0, 4, 7]), np.array([11, 11, 8]))
    form = cells(g, wires, readout, np.random.default_rng(3).random((16, 6)))
    each = np.array([form.product(np.repeat(unit[:, None], 3, axis=1)) @ np.eye(3) for unit in np.eye(5)])
    np.testing.assert_allclose(form.diagonal(), np.einsum("kkc->kc", each), rtol=1e-12)
    np.testing.assert_allclose(each, each.swapaxes(0, 1), rtol=1e-9)  # a form is symmetric


def test_a_cell_shares_its_bit_line_s_voltage_with_its_word_line():
    g = conductances(6, 5)
    found = seen_alone(g, HARD)
    # 1 V behind the last of the cells at the first node: driver and a segment, the other cells beside
    word = Wires(HARD.r_wire_wl, 0.0, HARD.r_driver, 0.0)
    others = g.copy()
    others[:, 0] = 0.0
    left = driven_cells(others, np.ones(6), word)[:, 0]  # open, what the driver leaves: conductances in parallel
    behind = left * (HARD.r_wire_wl + HARD.r_driver)
    np.testing.assert_allclose(found[:, 0], 1 / (1 + g[:, 0] * behind), rtol=1e-5)
    assert (seen_alone(g, Wires(0.0, 80.0)) == 1).all()
