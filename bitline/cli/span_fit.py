"""Models that hold over temperatures and supplies: fitted to a survey, checked on samples that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.cli.characterise import DESIGN, run_stage
from bitline.core.errors import ConfigError
from bitline.core.executors import executor
from bitline.core.model_file import ModelFile
from bitline.core.samples import Samples
from spice.characterise import Span, part, part_names
from spice.compared import Compared


@dataclass(frozen=True)
class SpanFit:
    """A fit over temperatures and supplies.

    Args:
        name: of the part.
        models: its model file.
        design: the samples that were fitted.
        held_out: those that were not.
    """

    name: str
    models: ModelFile
    design: Samples
    held_out: Samples

    def compared(self) -> list[Compared]:
        """The models beside both kinds of samples."""
        return part(self.name).compare(self.models.models, {}, self.design, self.held_out)


def fit_span(name: str, span: Span, workers: int = 1) -> SpanFit:
    """Fit models of a part over temperatures and supplies.

    Raises:
        ConfigError: there is no such part or it has no such models, or an unknown technology or corner.
        FitError: a condition leaves too few samples.
    """
    from spice.engine import engine

    found = part(name)
    if found.survey is None:
        known = ", ".join(each for each in part_names() if part(each).survey is not None)
        raise ConfigError(f"{name} has no models over temperature and supply; parts that have: {known}")
    survey = found.survey(span)
    stages = ((DESIGN, survey.design, survey.samples), ("held out", survey.held_out, survey.held_out_samples))
    design, held_out = (
        run_stage(f"{name.replace('_', ' ')}: {title}", task, count, executor(workers)) for title, task, count in stages
    )
    provenance: dict[str, str | float | int] = {
        "technology": span.technology,
        "corner": span.corner,
        "seed": span.seed,
        "ngspice": engine().version,
        "part": name.replace("-", "_"),
    }
    models = survey.fit(design, held_out, provenance)
    return SpanFit(name, ModelFile(provenance, {model.name: model for model in models}), design, held_out)
