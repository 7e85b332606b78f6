"""A linear layer on the arrays of one chip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bitline.core.array import Array, Cost, IntArray, Stats
from bitline.core.seeds import stream
from nn.target import ArrayFactory
from nn.tiling import Tile


@dataclass(frozen=True, eq=False)
class Layer:
    """One linear node, laid out on arrays; the same for all chips.

    Args:
        name: the node's.
        weights: (inputs, outputs), integers.
        bias: (outputs,), in codes.
        tiles: how the weights are cut.
        input_bits: of its unsigned inputs.
        full_scale: A, of every converter of the layer.
        scale: products a code is worth.
    """

    name: str
    weights: IntArray
    bias: IntArray
    tiles: tuple[Tile, ...]
    input_bits: int
    full_scale: float
    scale: float

    def programmed(self, number: int, factory: ArrayFactory, seed: int, chip: int) -> Array:
        """Tile `number` as it is on chip number `chip`: written, with its range set."""
        tile = self.tiles[number]
        array = factory(*tile.shape, self.input_bits)
        cells = stream(seed, "chip.programming", chip, self.name, *tile.place)
        array.program(self.weights[tile.rows, tile.cols], cells)
        array.set_range(self.full_scale)
        return array


@runtime_checkable
class Programmable(Protocol):
    """An array that tells how programming it went."""

    @property
    def fault_map(self) -> np.ndarray[Any, np.dtype[np.int8]] | None:
        """Stuck cells: 1 on, -1 off, 0 good, shape (word lines, bit lines); None where its kind has none."""

    @property
    def programming_counts(self) -> Mapping[str, int]:
        """What programming took, by event."""


@runtime_checkable
class Sharing(Protocol):
    """An array that prepares inputs once for all arrays of its kind that take the same ones."""

    def prepared(self, x: IntArray) -> Any:
        """Inputs x[batch, rows] for `multiply`."""

    def multiply(self, inputs: Any, rng: np.random.Generator) -> tuple[IntArray, Stats]:
        """`mvm` of prepared inputs."""


@dataclass(eq=False)
class PlacedLayer:
    """A layer's programmed arrays on one chip, and what they have done so far.

    Cells are drawn from (seed, chip, layer, tile) and read noise from (seed, chip, layer, tile, batch), so that two
    configurations can be compared on the same chip. Tiles are worked on by `threads` threads; no result depends on it.
    """

    layer: Layer
    seed: int
    chip: int
    arrays: tuple[Array, ...]
    stats: list[Stats] = field(default_factory=list)
    threads: int = 1

    @classmethod
    def program(cls, layer: Layer, factory: ArrayFactory, seed: int, chip: int, threads: int = 1) -> PlacedLayer:
        """Make and write the arrays of chip number `chip`."""
        arrays = tuple(layer.programmed(number, factory, seed, chip) for number in range(len(layer.tiles)))
        return cls(layer, seed, chip, arrays, [Stats()] * len(arrays), threads)

    def product(self, batch: int) -> Callable[[IntArray], IntArray]:
        """What computes the layer on batch number `batch`: codes, summed over the tiles of a column, plus the bias."""

        def compute(x: IntArray) -> IntArray:
            sums: dict[int, IntArray] = {}  # of each column of tiles
            with ExitStack() as stack:
                if self.threads > 1:
                    each: Any = stack.enter_context(ThreadPoolExecutor(self.threads)).map
                else:
                    each = map
                for row in self._rows():
                    work = self._multiplying(row[0], x, batch)
                    for place, (found, stats) in zip(row, each(work, row), strict=True):
                        column = self.layer.tiles[place].place[1]
                        sums[column] = np.add(found, sums[column], out=found) if column in sums else found
                        self.stats[place] = self.stats[place] + stats
            codes = np.concatenate([sums[column] for column in sorted(sums)], axis=1)
            codes += self.layer.bias
            return codes

        return compute

    def _rows(self) -> list[list[int]]:
        """The numbers of the tiles that take the same inputs."""
        tiles = self.layer.tiles
        return [list(row) for _, row in groupby(range(len(tiles)), lambda place: tiles[place].place[0])]

    def _multiplying(self, first: int, x: IntArray, batch: int) -> Callable[[int], tuple[IntArray, Stats]]:
        """What multiplies batch number `batch` of the layer's inputs on a tile of the row that tile `first` is in."""
        array, own = self.arrays[first], x[:, self.layer.tiles[first].rows]
        shares = isinstance(array, Sharing)
        inputs: Any = array.prepared(own) if isinstance(array, Sharing) else own

        def multiply(place: int) -> tuple[IntArray, Stats]:
            array: Any = self.arrays[place]
            number = self.layer.tiles[place].place
            rng = stream(self.seed, "chip.read", self.chip, self.layer.name, *number, batch)
            found: tuple[IntArray, Stats] = array.multiply(inputs, rng) if shares else array.mvm(inputs, rng)
            return found

        return multiply

    def counts(self) -> dict[str, int]:
        """Events on all tiles so far, those of programming included where the arrays tell."""
        total = sum(self.stats, Stats())
        written: Counter[str] = Counter()
        for array in self.arrays:
            if isinstance(array, Programmable):
                written.update(array.programming_counts)
        return {"products": total.products, **total.counts, **written}

    def faults(self) -> IntArray | None:
        """The maps of stuck cells, shape (tiles, word lines, bit lines); None where their kind has none."""
        maps = [array.fault_map for array in self.arrays if isinstance(array, Programmable)]
        found = [each for each in maps if each is not None]
        return np.stack(found).astype(np.int64) if found else None

    def products(self) -> int:
        """Products that the busiest tile has done so far, one after the other."""
        return max(stats.products for stats in self.stats)

    def costs(self) -> list[Cost]:
        """What each tile has cost so far; a latency is that of one product."""
        return [array.cost(stats) for array, stats in zip(self.arrays, self.stats, strict=True)]
