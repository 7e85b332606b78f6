"""Advice tried: each change as a variant of a finished run, on a few of its chips and images, paired with the run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bitline.cli.advice import Advice
from bitline.cli.arrays import accuracy_task
from bitline.cli.network import NETWORK, TUNED, Network, prepare_network, tuned_network
from bitline.cli.points import Outcome, Point, contrast, outcome_of
from bitline.cli.points_file import interval_json
from bitline.cli.run_folder import partial_folder, writing
from bitline.cli.stages import Stages
from bitline.cli.study import Accuracy, Study
from bitline.cli.terminal import note
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from nn.statistics import Interval
from nn.study import References

NOT_CHARACTERISED = "it needs a characterisation of its own: run it as a variant of the study"


@dataclass(frozen=True, eq=False)
class Tried:
    """A piece of advice and what it brought.

    Args:
        advice: that was tried.
        accuracy: with it, share of 1; None where it could not be tried.
        gain: its accuracy less the run's, paired by chip and image; None likewise.
        failure: why not.
    """

    advice: Advice
    accuracy: float | None
    gain: Interval | None
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"accuracy": self.accuracy, "gain": interval_json(self.gain), "failure": self.failure}


@dataclass(frozen=True, eq=False)
class Trial:
    """What was tried.

    Args:
        chips: of the run.
        images: of the test part.
        accuracy: of the run itself on them.
        tried: the advice, the best first; what could not be tried last.
    """

    chips: int
    images: int
    accuracy: float
    tried: tuple[Tried, ...]


def try_out(
    folder: Path,
    study: Study,
    models: ModelFile,
    advised: Sequence[Advice],
    chips: int,
    images: int,
    workers: int = 1,
) -> Trial:
    """Run every piece of advice on the run's characterisation and network; what is stopped goes on from where it was.

    A fine-tuned network stays as the run tuned it.

    Args:
        folder: of the finished run.
        study: of the run.
        models: of its arrays.
        advised: what to try.
        chips: the run's first so many, 2 or more.
        images: of those that the run inferred, the first so many.
        workers: processes.

    Raises:
        ConfigError: the run itself can't be computed again.
    """
    network = prepare_network(study, folder / NETWORK)
    task = accuracy_task(study, models, network.graph)
    own = tuned_network(study, network, task, folder / NETWORK / TUNED) if study.tuning.steps else network
    count = min(images, len(network.references.labels))
    few = _few(study, chips, count)
    network, own = _first(network, count), _first(own, count)
    with writing(partial_folder(folder, _key(few, advised))) as place:
        stages = Stages(place, workers, apart=True)
        stages.hold(few, models, network, own)
        note("the run itself")
        base = outcome_of(Point("the run itself", few), stages)
        if base.failure:
            raise ConfigError(f"{folder}: {base.failure}")
        tuned_as = few if study.tuning.steps else None
        tried = [
            _try(each, Point(each.remedy.name, _few(each.study, chips, count), tuned_as), base, stages)
            for each in advised
        ]
        shutil.rmtree(place)
    accuracy = float(base.correct[base.correct[:, 0] >= 0].mean())
    return Trial(chips, count, accuracy, tuple(sorted(tried, key=lambda each: -each.gain.value if each.gain else 2.0)))


def _try(advice: Advice, point: Point, base: Outcome, stages: Stages) -> Tried:
    if not advice.characterised:
        return Tried(advice, None, None, NOT_CHARACTERISED)
    note(f"trying {point.name}")
    outcome = outcome_of(point, stages)
    if outcome.failure:
        return Tried(advice, None, None, outcome.failure)
    return Tried(advice, outcome.figures["accuracy"].value, contrast([(1.0, outcome), (-1.0, base)]))


def _few(study: Study, chips: int, images: int) -> Study:
    """The study on so many chips and images, without variants."""
    accuracy = Accuracy(chips=chips, images=images, trace_images=0)
    return study.model_copy(update={"accuracy": accuracy, "variants": {}})


def _first(network: Network, images: int) -> Network:
    """The network with the references of the first images only."""
    every = network.references
    return replace(
        network, references=References(every.labels[:images], every.floats[:images], every.integers[:images])
    )


def _key(study: Study, advised: Sequence[Advice]) -> str:
    """The hash of what is tried."""
    hashes = [study.hash(), *(each.study.hash() for each in advised)]
    return sha256(" ".join(hashes).encode()).hexdigest()
