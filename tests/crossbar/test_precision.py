"""Single precision: its bound holds, and its codes differ from double precision's only at boundaries of codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.dac import Dac
from crossbar.precision import SINGLE_LIMIT, level_type, single_error
from crossbar.tile import CrossbarArray, TileConfig

FINE = TileConfig(rows=128, cols=128, r_wire_wl=1.0, r_wire_bl=1.0, read_noise=0.0, adc_bits=12, input_bits=1)


def programmed(config: TileConfig, weights: Any, x: Any) -> CrossbarArray:
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(1))
    array.set_range(array.required_range(x))
    return array


def levels(array: CrossbarArray, x: Any) -> tuple[Any, Any]:
    """Levels (LSB) of one plane in double precision, shape (batch, channels), and the gain that they come by."""
    gain = array.readout.difference(array.matrix[array.readout.rows]) * array.config.v_read / array.lsb
    gain = gain / array.config.dac.largest
    return x @ gain, gain


@pytest.mark.parametrize("dac", [Dac(), Dac(bits=4)])
def test_codes_differ_only_where_the_level_is_undecided_to_the_bound(dac: Dac) -> None:
    config = replace(FINE, dac=dac, input_bits=dac.bits, precision="single")
    rng = np.random.default_rng(0)
    weights, x = rng.integers(-127, 128, (128, 64)), rng.integers(0, 2**dac.bits, (4000, 128))
    single, double = (programmed(replace(config, precision=each), weights, x) for each in ("single", "double"))
    found, truth = (array.mvm(x, np.random.default_rng(2))[0] for array in (single, double))
    level, gain = levels(double, x)
    np.testing.assert_array_equal(truth, np.rint(level))
    bound = single_error(gain, np.zeros(64), config.dac.largest)
    undecided = np.abs(np.abs(level - np.floor(level)) - 0.5)
    differs = found != truth
    assert (undecided[differs] <= bound).all()
    assert np.abs(found - truth).max() == 1
    # levels are spread over LSBs: a share of 2 e is nearer than e to a boundary, with what e is in truth
    assert 0 < differs.mean() < 2 * bound / 10


def test_the_bound_is_no_hundred_times_too_large_where_roundings_add() -> None:
    gain = np.full((4096, 1), np.float32(1.1) + 0.0)
    total = np.float32(0)
    for each in gain[:, 0].astype(np.float32):
        total += each
    off = abs(float(total) - gain.sum())
    assert off <= single_error(gain, np.zeros(1), 1) < 100 * off


@pytest.mark.parametrize(("bits", "rows", "chosen"), [(8, 128, "single"), (12, 128, "single"), (12, 512, "double")])
def test_automatic_is_single_until_rows_and_bits_are_many(bits: int, rows: int, chosen: Any) -> None:
    config = replace(FINE, rows=rows, cols=32, adc_bits=bits, r_wire_wl=0.0, r_wire_bl=0.0)
    rng = np.random.default_rng(0)
    weights, x = rng.integers(-127, 128, (rows, 16)), rng.integers(0, 2, (20_000, rows))
    array, other = (programmed(replace(config, precision=each), weights, x) for each in ("auto", chosen))
    _, gain = levels(array, x)
    bound = single_error(gain, np.zeros(16), 1)
    assert (bound <= SINGLE_LIMIT) == (chosen == "single")
    assert level_type("auto", gain, np.zeros(16), 1) is {"single": np.float32, "double": np.float64}[chosen]
    found = [each.mvm(x, np.random.default_rng(3))[0] for each in (array, other)]
    np.testing.assert_array_equal(*found)
    if bits == 12:  # or else that would say nothing
        another = programmed(replace(config, precision="double" if chosen == "single" else "single"), weights, x)
        assert (another.mvm(x, np.random.default_rng(3))[0] != found[0]).any()


def test_noise_is_the_same_draw_in_either_precision() -> None:
    rng = np.random.default_rng(0)
    weights, x = rng.integers(-127, 128, (128, 64)), rng.integers(0, 2, (300, 128))
    noisy = replace(FINE, adc_bits=8, read_noise=0.02)
    found = [
        programmed(replace(noisy, precision=each), weights, x).mvm(x, np.random.default_rng(2))[0]
        for each in ("single", "double")
    ]
    assert np.mean(found[0] != found[1]) < 1e-3
    quiet = programmed(replace(noisy, read_noise=0.0), weights, x).mvm(x, np.random.default_rng(2))[0]
    assert np.mean(found[0] != quiet) > 0.1


def test_another_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match="no precision 'half'; there are auto, single, double"):
        level_type("half", np.ones((2, 2)), np.zeros(2), 1)  # type: ignore[arg-type]
