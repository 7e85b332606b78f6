import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from circuits.terminals import OPEN, Terminals, reading, writing
from crossbar.lines import most_iterations, solve_lines
from crossbar.nodal import nodal_solution
from crossbar.nodes import ROUNDING

ENDS = ("i_wl_first", "i_wl_last", "i_bl_first", "i_bl_last")


def crossbar(rng, m, n, open_share=0.2):
    return rng.uniform(1e-6, 1e-4, (m, n)) * (rng.random((m, n)) >= open_share)


def largest(nodes):
    return max(np.abs(getattr(nodes, name)).max() for name in ENDS)


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(1, 12),
    n=st.integers(1, 12),
    ohms=st.tuples(*[st.sampled_from([0.0, 0.5, 30.0, 1e4, 1e6])] * 4),
    open_ends=st.tuples(*[st.sampled_from([0.0, 0.4, 1.0])] * 4),
    open_cells=st.sampled_from([0.0, 0.5, 0.9]),
    shorted=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_any_ends_of_any_lines_agree_with_nodal_analysis(seed, m, n, ohms, open_ends, open_cells, shorted):
    rng = np.random.default_rng(seed)
    g, wires = crossbar(rng, m, n, open_cells), Wires(*ohms)
    if shorted:
        g[rng.integers(m), rng.integers(n)] = 0.1

    def end(lines, share):
        return np.where(rng.random(lines) < share, OPEN, rng.uniform(-1, 1, (2, lines)))

    terminals = Terminals(*(end(lines, share) for lines, share in zip((m, m, n, n), open_ends, strict=True)))
    without = [r_wire == r_end == 0 for r_wire, r_end in (ohms[0::2], ohms[1::2])]
    twice = [
        (~np.isnan(first[0]) & ~np.isnan(last[0])).any()
        for first, last in ((terminals.wl_first, terminals.wl_last), (terminals.bl_first, terminals.bl_last))
    ]
    assume(not (without[0] and twice[0]) and not (without[1] and twice[1]))
    found, truth = solve_lines(g, wires, terminals), nodal_solution(g, wires, terminals)
    # the twin multiplies voltages of 1 V by the wires' conductances: that rounding is its error
    stiffest = max([1 / r for r in (ohms[0], ohms[1], ohms[0] + ohms[2], ohms[1] + ohms[3]) if r > 0], default=0.0)
    allowed = 1e-9 * largest(truth) + 1e-14 * max(stiffest, g.max()) + 100 * ROUNDING * g.sum()
    for name in ENDS:
        assert np.abs(getattr(found, name) - getattr(truth, name)).max() <= allowed, name


def test_a_lone_cell_between_four_ends_is_a_divider():
    g, wires = np.array([[1e-3]]), Wires(10.0, 20.0, 90.0, 180.0)
    found = solve_lines(g, wires, Terminals(*(np.array([[volts]]) for volts in (1.0, 1.0, 0.0, 0.0))))
    current = 1.0 / (100.0 / 2 + 1000.0 + 200.0 / 2)
    for name in ENDS:
        assert getattr(found, name)[0, 0] == pytest.approx(current / 2, rel=1e-12), name


def test_driving_both_sides_loses_less_and_from_the_other_side_is_the_mirror():
    rng = np.random.default_rng(3)
    g, v, wires = crossbar(rng, 14, 18, 0.0), rng.uniform(0.1, 0.3, 14), Wires(30.0, 20.0, 10.0, 5.0)
    first, last, both = (
        solve_lines(g, wires, reading(v, 18, drive)).i_bl_last[0] for drive in ("first", "last", "both")
    )
    assert (both > np.maximum(first, last)).all()
    np.testing.assert_allclose(solve_lines(g[:, ::-1], wires, reading(v, 18)).i_bl_last[0], last[::-1], rtol=1e-9)
    top = solve_lines(g, wires, reading(v, 18, sense="first")).i_bl_first[0]
    np.testing.assert_allclose(solve_lines(g[::-1], wires, reading(v[::-1], 18)).i_bl_last[0], top, rtol=1e-9)


def test_what_comes_in_goes_out_and_the_bound_holds():
    rng = np.random.default_rng(4)
    g, wires = crossbar(rng, 40, 30), Wires(200.0, 100.0, 10.0, 5.0)
    terminals = reading(rng.normal(size=(3, 40)), 30, "both", "both")
    truth = nodal_solution(g, wires, terminals)
    for tolerance in (1e-3, 1e-6, 1e-9):
        found = solve_lines(g, wires, terminals, tolerance)
        inward = (found.i_wl_first + found.i_wl_last).sum(axis=1)
        outward = (found.i_bl_first + found.i_bl_last).sum(axis=1)
        assert (np.abs(inward - outward) <= found.bound + 1e-14).all()
        for name in ("i_bl_first", "i_bl_last"):
            missed = np.abs(getattr(found, name) - getattr(truth, name)).sum(axis=1)
            assert (missed <= found.bound + 1e-14).all()
        assert np.abs(found.i_bl_last - truth.i_bl_last).max() > 1e-15


def test_half_of_the_voltage_reaches_half_selected_cells_and_none_the_others():
    g = np.full((6, 5), 1e-5)
    nodes = solve_lines(g, Wires(), writing((6, 5), (2, 3), 2.0, "half"))
    across = (nodes.word - nodes.bit)[0]
    expected = np.zeros((6, 5))
    expected[2, :] = expected[:, 3] = 1.0
    expected[2, 3] = 2.0
    np.testing.assert_allclose(across, expected, atol=1e-12)
    third = solve_lines(g, Wires(), writing((6, 5), (2, 3), 3.0, "third"))
    across = np.abs((third.word - third.bit)[0])
    assert across[2, 3] == pytest.approx(3.0)
    np.testing.assert_allclose(np.delete(across.ravel(), 2 * 5 + 3), 1.0, atol=1e-12)


def test_floating_lines_read_the_sneak_paths():
    # the classic 2 x 2: three cells in series beside the one that is read
    g = np.array([[1e-6, 1e-4], [1e-4, 1e-4]])
    nodes = solve_lines(g, Wires(), writing((2, 2), (0, 0), 0.3, "float"))
    sneak = 1 / (3 / 1e-4)
    assert nodes.i_bl_last[0, 0] == pytest.approx(0.3 * (1e-6 + sneak), rel=1e-12)
    assert nodes.i_wl_first[0, 1] == nodes.i_bl_last[0, 1] == 0


def test_an_island_without_any_end_carries_nothing():
    g = np.zeros((3, 3))
    g[0, 0], g[2, 2] = 1e-5, 1e-5
    nodes = solve_lines(g, Wires(5.0, 5.0), writing((3, 3), (0, 0), 0.4, "float"))
    assert not nodes.word[0, 2].any()
    assert nodes.i_bl_last[0] == pytest.approx([0.4 / (1e5 + 20.0), 0, 0])


def test_wires_that_resist_far_more_than_cells_are_left_to_the_factorisation(monkeypatch):
    rng = np.random.default_rng(6)
    g, wires, terminals = crossbar(rng, 9, 8), Wires(1e4, 1e4), reading(rng.uniform(0, 1, (1, 9)), 8)
    truth = solve_lines(g, wires, terminals)
    assert 1 < truth.iterations < most_iterations((9, 8))
    monkeypatch.setattr("crossbar.lines.most_iterations", lambda _: 1)
    direct = solve_lines(g, wires, terminals)
    assert direct.direct
    np.testing.assert_allclose(direct.i_bl_last, truth.i_bl_last, rtol=1e-8)


@pytest.mark.parametrize("ohms", [1e4, 1e5, 1e7])
def test_wires_that_take_nearly_everything_give_up_no_tolerance(ohms):
    rng = np.random.default_rng(8)
    g, terminals = 1 / rng.uniform(1e3, 2e5, (64, 64)), reading(rng.uniform(0, 0.3, (1, 64)), 64)
    found, truth = solve_lines(g, Wires(ohms, ohms), terminals), nodal_solution(g, Wires(ohms, ohms), terminals)
    missed = np.abs(found.i_bl_last - truth.i_bl_last).sum()
    assert missed <= found.bound[0] + truth.bound[0]
    assert found.bound[0] <= max(1e-9 * np.abs(found.i_bl_last).max(), 1.5 * truth.bound[0])


def test_where_nothing_is_sensed_it_ends_at_once(monkeypatch):
    monkeypatch.setattr("crossbar.nodal.splu", None)
    rng = np.random.default_rng(9)
    g = crossbar(rng, 30, 20, 0.0)
    ends = Terminals(*(np.full((1, k), volts) for k, volts in ((30, 0.3), (30, OPEN), (20, OPEN), (20, OPEN))))
    nodes = solve_lines(g, Wires(100.0, 100.0), ends)
    assert nodes.iterations < 200
    assert np.abs(nodes.bit - 0.3).max() < 1e-9
    assert np.abs(nodes.i_wl_first).sum() <= nodes.bound[0] < 1e-13


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Terminals(*(np.zeros((1, k)) for k in (3, 2, 4, 4))), "wl_last has shape"),
        (lambda: Terminals(*(np.full((1, k), np.inf) for k in (3, 3, 4, 4))), "infinite"),
        (lambda: reading(np.array([[0.1, OPEN], [0.1, 0.2]]), 3), "line 1 is open for some"),
        (lambda: writing((3, 4), (3, 0), 1.0), "within 3 x 4"),
        (lambda: writing((3, 4), (0, 0), 1.0, "quarter"), "no write scheme 'quarter'"),
        (lambda: solve_lines(np.ones((2, 2)), Wires(), reading(np.ones(3), 2)), "g has"),
        (
            lambda: solve_lines(np.ones((2, 2)), Wires(), reading(np.ones(2), 2, "both")),
            "word line 0 has no resistance",
        ),
    ],
)
def test_bad_input_is_named(make, says):
    with pytest.raises(ConfigError, match=says):
        make()
