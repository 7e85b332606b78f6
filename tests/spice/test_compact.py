"""The compact cell against its slow twin, against ngspice on cells it has not seen, and at the edges of its range."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError
from circuits.technology import load_technology
from spice import squares
from spice.butterfly import Butterfly
from spice.compact import picture, sweeps, twin
from spice.compact.cell import CompactCell, chebyshev, lagrange
from spice.fits_compact import FIGURES, HeldOut, _residual, fit_compact, held_out, sigmas, simulate
from spice.sram import SramPoints


@pytest.fixture(scope="module")
def cell():
    return fit_compact()


@pytest.fixture(scope="module")
def sigma():
    return sigmas(load_technology())


def simulated(scores, corner="tt", temperature=27.0, vdd=1.8, figure="read_snm"):
    return simulate(SramPoints("sky130", corner, temperature, vdd, "full", (figure,), scores))[figure]


def worst_direction(condition, sigma):
    """Direction of scores, of length 1, in which the margin of a stored 0 falls fastest."""
    step = 0.1
    towards, away = (condition.read_snm(sign * step * np.diag(sigma))[:, 0] for sign in (1, -1))
    return (away - towards) / np.linalg.norm(away - towards)


def rms(error):
    return math.sqrt(np.mean(error**2))


@pytest.mark.parametrize(("temperature", "vdd", "mode"), [(27.0, 1.8, "hold"), (-33.0, 1.05, "read")])
def test_the_kernels_do_what_their_slow_twin_does(cell, sigma, temperature, vdd, mode):
    condition = cell.at(temperature, vdd)
    shifts = np.random.default_rng(1).uniform(-3, 3, (1, 12)) * sigma
    expected = [twin.lobes(getattr(condition, mode), rows, points=361) for rows in condition.cells(shifts)]
    found = getattr(condition, f"{mode}_snm")(shifts)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_held_out_cells_within_three_sigma_are_met_at_conditions_between_the_fitted_ones(cell):
    assert cell.residuals.keys() == FIGURES.keys()
    assert cell.residuals["read_snm"].samples == 240
    assert cell.residuals["read_snm"].rms < 0.15e-3
    assert cell.residuals["hold_snm"].rms < 0.5e-3
    assert cell.residuals["read_current"].rms < 2e-3
    for found in held_out(cell, "sky130", "tt", seed=23):
        error = found.modelled["read_snm"] - found.simulated["read_snm"]
        assert rms(error) < 0.3e-3, found.temperature


def test_cells_that_one_side_alone_calls_bistable_are_counted():
    nan = math.nan
    snm = np.array([[0.1, 0.2], [0.1, nan], [0.3, 0.1], [nan, 0.1]])
    told = np.array([[0.1, 0.2], [0.1, 0.01], [0.3, -0.01], [nan, 0.1]])
    one = HeldOut(
        27.0,
        1.8,
        np.zeros((4, 12)),
        {"read_snm": snm, "read_current": np.full((4, 2), 1e-5)},
        {"read_snm": told, "read_current": np.full((4, 2), 1.1e-5)},
    )
    margin, current = (_residual(name, [one]) for name in ("read_snm", "read_current"))
    assert (margin.samples, margin.outside) == (6, 1)
    assert (current.samples, current.outside) == (2, 4)  # the second and the third cell, both sides
    assert current.rms == pytest.approx(0.1)


@pytest.mark.parametrize("corner", ["sf", "ss"])
def test_other_corners_are_fitted_as_well(corner):
    known = fit_compact(corner=corner).residuals
    assert known["read_snm"].rms < 1e-3
    assert known["hold_snm"].rms < 1e-3
    assert known["read_current"].rms < 5e-3


def test_mean_sigma_and_tail_are_those_of_ngspice(cell, sigma):
    condition, rng = cell.at(27.0, 1.8), np.random.default_rng(5)
    scores = rng.standard_normal((300, 12))
    model, truth = condition.read_snm(scores * sigma).min(axis=1), simulated(scores).min(axis=1)
    assert np.mean(model) == pytest.approx(np.mean(truth), abs=0.1e-3)
    assert np.std(model) == pytest.approx(np.std(truth), abs=0.1e-3)
    direction = worst_direction(condition, sigma)  # cells at the 4.5-sigma quantile lie about this point
    across = rng.standard_normal((20, 12))
    tail = 4.5 * direction + across - np.outer(across @ direction, direction)
    np.testing.assert_allclose(condition.read_snm(tail * sigma), simulated(tail), rtol=0, atol=1e-3)


def test_at_one_volt_cells_are_met_cold_and_hot(cell, sigma):
    scores = np.random.default_rng(8).uniform(-3, 3, (10, 12))
    for temperature in (-40.0, 27.0, 125.0):
        error = cell.at(temperature, 1.0).read_snm(scores * sigma) - simulated(scores, "tt", temperature, 1.0)
        assert rms(error) < 0.3e-3, temperature


def test_a_thicker_oxide_raises_a_threshold_and_takes_gain(cell):
    condition, thick = cell.at(27.0, 1.8), np.zeros((2, 12))
    thick[1, 6 + 1] = 0.1  # left pass gate: weaker, so that the read disturbs less
    currents, margins = condition.read_current(thick), condition.read_snm(thick)
    assert currents[1, 0] < 0.95 * currents[0, 0]
    assert currents[1, 1] == pytest.approx(currents[0, 1], rel=5e-3)  # the right bit line's
    assert margins[1].min() >= margins[0].min()
    assert np.all(cell.lean > 0.3)


def test_read_current_is_that_of_the_published_cell(cell):
    assert cell.at(27.0, 1.8).read_current(np.zeros(6))[0] == pytest.approx(47.7e-6, rel=0.01)
    assert cell.at(125.0, 1.8).read_current(np.zeros(6))[0] == pytest.approx(40.0e-6, rel=0.01)


def test_hold_margins_are_wider_than_read_margins_and_fall_with_the_supply(cell, sigma):
    shifts = np.random.default_rng(6).standard_normal((50, 12)) * sigma
    high, low = cell.at(27.0, 1.8), cell.at(27.0, 1.0)
    assert (high.hold_snm(shifts).min(axis=1) > high.read_snm(shifts).min(axis=1)).all()
    assert (low.hold_snm(shifts).min(axis=1) < high.hold_snm(shifts).min(axis=1)).all()
    assert high.hold_snm(np.zeros(6)).min() == pytest.approx(0.690, rel=0.01)


def test_thresholds_alone_are_cells_with_nominal_oxides(cell, sigma):
    shifts = np.random.default_rng(7).standard_normal((5, 12)) * sigma
    shifts[:, 6:] = 0.0
    condition = cell.at(27.0, 1.8)
    np.testing.assert_array_equal(condition.read_snm(shifts[:, :6]), condition.read_snm(shifts))


def test_the_search_near_the_nominal_square_finds_what_the_scan_finds(cell, sigma):
    condition = cell.at(27.0, 1.2)
    shifts = np.random.default_rng(9).standard_normal((500, 12)) * sigma * 1.3
    nowhere = replace(condition, read_squares=np.full((2, 3), np.nan))
    np.testing.assert_allclose(condition.read_snm(shifts), nowhere.read_snm(shifts), rtol=0, atol=3e-6)


def test_swapping_the_halves_swaps_the_margins(cell, sigma):
    condition = cell.at(85.0, 1.5)
    shifts = np.random.default_rng(2).standard_normal((20, 6)) * sigma[:6]
    swapped = condition.read_snm(np.roll(shifts, 3, axis=1))
    np.testing.assert_allclose(condition.read_snm(shifts), swapped[:, ::-1], rtol=0, atol=1e-6)


def test_a_stronger_pass_gate_and_heat_cost_margin(cell):
    def margin(temperature=27.0, pass_gate=0.0):
        shifts = np.array([0.0, pass_gate, 0.0] * 2)
        return cell.at(temperature, 1.8).read_snm(shifts)[0].min()

    assert margin() == pytest.approx(0.297, rel=0.02)
    assert margin(pass_gate=-0.05) < margin() - 0.01 < margin() + 0.01 < margin(pass_gate=0.05)
    assert margin(temperature=125.0) == pytest.approx(0.265, rel=0.02)


def test_a_cell_that_lost_a_state_has_a_negative_margin_as_in_ngspice(sigma):
    model, condition = fit_compact(corner="sf"), {"corner": "sf", "temperature": 125.0, "vdd": 1.3}
    shifts = np.array([[0.12, -0.18, 0.0, -0.10, 0.10, 0.0]])
    scores = np.concatenate([shifts / sigma[:6], np.zeros((1, 6))], axis=1)
    truth = simulated(scores, **condition)
    assert truth.min() < -0.005
    np.testing.assert_allclose(model.at(125.0, 1.3).read_snm(shifts), truth, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("temperature", "vdd", "name"), [(130.0, 1.8, "temperature"), (27.0, 0.95, "vdd"), (27.0, 2.1, "vdd")]
)
def test_it_does_not_extrapolate_over_conditions(cell, temperature, vdd, name):
    with pytest.raises(ModelRangeError, match=name):
        cell.at(temperature, vdd)


def test_it_does_not_extrapolate_over_shifts(cell):
    shifts = np.zeros((3, 6))
    shifts[1, 4] = 0.31
    with pytest.raises(ModelRangeError, match="dvth_pass_gate_right"):
        cell.at(27.0, 1.8).read_snm(shifts)
    shifts = np.zeros((1, 12))
    shifts[0, 8] = 1.1 * sweeps.OXIDE_REACH
    with pytest.raises(ModelRangeError, match="dtoxe_pull_up_left"):
        cell.at(27.0, 1.8).hold_snm(shifts)


def test_a_file_gives_the_cell_back(cell, sigma, tmp_path):
    cell.save(tmp_path / "cell.npz")
    loaded = CompactCell.load(tmp_path / "cell.npz")
    assert (loaded.inputs, loaded.residuals, loaded.provenance) == (cell.inputs, cell.residuals, dict(cell.provenance))
    shifts = np.random.default_rng(3).standard_normal((20, 12)) * sigma
    written, kept = (model.at(27.0, 1.8).read_snm(shifts) for model in (loaded, cell))
    np.testing.assert_allclose(written, kept, rtol=0, atol=2e-6)


def test_a_damaged_file_is_refused(cell, tmp_path):
    path = tmp_path / "cell.npz"
    replace(cell, latch=cell.latch.copy()).save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["latch"][0, 0, 0, 50, 50] += 0.1
    np.savez_compressed(path, **arrays)
    with pytest.raises(ConfigError, match="checksum"):
        CompactCell.load(path)
    path.write_text("no model")
    with pytest.raises(ConfigError, match="not a compact cell"):
        CompactCell.load(path)
    with pytest.raises(ConfigError, match="bitline compact"):
        CompactCell.load(tmp_path / "none.npz")


def test_lagrange_weights_are_exact_for_polynomials():
    nodes = chebyshev(-40.0, 125.0, 5)
    assert lagrange(nodes, 61.3) @ (nodes / 100) ** 4 == pytest.approx(0.613**4, rel=1e-12)
    assert lagrange(nodes, float(nodes[2])) @ np.arange(5) == pytest.approx(2.0)


def inverter(vin, low, high, centre, steepness):
    return low + (high - low) * 0.5 * (1 - np.tanh(steepness * (vin - centre)))


def test_largest_squares_of_smooth_curves_are_the_butterflys():
    vin = np.linspace(0.0, 1.8, 361)
    q, qb = inverter(vin, 0.2, 1.8, 0.7, 6.0), inverter(vin, 0.1, 1.7, 0.8, 7.0)
    np.testing.assert_allclose(squares.lobes(vin, q, qb), Butterfly(vin, q, qb).lobes(), rtol=0, atol=3e-6)


def test_curves_with_one_lobe_have_no_margins():
    vin = np.linspace(0.0, 1.8, 91)
    flat = 1.5 - 0.1 * vin
    assert np.isnan(squares.lobes(vin, flat, flat)).all()


def test_the_fit_is_drawn_against_ngspice(cell, tmp_path):
    for name, start in (("fit.png", b"\x89PNG"), ("fit.html", b"<!doctype html>")):
        picture.draw(cell, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(ConfigError, match=r"\.png"):
        picture.draw(cell, tmp_path / "fit.gif")
