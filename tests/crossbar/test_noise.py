import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from crossbar.adjoint import Readout, driven_cells, sensitivities
from crossbar.noise import LOSSES, RISES, WAYS, OutputVariance, bit_line_rise, output_variance, wire_loss
from crossbar.solve import effective_matrix, solve
from crossbar.spread import exact_spread, spread_error

HARD = Wires(30.0, 40.0, 100.0, 50.0)
EASY = Wires(1.0, 1.0)
SIGMA = 0.02


def tile(m=24, outputs=10, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-7, 8, (m, outputs))
    g = np.full((m, 2 * outputs), 2e-6)
    g[:, 0::2] += 1e-5 * np.maximum(weights, 0)
    g[:, 1::2] += 1e-5 * np.maximum(-weights, 0)
    return g, rng


def found(g, wires, way, x, readout=None, unit=1.0):
    readout = readout or Readout.pairs(len(g), g.shape[1] // 2)
    variance = output_variance(g, effective_matrix(g, wires), wires, SIGMA, readout, unit, way)
    return np.sqrt(variance.of(np.atleast_2d(x).astype(np.float32), np.atleast_2d(x * x).astype(np.float32)))


def sampled(g, wires, x, rng, count=1500):
    ohms = (wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
    i = np.array([solve(g * (1 + SIGMA * rng.standard_normal(g.shape)), x, *ohms) for _ in range(count)])
    return (i[:, 0::2] - i[:, 1::2]).std(axis=0)


@pytest.mark.parametrize("way", ["matrix", "local", "adjoint"])
def test_without_wires_the_spread_is_that_of_a_sum_of_products(way):
    g, rng = tile()
    x = rng.random(24)
    each = (SIGMA * g * x[:, None]) ** 2
    expected = np.sqrt((each[:, 0::2] + each[:, 1::2]).sum(axis=0))
    np.testing.assert_allclose(found(g, Wires(), way, x)[0], expected, rtol=1e-5)


def test_the_adjoint_spread_is_that_of_perturbed_cells_where_the_matrix_alone_is_not():
    g, rng = tile()
    x = (rng.random(24) < 0.5).astype(float)
    truth = sampled(g, HARD, x, rng)
    # an estimate from 1500 draws is good to 1.8 %: 4.5 sigma over ten channels, and what the mean input leaves
    np.testing.assert_allclose(found(g, HARD, "adjoint", x)[0], truth, rtol=4.5 / np.sqrt(2 * 1500) + 0.02)
    assert (found(g, HARD, "matrix", x)[0] / truth).mean() > 1.08


def test_the_exact_spread_is_sharp_with_few_draws():
    g, rng = tile()
    v = 0.2 * (rng.random(24) < 0.5)
    readout = Readout.pairs(24, 10)
    few = exact_spread(g, v, HARD, SIGMA, readout, np.random.default_rng(5))
    many = sampled(g, HARD, v, rng)
    np.testing.assert_allclose(few.sigma, many, rtol=4.5 / np.sqrt(2 * 1500))
    assert 1e-5 < few.linear_error < 0.01
    again = exact_spread(g, v, HARD, SIGMA, readout, np.random.default_rng(6))
    np.testing.assert_allclose(few.sigma, again.sigma, rtol=2e-3)


def test_each_way_is_better_than_the_one_before():
    g, rng = tile()
    readout = Readout.pairs(24, 10)
    x = (rng.random((40, 24)) < 0.5).astype(float)
    exact = exact_variances(g, HARD, readout, x)
    errors = [error(found(g, HARD, way, x) ** 2, exact).mean() for way in ("matrix", "mean", "local", "adjoint")]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def exact_variances(g, wires, readout, x):
    """By the response of every cell to every input and by the adjoint voltages: all that first order has."""
    unit = np.stack([driven_cells(g, volts, wires) for volts in np.eye(len(g))[readout.rows]])
    weight = np.stack([(SIGMA * g * sensed) ** 2 for sensed in sensitivities(g, wires, readout)])
    return np.einsum("bij,cij->bc", np.tensordot(x, unit, 1) ** 2, weight, optimize=True)


def error(variance, exact):
    """Largest of any channel's spread over their rms, of each input, as `spread_error` has it."""
    return np.max(np.abs(np.sqrt(variance) - np.sqrt(exact)), axis=1) / np.sqrt(exact.mean(axis=1))


@pytest.mark.parametrize(
    ("wires", "loss", "way", "limit"),
    [
        (Wires(1.0, 1.0, 2.0, 1.0), 0.01, "matrix", 0.01),
        (Wires(5.0, 5.0, 10.0, 5.0), 0.04, "mean", 0.02),
        (Wires(16.0, 16.0, 32.0, 16.0), 0.12, "local", 0.015),
        (Wires(45.0, 45.0, 90.0, 45.0), 0.27, "adjoint", 0.012),
        (Wires(150.0, 150.0, 300.0, 150.0), 0.54, "adjoint", 0.025),
        (Wires(10.0, 10.0, 4000.0, 20.0), 0.5, "adjoint", 0.006),  # other bit lines' cells move the word lines
    ],
)
@pytest.mark.parametrize("kind", ["pairs", "single", "reference"])
def test_the_spread_is_exact_to_the_way_s_limit_whatever_is_on(wires, loss, way, limit, kind):
    m, rng = 48, np.random.default_rng(7)
    weights = np.clip(rng.normal(0, 0.25, (m, 24)), -1, 1)
    g = np.full((m, 48), 1e-6)
    g[:, 0::2] += 4e-5 * np.maximum(weights, 0)
    g[:, 1::2] += 4e-5 * np.maximum(-weights, 0)
    rows = np.sort(rng.permutation(m)[:42])
    pairs = Readout.pairs(42, 24)
    readout = {
        "pairs": Readout(rows, pairs.plus, pairs.minus),
        "single": Readout(rows, pairs.plus),
        "reference": Readout(rows, pairs.plus, np.full(24, 47)),
    }[kind]
    x = np.concatenate([rng.random((6, 42)) < 0.1, rng.random((6, 42)) < 0.5, np.ones((1, 42))])
    x[3:6] *= np.abs(np.arange(42) - [[4], [20], [37]]) < 6  # what is on lies together
    x[:3, rng.integers(42)] = x[[3, 4, 5], [4, 20, 37]] = 1
    exact = exact_variances(g, wires, readout, x)
    matrix = effective_matrix(g, wires)
    assert wire_loss(g, matrix, rows) == pytest.approx(loss, rel=0.2)
    chosen = output_variance(g, matrix, wires, SIGMA, readout)
    assert chosen.way == way
    x = x.astype(np.float32)
    assert error(chosen.of(x), exact).max() < limit
    if way == "matrix":
        return
    before = WAYS[WAYS.index(way) - 1]  # what is cheaper would not do
    assert error(output_variance(g, matrix, wires, SIGMA, readout, way=before).of(x), exact).max() > limit


def test_a_way_too_weak_for_its_wires_still_gives_variances():
    g, _ = tile()
    wires = Wires(2000.0, 2000.0)
    for way in ("mean", "local", "adjoint"):
        assert (found(g, wires, way, np.eye(24)) >= 0).all()
    one = np.ones((1, 1, 1), dtype=np.float32)
    assert OutputVariance("local", one[0], one, -2 * one[0]).of(one[0]) == 0


def test_inputs_of_many_levels_count_with_their_squares():
    g, rng = tile()
    x = rng.integers(0, 16, 24) / 15
    readout = Readout.pairs(24, 10)
    assert spread_error(g, 0.3 * x, HARD, SIGMA, readout, np.random.default_rng(1), "adjoint") < 0.03
    np.testing.assert_allclose(found(g, HARD, "adjoint", 0.5 * x), 0.5 * found(g, HARD, "adjoint", x), rtol=1e-4)
    np.testing.assert_allclose(found(g, HARD, "local", x, unit=7.0), 7 * found(g, HARD, "local", x), rtol=1e-5)


def test_single_bit_lines_a_shared_reference_and_some_rows():
    g, rng = tile()
    rows = rng.permutation(24)[:15]
    plus, minus = np.array([3, 8, 11]), np.array([19, 19, 19])
    v = np.zeros(24)
    v[rows] = 0.2 * rng.random(15)
    for readout in (Readout(rows, plus), Readout(rows, plus, minus)):
        assert spread_error(g, v, HARD, SIGMA, readout, np.random.default_rng(1), "adjoint") < 0.03


def test_the_way_is_chosen_by_what_wires_take():
    g, _ = tile()
    readout = Readout.pairs(24, 10)

    def way(wires):
        return output_variance(g, effective_matrix(g, wires), wires, SIGMA, readout).way

    assert wire_loss(g, g, readout.rows) == 0
    assert [way(Wires(r, r)) for r in (1.0, 5.0, 15.0, 40.0)] == ["matrix", "mean", "local", "adjoint"]


def test_few_bit_lines_that_rise_far_are_not_taken_by_the_mean_input():
    # little current is taken, for word lines hardly drop; bit lines rise as far as on a full tile
    rng = np.random.default_rng(4)
    g = np.full((128, 40), 1e-6)
    g[:, :8] = rng.uniform(1e-6, 10e-6, (128, 8))
    wires, readout = Wires(2.0, 2.0), Readout.pairs(128, 4)
    matrix = effective_matrix(g, wires)
    assert wire_loss(g, matrix, readout.rows) < LOSSES["mean"]
    assert bit_line_rise(g, wires, readout) > RISES["mean"]
    assert output_variance(g, matrix, wires, SIGMA, readout).way == "local"
    every = np.full(128, 0.2)  # far from the mean input
    errors = [spread_error(g, every, wires, SIGMA, readout, np.random.default_rng(1), way) for way in ("mean", "auto")]
    assert errors[0] > 0.03 > 3 * errors[1]


def test_the_rise_of_a_bit_line_is_that_of_a_solution():
    g, _ = tile()
    wires, readout = Wires(0.0, 0.5, r_sink=3.0), Readout.pairs(24, 10)
    matrix = effective_matrix(g, wires)
    lost = 1 - matrix[:, :20].sum() / g[:, :20].sum()  # with ideal word lines all that is lost is the rise
    assert bit_line_rise(g, wires, readout) == pytest.approx(lost, rel=0.05)
    assert bit_line_rise(g, Wires(5.0, 0.0), readout) == 0


def test_an_unknown_way_and_a_silent_drive_are_refused():
    g, _ = tile()
    with pytest.raises(ConfigError, match="no way 'best'"):
        found(g, EASY, "best", np.ones(24))
    with pytest.raises(ConfigError, match="word line driven"):
        spread_error(g, np.zeros(24), EASY, SIGMA, Readout.pairs(24, 10), np.random.default_rng(1))
