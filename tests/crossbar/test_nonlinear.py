import numpy as np
import pytest

from circuits.crossbar import Wires
from crossbar.nonlinear import solve_nonlinear
from crossbar.solve import solve

WIRES = Wires(5.0, 7.0, 20.0, 10.0)


def bent(v, g):
    return g * np.sinh(4 * v) / 4


def problem():
    rng = np.random.default_rng(5)
    return rng.uniform(1e-6, 1e-4, (9, 7)), 0.3 * rng.integers(0, 2, 9)


def test_linear_cells_are_the_linear_solution():
    g, v = problem()
    found = solve_nonlinear(g, v, WIRES, lambda across, cells: cells * across)
    np.testing.assert_allclose(found, solve(g, v, 5.0, 7.0, 20.0, 10.0), rtol=1e-9)


def test_without_wires_every_cell_sees_its_word_line():
    g, v = problem()
    np.testing.assert_allclose(solve_nonlinear(g, v, Wires(), bent), bent(v[:, None], g).sum(axis=0), rtol=1e-9)


def test_a_lone_cell_behind_resistances_obeys_kirchhoff():
    g, v = np.array([[1e-3]]), np.array([0.5])
    (current,) = solve_nonlinear(g, v, WIRES, bent)
    across = 0.5 - current * (5.0 + 7.0 + 20.0 + 10.0)
    assert bent(across, 1e-3) == pytest.approx(current, rel=1e-8)
    assert current < bent(0.5, 1e-3)
