import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from crossbar.adjoint import Readout
from crossbar.noise import exact_spread, output_variance, spread_error, wire_loss
from crossbar.solve import effective_matrix, solve

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
    for share in (0.2, 0.5, 1.0):
        v = 0.2 * (rng.random(24) < share)
        errors = [
            spread_error(g, v, HARD, SIGMA, Readout.pairs(24, 10), np.random.default_rng(1), way)
            for way in ("matrix", "local", "adjoint")
        ]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 0.03


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
    assert [way(wires) for wires in (EASY, Wires(15.0, 15.0), HARD)] == ["matrix", "local", "adjoint"]


def test_an_unknown_way_and_a_silent_drive_are_refused():
    g, _ = tile()
    with pytest.raises(ConfigError, match="no way 'best'"):
        found(g, EASY, "best", np.ones(24))
    with pytest.raises(ConfigError, match="word line driven"):
        spread_error(g, np.zeros(24), EASY, SIGMA, Readout.pairs(24, 10), np.random.default_rng(1))
