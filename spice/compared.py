"""Fitted models beside the samples that they were fitted to and those held out: what a picture of a fit shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.model_file import FittedModel
from bitline.core.samples import Samples

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Compared:
    """One smooth model against samples.

    Attributes:
        name: of the model, or of one of the lobes that it is the least of.
        unit: of both values.
        simulated: what ngspice gave, shape (samples,).
        fitted: what the model gives there.
        held_out: which of the samples the fit has not seen.
        index: of each sample in its stage.
    """

    name: str
    unit: str
    simulated: Floats
    fitted: Floats
    held_out: np.ndarray[Any, np.dtype[np.bool_]]
    index: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def error(self) -> Floats:
        """Model minus sample."""
        return self.fitted - self.simulated


def at_columns(model: FittedModel, stages: Sequence[tuple[Samples, bool]]) -> Compared | None:
    """A model whose inputs and output are columns of samples, at those within its range; None where they are not.

    Args:
        model: the model.
        stages: samples, and whether the fit has not seen them.
    """
    parts = []
    for samples, held_out in stages:
        if not {model.output, *(known.name for known in model.inputs)} <= samples.columns.keys():
            continue
        kept = np.array([index for index in range(samples.count) if index not in samples.failures], dtype=np.int64)
        inputs, truth = [samples.valid(known.name) for known in model.inputs], samples.valid(model.output)
        inside = model.covers(*inputs) & np.isfinite(truth)
        fitted = model(*(values[inside] for values in inputs))
        parts.append((truth[inside], fitted, np.full(len(fitted), held_out), kept[inside]))
    if not parts:
        return None
    simulated, fitted, unseen, index = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Compared(model.name, model.unit, simulated, fitted, unseen, index)


def every_column(models: Mapping[str, FittedModel], stages: Sequence[tuple[Samples, bool]]) -> list[Compared]:
    """All models for which `at_columns` finds samples."""
    found = (at_columns(model, stages) for model in models.values())
    return [compared for compared in found if compared is not None and compared.simulated.size]
