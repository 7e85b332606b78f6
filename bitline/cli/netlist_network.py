"""Rung 3: a study's network inferred wholly by ngspice, against the same images at speed.

Every tile is a netlist with wires and linear cells, written with the same conductances; converters, their ranges and
the digital part are shared by definition (circuits.converters), so that each conversion is of a current of ngspice's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bitline.cli.terminal import progress
from bitline.core.array import Cost, IntArray, Stats
from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.executors import executor
from bitline.core.samples import collect
from bitline.core.store import MemoryStore
from circuits.tile import TileConfig
from crossbar.tile import CrossbarArray, crossbar_factory
from nn.graph import Graph
from nn.placement import PlacedLayer
from nn.study import AccuracyTask
from nn.target import Images
from spice.array import SpiceArray

Floats = np.ndarray[Any, np.dtype[np.float64]]

BLOCK = 8  # images of a sample: with 8 bit planes the 64 vectors that a netlist takes at once


@dataclass(frozen=True)
class Compared:
    """What both ways gave.

    Args:
        slow: logits of the images by ngspice, (images, classes).
        fast: the same at speed.
        every: logits of all test images at speed, (test images, classes).
        current_error: max |difference| / max |current| of the bit lines, of each block of images, before any converter.
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


def compare(task: AccuracyTask, config: TileConfig, chip: int, images: int, workers: int) -> Compared:
    """Infer the first test images both ways on a chip.

    Args:
        task: the study's.
        config: of its tiles.
        chip: number of the chip.
        images: how many.
        workers: processes.

    Raises:
        SimulationError: ngspice could not compute a block of images.
        BitlineError: the network can't be laid out.
    """
    quiet = replace(config, read_noise=0.0, adc=replace(config.adc, noise=0.0), telegraph=None, timing=None)
    target: Any = replace(task.target, trace=0)  # type: ignore[type-var] # a target is a dataclass
    whole = replace(task, images=None, target=replace(target, arrays=crossbar_factory(quiet)))
    every = np.asarray(whole.run(whole.prepare(), chip)["logits"], dtype=np.float64)
    images = min(images, len(every))
    blocks = -(-images // BLOCK)
    netlists = NetlistImages(replace(task, images=images, target=target), quiet, chip)
    store = MemoryStore()
    with progress(f"rung 3: {images} images in ngspice", blocks) as advance:
        for index, outcome in executor(workers).map(netlists, range(blocks)):
            store.append(index, outcome)
            advance(1)
    found = collect(store, blocks)
    if found.failures:
        raise SimulationError(f"rung 3: {next(iter(found.failures.values()))}")
    slow = np.concatenate(list(found["logits"]))[:images]
    return Compared(slow, every[:images], every, found["current_error"])


@dataclass(frozen=True, eq=False)
class _Laid:
    """Images, the graph in the chip's codes, its layers as netlists, and where their currents' errors are noted."""

    images: Images
    graph: Graph
    layers: list[PlacedLayer]
    errors: list[float]


@dataclass(frozen=True)
class NetlistImages:
    """Task: a block of test images on a chip whose every product is a netlist's.

    Args:
        task: of the study; its images are those compared.
        config: of the tiles, without noise, as a netlist is.
        chip: number of the chip.
    """

    task: AccuracyTask
    config: TileConfig
    chip: int

    def prepare(self) -> _Laid:
        """The chip at speed, programmed and calibrated, and the same layers, with its fits, as netlists."""
        target: Any = self.task.target
        shared = replace(self.task, target=replace(target, arrays=crossbar_factory(self.config))).prepare()
        program: Any = shared.program
        chip, graph = program.chip(self.chip)
        errors: list[float] = []
        arrays = PairFactory(self.config, errors.append)
        slow = [PlacedLayer.program(each.layer, arrays, target.seed, self.chip) for each in chip]
        return _Laid(shared.images, graph, slow, errors)

    def run(self, context: _Laid, index: int) -> Record:
        """Infer block number `index`.

        Returns:
            logits (BLOCK, classes), 0 beyond the last image; current_error, the largest of its tiles'.
        """
        context.errors.clear()
        x = context.images[index * BLOCK : (index + 1) * BLOCK]
        values = context.graph.run(x, {each.layer.name: each.product(index) for each in context.layers})
        logits = values[context.graph.output].astype(np.float64)
        padded = np.zeros((BLOCK, logits.shape[1]))
        padded[: len(logits)] = logits
        return {"logits": padded, "current_error": max(context.errors)}


@dataclass(frozen=True)
class PairFactory:
    """Makes tiles that are netlists, each beside the same one at speed; see nn.target.ArrayFactory."""

    config: TileConfig
    note: Callable[[float], None]

    @property
    def max_rows(self) -> int:
        """Inputs that an array takes."""
        return self.config.rows

    @property
    def max_cols(self) -> int:
        """Outputs that it gives."""
        return self.config.outputs

    def __call__(self, rows: int, cols: int, input_bits: int) -> Pair:
        """A tile for weights[rows, cols]."""
        return Pair(rows, cols, replace(self.config, input_bits=input_bits), self.note)


class Pair:
    """A netlist that gives the products, and its twin at speed, whose bit-line currents are compared with it."""

    def __init__(self, rows: int, cols: int, config: TileConfig, note: Callable[[float], None]) -> None:
        self.rows, self.cols, self.note = rows, cols, note
        self.fast, self.slow = CrossbarArray(config), SpiceArray(config, observe=self._observe)

    @property
    def scale(self) -> float:
        """Products a unit of output code stands for."""
        return self.slow.scale

    def program(self, weights: IntArray, rng: np.random.Generator) -> None:
        """Write both alike."""
        self.fast.program(weights, copy.deepcopy(rng))
        self.slow.program(weights, rng)

    def required_range(self, x: IntArray) -> float:
        """Both need the same."""
        return self.slow.required_range(x)

    def set_range(self, full_scale: float) -> None:
        """Of both."""
        self.fast.set_range(full_scale)
        self.slow.set_range(full_scale)

    def mvm(self, x: IntArray, rng: np.random.Generator) -> tuple[IntArray, Stats]:
        """The netlist's."""
        return self.slow.mvm(x, rng)

    def cost(self, stats: Stats) -> Cost:
        """The netlist's."""
        return self.slow.cost(stats)

    def _observe(self, v: Floats, i: Floats) -> None:
        """Note max |difference| / max |current| of the bit lines for word-line voltages v[batch, word_line]."""
        largest = np.abs(i).max(initial=0.0)
        self.note(float(np.abs(self.fast.line_currents(v) - i).max() / largest) if largest > 0 else 0.0)
