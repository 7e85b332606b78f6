"""A linear layer on the arrays of one chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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


@dataclass(eq=False)
class PlacedLayer:
    """A layer's programmed arrays on one chip, and what they have done so far.

    Cells are drawn from (seed, chip, layer, tile) and read noise from (seed, chip, layer, tile, batch), so that two
    configurations can be compared on the same chip.
    """

    layer: Layer
    seed: int
    chip: int
    arrays: tuple[Array, ...]
    stats: list[Stats] = field(default_factory=list)

    @classmethod
    def program(cls, layer: Layer, factory: ArrayFactory, seed: int, chip: int) -> PlacedLayer:
        """Make and write the arrays of chip number `chip`."""
        arrays = tuple(layer.programmed(number, factory, seed, chip) for number in range(len(layer.tiles)))
        return cls(layer, seed, chip, arrays, [Stats()] * len(arrays))

    def product(self, batch: int) -> Callable[[IntArray], IntArray]:
        """What computes the layer on batch number `batch`: codes, summed over the tiles of a column, plus the bias."""

        def compute(x: IntArray) -> IntArray:
            codes: IntArray = np.tile(self.layer.bias, (len(x), 1))
            for place, (tile, array) in enumerate(zip(self.layer.tiles, self.arrays, strict=True)):
                rng = stream(self.seed, "chip.read", self.chip, self.layer.name, *tile.place, batch)
                part, stats = array.mvm(x[:, tile.rows], rng)
                codes[:, tile.cols] += part
                self.stats[place] = self.stats[place] + stats
            return codes

        return compute

    def counts(self) -> dict[str, int]:
        """Events on all tiles so far."""
        total = sum(self.stats, Stats())
        return {"products": total.products, **total.counts}

    def products(self) -> int:
        """Products that the busiest tile has done so far, one after the other."""
        return max(stats.products for stats in self.stats)

    def costs(self) -> list[Cost]:
        """What each tile has cost so far; a latency is that of one product."""
        return [array.cost(stats) for array, stats in zip(self.arrays, self.stats, strict=True)]
