"""Sums of matrix rows that bits choose, by the method of the four Russians, in the innermost cache.

Four neighbouring rows have sixteen patterns of input bits: what each adds to every column is summed once, so that a
plane of bits takes a quarter of the additions, and rows without input none. A *part* of eight such groups is worked off
for many planes before the next, so that its sums stay in the innermost cache.

(V. L. Arlazarov, E. A. Dinic, M. A. Kronrod, I. A. Faradzev, Soviet Mathematics Doklady 11, 1970.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Singles = np.ndarray[Any, np.dtype[np.float32]]

GROUP = 4  # rows
PATTERNS = 1 << GROUP
PART = 8  # groups
BLOCK = 64  # columns that are worked on together: a part's sums take 32 KiB
_STEP = PART // 2  # sums that are added at a time
_AT_ONCE = 256  # planes whose sums are found together
_LINE = 64  # bytes of a line of the cache: a vector that lies on two costs twice
_LANES = 16  # floats of a vector of such a line; LLVM halves it for processors with shorter ones


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns in bit planes of inputs, for every matrix that takes the same inputs.

    Attributes:
        lists: rows of a part's sums that bit q of input k adds, padded with row 0, which is of no input; shape (parts,
            inputs, bits, PART).
        steps: how many times `_STEP` of them, shape (parts, inputs, bits).
        ones: bits that are 1, shape (inputs, bits).
    """

    lists: Bytes
    steps: Bytes
    ones: Ints

    @classmethod
    def of(cls, x: Ints, bits: int) -> Patterns:
        """Of integers x[inputs, rows] of so many bits."""
        count, rows = x.shape
        parts = -(-rows // (GROUP * PART))
        lists = np.zeros((parts, count, bits, PART), dtype=np.uint8)
        steps = np.zeros(lists.shape[:3], dtype=np.uint8)
        ones = np.zeros(lists.shape[1:3], dtype=np.int64)
        list_patterns(x, lists, steps, ones)
        return cls(lists, steps, ones)

    def products(self, sums: Singles, first: int, found: Singles) -> None:
        """Bit planes of inputs times a matrix.

        Args:
            sums: `pattern_sums` of the matrix.
            first: of the inputs.
            found: gets the product of plane p of input first + k at [p, k, column]; where inputs end, it is left as is.
        """
        at_once = max(_AT_ONCE // found.shape[0], 1)
        _multiply_planes(sums, self.lists, self.steps, first, aligned((at_once, found.shape[0], BLOCK)), found)

    def __len__(self) -> int:
        return int(self.lists.shape[1])


def aligned(shape: tuple[int, ...]) -> Singles:
    """Room, not filled, that begins a line of the cache."""
    size = int(np.prod(shape)) * np.dtype(np.float32).itemsize
    raw = np.empty(size + _LINE, dtype=np.uint8)
    first = -raw.ctypes.data % _LINE
    return raw[first : first + size].view(np.float32).reshape(shape)


def pattern_sums(matrix: Any) -> Singles:
    """Sums[block, part, group of it * PATTERNS + pattern, column] of matrix[rows, columns], padded with zeros."""
    rows, cols = matrix.shape
    parts, blocks = -(-rows // (GROUP * PART)), -(-cols // BLOCK)
    padded = np.zeros((parts * PART * GROUP, blocks * BLOCK))
    padded[:rows, :cols] = matrix
    patterns = (np.arange(PATTERNS)[:, None] >> np.arange(GROUP)) & 1
    sums = np.einsum("pr,grc->gpc", patterns.astype(np.float64), padded.reshape(parts * PART, GROUP, -1))
    found = aligned((blocks, parts, PART * PATTERNS, BLOCK))
    found[:] = sums.reshape(parts, PART * PATTERNS, blocks, BLOCK).transpose(2, 0, 1, 3)
    return found


@njit(cache=True, nogil=True)
def list_patterns(x: Ints, lists: Bytes, steps: Bytes, ones: Ints) -> None:
    """Fill `Patterns.lists`, `Patterns.steps` and `Patterns.ones`, which are zeros, for x[inputs, rows]."""
    parts, count, bits, _ = lists.shape
    rows = x.shape[1]
    own = np.zeros((GROUP, parts * PART), dtype=np.int32)
    pattern = np.zeros(parts * PART, dtype=np.int32)
    for k in range(count):
        for i in range(rows):
            own[i % GROUP, i // GROUP] = x[k, i]
        for q in range(bits):
            shift = np.int32(q)
            total = np.int32(0)
            for g in range(parts * PART):
                pattern[g] = 0
                for r in range(GROUP):
                    bit = (own[r, g] >> shift) & np.int32(1)
                    total += bit
                    pattern[g] |= bit << np.int32(r)
            ones[k, q] = total
            for part in range(parts):
                listed = lists[part, k, q]
                length = 0
                for g in range(PART):
                    chosen = pattern[part * PART + g]
                    if chosen:
                        listed[length] = g * PATTERNS + chosen
                        length += 1
                steps[part, k, q] = -(-length // _STEP)


def _rows_added(
    _: Any, sums: Any, first: Any, lists: Any, listed: Any, count: Any, weight: Any, totals: Any, total: Any
) -> Any:
    """Add `weight` times the sum of `count` rows, each of BLOCK columns, to a row of `totals`.

    Arrays are contiguous and `aligned`; `first`, `listed` and `total` are places in them, flattened: of the row number
    0, of the list of the rows' numbers, of the row that is added to. `count` is a literal power of two.
    """
    if not isinstance(count, types.IntegerLiteral):
        raise RequireLiteralValue(count)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        vectors = ir.VectorType(ir.FloatType(), _LANES)

        def at(array: int, place: int) -> Any:
            data = context.make_array(signature.args[array])(context, builder, values[array]).data
            return builder.gep(data, [values[place]])

        def vector(row: Any, column: int) -> Any:
            return builder.bitcast(builder.gep(row, [word(column)]), vectors.as_pointer())

        own, numbers, result = at(0, 1), at(2, 3), at(6, 7)
        rows = []
        for n in range(count.literal_value):
            number = builder.zext(builder.load(builder.gep(numbers, [word(n)])), word)
            rows.append(builder.gep(own, [builder.mul(number, word(BLOCK))]))
        factor = ir.Constant(vectors, ir.Undefined)
        for lane in range(_LANES):
            factor = builder.insert_element(factor, values[5], ir.IntType(32)(lane))
        for column in range(0, BLOCK, _LANES):
            parts = [builder.load(vector(row, column), align=_LINE) for row in rows]
            while len(parts) > 1:
                parts = [builder.fadd(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            place = vector(result, column)
            product = builder.fmul(factor, parts[0], flags=["contract"])
            builder.store(builder.fadd(builder.load(place, align=_LINE), product, flags=["contract"]), place, _LINE)
        return context.get_dummy_value()

    return types.void(sums, first, lists, listed, count, weight, totals, total), generate


# What LLVM is to do word by word: for a loop over vectors numba compares addresses first, which takes longer than it
_add_rows: Any = intrinsic(_rows_added)


@njit(cache=True, nogil=True)
def add_part(
    sums: Any, block: int, part: int, lists: Any, steps: Any, start: int, digit_bits: int, totals: Any
) -> None:
    """Add what the rows of a part bring to a block of columns: totals[inputs, digits, BLOCK].

    Args:
        sums: of `pattern_sums`.
        block: number of the block.
        part: of the part.
        lists: of `Patterns`.
        steps: likewise.
        start: the first input; as many as `totals` has room for, or as there are.
        digit_bits: bit q counts 2^(q modulo this) in digit q // this.
        totals: changed in place.
    """
    _, inputs, bits = steps.shape
    first = (block * sums.shape[1] + part) * sums.shape[2] * BLOCK
    for k in range(start, min(start + totals.shape[0], inputs)):
        for p in range(totals.shape[1]):
            total = ((k - start) * totals.shape[1] + p) * BLOCK
            weight = np.float32(1.0)
            for q in range(p * digit_bits, min((p + 1) * digit_bits, bits)):
                listed = ((part * inputs + k) * bits + q) * PART
                if steps[part, k, q] == 2:
                    _add_rows(sums, first, lists, listed, PART, weight, totals, total)
                elif steps[part, k, q] == 1:
                    _add_rows(sums, first, lists, listed, _STEP, weight, totals, total)
                weight *= np.float32(2.0)


@njit(cache=True, nogil=True)
def _multiply_planes(sums: Any, lists: Any, steps: Any, first: int, totals: Any, found: Any) -> None:
    """`Patterns.products`, with room for totals[inputs at once, planes, BLOCK]."""
    planes, room, columns = found.shape
    count = min(room, steps.shape[1] - first)
    for block in range(sums.shape[0]):
        line = block * BLOCK
        used = min(columns - line, BLOCK)
        for start in range(0, count, totals.shape[0]):
            totals[:] = 0
            for part in range(sums.shape[1]):
                add_part(sums, block, part, lists, steps, first + start, 1, totals)
            for k in range(min(totals.shape[0], count - start)):
                for p in range(planes):
                    found[p, start + k, line : line + used] = totals[k, p, :used]
