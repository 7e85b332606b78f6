"""What to change in a study, by what its layers showed: the remedies that it does not have and that it can have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitline.cli.arrays import accuracy_task
from bitline.cli.causes import SATURATION
from bitline.cli.knobs import patched, value_of
from bitline.cli.preflight import check
from bitline.cli.remedies import GAINS, GIVEN, OFFSETS, REMEDIES, Remedy
from bitline.cli.remedy_changes import Case, Changes
from bitline.cli.stages import array_works
from bitline.cli.study import Study
from bitline.core.errors import BitlineError
from bitline.core.model_file import ModelFile
from nn.diagnose import Diagnosis, LayerFigures

MATTERS = 1.0  # dB of a layer's own error that a change is worth
_SATURATES = 1e-3  # share of conversions from which on the range is too narrow
_HALF = 10 * math.log10(2)  # dB: what takes half of an error's power dominates it
_NAMED = 3  # layers
_FITTED = {OFFSETS: "offset_db", GAINS: "gain_db"}


@dataclass(frozen=True)
class Advice:
    """A change that a study can have.

    Args:
        remedy: that it is.
        cause: it answers, the costliest of the remedy's.
        changes: values by key.
        study: with them.
        costs: what the cause costs the layers that it matters to, dB, the most first.
        mean_db: over all layers.
        characterised: the run's models hold for it too.
    """

    remedy: Remedy
    cause: str
    changes: Changes
    study: Study
    costs: Mapping[str, float]
    mean_db: float
    characterised: bool

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        said = {"remedy": self.remedy.name, "basis": self.remedy.basis, "changes": self.changes, "cause": self.cause}
        return {**said, "costs_db": dict(self.costs), "mean_db": self.mean_db}


def advise(study: Study, models: ModelFile, graph: Path, found: Diagnosis) -> list[Advice]:
    """What can be changed, the costliest cause first, and calibration before all if there is none and it dominates.

    Args:
        study: as it was run.
        models: of its arrays.
        graph: file of its integer graph.
        found: what its layers do on a chip.
    """
    advised = []
    for remedy in REMEDIES:
        if remedy.target in ("", study.target):
            advised += _applied(remedy, study, models, graph, found)
    dominated = _mean(found, GAINS) >= _HALF and study.calibration.correction == "none"
    first = (GAINS, OFFSETS) if dominated else ()
    return sorted(advised, key=lambda each: (each.cause not in first, -each.mean_db))


def _applied(remedy: Remedy, study: Study, models: ModelFile, graph: Path, found: Diagnosis) -> list[Advice]:
    """The remedy with its values; nothing where no cause of it matters, it is in force, or the study refuses it."""
    cause = max(remedy.causes, key=lambda each: _mean(found, each))
    costs = {layer.layer: cost(layer, cause) for layer in found.layers if _matters(layer, cause)}
    if not costs:
        return []
    concerned = tuple(layer for layer in found.layers if layer.layer in costs)
    changes = remedy.change(Case(study, models, concerned, found.layers))
    try:
        changed = patched(study, changes, remedy.name)
        changes = {key: value for key, value in changes.items() if value_of(changed, key) != value_of(study, key)}
        if not changes:
            return []
        covered = array_works(changed) == array_works(study)
        if covered:
            accuracy_task(changed, models, graph)
        else:
            check(changed, array_works(changed), [])
    except BitlineError:
        return []
    ordered = dict(sorted(costs.items(), key=lambda each: -each[1]))
    return [Advice(remedy, cause, changes, changed, ordered, _mean(found, cause), covered)]


def cost(layer: LayerFigures, cause: str) -> float:
    """What a cause takes of a layer's ratio of signal to own error, dB."""
    if cause in _FITTED:
        return getattr(layer, _FITTED[cause]) - layer.own_db if math.isfinite(layer.own_db) else 0.0
    return layer.cost(cause) if cause in layer.without_db else 0.0


def _matters(layer: LayerFigures, cause: str) -> bool:
    untold = cause == SATURATION and cause not in layer.without_db
    return layer.saturated > _SATURATES if untold else cost(layer, cause) >= MATTERS


def _mean(found: Diagnosis, cause: str) -> float:
    return sum(cost(layer, cause) for layer in found.layers) / len(found.layers)


def given(study: Study, found: Diagnosis) -> list[str]:
    """What about the causes that matter is an input of the technology."""
    return [said(study) for cause, said in GIVEN.items() if any(_matters(layer, cause) for layer in found.layers)]


def assignment(key: str, value: Any) -> str:
    """A key and its value as a study file has them."""
    return f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def costs_told(each: Advice) -> str:
    """Which cause costs which layers how much, those that it costs most by name."""
    named = [f"{_amount(value)}in {layer}" for layer, value in list(each.costs.items())[:_NAMED]]
    more = len(each.costs) - len(named)
    named += [f"{MATTERS:g} dB or more in {more} other{'s'[: more - 1]}"] if more else []
    return f"{each.cause}: {', '.join(named)}"


def _amount(value: float) -> str:
    """What a cause costs; of saturation without a wider range to compare with, nothing is known."""
    if not math.isfinite(value):
        return "all the error "
    return f"{value:.1f} dB " if value >= MATTERS else ""
