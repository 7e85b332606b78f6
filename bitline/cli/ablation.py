"""An ablation: which non-ideality costs how many points of accuracy, alone and among the others, on the same chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.labelled_file import Variable, write_labelled
from bitline.cli.nonidealities import NonIdeality, present, without
from bitline.cli.points import (
    Outcome,
    Point,
    contrast,
    run_points,
    stacked,
)
from bitline.cli.points_file import heading, interval_json, write_summary
from bitline.cli.report import write_report
from bitline.cli.study import Study
from bitline.cli.sweep import figure_columns
from bitline.core.errors import ConfigError
from bitline.core.figures import MEASURED, to_json
from nn.statistics import Interval, paired_difference

PICTURE = "ablation.png"
ALL_ON, ALL_OFF = "all on", "all off"

On = frozenset[str]  # the non-idealities of a configuration


def run_ablation(study: Study, results: Path, workers: int, *, pairs: bool = False, fresh: bool = False) -> Path:
    """Ablate a study, or go on where it was stopped.

    Configurations: all non-idealities that the study has; none; each alone; all but each; with `pairs` every two alone.
    A fine-tuned network is tuned on the study's own chips, with all on: what is turned off is not tuned away before.

    Args:
        study: the settings.
        results: folder of results.
        workers: processes.
        pairs: of non-idealities too.
        fresh: as of `bitline.cli.points.run_points`.

    Returns:
        The finished folder: run.h5, summary.json, ablation.png, report.html, config.toml.

    Raises:
        BitlineError: the study has no non-ideality, or what `bitline.cli.points.run_points` raises.
    """
    found = present(study)
    if not found:
        raise ConfigError(f"{study.name}: it has no non-ideality that can be turned off; switch one on to ablate it")
    names = [each.name for each in found]
    sets = configurations(names, pairs=pairs)
    points = []
    for on, name in sets.items():
        varied = without(study, [each for each in found if each.name not in on])
        tuned_as = study.model_copy(update={"network": varied.network}) if study.tuning.steps else None
        points.append(Point(name, varied, tuned_as))
    write = partial(_write, study, found, list(sets.items()), pairs)
    return run_points(study, points, results, workers, write, fresh=fresh)


def configurations(names: Sequence[str], *, pairs: bool) -> dict[On, str]:
    """What is on in each configuration, and its name; one that is asked for twice is there once."""
    every = frozenset(names)
    asked: list[tuple[On, str]] = [(every, ALL_ON), (frozenset(), ALL_OFF)]
    asked += [(frozenset({name}), f"{name} alone") for name in names]
    asked += [(every - {name}, f"all but {name}") for name in names]
    if pairs:
        asked += [(frozenset(pair), f"{' and '.join(pair)} alone") for pair in combinations(names, 2)]
    found: dict[On, str] = {}
    for on, name in asked:
        found.setdefault(on, name)
    return found


def costs(names: Sequence[str], outcomes: Mapping[On, Outcome], *, pairs: bool) -> dict[str, Any]:
    """What non-idealities cost, in shares of 1, each with its paired interval.

    The cost alone is the accuracy with nothing on minus that with it alone; among the others, the accuracy with all but
    it minus that with all. Together is nothing minus all; the interaction is together minus the sum of the costs alone:
    above 0 they make each other worse, below 0 they hide each other.

    Args:
        names: of the non-idealities.
        outcomes: by what is on.
        pairs: of non-idealities too.
    """
    every, nothing = frozenset(names), outcomes[frozenset()]
    alone = {name: outcomes[frozenset({name})] for name in names}
    count = len(names)
    rows = [
        {
            "name": name,
            "alone": interval_json(contrast([(1.0, nothing), (-1.0, alone[name])])),
            "among": interval_json(contrast([(1.0, outcomes[every - {name}]), (-1.0, outcomes[every])])),
        }
        for name in names
    ]
    rows.sort(key=_cost, reverse=True)
    parts = [(1.0, alone[name]) for name in names]
    document: dict[str, Any] = {
        "costs": rows,
        "together": interval_json(contrast([(1.0, nothing), (-1.0, outcomes[every])])),
        "sum_alone": interval_json(contrast([(float(count), nothing), *((-1.0, each) for _, each in parts)])),
        "interaction": interval_json(contrast([(1.0 - count, nothing), (-1.0, outcomes[every]), *parts])),
    }
    if pairs:
        document["pairs"] = [_pair(one, other, outcomes) for one, other in combinations(names, 2)]
    return document


def _cost(row: Mapping[str, Any]) -> float:
    return row["alone"]["value"] if row["alone"] else -np.inf


def _pair(one: str, other: str, outcomes: Mapping[On, Outcome]) -> dict[str, Any]:
    nothing, both = outcomes[frozenset()], outcomes[frozenset({one, other})]
    alone = [(1.0, outcomes[frozenset({name})]) for name in (one, other)]
    return {
        "names": [one, other],
        "cost": interval_json(contrast([(1.0, nothing), (-1.0, both)])),
        "interaction": interval_json(contrast([(-1.0, nothing), (-1.0, both), *alone])),
    }


def _write(
    study: Study,
    found: Sequence[NonIdeality],
    sets: Sequence[tuple[On, str]],
    pairs: bool,  # noqa: FBT001 - given by partial
    folder: Path,
    key: str,
    outcomes: Sequence[Outcome],
) -> None:
    by_set = {on: outcome for (on, _), outcome in zip(sets, outcomes, strict=True)}
    names = [each.name for each in found]
    document = {
        **heading(study, "ablation", key),
        "nonidealities": {each.name: each.without for each in found},
        **costs(names, by_set, pairs=pairs),
        "beside": _beside(by_set[frozenset(names)], by_set[frozenset()]),
        "configurations": [
            {
                "name": name,
                "on": [each for each in names if each in on],
                "figures": to_json(outcome.figures),
                **({"failure": outcome.failure} if outcome.failure else {}),
            }
            for (on, name), outcome in zip(sets, outcomes, strict=True)
        ],
    }
    _write_table(folder / "run.h5", study, names, sets, document, outcomes)
    write_summary(folder, document)
    from bitline.cli.ablation_picture import draw

    draw(folder / PICTURE, document)
    write_report(folder)


def _beside(everything: Outcome, nothing: Outcome) -> dict[str, Any]:
    """What no patch turns off: from floats to the study's integers, and from integers to arrays with all off."""
    found: dict[str, Interval | None] = {"quantisation": None, "remaining": None}
    if everything.references is not None:
        labels = everything.references.labels
        floats, integers = (
            logits.argmax(axis=1) == labels for logits in (everything.references.floats, everything.references.integers)
        )
        found["quantisation"] = paired_difference(floats, integers)
    if nothing.references is not None:
        integers = nothing.references.integers.argmax(axis=1) == nothing.references.labels
        kept = nothing.correct[nothing.correct[:, 0] >= 0]
        lost = paired_difference(1 - kept, 1 - integers, at_least=nothing.half_width)  # wrong minus wrong
        found["remaining"] = lost
    return {name: interval_json(each) for name, each in found.items()}


def _write_table(
    path: Path,
    study: Study,
    names: Sequence[str],
    sets: Sequence[tuple[On, str]],
    document: Mapping[str, Any],
    outcomes: Sequence[Outcome],
) -> None:
    correct = stacked(outcomes)
    axes = {
        "configuration": np.array([name for _, name in sets], dtype=object),
        "nonideality": np.array(names, dtype=object),
        "chip": np.arange(correct.shape[1]),
        "image": np.arange(correct.shape[2]),
    }
    on = np.array([[name in each for name in names] for each, _ in sets], dtype=np.uint8)
    variables = figure_columns(outcomes, ("configuration",), (len(sets),))
    variables["on"] = Variable(("configuration", "nonideality"), on)
    by_name = {row["name"]: row for row in document["costs"]}
    for what in ("alone", "among"):
        for end in ("value", "low", "high"):
            each = [(by_name[name][what] or {end: np.nan})[end] for name in names]
            column = f"cost_{what}" + f"_{end}".removesuffix("_value")
            variables[column] = Variable(("nonideality",), np.array(each), "1", {"kind": MEASURED})
    meaning = {"kind": MEASURED, "meaning": "1 right, 0 wrong, -1 not computed"}
    variables["correct"] = Variable(("configuration", "chip", "image"), correct, "1", meaning)
    attrs = {name: document[name] for name in ("kind", "study", "hash", "version")}
    write_labelled(path, axes, variables, {**attrs, "seed": study.seed})
