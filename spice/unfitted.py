"""For a part that gives figures and no fitted models."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel, Residual
from bitline.core.samples import Samples
from spice.characterise import Part, Provenance


def has_models(part: Part) -> bool:
    """Whether a part gives models besides its figures."""
    return part.fit is not no_models


def no_models(_nominal: Record, _samples: Samples, _provenance: Provenance) -> list[FittedModel]:
    """None."""
    return []


def no_residuals(_models: Mapping[str, FittedModel], _nominal: Record, _samples: Samples) -> dict[str, Residual]:
    """None."""
    return {}
