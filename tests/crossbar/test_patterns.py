"""Products of bit planes by sums of patterns: the dense product, an input's own, nothing for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.patterns import BLOCK, PART, Patterns, aligned, pattern_sums
from crossbar.precision import ROUNDING


@pytest.mark.parametrize(
    ("inputs", "rows", "columns", "bits"), [(1, 1, 1, 1), (40, 37, BLOCK, 5), (70, 130, BLOCK + 6, 8), (300, 32, 3, 2)]
)
def test_is_the_dense_product(inputs: int, rows: int, columns: int, bits: int) -> None:
    rng = np.random.default_rng(rows)
    x, matrix = rng.integers(0, 2**bits, (inputs, rows)), rng.standard_normal((rows, columns))
    x *= rng.random(x.shape) < 0.3  # so that lists are short, long and empty
    patterns, found = Patterns.of(x, bits), np.full((bits, inputs, columns), np.nan, dtype=np.float32)
    patterns.products(pattern_sums(matrix), 0, found)
    planes = x >> np.arange(bits)[:, None, None] & 1
    bound = (rows + 2) * ROUNDING * (planes @ np.abs(matrix))
    assert (np.abs(found - planes @ matrix) <= bound).all()
    assert np.array_equal(patterns.ones.T, planes.sum(axis=-1))
    assert len(patterns) == inputs


def test_an_input_gives_the_same_bits_wherever_it_stands() -> None:
    rng = np.random.default_rng(0)
    x, sums = rng.integers(0, 16, (90, 50)), pattern_sums(rng.standard_normal((50, 20)))
    whole = np.empty((4, 90, 20), dtype=np.float32)
    Patterns.of(x, 4).products(sums, 0, whole)
    for k in (0, 7, 89):
        alone = np.empty((4, 1, 20), dtype=np.float32)
        Patterns.of(x[k : k + 1], 4).products(sums, 0, alone)
        np.testing.assert_array_equal(alone[:, 0], whole[:, k])


def test_a_stretch_of_the_inputs_ends_where_they_end() -> None:
    x = np.arange(1, 8)[:, None]
    found = np.full((3, 4, 1), -1.0, dtype=np.float32)
    Patterns.of(x, 3).products(pattern_sums(np.array([[2.0]])), 5, found)
    np.testing.assert_array_equal(found[:, :, 0], [[0, 2, -1, -1], [2, 2, -1, -1], [2, 2, -1, -1]])


def test_rows_without_input_add_nothing() -> None:
    patterns = Patterns.of(np.zeros((5, 40), dtype=np.int64), 8)
    assert not patterns.steps.any()
    assert patterns.lists.shape == (2, 5, 8, PART)
    assert not patterns.ones.any()


def test_room_begins_a_line_of_the_cache() -> None:
    assert all(aligned((n, 3)).ctypes.data % 64 == 0 for n in range(1, 20))
