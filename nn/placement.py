"""A matrix product of a network on the arrays of one chip.

Arrays take unsigned inputs. Where inputs can be negative, what goes to the arrays is ``x - low``, low being the least
input; ``x @ W = (x - low) @ W + low * colsum(W)``, and the constant is part of the digital bias.

A product's vectors (one an image of a linear layer, one a position of a convolution) are worked on in chunks: as many
whole images as have up to `CHUNK` vectors, at least one. That bounds the memory of a layer to its vectors of one chunk,
and the chunk is part of the seed of read noise, so that it is the same on any machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bitline.core.array import Array, Cost, IntArray, Stats
from bitline.core.seeds import stream
from nn.fold_codes import bias_in_codes
from nn.operator import Bounds
from nn.product import Product
from nn.target import ArrayFactory
from nn.tiling import Tile

CHUNK = 4096  # vectors

TileCodes = Callable[[tuple[int, int], IntArray], None]


@dataclass(frozen=True, eq=False)
class Layer:
    """One node that multiplies by a matrix, laid out on arrays; the same for all chips.

    Args:
        name: the node's.
        operator: the product.
        bias: (outputs,), in codes, what `low` takes included.
        tiles: how the matrix is cut.
        input_bits: of its inputs once they are unsigned.
        full_scale: A, of every converter of the layer.
        scale: products a code is worth.
        low: input that the arrays take as 0.
    """

    name: str
    operator: Product
    bias: IntArray
    tiles: tuple[Tile, ...]
    input_bits: int
    full_scale: float
    scale: float
    low: int = 0

    def ranged(self, full_scale: float, scale: float) -> Layer:
        """The layer with other converters: their full scale (A) and the products a code is worth, bias included."""
        low = self.low * self.operator.matrices.sum(axis=1).ravel()
        shifted = replace(self.operator, bias=self.operator.bias + low)
        return replace(self, bias=bias_in_codes(shifted, scale), full_scale=full_scale, scale=scale)

    def chunks(self, x: IntArray) -> Iterable[IntArray]:
        """Inputs x[images, ...] of the node in the parts that are worked on at once."""
        step = max(1, CHUNK // math.prod(self.operator.vector_shape(x.shape[1:])))
        return (x[start : start + step] for start in range(0, len(x), step))

    def vectors(self, x: IntArray) -> IntArray:
        """What the arrays take for inputs x[images, ...]: unsigned, shape (vectors, rows).

        What `input_bits` can't hold, which noise before a layer may give, goes to the nearest that they can.
        """
        most = self.low + (1 << self.input_bits) - 1
        if x.size and (x.min() < self.low or x.max() > most):
            x = np.clip(x, self.low, most)
        found = self.operator.vectors(x)
        return found - self.low if self.low else found

    def programmed(self, number: int, factory: ArrayFactory, seed: int, chip: int) -> Array:
        """Tile `number` as it is on chip number `chip`: written, with its range set."""
        tile = self.tiles[number]
        array = factory(*tile.shape, self.input_bits)
        cells = stream(seed, "chip.programming", chip, self.name, *tile.place)
        array.program(tile.weights(self.operator.matrices), cells)
        array.set_range(self.full_scale)
        return array


def input_range(operator: Product, bounds: Bounds) -> tuple[int, int]:
    """The input that arrays take as 0, and the bits of inputs once they are unsigned; padding is among the inputs."""
    low, high = min(bounds[0], 0), bounds[1]
    if operator.pads:
        high = max(high, 0)
    return low, max((high - low).bit_length(), 1)


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

    Cells are drawn from (seed, chip, layer, tile) and read noise from (seed, chip, layer, tile, batch, chunk), so that
    two configurations can be compared on the same chip. Tiles are worked on by `threads` threads; no result depends on
    it.
    """

    layer: Layer
    seed: int
    chip: int
    arrays: tuple[Array, ...]
    stats: list[Stats] = field(default_factory=list)
    threads: int = 1
    worth: float | np.ndarray[Any, np.dtype[np.float64]] = field(init=False)  # products a code is, of each output

    def __post_init__(self) -> None:
        self.worth = self.layer.scale

    @classmethod
    def program(cls, layer: Layer, factory: ArrayFactory, seed: int, chip: int, threads: int = 1) -> PlacedLayer:
        """Make and write the arrays of chip number `chip`."""
        arrays = tuple(layer.programmed(number, factory, seed, chip) for number in range(len(layer.tiles)))
        return cls(layer, seed, chip, arrays, [Stats()] * len(arrays), threads)

    def product(self, batch: int, watch: TileCodes | None = None) -> Callable[[IntArray], IntArray]:
        """What computes the node on batch number `batch`: codes, summed over the tiles of a column, plus the bias.

        `watch` is told the place of each tile and its codes[vectors, outputs], chunk after chunk.
        """

        def compute(x: IntArray) -> IntArray:
            with ExitStack() as stack:
                if self.threads > 1:
                    each: Any = stack.enter_context(ThreadPoolExecutor(self.threads)).map
                else:
                    each = map
                parts = [
                    self._sums(self.layer.vectors(part), (batch, chunk) if chunk else (batch,), each, watch)
                    for chunk, part in enumerate(self.layer.chunks(x))
                ]
            codes = parts[0] if len(parts) == 1 else np.concatenate(parts)
            codes += self.layer.bias
            return codes.reshape(len(x), *self.layer.operator.shape(x.shape[1:]))

        return compute

    def _sums(self, vectors: IntArray, key: tuple[int, ...], each: Any, watch: TileCodes | None) -> IntArray:
        """Codes[vectors, outputs] of a chunk, without the bias; `key` is of its read noise."""
        sums: dict[int, IntArray] = {}  # of each column of tiles
        for row in self._rows():
            work = self._multiplying(row[0], vectors, key)
            for number, (found, stats) in zip(row, each(work, row), strict=True):
                place = self.layer.tiles[number].place
                if watch is not None:
                    watch(place, found.copy())
                column = place[1]
                sums[column] = np.add(found, sums[column], out=found) if column in sums else found
                self.stats[number] = self.stats[number] + stats
        return np.concatenate([sums[column] for column in sorted(sums)], axis=1)

    def _rows(self) -> list[list[int]]:
        """The numbers of the tiles that take the same inputs."""
        tiles = self.layer.tiles
        return [list(row) for _, row in groupby(range(len(tiles)), lambda place: tiles[place].place[0])]

    def _multiplying(
        self, first: int, vectors: IntArray, key: tuple[int, ...]
    ) -> Callable[[int], tuple[IntArray, Stats]]:
        """What multiplies a chunk's vectors on a tile of the row that tile `first` is in."""
        array, own = self.arrays[first], vectors[:, self.layer.tiles[first].rows]
        shares = isinstance(array, Sharing)
        inputs: Any = array.prepared(own) if isinstance(array, Sharing) else own

        def multiply(place: int) -> tuple[IntArray, Stats]:
            array: Any = self.arrays[place]
            number = self.layer.tiles[place].place
            rng = stream(self.seed, "chip.read", self.chip, self.layer.name, *number, *key)
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
