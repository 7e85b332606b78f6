"""Counts, discharge and conversion of computing SRAM columns at speed; `circuits.cim` is the slow twin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from crossbar.patterns import BLOCK, add_part

_FAST = {"contract", "nnan", "ninf", "nsz", "reassoc"}

# Each loop is a function, and those that look something up are apart: so the others go by vectors


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def place_counts(total: Any, per_node: Any, gains: Any, last: Any, index: Any, rest: Any) -> None:
    """The node of the curve below each of total[counts], in index[counts], and how far it is on, in rest[counts].

    Counts are in blocks of `BLOCK`, each multiplied by its own of gains[blocks].
    """
    for p in range(len(gains)):
        scale, first = per_node * gains[p], p * BLOCK
        own, node, on = total[first : first + BLOCK], index[first : first + BLOCK], rest[first : first + BLOCK]
        for j in range(BLOCK):
            at = min(own[j] * scale, last)
            node[j] = np.int32(at)
            on[j] = at - np.float32(np.int32(at))


@njit(cache=True, nogil=True)
def look_up(curve: Any, index: Any, found: Any) -> None:
    """The curve's pieces at index[counts], in found[counts]: two floats each, moved as one double."""
    for j in range(len(index)):
        found[j] = curve[np.uint32(index[j])]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def convert_block(
    pieces: Any, first: int, rest: Any, offset: Any, zero: Any, start: int, pool: Any, drawn: int, top: int, index: Any
) -> Any:
    """The codes of a block of bit lines in index[BLOCK]; saturated conversions and sum of levels.

    Args:
        pieces: level in LSB at the node below each count, and what it gains up to the next; shape (2 counts,).
        first: of the counts.
        rest: how far each is on, shape (counts,).
        offset: of the converters, LSB.
        zero: codes to subtract.
        start: the first of the converters.
        pool: noise, LSB.
        drawn: the first of it.
        top: the largest code.
        index: result.
    """
    saturated, levels = np.int32(0), np.float32(0.0)
    highest, limit = np.int32(top), np.float32(top)
    piece, on = pieces[2 * first : 2 * (first + BLOCK)], rest[first : first + BLOCK]
    off, noise, least = offset[start : start + BLOCK], pool[drawn : drawn + BLOCK], zero[start : start + BLOCK]
    for j in range(BLOCK):
        level = piece[2 * j] + on[j] * piece[2 * j + 1]
        levels += level
        code = level + off[j] + noise[j]
        saturated += np.int32(code > limit + np.float32(0.5))
        nearest = np.int32(np.rint(min(max(code, np.float32(0.0)), limit)))
        index[j] = min(max(nearest - least[j], np.int32(0)), highest)
    return saturated, levels


@njit(cache=True, nogil=True)
def add_meaning(meaning: Any, index: Any, place: Any, kept: Any) -> None:
    """Add what each code of index[BLOCK] means, in output codes, times `place` to kept[BLOCK]."""
    for j in range(BLOCK):
        kept[j] += meaning[np.uint32(index[j])] * place


@njit(cache=True, nogil=True)
def add_outputs(kept: Any, places: Any, outputs: Any, start: int, used: int, codes: Any) -> None:
    """Add kept[used] of the bit lines from `start` on, by their places, to their outputs in codes[cols]."""
    total = np.int64(0)
    for j in range(used):
        total += np.int64(kept[j]) * places[start + j]
        if j + 1 == used or outputs[start + j + 1] != outputs[start + j]:
            codes[outputs[start + j]] += total
            total = np.int64(0)


@njit(cache=True, nogil=True)
def multiply(
    sums: Any,
    lists: Any,
    steps: Any,
    dac_bits: int,
    bit_lines: int,
    curve: Any,
    per_node: Any,
    offset: Any,
    zero: Any,
    meaning: Any,
    gains: Any,
    pool: Any,
    first: int,
    places: Any,
    outputs: Any,
    totals: Any,
    codes: Any,
) -> Any:
    """Output codes[batch, cols] (added to, so they start at 0); saturated conversions and sum of levels.

    Args:
        sums: of `crossbar.patterns.pattern_sums`.
        lists: of `crossbar.patterns.Patterns`.
        steps: likewise.
        dac_bits: of a digit.
        bit_lines: in use.
        curve: levels in LSB at equal steps of the count and what they gain to the next, two floats in a double; counts
            beyond it stay at its end.
        per_node: steps of the curve a count.
        offset: of the converters, LSB, `BLOCK` entries a block.
        zero: codes to subtract, likewise.
        meaning: of each code, in output codes.
        gains: what counts are multiplied by, shape (all inputs, digits).
        pool: drawn noise, LSB; a power of two and BLOCK more.
        first: number of the first input in its batch.
        places: what a code of each bit line counts.
        outputs: to which output, rising.
        totals: room for counts, shape (inputs at once, digits, BLOCK).
        codes: results.
    """
    batch, digits = codes.shape[0], totals.shape[1]
    kept, index = np.empty(BLOCK, dtype=np.int32), np.empty(BLOCK, dtype=np.int32)
    nodes, rest = np.empty(digits * BLOCK, dtype=np.int32), np.empty(digits * BLOCK, dtype=np.float32)
    found = np.empty(digits * BLOCK, dtype=np.float64)
    pieces, counts = found.view(np.float32), totals.reshape(-1, digits * BLOCK)
    top, last = len(meaning) - 1, np.float32(len(curve) - 1)
    mask = len(pool) - BLOCK - 1
    saturated, levels = 0, 0.0
    for b in range(sums.shape[0]):
        line = b * BLOCK
        for start in range(0, batch, totals.shape[0]):
            totals[:] = 0
            for part in range(sums.shape[1]):
                add_part(sums, b, part, lists, steps, first + start, dac_bits, totals)
            for k in range(start, min(start + totals.shape[0], batch)):
                place_counts(counts[k - start], per_node, gains[first + k], last, nodes, rest)
                look_up(curve, nodes, found)
                kept[:] = 0
                for p in range(digits):
                    drawn = (((first + k) * digits + p) * 40503 + b * 10007) & mask
                    over, level = convert_block(pieces, p * BLOCK, rest, offset, zero, line, pool, drawn, top, index)
                    add_meaning(meaning, index, np.int32(1 << (p * dac_bits)), kept)
                    saturated += over
                    levels += level
                add_outputs(kept, places, outputs, line, min(bit_lines - line, BLOCK), codes[k])
    return saturated, levels
