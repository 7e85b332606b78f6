"""The fitted models: formula, range, and what each was checked on."""

from __future__ import annotations

from bitline.cli.report.markup import badge, card, error_size, quantity, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource
from bitline.core.model_file import KINDS, FittedModel


def _models(run: RunSource) -> str:
    if not run.model.models:
        return ""  # of parts that were characterised alone
    rows = [
        [
            f"<code>{text(model.name)}</code>",
            text(_formula(model)),
            _ranges(model),
            text(_residual(model)),
            badge(model.origin, model.source),
        ]
        for _, model in sorted(run.model.models.items())
    ]
    heads = ("model", "formula", "valid range", "residual on held-out samples", "data")
    caption = "Outside its valid range a model refuses; it does not extrapolate."
    return card("Fitted models", table(heads, rows), caption, width="wide")


def _formula(model: FittedModel) -> str:
    said = (KINDS[model.kind].__doc__ or model.kind).strip().splitlines()[0]
    return said.rstrip(".").replace("`", "")


def _ranges(model: FittedModel) -> str:
    """The ranges of the inputs; those of threshold shifts go on one line, as they are many and alike."""
    shifts = [known for known in model.inputs if known.name.startswith("dvth_")]
    lines = [_range(known.name, known.low, known.high, known.unit) for known in model.inputs if known not in shifts]
    if shifts:
        low, high = max(known.low for known in shifts), min(known.high for known in shifts)
        lines.append(_range(f"{len(shifts)} threshold shifts, at least", low, high, shifts[0].unit))
    return "<br>".join(text(each) for each in lines)


def _range(name: str, low: float, high: float, unit: str) -> str:
    return f"{name}: {quantity(low, unit)} to {quantity(high, unit)}"


def _residual(model: FittedModel) -> str:
    error = model.residual
    if not error.samples:
        return "taken as published"
    rms, largest = (error_size(value, error.unit) for value in (error.rms, error.maximum))
    return f"rms {rms}, largest {largest}, {error.samples} samples"


SECTION = Section(58, "Models", (_models,))
