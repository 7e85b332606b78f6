"""Fine-tuning of a quantised network: quantisation-aware, and hardware-aware with a target's arrays in the loop.

The integer graph is what is trained (nn.tuning.trainable), so that what comes out is what runs. With a target, products
are those of chips drawn anew as training goes on, so that the network learns to bear variation and not one chip (as
Joshi et al., Nature Communications 11:2473, 2020, do with noise on weights). nn.tuning.progressive tunes for one chip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from nn.datasets.dataset import Images
from nn.float_graph import FloatGraph
from nn.graph import Graph
from nn.graph_file import graph_hash
from nn.targets.reram import Target
from nn.train import Progress, reproducible
from nn.training_state import Kept
from nn.tuning.chip import Chip
from nn.tuning.descent import Descent, Settings
from nn.tuning.shadows import unrounded
from nn.tuning.trainable import TrainableGraph

_KEPT = 50  # steps, without chips


@dataclass(frozen=True)
class Tuning(Settings):
    """How a network is tuned: what all ways have (see `Settings`), and what chips in the loop need.

    Args:
        chip_steps: steps that a chip is used for. Chips have a seed of their own, made from `seed`.
        calibration: training images, the first so many, that converters' ranges are fixed on.
    """

    chip_steps: int = 10
    calibration: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("chip_steps", "calibration"):
            if getattr(self, name) < 1:
                raise ConfigError(f"tuning: {name} = {getattr(self, name)} must be 1 or more")


def tune(
    graph: Graph,
    images: Images,
    labels: IntArray,
    how: Tuning | None = None,
    target: Target | None = None,
    network: FloatGraph | None = None,
    progress: Progress | None = None,
    keep: Path | None = None,
) -> Graph:
    """Fine-tune an integer graph on training images; the same bits on a rerun on the same machine.

    Args:
        graph: as nn.quantise made it.
        images: (n, *input_shape), unsigned integers.
        labels: (n,).
        how: steps, batch, rate, seed.
        target: whose arrays compute the products while training; None for exact integers.
        network: the float network that the graph was quantised from: weights start unrounded, and it is the teacher
            of a distillation.
        progress: called with (steps done, steps in all), every few steps.
        keep: file that holds how far it has come, after every chip, or every 50 steps without; a tuning of this graph
            for this target that was stopped goes on from there, with the bits of one that was not. It is removed at
            the end.

    Returns:
        The same graph with other weights, biases and multipliers.

    Raises:
        ConfigError: fewer images than a batch, distillation without a float network, an operator without gradient,
            what the target can't map, or the loss is no longer finite.
    """
    how = how or Tuning()
    how.check(len(images), network)
    with reproducible(how.seed):
        model = TrainableGraph(graph, unrounded(graph, network) if network is not None else None)
        descent = Descent(model, how)
        kept = keep and _kept(keep, descent, graph, target)
        before = kept.load() if kept else 0
        chips = _chips(model, target, images[: how.calibration], how, before)
        for done, chosen in enumerate(how.batches(len(images)), start=1):
            if done <= before:
                continue
            logits = model(images[chosen], next(chips), done)
            taught = network.logits(images[chosen]) if network is not None and how.distillation else None
            descent.step(logits, labels[chosen], taught)
            if progress is not None and (done % 10 == 0 or done == how.steps):
                progress(done, how.steps)
            if kept and done % (how.chip_steps if target else _KEPT) == 0 and done < how.steps:
                kept.save(done)
    if keep is not None:
        keep.unlink(missing_ok=True)
    return model.graph()


def _kept(path: Path, descent: Descent, graph: Graph, target: Target | None) -> Kept:
    parts = {"network": descent.model, "optimiser": descent.optimiser, "schedule": descent.schedule}
    return Kept(path, f"{descent.how!r} {graph_hash(graph)} {target is not None}", parts)


def _chips(
    model: TrainableGraph, target: Target | None, calibration: Images, how: Tuning, before: int
) -> Iterator[Chip | None]:
    """The chip of every step after so many: another one now and then, programmed with the weights of that moment."""
    if target is None:
        while True:
            yield None
    own = replace(target, seed=int(stream(how.seed, "tune.chips").integers(2**31)), trace=0)
    number = before // how.chip_steps
    while True:
        chip = Chip.program(own, model.graph(), calibration, number)
        for _ in range(how.chip_steps):
            yield chip
        number += 1
