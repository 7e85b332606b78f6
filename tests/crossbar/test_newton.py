import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import FittedModel, Input, Residual
from circuits.crossbar import Wires
from circuits.terminals import OPEN, Terminals, reading, writing
from crossbar.cells import Carried, SinhCells, fitted_cells, sinh_cells
from crossbar.lines import solve_lines
from crossbar.newton import solve_cells
from crossbar.nonlinear import solve_by_chords
from crossbar.table_cells import table_cells

ENDS = ("i_wl_first", "i_wl_last", "i_bl_first", "i_bl_last")
WIRES = Wires(5.0, 7.0, 20.0, 10.0)


def conductances(rng, m, n, open_share=0.2):
    return rng.uniform(1e-6, 1e-4, (m, n)) * (rng.random((m, n)) >= open_share)


class BodyEffect:
    """Cells that conduct less the higher their bit line is, as a transistor does: not a function of the difference."""

    def __init__(self, g):
        self.g = g
        self.shape = g.shape

    def __call__(self, word, bit):
        pinch = 1 / (1 + np.exp(4 * (bit - 0.4)))
        change = -4 * pinch * (1 - pinch)
        v = word - bit
        slope = self.g * pinch / np.sqrt(1 + v**2) ** 3
        i = self.g * pinch * v / np.sqrt(1 + v**2)
        return Carried(i, slope, slope - self.g * change * v / np.sqrt(1 + v**2))

    def check(self, word, bit):
        pass


def misses(law, wires, nodes):
    """What every node misses (A), from the voltages and Ohm's law alone; lines with wires, usual read."""
    i = law(nodes.word[0], nodes.bit[0]).i
    along = -np.diff(nodes.word[0], axis=1) / wires.r_wire_wl
    along = np.concatenate([nodes.i_wl_first[0][:, None], along, np.zeros((len(i), 1))], axis=1)
    down = -np.diff(nodes.bit[0], axis=0) / wires.r_wire_bl
    down = np.concatenate([np.zeros((1, i.shape[1])), down, nodes.i_bl_last[0][None]], axis=0)
    return along[:, :-1] - along[:, 1:] - i, down[:-1] + i - down[1:]


def test_linear_cells_are_the_linear_solution():
    rng = np.random.default_rng(1)
    g, terminals = conductances(rng, 9, 7), reading(rng.uniform(0, 0.3, (2, 9)), 7)
    found, truth = solve_cells(sinh_cells(g, 0.0), WIRES, terminals), solve_lines(g, WIRES, terminals)
    np.testing.assert_allclose(found.i_bl_last, truth.i_bl_last, rtol=1e-9)
    np.testing.assert_allclose(found.word, truth.word, rtol=1e-9)


def test_without_wires_every_cell_sees_its_word_line():
    rng = np.random.default_rng(2)
    g, v = conductances(rng, 9, 7), rng.uniform(-0.3, 0.3, 9)
    found = solve_cells(sinh_cells(g, 4.0), Wires(), reading(v, 7)).i_bl_last[0]
    np.testing.assert_allclose(found, (g * np.sinh(4 * v[:, None]) / 4).sum(axis=0), rtol=1e-12)


def test_a_lone_cell_behind_resistances_obeys_kirchhoff():
    (current,) = solve_cells(sinh_cells([[1e-3]], 4.0), WIRES, reading(np.array([0.5]), 1)).i_bl_last[0]
    across = 0.5 - current * (5.0 + 7.0 + 20.0 + 10.0)
    assert 1e-3 * np.sinh(4 * across) / 4 == pytest.approx(current, rel=1e-9)
    assert current < 1e-3 * np.sinh(2.0) / 4


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(1, 9),
    n=st.integers(1, 9),
    ohms=st.tuples(*[st.sampled_from([0.0, 1.0, 100.0, 3e3])] * 4),
    bend=st.sampled_from([0.0, 2.0, 8.0]),
    body=st.booleans(),
    shorted=st.booleans(),
    written=st.sampled_from(["read", "half", "third", "float"]),
)
@settings(max_examples=50, deadline=None)
def test_any_cells_and_wires_agree_with_the_twin(seed, m, n, ohms, bend, body, shorted, written):
    rng = np.random.default_rng(seed)
    g = conductances(rng, m, n)
    if shorted:
        g[rng.integers(m), rng.integers(n)] = 0.05
    law = BodyEffect(g) if body else sinh_cells(g, bend)
    terminals = reading(rng.uniform(-0.5, 0.5, m), n) if written == "read" else writing((m, n), (0, 0), 0.6, written)
    found, truth = solve_cells(law, Wires(*ohms), terminals), solve_by_chords(law, Wires(*ohms), terminals, 1e-11)
    largest = max(np.abs(getattr(truth, name)).max() for name in ENDS)
    for name in ENDS:
        assert np.abs(getattr(found, name) - getattr(truth, name)).max() <= 3e-9 * largest + 1e-14, name


@pytest.mark.parametrize("bend", [None, 4.0])
@pytest.mark.parametrize("ratio", [1e5, 2e4, 1e3, 200])
def test_currents_obey_kirchhoff_at_every_node_from_easy_wires_to_hard_ones(bend, ratio):
    rng = np.random.default_rng(4)
    g = 1 / (ratio * rng.uniform(1, 10, (50, 40)))
    g[3, 4], g[7, 7] = 1.0, 0.0  # a short and an open cell
    law, wires = BodyEffect(g) if bend is None else sinh_cells(g, bend), Wires(1.0, 1.0)
    nodes = solve_cells(law, wires, reading(rng.uniform(0, 0.3, 50), 40))
    at_word, at_bit = misses(law, wires, nodes)
    rounding = 1e-15 * at_word.size
    assert np.abs(at_word).sum() + np.abs(at_bit).sum() <= nodes.bound[0] + rounding
    assert nodes.bound[0] <= 1e-9 * np.abs(nodes.i_bl_last).max()
    assert nodes.iterations < 80  # no cliff


@pytest.mark.parametrize("wires", [Wires(10.0, 0.0, 100.0, 100.0), Wires(1.0, 0.0, 1000.0, 1000.0)], ids=str)
def test_shorts_on_bit_lines_of_one_node_converge(wires):
    rng = np.random.default_rng(1)
    for _ in range(300):
        m, n = rng.integers(2, 20, 2)
        g = 1 / rng.uniform(20e3, 200e3, (m, n))
        g[rng.random((m, n)) < 0.05] = 1.0
        nodes = solve_cells(sinh_cells(g, 10.0), wires, reading(rng.uniform(0, 0.5, (1, m)), n))
        assert nodes.i_wl_first.sum() == pytest.approx(nodes.i_bl_last.sum(), abs=nodes.bound[0])


def test_tangents_that_iterations_do_not_solve_are_factorised(monkeypatch):
    rng = np.random.default_rng(11)
    g = conductances(rng, 14, 16)
    g[3, 4] = 0.5
    for wires in (Wires(2e5, 8e4), Wires(20.0, 0.0, 10.0, 100.0), Wires(0.0, 30.0, 5.0, 10.0), Wires(3.0, 4.0)):
        for law in (BodyEffect(g), sinh_cells(g, 4.0)):
            terminals = reading(rng.uniform(0, 0.5, 14), 16)
            truth = solve_cells(law, wires, terminals)
            with monkeypatch.context() as patched:
                patched.setattr("crossbar.lines.most_iterations", lambda _: 0)
                found = solve_cells(law, wires, terminals)
            assert found.iterations == 0 < truth.iterations
            assert np.abs(found.i_bl_last - truth.i_bl_last).sum() <= found.bound[0] + truth.bound[0]


def test_the_tolerance_is_of_what_leaves_the_lines_and_not_of_what_returns_to_them():
    # bit lines that float between word lines at opposite voltages: cells carry much, and one line is sensed
    g = np.full((8, 6), 1e-4)
    g[:, 5] = 1e-9
    word = np.where(np.arange(8) % 2, 0.4, -0.4)[None]
    bit = np.where(np.arange(6) == 5, 0.0, OPEN)[None]
    ends = Terminals(word, np.full((1, 8), OPEN), np.full((1, 6), OPEN), bit)
    ends.wl_first[0, 0] = -0.3
    nodes = solve_cells(sinh_cells(g, 3.0), WIRES, ends, 1e-6)
    assert nodes.bound[0] <= 1e-6 * np.abs(nodes.i_bl_last).max()


def test_the_bound_holds_at_any_tolerance():
    rng = np.random.default_rng(5)
    g = 1 / (500 * rng.uniform(1, 10, (30, 30)))
    for law in (sinh_cells(g, 4.0), BodyEffect(g)):
        terminals = reading(rng.uniform(0, 0.3, 30), 30)
        truth = solve_cells(law, Wires(1.0, 1.0), terminals, 1e-12)
        for tolerance in (1e-2, 1e-4, 1e-6):
            found = solve_cells(law, Wires(1.0, 1.0), terminals, tolerance)
            missed = np.abs(found.i_bl_last - truth.i_bl_last).sum()
            assert 1e-14 * np.abs(truth.i_bl_last).sum() < missed <= found.bound[0]


def test_where_it_starts_changes_the_effort_and_not_the_answer():
    rng = np.random.default_rng(6)
    g = 1 / (500 * rng.uniform(1, 10, (40, 40)))
    terminals, wires = reading(rng.uniform(0, 0.3, (2, 40)), 40), Wires(1.0, 1.0)
    cold = solve_cells(sinh_cells(g, 4.0), wires, terminals)
    near = solve_cells(sinh_cells(g * 1.001, 4.0), wires, terminals)
    warm = solve_cells(sinh_cells(g, 4.0), wires, terminals, start=near)
    np.testing.assert_allclose(warm.i_bl_last, cold.i_bl_last, rtol=3e-9)
    assert warm.iterations <= cold.iterations


def test_a_bent_cell_that_sees_less_voltage_conducts_less():
    # the first bit line sees more of the drive than the last: bent cells lose more along the word line than straight
    g, v, wires = np.full((20, 20), 1e-4), np.full(20, 0.5), Wires(20.0, 0.0)
    bent, straight = (solve_cells(sinh_cells(g, bend), wires, reading(v, 20)).i_bl_last[0] for bend in (5.0, 0.0))
    assert (bent[-1] / bent[0]) < (straight[-1] / straight[0]) < 1


def model(low=1e-6, high=1e-4):
    inputs = (Input("v", "V", 0.0, 0.4), Input("g", "S", low, high))
    parameters = {"v_ref": 0.2, "k": [3.0, -1e4]}
    return FittedModel(
        "reram.read_iv", "sinh_iv", inputs, "i", "A", parameters, Residual(0.0, 0.0, 0, "1"), "simulated (ngspice)"
    )


def test_fitted_cells_carry_what_the_model_says():
    rng = np.random.default_rng(7)
    g, read_iv = conductances(rng, 6, 5), model()
    g[g > 0] = np.clip(g[g > 0], 1e-6, 1e-4)
    law = fitted_cells(g, read_iv)
    for v in (0.05, 0.2, 0.4):
        expected = np.where(g > 0, read_iv(np.full_like(g, v), np.where(g > 0, g, 1e-5)), 0.0)
        carried = law(np.full_like(g, v), np.zeros_like(g))
        np.testing.assert_allclose(carried.i, expected, rtol=1e-12)
        step = law(np.full_like(g, v + 1e-6), np.zeros_like(g)).i - law(np.full_like(g, v - 1e-6), np.zeros_like(g)).i
        np.testing.assert_allclose(carried.by_word, step / 2e-6, rtol=1e-6)


def test_currents_are_odd_and_smooth_through_zero():
    law = SinhCells(np.full((1, 1), 1e-5), np.full((1, 1), 4.0))
    zero = np.zeros((1, 1))
    for v in (1e-9, 0.99e-3 / 4, 1.01e-3 / 4, 0.3):
        up, down = law(zero + v, zero).i[0, 0], law(zero, zero + v).i[0, 0]
        assert up == pytest.approx(-down, rel=1e-12)
        assert up == pytest.approx(1e-5 * np.sinh(4 * v), rel=1e-12)


def test_a_table_is_its_points_and_between_them_close_to_the_curve():
    volts, g = np.linspace(0, 0.5, 26), np.array([[1e-5, 3e-5], [0.0, 5e-5]])
    law = table_cells(g, volts, np.sinh(4 * volts) / 4)
    exact = sinh_cells(g, 4.0)
    zero = np.zeros((2, 2))
    for v in (-0.5, -0.13, 0.0, 0.02, 0.31, 0.5):
        tolerance = 1e-12 if abs(v * 50 - round(v * 50)) < 1e-9 else 2e-4
        np.testing.assert_allclose(law(zero + v, zero).i, exact(zero + v, zero).i, rtol=tolerance)
        step = law(zero + v + 1e-7, zero).i - law(zero + v - 1e-7, zero).i
        np.testing.assert_allclose(law(zero + v, zero).by_word, step / 2e-7, rtol=1e-3)
    terminals = reading(np.array([0.4, 0.5]), 2)
    found, truth = (solve_cells(one, Wires(500.0, 500.0), terminals).i_bl_last for one in (law, exact))
    np.testing.assert_allclose(found, truth, rtol=1e-3)


def test_cells_between_two_curves_carry_their_mean():
    volts = np.linspace(-0.4, 0.4, 9)
    curves = np.stack([1e-6 * volts, 1e-4 * np.sinh(6 * volts) / 6])
    law = table_cells([[1e-6, 25.75e-6, 1e-4, 0.0]], volts, curves, [1e-6, 1e-4])
    i = law(np.full((1, 4), 0.2), np.zeros((1, 4))).i[0]
    low, high = 0.2e-6, 1e-4 * np.sinh(1.2) / 6
    np.testing.assert_allclose(i, [low, low + 0.25 * (high - low), high, 0.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: sinh_cells([[1e-5]], -1.0), ConfigError, "bend"),
        (lambda: table_cells([[1e-5]], [0, 0.2, 0.1], [0, 1, 2]), ConfigError, "ascends"),
        (lambda: table_cells([[1e-5]], [0, 0.2], [0, 1, 2]), ConfigError, "one each"),
        (lambda: table_cells([[1e-5]], [0, 0.2, np.inf], [0, 1, 2]), ConfigError, "not finite"),
        (lambda: table_cells([[1e-5]], [0, 0.1, 0.2], [0, np.nan, 2]), ConfigError, "not finite"),
        (
            lambda: solve_cells(sinh_cells([[1e-5]], 1e6), WIRES, reading(np.array([0.3]), 1)),
            ConfigError,
            "bend of an I-V times the voltage of its cell is 3e",
        ),
        (lambda: table_cells([[1e-5]], [0, 0.1], [[0, 1], [0, 2]]), ConfigError, "without the conductances"),
        (lambda: table_cells([[1e-5]], [0, 0.1], [[0, 1], [0, 2]], [1e-6, 2e-6]), ModelRangeError, "the table has"),
        (
            lambda: solve_cells(table_cells([[1e-5]], [0, 0.1], [0, 0.1]), WIRES, reading(np.array([0.3]), 1)),
            ModelRangeError,
            "its table goes",
        ),
        (lambda: fitted_cells([[1e-3]], model()), ModelRangeError, "fitted from 1e-06"),
        (lambda: solve_cells(sinh_cells([[1e-5]], 1.0), WIRES, reading(np.ones(2), 1)), ConfigError, "the cells are"),
        (lambda: solve_cells(fitted_cells([[1e-5]], model()), WIRES, reading(np.ones(1), 1)), ModelRangeError, "0.4 V"),
        (
            lambda: solve_cells(
                sinh_cells([[1e-5]], 1.0), Wires(), Terminals(*(np.full((1, 1), v) for v in (1.0, 1.0, OPEN, 0.0)))
            ),
            ConfigError,
            "held at both|both its ends",
        ),
    ],
)
def test_bad_input_is_named(make, error, says):
    with pytest.raises(error, match=says):
        make()
