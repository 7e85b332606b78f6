"""A sweep: a study at every combination of some knobs' values, and what accuracy, energy and latency make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.best import best
from bitline.cli.knobs import Knob, grid, named, said
from bitline.cli.labelled_file import Variable, coordinate, write_labelled
from bitline.cli.pareto import front
from bitline.cli.points import (
    Outcome,
    Point,
    column,
    contrast,
    run_points,
    stacked,
)
from bitline.cli.points_file import heading, interval_json, write_summary
from bitline.cli.report import write_report
from bitline.cli.study import Study
from bitline.core.errors import ConfigError
from bitline.core.figures import MEASURED, Figure, to_json
from nn.statistics import Interval

COSTS = ("energy_per_image", "latency_per_image")
PICTURE = "sweep.png"


def run_sweep(study: Study, knobs: Sequence[Knob], results: Path, workers: int, *, fresh: bool = False) -> Path:
    """Sweep a study, or go on where it was stopped.

    Args:
        study: the settings of all that is not swept.
        knobs: swept; several make a grid.
        results: folder of results.
        workers: processes.
        fresh: as of `bitline.cli.points.run_points`.

    Returns:
        The finished folder: run.h5, summary.json, sweep.png, report.html, config.toml.

    Raises:
        BitlineError: a knob that nothing here depends on or that is there twice, values that the study refuses, or
            what `bitline.cli.points.run_points` raises.
    """
    for number, knob in enumerate(knobs):
        if knob.key in [other.key for other in knobs[:number]]:
            raise ConfigError(f"--over {knob.key}: it is there twice; give all its values at once")
        if knob.key.partition(".")[0] in ("name", "sram", "trust", "trace"):
            raise ConfigError(f"--over {knob.key}: no accuracy, energy or latency depends on it; leave it out")
    places = list(grid(study, knobs))
    points = [Point(named(at), each) for at, each in places]
    write = partial(_write, study, knobs, [at for at, _ in places], _reference(study, points))
    return run_points(study, points, results, workers, write, fresh=fresh)


def _reference(study: Study, points: Sequence[Point]) -> int:
    """The point that others are compared with: the study as it is, or the first."""
    same = [number for number, point in enumerate(points) if point.study == study]
    return same[0] if same else 0


def _write(
    study: Study,
    knobs: Sequence[Knob],
    places: Sequence[Mapping[str, Any]],
    reference: int,
    folder: Path,
    key: str,
    outcomes: Sequence[Outcome],
) -> None:
    changes = [contrast([(1.0, outcome), (-1.0, outcomes[reference])]) for outcome in outcomes]
    changes[reference] = None
    costs = np.stack([column(outcomes, name) for name in COSTS], axis=1)
    accuracy = column(outcomes, "accuracy")

    def difference(one: int, other: int) -> Interval | None:
        return contrast([(1.0, outcomes[one]), (-1.0, outcomes[other])])

    first = best(accuracy, costs, difference)
    points = [
        {
            "at": {name: value if isinstance(value, (int, float, bool)) else said(value) for name, value in at.items()},
            "figures": to_json(outcome.figures),
            "change": interval_json(change),
            "behind": interval_json(behind),
            "against_best": against,
            "front": place,
            **({"failure": outcome.failure} if outcome.failure else {}),
        }
        for at, outcome, change, behind, against, place in zip(
            places, outcomes, changes, first.behind, first.against, front(accuracy, costs, difference), strict=True
        )
    ]
    over = {knob.key: [point["at"][knob.key] for point in points] for knob in knobs}
    document = {
        **heading(study, "sweep", key),
        "over": {name: list(dict.fromkeys(values)) for name, values in over.items()},
        "reference": reference,
        "best": {"point": first.point, "frugal": first.frugal},
        "points": points,
    }
    _write_table(folder / "run.h5", study, knobs, document, outcomes, changes)
    write_summary(folder, document)
    from bitline.cli.sweep_picture import draw

    draw(folder / PICTURE, document)
    write_report(folder)


def _write_table(
    path: Path,
    study: Study,
    knobs: Sequence[Knob],
    document: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    changes: Sequence[Interval | None],
) -> None:
    """Every figure over the knobs, and every decision over knobs, chips and images."""
    names = tuple(knob.key for knob in knobs)
    shape = tuple(len(knob.values) for knob in knobs)
    correct = stacked(outcomes)
    axes = {knob.key: coordinate(knob.values, said) for knob in knobs}
    axes |= {"chip": np.arange(correct.shape[1]), "image": np.arange(correct.shape[2])}
    variables = figure_columns(outcomes, names, shape)
    for end in ("value", "low", "high"):
        values = np.array([np.nan if change is None else getattr(change, end) for change in changes])
        attrs = {"kind": MEASURED, "meaning": "accuracy minus that of the reference point, paired"}
        variables["change" + f"_{end}".removesuffix("_value")] = Variable(names, values.reshape(shape), "1", attrs)
    for name in ("front", "against_best"):
        words = np.array([point[name] for point in document["points"]], dtype=object)
        variables[name] = Variable(names, words.reshape(shape))
    meaning = {"kind": MEASURED, "meaning": "1 right, 0 wrong, -1 not computed"}
    variables["correct"] = Variable(
        (*names, "chip", "image"), correct.reshape(*shape, *correct.shape[1:]), "1", meaning
    )
    attrs = {name: document[name] for name in ("kind", "study", "hash", "version", "reference")}
    write_labelled(path, axes, variables, {**attrs, "seed": study.seed})


def figure_columns(outcomes: Sequence[Outcome], axes: tuple[str, ...], shape: tuple[int, ...]) -> dict[str, Variable]:
    """Every figure that any point has, over these axes."""
    found: dict[str, Figure] = {}
    for outcome in outcomes:
        found = {**outcome.figures, **found}
    return {
        name: Variable(
            axes, column(outcomes, name).reshape(shape), figure.unit, {"kind": figure.kind, "source": figure.source}
        )
        for name, figure in found.items()
    }
