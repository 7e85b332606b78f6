import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from circuits.terminals import reading
from crossbar.lines import TOLERANCE
from crossbar.nodal import nodal_system, node_voltages
from crossbar.solve import CONJUGATE, SWEEPS, effective_matrix, effective_rows, solution, solve


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
        truth = node_voltages(g, v, wires).i_bl_last
        assert error(solve(g, v, *ohms), truth) < TOLERANCE, wires
        assert error(solve(g, v[0], *ohms), truth[0]) < TOLERANCE, wires


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
    truth = node_voltages(g, v, Wires(*ohms)).i_bl_last
    # voltages of either sign can cancel: what is bounded is the error over what the cells carry
    assert np.abs(solve(g, v, *ohms) - truth).max() <= TOLERANCE * (np.abs(v) @ g).max()


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
    assert voltages.bound.max() <= 16 * floor * m * n
    # what leaves the sources reaches the sense inputs, and the power is what the resistors dissipate
    np.testing.assert_allclose(voltages.i_wl_first.sum(axis=1), voltages.i_bl_last.sum(axis=1), atol=floor * m * n)
    assert np.abs(down[:, -1] - solve(g, v, *ohms)).max() <= floor + TOLERANCE * np.abs(cell).max()


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
    assert (v * voltages.i_wl_first).sum() == pytest.approx(heat, rel=1e-10)


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
    truth = node_voltages(g, np.eye(20), wires).i_bl_last
    found = effective_matrix(g, wires)
    assert (np.abs(found - truth).max(axis=1) <= TOLERANCE * truth.max(axis=1)).all()


@pytest.mark.parametrize(("ohms", "method"), [(1.0, SWEEPS), (10.0, SWEEPS), (3e3, CONJUGATE)])
def test_the_bound_that_stops_holds_and_hard_wires_change_the_method(ohms, method):
    g, wires = np.full((24, 24), 1e-4), Wires(ohms, ohms)
    truth = node_voltages(g, np.eye(24), wires).i_bl_last
    for tolerance in (1e-3, 1e-6, 1e-9):
        rows = effective_rows(g, wires, tolerance)
        assert rows.method == method
        missed = np.abs(rows.i - truth).sum(axis=1)
        assert (missed <= rows.bound + 1e-11 * truth.max(axis=1)).all()
        assert (rows.bound <= tolerance * rows.i.max(axis=1)).all()
        assert missed.max() > 1e-15 * truth.max()  # there is an error to bound


def test_a_batch_is_bounded_through_its_matrix():
    g, wires = crossbar(9, 30, 20, open_share=0.0), Wires(50.0, 50.0)
    v = np.random.default_rng(2).normal(size=(200, 30))
    found, truth = solution(g, v, wires, 1e-5), node_voltages(g, v, wires).i_bl_last
    missed = np.abs(found.i - truth).sum(axis=1)
    assert (missed <= found.bound).all()
    assert missed.max() > 1e-12 * np.abs(truth).max()
    assert found.relative == pytest.approx((found.bound / np.abs(found.i).max(axis=1)).max())


def test_threads_change_no_bit():
    g, v = crossbar(10, 120, 110), np.random.default_rng(10).normal(size=(100, 120))
    one, two = (solution(g, v, Wires(2.0, 3.0), threads=threads) for threads in (1, 2))
    assert np.array_equal(one.i, two.i)
    assert np.array_equal(one.bound, two.bound)


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


def test_vectors_that_cancel_keep_to_the_tolerance_as_well():
    g = crossbar(12, 64, 64, open_share=0.0)
    v = np.random.default_rng(12).uniform(-0.3, 0.3, (64, 64))
    v[0] = np.tile([0.3, -0.3], 32)
    v[1] = np.linalg.svd(g)[0][:, -1]  # carries next to nothing
    for ohms in (1.0, 100.0):
        found, truth = (one(g, v, Wires(ohms, ohms)) for one in (solution, node_voltages))
        assert found.relative <= TOLERANCE
        assert (np.abs(found.i - truth.i_bl_last).sum(axis=1) <= found.bound + truth.bound).all()


def exact_currents(g, v, wires):
    """By Gaussian elimination in extended precision that never subtracts: (batch, n), and what it may be off by."""
    ends = reading(v, g.shape[1])
    matrix, word, bit, where, held = nodal_system(g, wires, ends)
    branches = -np.asarray(matrix.todense(), dtype=np.longdouble)
    np.fill_diagonal(branches, 0)
    known = np.zeros(len(branches), dtype=bool)
    known[where[held]] = True
    volts = np.zeros((len(branches), len(v)), dtype=np.longdouble)
    volts[where[held]] = np.concatenate([v.T, np.zeros((g.shape[1], len(v)))])
    free = np.flatnonzero(~known & (branches.sum(axis=1) > 0))
    between, away = branches[np.ix_(free, free)], branches[np.ix_(free, known)].sum(axis=1)
    fed = branches[np.ix_(free, known)] @ volts[known]
    pivots = []
    for p in range(len(free)):
        pivots.append(away[p] + between[p, p + 1 :].sum())
        share = between[p + 1 :, p] / pivots[p] if pivots[p] > 0 else between[p + 1 :, p]
        between[p + 1 :, p + 1 :] += share[:, None] * between[p, p + 1 :]
        fed[p + 1 :] += share[:, None] * fed[p]
        away[p + 1 :] += share * away[p]
    for p in reversed(range(len(free))):
        if pivots[p] > 0:
            volts[free[p]] = (fed[p] + between[p, p + 1 :] @ volts[free[p + 1 :]]) / pivots[p]
    across = volts[word] - volts[bit]
    terms = (g[..., None] * (abs(volts[word]) + abs(volts[bit]))).sum(axis=(0, 1))
    return (g[..., None] * across).sum(axis=0).T, 4 * np.finfo(np.longdouble).eps * terms


def test_bounds_hold_for_any_cells_shorts_and_wires_in_extended_precision():
    rng = np.random.default_rng(13)
    ratios = []
    for trial in range(600):
        m, n = rng.integers(1, 8, 2)
        g = 10.0 ** rng.uniform(-9, -2, (m, n)) * (rng.random((m, n)) > rng.choice([0, 0.3]))
        if trial % 2:
            g[rng.random((m, n)) < 0.1] = 1.0
        wires = Wires(*(0.0 if rng.random() < 0.25 else 10.0 ** rng.uniform(-3, 7) for _ in range(4)))
        v = rng.uniform(-0.3 if trial % 3 else 0.0, 0.3, (rng.choice([1, 8]), m))
        found = solution(g, v, wires)
        exact, off = exact_currents(g, v, wires)
        missed = np.abs(found.i - exact).sum(axis=1)
        assert (missed <= found.bound + off).all(), (trial, wires, found.method)
        largest = np.abs(found.i).max(axis=1)
        ratios += [bound / big for bound, big in zip(found.bound, largest, strict=True) if big > 0]
    assert np.mean(np.array(ratios) <= TOLERANCE) > 0.8  # beyond it only where rounding forbids


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_signed_vectors_stop_within_a_bound_that_is_near_their_error(tolerance):
    g, wires = crossbar(11, 48, 48, open_share=0.0), Wires(5.0, 5.0)
    v = np.sign(np.sin(np.outer(np.arange(1, 41), np.arange(48)) / 7.0))
    found, truth = solution(g, v, wires, tolerance), node_voltages(g, v, wires).i_bl_last
    assert found.method == SWEEPS
    missed, largest = np.abs(found.i - truth).sum(axis=1), np.abs(truth).max(axis=1)
    assert (missed <= found.bound + 1e-11 * largest).all()
    assert (missed / found.bound).max() > 0.3
    assert (found.bound <= 1.001 * tolerance * largest).all()
