import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from crossbar.elimination import eliminated
from crossbar.nodal import node_voltages
from crossbar.solve import _PASSES_FOR_MATRIX, TOLERANCE, _swept, effective_matrix, solve


def crossbar(seed, m, n, open_share=0.2):
    rng = np.random.default_rng(seed)
    return rng.uniform(1e-6, 1e-4, (m, n)) * (rng.random((m, n)) >= open_share)


def error(found, truth):
    return np.abs(found - truth).max() / np.abs(truth).max()


def test_without_wires_the_product_is_exact():
    g, v = crossbar(0, 9, 5), np.random.default_rng(1).normal(size=(4, 9))
    assert np.array_equal(solve(g, v, 0, 0), v @ g)
    assert np.array_equal(solve(g, v[0], 0, 0), v[0] @ g)
    assert np.array_equal(effective_matrix(g, Wires()), g)


def test_a_single_cell_is_a_series_circuit():
    i = solve([[1 / 5000]], [0.3], 10.0, 20.0, r_driver=300.0, r_sink=40.0)
    assert i == pytest.approx([0.3 / (300 + 10 + 5000 + 20 + 40)], rel=1e-12)


def test_shapes_follow_the_convention():
    g = crossbar(0, 7, 3)
    assert solve(g, np.ones(7), 1, 1).shape == (3,)
    assert solve(g, np.ones((1, 7)), 1, 1).shape == (1, 3)
    assert solve(g, np.ones((20, 7)), 1, 1).shape == (20, 3)
    assert solve(g, np.ones((0, 7)), 1, 1).shape == (0, 3)
    assert solve(g.astype(np.float32), np.ones(7, dtype=int), 1, 1).shape == (3,)


def test_word_lines_lose_towards_the_last_bit_line_and_bit_lines_towards_the_first_word_line():
    uniform = np.full((6, 6), 1e-4)
    along = effective_matrix(uniform, Wires(r_wire_wl=50.0))
    assert (np.diff(along, axis=1) < 0).all()
    np.testing.assert_allclose(along, along[:1].repeat(6, axis=0), rtol=1e-12)
    down = effective_matrix(uniform, Wires(r_wire_bl=50.0))
    assert (np.diff(down, axis=0) > 0).all()
    np.testing.assert_allclose(down, down[:, :1].repeat(6, axis=1), rtol=1e-12)


WIRES = [
    Wires(*ohms)
    for ohms in itertools.product([0.0, 1e-3, 1.0, 1e4, 1e7], [0.0, 1e-3, 1.0, 1e4, 1e7], [0, 100], [0, 50])
]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (7, 4), (9, 30)], ids=str)
def test_every_regime_of_wires_agrees_with_nodal_analysis(shape):
    g = crossbar(2, *shape)
    v = np.random.default_rng(3).uniform(0, 1, (40, shape[0]))
    for wires in WIRES:
        ohms = (wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
        truth = node_voltages(g, v, wires).i
        assert error(solve(g, v, *ohms), truth) < 2e-10, wires
        assert error(solve(g, v[0], *ohms), truth[0]) < 2e-10, wires
        assert error(v @ eliminated(g, wires), truth) < 2e-10, wires


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(1, 40),
    n=st.integers(1, 40),
    ohms=st.tuples(*[st.sampled_from([0.0, 0.1, 3.0, 200.0])] * 4),
    open_share=st.sampled_from([0.0, 0.5, 0.95]),
)
@settings(max_examples=60, deadline=None)
def test_solutions_agree_with_nodal_analysis(seed, m, n, ohms, open_share):
    g = crossbar(seed, m, n, open_share)
    v = np.random.default_rng(seed).normal(size=(3, m))
    truth = node_voltages(g, v, Wires(*ohms)).i
    # voltages of either sign can cancel: what is bounded is the error over what the cells carry
    assert np.abs(solve(g, v, *ohms) - truth).max() <= 1e-10 * (np.abs(v) @ g).max()


def branch_currents(voltages, g, v, wires):
    """Currents along every branch, from the node voltages and Ohm's law alone."""
    left = np.concatenate([v[:, :, None], voltages.word], axis=2)
    along = -np.diff(left, axis=2) / wires.r_wire_wl
    along[:, :, 0] *= wires.r_wire_wl / (wires.r_wire_wl + wires.r_driver)
    below = np.concatenate([voltages.bit, np.zeros_like(v[:, :1, None]).repeat(g.shape[1], axis=2)], axis=1)
    down = -np.diff(below, axis=1) / wires.r_wire_bl
    down[:, -1] *= wires.r_wire_bl / (wires.r_wire_bl + wires.r_sink)
    return along, down, g * (voltages.word - voltages.bit)


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(1, 30),
    n=st.integers(1, 30),
    ohms=st.tuples(*[st.sampled_from([0.5, 20.0, 1000.0])] * 4),
)
@settings(max_examples=40, deadline=None)
def test_currents_obey_kirchhoff_at_every_node(seed, m, n, ohms):
    g, wires = crossbar(seed, m, n), Wires(*ohms)
    v = np.random.default_rng(seed).normal(size=(2, m))
    voltages = node_voltages(g, v, wires)
    along, down, cell = branch_currents(voltages, g, v, wires)
    onward = np.concatenate([along[:, :, 1:], np.zeros_like(along[:, :, :1])], axis=2)
    above = np.concatenate([np.zeros_like(down[:, :1]), down[:, :-1]], axis=1)
    floor = 1e-9 * np.abs(cell).max() + 1e-15 / min(ohms)  # rounding of voltages over the smallest resistance
    assert np.abs(along - onward - cell).max() <= floor
    assert np.abs(above + cell - down).max() <= floor
    assert np.abs(voltages.kcl).max() <= floor
    # what leaves the sources reaches the sense inputs, and the power is what the resistors dissipate
    np.testing.assert_allclose(voltages.i_source.sum(axis=1), voltages.i.sum(axis=1), atol=floor * m * n)
    assert np.abs(down[:, -1] - solve(g, v, *ohms)).max() <= floor + 1e-10 * np.abs(cell).max()


def test_power_in_is_power_dissipated():
    g, wires = crossbar(5, 11, 8), Wires(20.0, 30.0, 100.0, 200.0)
    v = np.random.default_rng(5).normal(size=(1, 11))
    voltages = node_voltages(g, v, wires)
    along, down, cell = branch_currents(voltages, g, v, wires)
    ohms_along, ohms_down = np.full(8, 20.0), np.full((11, 1), 30.0)
    ohms_along[0] += 100.0
    ohms_down[-1] += 200.0
    heat = (along**2 * ohms_along).sum() + (down**2 * ohms_down).sum()
    heat += (cell * (voltages.word - voltages.bit)).sum()
    assert (v * voltages.i_source).sum() == pytest.approx(heat, rel=1e-10)


def test_solutions_superpose_and_scale():
    g, v = crossbar(6, 12, 10), np.random.default_rng(6).normal(size=(2, 12))
    i = solve(g, v, 3.0, 4.0, 5.0, 6.0)
    assert error(solve(g, 2 * v[0] - 3 * v[1], 3.0, 4.0, 5.0, 6.0), 2 * i[0] - 3 * i[1]) < 1e-9
    assert error(solve(7 * g, v, 3 / 7, 4 / 7, 5 / 7, 6 / 7), 7 * i) < 1e-9


def test_driving_the_bit_lines_gives_the_same_matrix_by_reciprocity():
    g = crossbar(7, 9, 6)
    ahead = effective_matrix(g, Wires(3.0, 40.0, 5.0, 60.0))
    behind = effective_matrix(g[::-1, ::-1].T, Wires(40.0, 3.0, 60.0, 5.0))
    np.testing.assert_allclose(behind[::-1, ::-1].T, ahead, rtol=1e-9)


def test_a_row_without_cells_and_a_crossbar_without_any_carry_nothing():
    g = crossbar(8, 6, 5)
    g[2] = 0
    matrix = effective_matrix(g, Wires(10.0, 10.0))
    assert not matrix[2].any()
    assert not solve(np.zeros((4, 3)), np.ones(4), 1.0, 1.0).any()
    assert not solve(g, np.zeros((50, 6)), 1.0, 1.0).any()


def test_each_row_of_the_matrix_is_exact_by_its_own_measure():
    g = crossbar(9, 20, 20, open_share=0.0)
    g[3] *= 1e-6
    wires = Wires(10.0, 10.0)
    truth = node_voltages(g, np.eye(20), wires).i
    found = effective_matrix(g, wires)
    assert (np.abs(found - truth).max(axis=1) <= 3 * TOLERANCE * truth.max(axis=1)).all()


def test_the_bound_that_stops_the_sweeps_holds():
    g = np.full((24, 24), 1e-4)
    for ohms in (1.0, 10.0, 30.0):
        wires = Wires(ohms, ohms)
        swept = _swept(g, np.eye(24), wires, _PASSES_FOR_MATRIX)
        truth = eliminated(g, wires)
        assert (np.abs(swept - truth).sum(axis=1) <= 2 * TOLERANCE * truth.max(axis=1)).all()


def test_hard_wires_are_left_to_elimination():
    g, wires = np.full((16, 16), 1e-3), Wires(1e4, 1e4)
    assert _swept(g, np.eye(16), wires, _PASSES_FOR_MATRIX) is None
    truth = node_voltages(g, np.eye(16), wires).i
    assert error(effective_matrix(g, wires), truth) < 1e-9


def test_equal_inputs_give_equal_bits():
    g, v = crossbar(10, 40, 30), np.random.default_rng(10).normal(size=(70, 40))
    assert np.array_equal(solve(g, v, 2.0, 3.0), solve(g, v, 2.0, 3.0))
    assert np.array_equal(solve(g, v[:5], 2.0, 3.0), solve(g.copy(order="F"), v[:5], 2.0, 3.0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"g": [[1e-5, float("nan")], [0, 0]]}, r"g\[0, 1\]"),
        ({"g": [[-1e-5, 0], [0, 0]]}, r"g\[0, 0\]"),
        ({"v": [0.1, 0.2, 0.3]}, "v has shape"),
        ({"v": [0.1, float("inf")]}, r"v\[1\]"),
        ({"r_wire_wl": -1.0}, "r_wire_wl"),
        ({"r_sink": float("nan")}, "r_sink"),
    ],
)
def test_bad_input_is_named(change, says):
    good = {"g": np.full((2, 2), 1e-5), "v": [0.1, 0.2], "r_wire_wl": 1.0, "r_wire_bl": 1.0}
    with pytest.raises(ConfigError, match=says):
        solve(**(good | change))
