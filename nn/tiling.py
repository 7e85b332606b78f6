"""How a matrix is cut into tiles that arrays hold, whether it is larger than an array or has blocks on its diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class Tile:
    """One piece of a matrix: weights[rows, cols].

    Args:
        place: (row of tiles, column of tiles), from 0: tiles of a row take the same inputs, those of a column are
            summed.
        rows: inputs.
        cols: outputs.
    """

    place: tuple[int, int]
    rows: slice
    cols: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Inputs and outputs it holds."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start

    def weights(self, blocks: IntArray) -> IntArray:
        """Its part of the matrix with blocks[groups, rows, cols] on the diagonal and 0 elsewhere."""
        groups, rows, cols = blocks.shape
        found = np.zeros(self.shape, dtype=np.int64)
        for group in range(self.rows.start // rows, min(-(-self.rows.stop // rows), groups)):
            into, outof = zip(_overlap(self.rows, group, rows), _overlap(self.cols, group, cols), strict=True)
            found[into] = blocks[group][outof]
        return found


def block_tiles(blocks: IntArray, max_rows: int, max_cols: int) -> list[Tile]:
    """Cut a matrix with blocks[groups, rows, cols] on its diagonal, as a convolution in groups has it.

    As many whole blocks as fit share an array, each with its own word lines and bit lines (a depthwise 3 x 3 kernel:
    14 channels on 128 word lines). The cells between them hold the weight 0; they take current, noise and leakage as
    any cell. A block that is larger than an array is cut as a matrix of its own. One block is an ordinary matrix.
    """
    groups, rows, cols = blocks.shape
    together = min(max_rows // rows, max_cols // cols)
    if together:
        parts = _parts(groups, together)
        return [Tile((k, k), _times(part, rows), _times(part, cols)) for k, part in enumerate(parts)]
    cut = tiles(rows, cols, max_rows, max_cols)
    down, across = (1 + max(tile.place[axis] for tile in cut) for axis in (0, 1))
    return [
        Tile(
            (group * down + tile.place[0], group * across + tile.place[1]),
            _moved(tile.rows, group * rows),
            _moved(tile.cols, group * cols),
        )
        for group in range(groups)
        for tile in cut
    ]


def tiles(rows: int, cols: int, max_rows: int, max_cols: int) -> list[Tile]:
    """Cut a matrix into the fewest tiles that fit, as equal as can be (784 rows on 128: seven tiles of 112).

    Equal tiles share one converter range well, and shorter columns lose less to their wires.
    """
    if min(rows, cols, max_rows, max_cols) < 1:
        raise ConfigError(f"tiling: a {rows} x {cols} matrix on {max_rows} x {max_cols} arrays; sizes start at 1")
    return [
        Tile((i, j), rows_part, cols_part)
        for i, rows_part in enumerate(_parts(rows, max_rows))
        for j, cols_part in enumerate(_parts(cols, max_cols))
    ]


def _parts(length: int, most: int) -> list[slice]:
    count = -(-length // most)
    ends = [length * place // count for place in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def _times(part: slice, size: int) -> slice:
    return slice(part.start * size, part.stop * size)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _overlap(part: slice, group: int, size: int) -> tuple[slice, slice]:
    """Where block number `group` of so many lines lies within a part, and the same lines within the block."""
    own = slice(max(part.start, group * size), min(part.stop, (group + 1) * size))
    return _moved(own, -part.start), _moved(own, -group * size)
