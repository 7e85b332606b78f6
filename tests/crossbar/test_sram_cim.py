"""Computing SRAM columns at speed: exact against the slow twin, unbiased, scaled by mismatch, safe for 6T cells.

golden_cim/<cell>.json are fits of `bitline characterize cim-column --set cell=<cell> --samples 120`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.model_file import FittedModel, ModelFile
from circuits.cim import FINER, CimConfig
from circuits.cim_model import ColumnModel
from crossbar.sram_cim import CimArray, cim_factory

_FOLDER = Path(__file__).parent / "golden_cim"


def column(cell: str = "8t", *, variation: bool = False) -> ColumnModel:
    return ColumnModel.of(ModelFile.load(_FOLDER / f"{cell}.json"), variation=variation)


def programmed(config: CimConfig, rows: int = 50, batch: int = 70) -> tuple[CimArray, Any, Any]:
    rng = np.random.default_rng(3)
    top = 2 ** (config.weight_bits - 1)
    w = rng.integers(-top + 1, top, (rows, config.outputs))
    x = rng.integers(0, 2**config.input_bits, (batch, rows))
    array = CimArray(config)
    array.program(w, np.random.default_rng(4))
    array.set_range(array.required_range(x))
    return array, w, x


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"sign": "differential"},
        {"dac_bits": 2, "input_bits": 5},
        {"dac_bits": 4, "input_bits": 4},
        {"linearise": False},
        {"curved": False},
        {"zero_rows": False},
        {"offset_sigma": 0.01},
        {"offset_sigma": 0.01, "auto_zero": False},
    ],
)
def test_agrees_with_the_slow_twin(more: dict[str, Any]) -> None:
    settings = {"weight_bits": 5, "input_bits": 4, "cols": 45, "noise": False, **more}
    array, _, x = programmed(CimConfig(column(variation=True), **settings))
    codes, stats = array.mvm(x, np.random.default_rng(0))
    counts = array.config.planes(x) @ array.weights_of_rows()
    volts = array.voltage(counts, array.driven(array.config.planes(x)))
    slow, saturated = array.converted(volts)
    # the curve between its nodes, and single precision, move a code only where it was undecided
    assert np.mean(codes != slow) < 0.005
    assert stats.counts["saturated"] == pytest.approx(saturated, abs=3)
    energy = array.config.column.capacitance * array.config.vdd * np.sum(array.config.vdd - volts)
    assert stats.energy["array"] == pytest.approx(energy, rel=1e-3)


@pytest.mark.parametrize("sign", ["offset", "differential"])
def test_equal_cells_and_fine_converters_give_the_product(sign: str) -> None:
    config = CimConfig(column(), weight_bits=5, input_bits=4, cols=40, sign=sign, adc_bits=12, noise=False)
    array, w, x = programmed(config)
    codes, _ = array.mvm(x, np.random.default_rng(0))
    found, truth = codes * array.scale, x @ w
    # rows of 0 take charge too: under 2 % of a row of 1 each
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.999
    assert np.polyfit(truth.ravel(), found.ravel(), 1)[0] == pytest.approx(1.0, abs=0.03)


def test_linearising_straightens_the_discharge() -> None:
    def bend(linearise: bool) -> float:  # noqa: FBT001
        config = CimConfig(column(), weight_bits=2, input_bits=1, cols=2, adc_bits=10, noise=False, linearise=linearise)
        array = CimArray(config)
        array.program(np.ones((64, 1), dtype=np.int64), np.random.default_rng(0))
        x = np.tril(np.ones((65, 64), dtype=np.int64), -1)
        array.set_range(64.0)
        codes, _ = array.mvm(x, np.random.default_rng(0))
        line = np.polyval(np.polyfit(np.arange(65), codes[:, 0], 1), np.arange(65))
        return float(np.abs(codes[:, 0] - line).max() / codes[:, 0].max())

    assert bend(linearise=True) < 0.003
    assert bend(linearise=False) > 3 * bend(linearise=True)


@pytest.mark.parametrize("sign", ["offset", "differential"])
def test_with_everything_off_columns_give_the_product_itself(sign: str) -> None:
    """Full scale at 65 rows of the 4095 = 63 x 65 codes: every count is a code."""
    config = CimConfig(column(), weight_bits=5, input_bits=4, cols=40, sign=sign, adc_bits=12)
    ideal = replace(config, noise=False, curved=False, zero_rows=False)
    rng = np.random.default_rng(3)
    w, x = rng.integers(-15, 16, (50, ideal.outputs)), rng.integers(0, 16, (70, 50))
    for each in (ideal, config):
        array = CimArray(each)
        array.program(w, np.random.default_rng(4))
        array.set_range(65.0)
        codes, _ = array.mvm(x, np.random.default_rng(0))
        assert array.scale == pytest.approx(1 / 63 / 4)
        assert np.array_equal(codes, 63 * 4 * (x @ w)) == (each is ideal)


def test_word_lines_that_are_on_deepen_every_bit_line() -> None:
    """Whatever their rows hold, and by their number."""
    array = CimArray(CimConfig(column(), weight_bits=2, cols=3, input_bits=1, noise=False, adc_bits=12))
    array.program(np.repeat([[1], [0]], [40, 60], axis=0), np.random.default_rng(0))
    array.set_range(60.0)
    x = (np.arange(100) < np.array([40, 70, 100])[:, None]).astype(np.int64)
    codes = array.mvm(x, np.random.default_rng(0))[0][:, 0] * array.scale
    more = np.diff(codes)
    without = CimArray(replace(array.config, column=replace(column(), lost=_unlifted())))
    without.program(np.repeat([[1], [0]], [40, 60], axis=0), np.random.default_rng(0))
    without.set_range(60.0)
    plain = np.diff(without.mvm(x, np.random.default_rng(0))[0][:, 0] * without.scale)
    lifted = 40 * 30 * column().lift  # 30 more word lines on 40 rows of 1; rows of 0 take charge too
    np.testing.assert_allclose(more - plain, lifted, rtol=0.15)
    assert lifted > 0.2


def _unlifted() -> FittedModel:
    lost = column().lost
    return replace(lost, parameters={**lost.parameters, "coefficients": [lost.parameters["coefficients"][0], 0.0]})


def test_a_straight_discharge_has_the_full_scale_of_the_curve() -> None:
    curved, _, _ = programmed(CimConfig(column(), weight_bits=4, cols=40))
    straight, _, _ = programmed(replace(curved.config, curved=False))
    assert (straight.lsb, straight.unit) == (curved.lsb, curved.unit)
    count = np.array([0.0, 0.5, 1.0, 100.0]) * straight.count
    deep = column().discharge.parameters["y"][-1]
    low = curved.voltage(count)[2]
    np.testing.assert_allclose(straight.voltage(count), [1.8, (1.8 + low) / 2, low, deep])
    assert curved.voltage(count)[1] < straight.voltage(count)[1] - 0.01  # current falls with the bit line
    assert straight.disturb() == curved.disturb()


def test_mismatch_spreads_sums_as_the_root_of_their_rows() -> None:
    config = CimConfig(column(variation=True), cols=400, weight_bits=2, input_bits=1, noise=False, adc_bits=12)
    array = CimArray(config)
    array.program(np.ones((256, 200), dtype=np.int64), np.random.default_rng(1))
    array.set_range(300.0)
    drawn = array.config.column.factors(np.random.default_rng(2).standard_normal((100_000, 2)))
    for rows in (16, 64, 256):
        x = (np.arange(256) < rows).astype(np.int64)[None]
        codes, _ = array.mvm(x, np.random.default_rng(0))
        counts = codes[0] * array.scale
        expected = drawn.std() / drawn.mean() * np.sqrt(rows)
        # 200 columns know a spread to 5 %: four of those; the top bit's rows of 0 take up to 2 % of the mean
        assert counts.std(ddof=1) == pytest.approx(expected, rel=0.2)
        assert counts.mean() == pytest.approx(rows, abs=4 * expected / np.sqrt(200) + 0.02 * rows)


def test_noise_is_that_of_the_bit_lines_capacitance() -> None:
    small = replace(column(), capacitance=1e-18)  # 64 mV
    array, _, x = programmed(CimConfig(small, weight_bits=2, input_bits=1, cols=200, adc_bits=12, linearise=False))
    quiet = CimArray(replace(array.config, noise=False))
    quiet.program(-np.ones((50, 100), dtype=np.int64), np.random.default_rng(4))
    noisy = CimArray(array.config)
    noisy.program(-np.ones((50, 100), dtype=np.int64), np.random.default_rng(4))
    for each in (quiet, noisy):
        each.set_range(60.0)
    both = [each.mvm(x, np.random.default_rng(5))[0] for each in (noisy, quiet)]
    # -1 is 0b11: the code of one bit line less twice that of the other
    sigma = np.std(both[0] - both[1]) / 2**FINER * noisy.lsb / np.sqrt(5)
    assert sigma == pytest.approx(np.sqrt(1.380649e-23 * 300.15 / 1e-18), rel=0.1)


def test_arrays_side_by_side_in_threads_give_the_same_bits() -> None:
    config = CimConfig(column(variation=True), weight_bits=4, input_bits=4, cols=40)
    array, _, x = programmed(config, batch=200)
    inputs = array.prepared(x)
    alone = array.multiply(inputs, np.random.default_rng(0))
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda _: array.multiply(inputs, np.random.default_rng(0)), range(4)))
    for codes, stats in together:
        np.testing.assert_array_equal(codes, alone[0])
        assert stats == alone[1]


def test_a_pulse_that_cannot_be_made_is_refused_with_what_can() -> None:
    array = CimArray(CimConfig(column(), input_bits=8, dac_bits=8))
    array.program(np.ones((256, 2), dtype=np.int64), np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"at most 4[0-9][0-9] fit; lower word_line"):
        array.set_range(10_000.0)


def test_6t_reads_that_flip_cells_are_refused() -> None:
    six = column("6t")
    safe = CimArray(CimConfig(six, word_line=0.8))
    safe.program(np.ones((256, 2), dtype=np.int64), np.random.default_rng(0))
    safe.set_range(256.0)
    assert safe.disturb() < 1e-9
    strong = CimArray(CimConfig(six, word_line=1.8))
    strong.program(np.ones((256, 2), dtype=np.int64), np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"at most \d+ rows, or word_line = [01]\.\d+ V for 256 rows"):
        strong.set_range(256.0)
    eight = CimArray(CimConfig(column()))
    eight.program(np.ones((256, 2), dtype=np.int64), np.random.default_rng(0))
    eight.set_range(256.0)
    assert eight.disturb() == 0.0


def test_the_rows_that_a_refusal_allows_are_the_most() -> None:
    # full scale at 64 rows: more rows empty the bit line
    six = replace(column("6t"), disturb=column("6t").disturb)
    config = CimConfig(six, word_line=1.08, disturb_limit=1e-6)

    def made(rows: int) -> CimArray:
        array = CimArray(config)
        array.program(np.ones((rows, 2), dtype=np.int64), np.random.default_rng(0))
        array.set_range(64.0)
        return array

    with pytest.raises(ConfigError, match="at most") as refused:
        made(256)
    most = int(str(refused.value).partition("at most ")[2].partition(" ")[0])
    assert 1 < most < 256
    assert made(most).disturb() <= 1e-6
    with pytest.raises(ConfigError, match=f"at most {most} rows"):
        made(most + 1)
    assert made(most // 2).disturb() <= made(most).disturb()


def test_rows_that_stay_off_count_nothing() -> None:
    array, _, _ = programmed(CimConfig(column(variation=True), weight_bits=4, input_bits=4, cols=40, noise=False))
    codes, stats = array.mvm(np.zeros((3, 50), dtype=np.int64), np.random.default_rng(0))
    assert not codes.any()
    assert stats.energy["array"] == pytest.approx(0.0, abs=1e-18)


@pytest.mark.parametrize("more", [{"sign": "both"}, {"v_low": 0.01}, {"cols": 3}, {"adc_bits": 20}])
def test_impossible_arrays_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="sram-cim"):
        CimConfig(column(), **more)


def test_factory_makes_arrays_for_parts_of_a_network() -> None:
    factory = cim_factory(CimConfig(column(), cols=64, weight_bits=8))
    array = factory(100, 5, 6)
    assert (factory.max_rows, factory.max_cols, array.rows, array.cols, array.config.input_bits) == (256, 8, 100, 5, 6)
