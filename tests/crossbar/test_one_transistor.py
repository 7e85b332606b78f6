from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import ModelFile
from circuits.crossbar import Wires
from circuits.terminals import reading
from crossbar.cells import SinhCells, sinh_cells
from crossbar.newton import solve_cells
from crossbar.nonlinear import solve_by_chords
from crossbar.one_transistor import devices_for, one_transistor_cells, transistor

MODELS = ModelFile.load(Path(__file__).parent / "access_tt.json")
MOS, DEVICE = MODELS["access.mos_iv"], MODELS["reram.device_iv"]
BEND = 1 / 0.43


def devices(g, bend=BEND):
    return SinhCells(g / bend, np.full(g.shape, bend)) if bend else SinhCells(g, np.zeros(g.shape))


def test_the_kernel_is_the_model_and_its_slopes_are_the_models():
    rng = np.random.default_rng(1)
    law = one_transistor_cells(devices(np.ones((9, 1))), MOS, rng.uniform(0, 1.8, 9))
    for drain, source in rng.uniform(-0.3, 1.8, (20, 2)):
        for gate, row in zip(law.v_gate, law._rows, strict=True):
            i, by_drain, by_source = transistor(row, law.parameters["power"], drain, source)
            step = 1e-6
            drains, sources = drain + step * np.array([0, 1, -1, 0, 0]), source + step * np.array([0, 0, 0, 1, -1])
            model = np.vectorize(lambda d, s: transistor(row, law.parameters["power"], d, s)[0])(drains, sources)  # noqa: B023
            assert i == pytest.approx(float(MOS(gate, drain, source)), rel=1e-9, abs=1e-22)
            assert by_drain == pytest.approx((model[1] - model[2]) / 2e-6, rel=1e-5, abs=1e-12 * abs(i))
            assert by_source == pytest.approx((model[4] - model[3]) / 2e-6, rel=1e-5, abs=1e-12 * abs(i))
            assert by_drain > 0
            assert by_source > 0


@given(
    seed=st.integers(0, 2**32 - 1), bend=st.sampled_from([0.0, BEND, 8.0]), decades=st.sampled_from([(-7, -3), (-2, 0)])
)
@settings(max_examples=30, deadline=None)
def test_both_parts_of_a_cell_carry_its_current(seed, bend, decades):
    rng = np.random.default_rng(seed)
    g = 10 ** rng.uniform(*decades, (6, 5))
    g[2, 2] = 0.0
    law = one_transistor_cells(devices(g, bend), MOS, rng.uniform(0, 1.8, 6))
    word, bit = rng.uniform(-0.3, 1.8, (2, 6, 5))
    found = law(word, bit)
    assert found.i[2, 2] == found.by_word[2, 2] == found.by_bit[2, 2] == 0
    for row, col in np.argwhere(g > 0):
        a, k, i = law.device.amplitude[row, col], law.device.bend[row, col], found.i[row, col]
        middle = word[row, col] - (np.arcsinh(i / a) / k if k else i / a)
        low, high = sorted((word[row, col], bit[row, col]))
        assert low - 1e-12 <= middle <= high + 1e-12
        through, by_drain, _ = transistor(law._rows[row], law.parameters["power"], middle, bit[row, col])
        assert through == pytest.approx(i, rel=1e-9, abs=4e-16 * by_drain + 1e-25)
    step = 1e-6
    up, down = law(word + step, bit).i - law(word - step, bit).i, law(word, bit + step).i - law(word, bit - step).i
    rounding = 1e-9 * np.abs(found.i) / step + 1e-18 / step
    assert (np.abs(up / (2 * step) - found.by_word) <= 1e-5 * found.by_word + rounding).all()
    assert (np.abs(-down / (2 * step) - found.by_bit) <= 1e-5 * found.by_bit + rounding).all()


def test_a_cell_carries_what_it_was_programmed_to_and_less_with_its_gate_lower():
    g = np.array([[2e-6, 2e-5], [4e-5, 0.0]])
    for bend in (BEND, 0.0, DEVICE):
        device = devices_for(g, MOS, 1.8, 0.2, bend)
        word, bit = np.full((2, 2), 0.2), np.zeros((2, 2))
        high, low, off = (one_transistor_cells(device, MOS, v)(word, bit).i for v in (1.8, 0.9, 0.0))
        np.testing.assert_allclose(high, 0.2 * g, rtol=1e-12)
        assert (low[g > 0] < high[g > 0]).all()
        assert off.max() < 1e-6 * high.max()
        # more than the device alone would be off by: the transistor's share of a cell of 40 uS is 1 % and more
        alone = device(word, bit).i
        assert alone[1, 0] > 1.005 * high[1, 0]


def test_a_wide_open_transistor_leaves_the_device_alone():
    g = np.full((2, 2), 1e-9)  # a millionth of the transistor's
    word, bit = np.full((2, 2), 0.3), np.zeros((2, 2))
    cell = one_transistor_cells(devices(g), MOS, 1.8)(word, bit)
    np.testing.assert_allclose(cell.i, devices(g)(word, bit).i, rtol=1e-5)


@pytest.mark.parametrize("ratio", [1e5, 200])
def test_an_array_is_that_of_the_twin(ratio):
    rng = np.random.default_rng(3)
    g = 1 / (ratio * rng.uniform(1, 10, (5, 4)))
    g[1, 1], g[2, 2] = 0.0, 1.0
    law = one_transistor_cells(devices(g), MOS, rng.uniform(0.8, 1.8, 5))
    terminals = reading(rng.uniform(0.05, 0.4, 5), 4)
    found, truth = (solve(law, Wires(1.0, 1.0), terminals, 1e-11) for solve in (solve_cells, solve_by_chords))
    np.testing.assert_allclose(found.i_bl_last, truth.i_bl_last, rtol=1e-8)


@pytest.mark.parametrize("ratio", [1e5, 1e4, 1e3, 200])
def test_no_cliff_from_easy_wires_to_hard_ones(ratio):
    rng = np.random.default_rng(4)
    g = 1 / (ratio * rng.uniform(1, 10, (64, 64)))
    g[3, 3], g[4, 4] = 1.0, 0.0
    law = one_transistor_cells(devices(g), MOS, np.where(np.arange(64) % 2, 1.8, 0.0))  # every second row is off
    found = solve_cells(law, Wires(1.0, 1.0), reading(rng.uniform(0, 0.3, 64), 64))
    assert found.bound[0] <= 1e-9 * np.abs(found.i_bl_last).max()
    assert found.iterations <= 20


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: one_transistor_cells(sinh_cells([[1e-5]], 1.0), DEVICE, 1.8), ConfigError, "'mos_iv'"),
        (lambda: one_transistor_cells(sinh_cells([[1e-5]], 1.0), MOS, [1.8, 1.8]), ConfigError, "1 rows"),
        (lambda: one_transistor_cells(sinh_cells([[1e-5]], 1.0), MOS, 3.3), ModelRangeError, "3.3 V"),
        (lambda: devices_for([[1e-2]], MOS, 1.8, 0.2, BEND), ModelRangeError, "its transistor alone carries"),
        (
            lambda: solve_cells(
                one_transistor_cells(sinh_cells([[1e-5]], 1.0), MOS, 1.8), Wires(1.0), reading(np.array([2.5]), 1)
            ),
            ModelRangeError,
            "2.5 V",
        ),
        (
            lambda: solve_cells(
                one_transistor_cells(devices_for([[1e-5]], MOS, 1.8, 0.2, DEVICE), MOS, 1.8),
                Wires(1.0),
                reading(np.array([1.0]), 1),
            ),
            ModelRangeError,
            "a device sees",
        ),
    ],
)
def test_bad_input_is_named(make, error, says):
    with pytest.raises(error, match=says):
        make()
