"""Counts, discharge and conversion of computing SRAM columns at speed; `circuits.cim` is the slow twin.

Four neighbouring rows have sixteen patterns of input bits: what each adds to every bit line is summed once when the
array is programmed (the method of the four Russians), so that a bit plane takes a quarter of the additions, and rows
without input none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Ints = np.ndarray[Any, np.dtype[np.int64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]

GROUP = 4  # rows
PATTERNS = 1 << GROUP
_FAST = {"contract", "nnan", "ninf", "nsz", "reassoc"}
BLOCK = 128  # bit lines that are worked on together: a block's sums for 256 rows are half a megabyte


def pattern_sums(weights: Any) -> Singles:
    """Sums[block, group * PATTERNS + pattern, bit line] of weights[rows, bit lines], padded with zeros."""
    rows, cols = weights.shape
    groups, blocks = -(-rows // GROUP), -(-cols // BLOCK)
    padded = np.zeros((groups * GROUP, blocks * BLOCK))
    padded[:rows, :cols] = weights
    patterns = (np.arange(PATTERNS)[:, None] >> np.arange(GROUP)) & 1
    sums = np.einsum("pr,grc->gpc", patterns.astype(np.float64), padded.reshape(groups, GROUP, -1))
    flat = sums.reshape(groups * PATTERNS, blocks, BLOCK).transpose(1, 0, 2)
    return np.ascontiguousarray(flat, dtype=np.float32)


@njit(cache=True, nogil=True)
def list_patterns(x: Ints, bits: int, lists: Any, lengths: Any) -> int:
    """Rows of `pattern_sums` that bit q of x[batch, rows] adds: lists[batch, q, :lengths[batch, q]]; ones in all."""
    batch, rows = x.shape
    ones = 0
    for k in range(batch):
        for q in range(bits):
            length = 0
            for group in range(-(-rows // GROUP)):
                pattern, first = 0, group * GROUP
                for i in range(min(GROUP, rows - first)):
                    bit = (x[k, first + i] >> q) & 1
                    ones += bit
                    pattern |= bit << i
                lists[k, q, length] = group * PATTERNS + pattern
                length += pattern != 0  # an entry of no pattern is written over
            lengths[k, q] = length
    return ones


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def add_listed(sums: Any, listed: Any, length: int, total: Any) -> None:
    """Add the listed rows of sums[row, BLOCK] to total[BLOCK], four at a time."""
    whole = length // 4 * 4
    for n in range(0, whole, 4):
        a, b, c, d = sums[listed[n]], sums[listed[n + 1]], sums[listed[n + 2]], sums[listed[n + 3]]
        for j in range(BLOCK):
            total[j] += (a[j] + b[j]) + (c[j] + d[j])
    for n in range(whole, length):
        a = sums[listed[n]]
        for j in range(BLOCK):
            total[j] += a[j]


# Each loop over a block is a function, and those that look something up are apart: so the others go by vectors


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def place_counts(total: Any, per_node: Any, last: Any, index: Any, rest: Any) -> None:
    """The node of the curve below each count of total[BLOCK], in index[BLOCK], and how far it is on, in rest[BLOCK]."""
    for j in range(BLOCK):
        at = min(total[j] * per_node, last)
        node = np.int32(at)
        index[j] = node
        rest[j] = at - np.float32(node)


@njit(cache=True, nogil=True)
def look_up(curve: Any, index: Any, below: Any, above: Any) -> None:
    """The curve at each node of index[BLOCK] and at the next."""
    for j in range(BLOCK):
        node = np.uint32(index[j])
        below[j] = curve[node]
        above[j] = curve[node + np.uint32(1)]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def convert_block(
    below: Any, above: Any, rest: Any, offset: Any, noise: Any, zero: Any, top: Any, highest: Any, index: Any
) -> Any:
    """The code of each bit line in index[BLOCK]; saturated conversions and sum of levels.

    Args:
        below: level in LSB at the node below, shape (BLOCK,) as all that follows.
        above: at the next.
        rest: how far it is on.
        offset: of the converters, LSB.
        noise: drawn, LSB.
        zero: codes to subtract.
        top: the largest code.
        highest: likewise, as an integer.
        index: result.
    """
    saturated, levels = np.int32(0), np.float32(0.0)
    for j in range(BLOCK):
        level = below[j] + rest[j] * (above[j] - below[j])
        levels += level
        code = level + offset[j] + noise[j]
        saturated += np.int32(code > top + np.float32(0.5))
        nearest = np.int32(np.rint(min(max(code, np.float32(0.0)), top)))
        index[j] = min(max(nearest - zero[j], np.int32(0)), highest)
    return saturated, levels


@njit(cache=True, nogil=True)
def add_meaning(meaning: Any, index: Any, place: Any, kept: Any) -> None:
    """Add what each code of index[BLOCK] means, in output codes, times `place` to kept[BLOCK]."""
    for j in range(BLOCK):
        kept[j] += meaning[np.uint32(index[j])] * place


@njit(cache=True, nogil=True)
def multiply(
    sums: Any,
    lists: Any,
    lengths: Any,
    dac_bits: int,
    bit_lines: int,
    curve: Any,
    per_node: Any,
    offset: Any,
    zero: Any,
    meaning: Any,
    pool: Any,
    first: int,
    places: Any,
    outputs: Any,
    codes: Any,
) -> Any:
    """Output codes[batch, cols] (added to, so they start at 0); saturated conversions and sum of levels.

    Args:
        sums: of `pattern_sums`.
        lists: of `list_patterns`.
        lengths: likewise.
        dac_bits: of a digit.
        bit_lines: in use.
        curve: levels in LSB at equal steps of the count; counts beyond it stay at its end.
        per_node: steps of the curve a count.
        offset: of the converters, LSB, `BLOCK` entries a block.
        zero: codes to subtract, likewise.
        meaning: of each code, in output codes.
        pool: drawn noise, LSB; a power of two and BLOCK more.
        first: number of the first input in its batch.
        places: what a code of each bit line counts.
        outputs: to which output.
        codes: results.
    """
    batch, bits = lengths.shape
    digits = -(-bits // dac_bits)
    total, kept = np.empty(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.int32)
    rest, below = np.empty(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    above = np.empty(BLOCK, dtype=np.float32)
    index = np.empty(BLOCK, dtype=np.int32)
    top, highest = np.float32(len(meaning) - 1), np.int32(len(meaning) - 1)
    last = np.float32(len(curve) - 2)
    mask = len(pool) - BLOCK - 1
    saturated, levels = 0, 0.0
    for b in range(sums.shape[0]):
        used = min(bit_lines - b * BLOCK, BLOCK)
        own = slice(b * BLOCK, (b + 1) * BLOCK)
        for k in range(batch):
            kept[:] = 0
            for p in range(digits):
                total[:] = 0
                for q in range(min((p + 1) * dac_bits, bits) - 1, p * dac_bits - 1, -1):
                    for j in range(BLOCK):
                        total[j] *= np.float32(2.0)
                    add_listed(sums[b], lists[k, q], lengths[k, q], total)
                drawn = (((first + k) * digits + p) * 40503 + b * 10007) & mask
                noise = pool[drawn : drawn + BLOCK]
                place_counts(total, per_node, last, index, rest)
                look_up(curve, index, below, above)
                over, level = convert_block(below, above, rest, offset[own], noise, zero[own], top, highest, index)
                add_meaning(meaning, index, np.int32(1 << (p * dac_bits)), kept)
                saturated += over
                levels += level
            for j in range(used):
                codes[k, outputs[b * BLOCK + j]] += np.int64(kept[j]) * places[b * BLOCK + j]
    return saturated, levels
