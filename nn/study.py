"""The accuracy study: a sample is a chip, and every chip infers the same images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import ESTIMATED, MEASURED, Figure
from bitline.core.samples import Samples
from nn.datasets import load as load_dataset
from nn.datasets.dataset import Dataset
from nn.graph import Graph
from nn.graph_file import load as load_graph
from nn.layer_cost import NOT_IN_ENERGY, NOT_IN_LATENCY
from nn.statistics import accuracy_interval, balanced_interval, class_intervals, paired_difference, uneven
from nn.target import Images, Inference, Program, Target
from nn.targets.reram import Target as Arrays

if TYPE_CHECKING:
    from nn.tuning.progressive import ChipTuning

_UNITS = {"logits": "1", "correct": "1", "accuracy": "1", "logit_scale": "1", "cycles": "1"}
MEANING = {  # attributes of the group that holds records in HDF5
    "count": "sum over all images of a chip; programming is in it once",
    "energy": "of one image",
    "latency": "of one image",
}
_UNIT_OF_PREFIX = {"trace": "1", "count": "1", "energy": "J", "latency": "s"}


@dataclass(frozen=True)
class Context:
    """What all chips share: the compiled network, the test images and their labels, and how a chip is tuned."""

    program: Program
    images: Images
    labels: IntArray
    tuned: Callable[[int], Program] | None = None

    def program_of(self, chip: int) -> Program:
        """What a chip runs: the network as it was tuned to this chip, where it is, and else the one of all."""
        return self.program if self.tuned is None else self.tuned(chip)


@dataclass(frozen=True)
class AccuracyTask:
    """Infers the test images on chip number `index`.

    Args:
        graph: path of the integer graph.
        data: a data set's name or path.
        target: the hardware, with its settings and its seed.
        images: of the test part, the first so many; None for all.
        calibration: of the training part, the first so many, for converter ranges.
        tuning: of the network to each chip, while its layers are programmed (nn.tuning.progressive); None for none.
    """

    graph: str
    data: str
    target: Target
    images: int | None = None
    calibration: int = 500
    tuning: ChipTuning | None = None

    def prepare(self) -> Context:
        """Load the network and the images, and compile; see bitline.core.executor.Task."""
        if self.calibration < 1 or (self.images is not None and self.images < 1):
            raise ConfigError(f"accuracy: images = {self.images}, calibration = {self.calibration}; at least 1 each")
        data = load_dataset(self.data)
        graph = load_graph(self.graph)
        with threadpool_limits(1):  # ranges are sums of floats: the same bits on any number of workers
            program = self.target.compile(graph, data.train_x[: self.calibration])
        tuned = None if self.tuning is None else partial(self._tuned, graph, data)
        return Context(program, data.test_x[: self.images], data.test_y[: self.images], tuned)

    def _tuned(self, graph: Graph, data: Dataset, chip: int) -> Program:
        from nn.tuning.progressive import tune_chip  # torch takes a while to load

        if not isinstance(self.target, Arrays):
            raise ConfigError(f"accuracy: {type(self.target).__name__} has no arrays that a network is tuned to")
        calibration = data.train_x[: self.calibration]
        with threadpool_limits(1):
            tuned = tune_chip(graph, data.train_x, data.train_y, self.target, chip, calibration, self.tuning)
            return self.target.compile(tuned, calibration)

    def run(self, context: Context, index: int) -> Record:
        """Infer all images on one chip.

        Returns:
            logits (images, classes) int32, correct (images,) uint8, accuracy, logit_scale; and what the target gave:
            trace_* (images kept, ...) int32, count_<layer>_<event> (of all images, programming once),
            energy_<component> (J an image), latency_<component> (s an image), each with a text kind_* and source_*;
            cycles where the target has a clock.
        """
        program = context.program_of(index)
        inference = program.run(context.images, index)
        correct = inference.logits.argmax(axis=1) == context.labels
        record: Record = {
            "logits": inference.logits.astype(np.int32),
            "correct": correct.astype(np.uint8),
            "accuracy": float(correct.mean()),
            "logit_scale": program.logit_scale,
        }
        return record | _extras(inference)


def _extras(inference: Inference) -> Record:
    extras: Record = {f"trace_{name}": values.astype(np.int32) for name, values in inference.trace.items()}
    for layer, events in inference.counts.items():
        extras |= {f"count_{layer}_{event}": count for event, count in events.items()}
    for quantity, costs in (("energy", inference.energy), ("latency", inference.latency)):
        for name, figure in costs.items():
            extras |= {f"{quantity}_{name}": figure.value, f"kind_{quantity}_{name}": figure.kind}
            extras[f"source_{quantity}_{name}"] = figure.source
    return extras if inference.cycles is None else extras | {"cycles": inference.cycles}


def units(names: list[str]) -> dict[str, str]:
    """The unit of every numeric field of a record, for HDF5."""
    known = ((name, _UNITS.get(name) or _UNIT_OF_PREFIX.get(name.partition("_")[0])) for name in names)
    return {name: unit for name, unit in known if unit is not None}


@dataclass(frozen=True, eq=False)
class References:
    """What the hardware is measured against, on the same images.

    Args:
        labels: (images,).
        floats: (images, classes), the float network's logits.
        integers: (images, classes), the integer network's.
    """

    labels: IntArray
    floats: np.ndarray[Any, Any]
    integers: IntArray


def figures(
    samples: Samples, references: References, confidence: float = 0.95, half_width: float | None = None
) -> dict[str, Figure]:
    """The accuracy figures of a study; all are shares of 1.

    Chips that failed have no accuracy: they are counted in `chips_failed` and left out of the means. Where some class
    has more than twice the images of another, every class's recall is among them, as `recall_<class>`.

    Args:
        samples: a chip each.
        references: what they are measured against.
        confidence: of the intervals.
        half_width: wanted of the accuracy due to chips, where chips were drawn until it was reached (nn.sequential).

    Raises:
        ConfigError: every chip failed.
    """
    chips = samples.count - len(samples.failures)
    if not chips:
        reason = next(iter(samples.failures.values()), "there were none")
        raise ConfigError(f"accuracy: no chip could be computed: {reason}")
    labels, correct = references.labels, samples.valid("correct")
    at_least = half_width or 0.0
    accuracy = accuracy_interval(correct, confidence, at_least)
    balanced = balanced_interval(correct, labels, confidence, at_least)
    integer = references.integers.argmax(axis=1) == labels
    loss = paired_difference(correct, integer, confidence, at_least)
    values = {
        "accuracy": accuracy.value,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "accuracy_half_width_chips": accuracy.chips,
        "accuracy_half_width_images": accuracy.images,
        "accuracy_worst_chip": float(correct.mean(axis=1).min()),
        "balanced_accuracy": balanced.value,
        "balanced_accuracy_low": balanced.low,
        "balanced_accuracy_high": balanced.high,
        "accuracy_float": float((references.floats.argmax(axis=1) == labels).mean()),
        "accuracy_integer": float(integer.mean()),
        "accuracy_change": loss.value,
        "accuracy_change_low": loss.low,
        "accuracy_change_high": loss.high,
        "chips": chips,
        "chips_failed": len(samples.failures),
        "images": correct.shape[1],
    }
    if half_width is not None:
        values["accuracy_half_width_wanted"] = half_width
    if uneven(labels):
        for each, recall in class_intervals(correct, labels, confidence, at_least).items():
            name = f"recall_{each}"
            values |= {name: recall.value, f"{name}_low": recall.low, f"{name}_high": recall.high}
    measured = {name: Figure(float(value), "1", MEASURED) for name, value in values.items() if not math.isnan(value)}
    return measured | cost_figures(samples)


def cost_figures(samples: Samples) -> dict[str, Figure]:
    """Energy (J) and latency (s) of an image by component, the mean over chips, and their totals.

    A component keeps its kind and source; a total is an estimate, as most of its parts are.
    """
    found: dict[str, Figure] = {}
    for quantity, unit, missing in (("energy", "J", NOT_IN_ENERGY), ("latency", "s", NOT_IN_LATENCY)):
        names = [name for name in samples.columns if name.startswith(f"{quantity}_")]
        for name in names:
            kind, source = (str(samples.valid(f"{word}_{name}")[0]) for word in ("kind", "source"))
            found[name] = Figure(float(samples.valid(name).mean()), unit, kind, source)
        if names:
            total = sum(found[name].value for name in names)
            said = f"sum of its components; not in it: {missing}"
            found[f"{quantity}_per_image"] = Figure(total, unit, ESTIMATED, said)
    return found
