"""How a matrix that is larger than an array is cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class Tile:
    """One piece of a matrix: weights[rows, cols].

    Args:
        place: (row of tiles, column of tiles), from 0.
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
