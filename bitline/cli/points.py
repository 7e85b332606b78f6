"""Studies beside one another: every point a study, all on the same chips and images, stages shared.

The seed of the chips is the study's, and every kind of draw has a stream of its own, so that chip number i of one point
is chip number i of another: differences between points are paired.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.preflight import check
from bitline.cli.run_folder import abandoned, finish, partial_folder, writing
from bitline.cli.stage_store import store_of
from bitline.cli.stages import Stages, array_works, stopping, study_key
from bitline.cli.study import Study
from bitline.cli.study_toml import to_toml
from bitline.cli.terminal import note
from bitline.core.errors import ConfigError, FitError, ModelRangeError, SimulationError
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from nn.statistics import Interval, paired_contrast
from nn.study import References
from nn.study import figures as accuracy_figures

MISSING = -1  # in place of a decision: of a chip that failed or was not drawn

Floats = np.ndarray[Any, np.dtype[np.float64]]
Decisions = np.ndarray[Any, np.dtype[np.int8]]


@dataclass(frozen=True)
class Point:
    """One of the studies.

    Args:
        name: as messages name it.
        study: with its own settings.
        tuned_as: the study whose fine-tuned network it runs; None for its own.
    """

    name: str
    study: Study
    tuned_as: Study | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a point gave.

    Args:
        correct: (chips, images), 1 or 0, MISSING where there is none.
        references: labels, float and integer logits of those images; None where the point has failed.
        figures: of accuracy, energy and latency.
        failure: why there are none.
    """

    correct: Decisions
    references: References | None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    failure: str = ""

    @property
    def half_width(self) -> float:
        """Of the accuracy due to chips, until which they were drawn; 0 where a number of chips was given."""
        wanted = self.figures.get("accuracy_half_width_wanted")
        return wanted.value if wanted else 0.0


def points_key(study: Study, points: Sequence[Point]) -> str:
    """The hash of everything that the numbers of these points depend on."""
    every = [study_key(study), *(study_key(point.study) for point in points), *(point.name for point in points)]
    return sha256(json.dumps(every).encode()).hexdigest()


def run_points(
    study: Study,
    points: Sequence[Point],
    results: Path,
    workers: int,
    write: Callable[[Path, str, Sequence[Outcome]], None],
    *,
    fresh: bool = False,
) -> Path:
    """Compute every point, or go on where it was stopped.

    Args:
        study: that they are variations of.
        points: the studies.
        results: folder of results.
        workers: processes.
        write: writes what the folder is to hold, from its path, the key and the outcomes in the points' order.
        fresh: compute all of it, whatever earlier studies there, or this one until it was stopped, have computed.

    Returns:
        The finished folder.

    Raises:
        BitlineError: something that a point needs is missing or wrong; what was computed stays for the next try.
    """
    key = points_key(study, points)
    for left in abandoned(results / study.name, key):
        note(f"{left} was never finished, and another study since: remove it if nobody goes on with it")
    with writing(partial_folder(results / study.name, key), anew=fresh) as folder:
        for point in points:
            check(point.study, array_works(point.study), [])
        (folder / "config.toml").write_text(to_toml(study), encoding="utf-8")
        stages = Stages(folder, workers, apart=True, store=store_of(results, study.name, key, fresh=fresh))
        outcomes = []
        for number, point in enumerate(points, 1):
            note(f"point {number} of {len(points)}: {point.name}")
            outcomes.append(outcome_of(point, stages))
        outcomes = levelled(points, outcomes, stages)
        if all(outcome.failure for outcome in outcomes):
            raise ConfigError(f"no point could be computed; of {points[0].name}: {outcomes[0].failure}")
        write(folder, key, outcomes)
        return finish(folder)


def outcome_of(point: Point, stages: Stages, at_least: int = 0) -> Outcome:
    """Compute a point; settings that cannot be had together are its failure, not that of the others.

    Args:
        point: the study.
        stages: computes it.
        at_least: as of `Stages.chips`.
    """
    study, tuned_as = _untraced(point.study), _untraced(point.tuned_as or point.study)
    try:
        models = stages.models(study, array_works(study))
        trained = stages.network(tuned_as)
        network = stages.tuned(tuned_as, stages.models(tuned_as, array_works(tuned_as)), trained)
        chips, rule = stages.chips(study, models, network, at_least), stopping(study)
        wanted = rule.half_width if rule else None
        figures = accuracy_figures(chips, network.references, half_width=wanted)
    except (ConfigError, ModelRangeError, FitError, SimulationError) as error:
        note(f"it cannot be computed: {error}")
        return Outcome(np.zeros((0, 0), dtype=np.int8), None, failure=str(error))
    return Outcome(decisions(chips), network.references, figures)


def _untraced(study: Study) -> Study:
    return study.model_copy(update={"accuracy": study.accuracy.model_copy(update={"trace_images": 0})})


def levelled(points: Sequence[Point], outcomes: Sequence[Outcome], stages: Stages, drawn: int = 0) -> list[Outcome]:
    """The outcomes with as many chips each: what reached its half width early goes on to the most that any has drawn.

    So a difference is that of the accuracies beside it, and differences add up.

    Args:
        points: the studies.
        outcomes: of each.
        stages: compute them.
        drawn: chips of what they are compared with.
    """
    most = max([drawn, *(len(outcome.correct) for outcome in outcomes)])
    found = []
    for point, outcome in zip(points, outcomes, strict=True):
        count = goes_on(point.study, len(outcome.correct), most)
        if count:
            note(f"{point.name}: goes on to {count} chips, for others took as many")
        found.append(outcome_of(point, stages, count) if count else outcome)
    return found


def goes_on(study: Study, drawn: int, most: int) -> int:
    """To how many chips a study with a half width goes on, as others have drawn `most`; 0 where it has no need to."""
    count = min(most, study.accuracy.chips)
    return count if stopping(study) and 0 < drawn < count else 0


def decisions(chips: Samples) -> Decisions:
    """Right or wrong by chip and image, MISSING where the chip failed."""
    correct: Decisions = np.array(chips["correct"], dtype=np.int8)
    correct[list(chips.failures)] = MISSING
    return correct


def contrast(terms: Iterable[tuple[float, Outcome]]) -> Interval | None:
    """A weighted sum of accuracies over the chips that all have; None where a point has failed or other images.

    Where chips were drawn until a half width was reached, the part due to chips is no smaller (nn.sequential).

    Args:
        terms: weight and outcome of each.
    """
    every = list(terms)
    first = every[0][1].references
    count = min(len(outcome.correct) for _, outcome in every)
    if first is None or count == 0:
        return None
    kept = np.ones(count, dtype=np.bool_)
    for _, outcome in every:
        if outcome.references is None or not np.array_equal(outcome.references.labels, first.labels):
            return None
        kept &= outcome.correct[:count, 0] != MISSING
    if not kept.any():
        return None
    wanted = max(outcome.half_width for _, outcome in every)
    return paired_contrast([(weight, outcome.correct[:count][kept]) for weight, outcome in every], at_least=wanted)


def column(outcomes: Sequence[Outcome], name: str) -> Floats:
    """A figure of every outcome, NaN where it has none."""
    return np.array([each.figures[name].value if name in each.figures else np.nan for each in outcomes])


def stacked(outcomes: Sequence[Outcome]) -> Decisions:
    """The decisions of all, shape (points, chips, images), MISSING where one has fewer chips or images."""
    chips, images = (max(each.correct.shape[axis] for each in outcomes) for axis in (0, 1))
    whole = np.full((len(outcomes), chips, images), MISSING, dtype=np.int8)
    for number, each in enumerate(outcomes):
        whole[number, : each.correct.shape[0], : each.correct.shape[1]] = each.correct
    return whole
