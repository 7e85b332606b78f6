"""Variants of a study, run beside it on the same chips: calibrated or not, tuned or not, and whatever else differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bitline.cli.knobs import variant_studies
from bitline.cli.points import MISSING, Outcome, Point, contrast, levelled, outcome_of
from bitline.cli.stages import Stages
from bitline.cli.study import Study
from bitline.cli.terminal import note
from bitline.core.figures import MEASURED, Figure
from bitline.core.samples import Group, Samples

VARIANTS = "variants"  # in run.h5 and among a summary's parts


@dataclass(frozen=True, eq=False)
class Variant:
    """One that was run.

    Args:
        name: as the study file has it.
        changes: its keys.
        outcome: what it gave.
    """

    name: str
    changes: Mapping[str, object]
    outcome: Outcome


def run_variants(study: Study, stages: Stages, drawn: int) -> list[Variant]:
    """Run each, sharing with the study all that they have in common; one that can't be had is its own failure.

    Args:
        study: that they are variants of.
        stages: compute them.
        drawn: the study's own chips: none that has a half width has fewer.
    """
    points = [Point(name, varied) for name, varied in variant_studies(study).items()]
    outcomes = []
    for point in points:
        note(f"variant: {point.name}")
        outcomes.append(outcome_of(point, stages))
    outcomes = levelled(points, outcomes, stages, drawn)
    return [
        Variant(point.name, study.variants[point.name], outcome)
        for point, outcome in zip(points, outcomes, strict=True)
    ]


def variant_figures(variants: list[Variant], main: Outcome) -> dict[str, Figure]:
    """Figures by "NAME.FIGURE": a variant's own, and the study's accuracy less its, paired by chip and image."""
    return {
        f"{each.name}.{name}": figure
        for each in variants
        for name, figure in {**each.outcome.figures, **_failed(each), **_gain(each, main)}.items()
    }


def _failed(variant: Variant) -> dict[str, Figure]:
    """Says why there are no figures."""
    return {"failed": Figure(1.0, "1", MEASURED, variant.outcome.failure)} if variant.outcome.failure else {}


def _gain(variant: Variant, main: Outcome) -> dict[str, Figure]:
    gained = contrast([(1.0, main), (-1.0, variant.outcome)])
    if gained is None:
        return {}
    ends = {"study_gain": gained.value, "study_gain_low": gained.low, "study_gain_high": gained.high}
    return {name: Figure(value, "1", MEASURED) for name, value in ends.items()}


def variant_groups(variants: list[Variant]) -> list[Group]:
    """The decisions of each that could be had, one row a chip."""
    groups = []
    for each in variants:
        correct = each.outcome.correct
        if correct.size:
            accuracy = np.where(correct[:, 0] == MISSING, np.nan, correct.mean(axis=1))
            samples = Samples(len(correct), {"correct": correct, "accuracy": accuracy})
            attrs = {"changes": ", ".join(f"{key} = {value}" for key, value in each.changes.items())}
            groups.append(Group(f"{VARIANTS}/{each.name}", samples, {"correct": "1", "accuracy": "1"}, attrs))
    return groups
