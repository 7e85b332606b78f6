"""Rung 3: a study's network inferred wholly by ngspice, against the same images at speed.

Every tile is a netlist with wires and linear cells, written with the same conductances; converters, their ranges and
the digital part are shared by definition (circuits.converters), so that each conversion is of a current of ngspice's.
Layers follow one another, each on its inputs of the layers before, as ngspice gave them; a layer's netlists, of its
tiles and the vectors that fit one, are the samples that are spread over processes and kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from bitline.cli.paired_tile import Pair, PairFactory
from bitline.cli.terminal import clock, note, progress
from bitline.core.array import IntArray
from bitline.core.errors import SimulationError
from bitline.core.executor import Failure, Record, Result
from bitline.core.executors import executor
from bitline.core.seeds import stream
from bitline.core.store import Store
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.graph import Graph
from nn.placement import Layer, PlacedLayer
from nn.study import AccuracyTask
from spice.array import TOGETHER, netlist_seconds

Floats = np.ndarray[Any, np.dtype[np.float64]]

_STARTING = 5.0  # s that a layer is to take for processes to be worth starting
_LONG = 86400.0  # s from which an estimate is told in days


@dataclass(frozen=True)
class Compared:
    """What both ways gave.

    Args:
        slow: logits of the images by ngspice, (images, classes).
        fast: the same at speed.
        every: logits of all test images at speed, (test images, classes).
        current_error: max |difference| / max |current| of the bit lines, of each netlist, before any converter.
    """

    slow: Floats
    fast: Floats
    every: Floats
    current_error: Floats

    @property
    def decisions_equal(self) -> int:
        """Images of equal decision."""
        return int(np.count_nonzero(self.slow.argmax(axis=1) == self.fast.argmax(axis=1)))

    @property
    def logit_errors(self) -> Floats:
        """Differences over the largest logit of ngspice."""
        return np.asarray((self.fast - self.slow) / np.abs(self.slow).max())

    @cached_property
    def undecided(self) -> float:
        """Share of all test images whose two best classes lie nearer than twice the largest difference of a logit.

        Of any other image the decision would stand if its logits were wrong by as much as any of those compared.
        """
        best = np.sort(self.every, axis=1)[:, -2:]
        margins = best[:, 1] - best[:, 0]
        return float(np.mean(margins <= 2 * np.abs(self.fast - self.slow).max()))

    @property
    def margin_ratio(self) -> float:
        """The largest share, over the compared images, that twice the difference takes of the two best classes' margin.

        Below 1 no decision can have changed; an image without a margin has none to lose and is left out.
        """
        best = np.sort(self.slow, axis=1)[:, -2:]
        margins, off = best[:, 1] - best[:, 0], 2 * np.abs(self.fast - self.slow).max(axis=1)
        return float(np.max(off[margins > 0] / margins[margins > 0], initial=0.0))


def compare(task: AccuracyTask, config: TileConfig, chip: int, images: int, workers: int, store: Store) -> Compared:
    """Infer the first test images both ways on a chip.

    Args:
        task: the study's.
        config: of its tiles.
        chip: number of the chip.
        images: how many.
        workers: processes.
        store: keeps each netlist's products; what it holds is not simulated again.

    Raises:
        SimulationError: ngspice could not compute a netlist.
        BitlineError: the network can't be laid out.
    """
    quiet = replace(config, read_noise=0.0, adc=replace(config.adc, noise=0.0), telegraph=None, timing=None)
    target: Any = replace(task.target, trace=0)  # type: ignore[type-var] # a target is a dataclass
    whole = replace(task, images=None, target=replace(target, arrays=crossbar_factory(quiet)))
    shared = whole.prepare()
    every = np.asarray(whole.run(shared, chip)["logits"], dtype=np.float64)
    x = shared.images[:images]
    program: Any = shared.program_of(chip)
    placed, graph = program.chip(chip)
    stages = [_stage(each, graph, quiet, target.seed, chip, len(x)) for each in placed]
    total = sum(stage.count for stage in stages)
    found = {index: outcome for index, outcome in store.outcomes() if isinstance(outcome, Result)}
    note(_forecast(stages, len(x), workers, len(found) / total))
    with progress(f"rung 3: {len(x)} images, netlists", total, len(found)) as advance:

        def keep(index: int, result: Result) -> None:
            store.append(index, result)
            found[index] = result
            advance(1)

        firsts = accumulate((stage.count for stage in stages), initial=0)
        layers = [_Simulated(stage, first, workers, found, keep) for stage, first in zip(stages, firsts, strict=False)]
        values = graph.run(x, {layer.stage.layer.name: layer.product for layer in layers})
    errors = np.array([found[index].record["current_error"] for index in range(total)], dtype=np.float64)
    return Compared(values[graph.output].astype(np.float64), every[: len(x)], every, errors)


def _forecast(stages: Sequence[LayerNetlists], images: int, workers: int, done: float) -> str:
    """What lies ahead, in words, as a share `done` is there."""
    every = (stage.seconds / (workers if stage.seconds > _STARTING else 1) for stage in stages)
    seconds = sum(every) * (1 - done)
    many, size = sum(stage.count for stage in stages), f"{stages[0].config.rows} x {stages[0].config.cols}"
    said = clock(seconds) if seconds < _LONG else f"{seconds / _LONG:.0f} days"
    return f"rung 3: {images} images take {many} netlists of {size} cells, about {said} with {workers} workers"


def _stage(placed: PlacedLayer, graph: Graph, config: TileConfig, seed: int, chip: int, images: int) -> LayerNetlists:
    """A layer's netlists, without the vectors, which the layers before it give."""
    shape = graph.shapes[graph.node(placed.layer.name).inputs[0]]
    vectors = images * math.prod(placed.layer.operator.vector_shape(shape))
    return LayerNetlists(placed.layer, replace(config, input_bits=placed.layer.input_bits), seed, chip, vectors)


@dataclass(frozen=True, eq=False)
class LayerNetlists:
    """Task: a part of a layer's vectors on one of its tiles, by a netlist.

    Args:
        layer: as it is on the chip.
        config: of its tiles, without noise, as a netlist is.
        seed: of the chips.
        chip: number of the chip.
        vectors: how many there are.
        inputs: they, shape (vectors, rows).
    """

    layer: Layer
    config: TileConfig
    seed: int
    chip: int
    vectors: int
    inputs: IntArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))

    @property
    def together(self) -> int:
        """Vectors of a netlist, each of so many planes."""
        return max(1, TOGETHER // self.config.planes)

    @property
    def parts(self) -> int:
        """Netlists of a tile."""
        return -(-self.vectors // self.together)

    @property
    def count(self) -> int:
        """Netlists of all tiles."""
        return self.parts * len(self.layer.tiles)

    @property
    def seconds(self) -> float:
        """What ngspice takes for all, on one core."""
        full = min(self.vectors, self.together) * self.config.planes
        return self.count * netlist_seconds(self.config.rows * self.config.cols, full)

    def prepare(self) -> dict[int, Pair]:
        """The tile that was programmed last, by its number."""
        return {}

    def run(self, context: dict[int, Pair], index: int) -> Record:
        """Compute part `index % parts` of the vectors on tile `index // parts`.

        Returns:
            codes (vectors of the part, outputs); current_error, the largest difference of its bit lines' currents.
        """
        number, part = divmod(index, self.parts)
        if number not in context:
            context.clear()
            made: Any = self.layer.programmed(number, PairFactory(self.config), self.seed, self.chip)
            context[number] = made
        pair, tile = context[number], self.layer.tiles[number]
        own = self.inputs[part * self.together : (part + 1) * self.together, tile.rows]
        rng = stream(self.seed, "chip.read", self.chip, self.layer.name, *tile.place, part)
        codes, _ = pair.mvm(own, rng)
        return {"codes": codes, "current_error": pair.error}


@dataclass(frozen=True)
class _Simulated:
    """A layer whose products are computed by netlists, or were before.

    Args:
        stage: its netlists.
        first: number of the first of them, of all layers'.
        workers: processes.
        found: what there is, by number.
        keep: is told each one that was simulated.
    """

    stage: LayerNetlists
    first: int
    workers: int
    found: Mapping[int, Result]
    keep: Callable[[int, Result], None]

    def product(self, x: IntArray) -> IntArray:
        """What computes the node: codes, summed over the tiles of a column, plus the bias.

        Raises:
            SimulationError: a netlist has no solution.
        """
        layer, vectors = self.stage.layer, self.stage.layer.vectors(x)
        missing = [index for index in range(self.stage.count) if self.first + index not in self.found]
        where = executor(self.workers if self.stage.seconds > _STARTING else 1)
        for index, outcome in where.map(replace(self.stage, inputs=vectors), missing):
            if isinstance(outcome, Failure):
                raise SimulationError(f"rung 3: layer {layer.name!r}: {outcome.reason}")
            self.keep(self.first + index, outcome)
        sums: dict[int, IntArray] = {}  # of each column of tiles
        for number, tile in enumerate(layer.tiles):
            column, codes = tile.place[1], self._codes(number)
            sums[column] = sums[column] + codes if column in sums else codes
        codes = np.concatenate([sums[column] for column in sorted(sums)], axis=1) + layer.bias
        return codes.reshape(len(x), *layer.operator.shape(x.shape[1:]))

    def _codes(self, number: int) -> IntArray:
        """Of all vectors on a tile."""
        start = self.first + number * self.stage.parts
        return np.concatenate([self.found[index].record["codes"] for index in range(start, start + self.stage.parts)])
