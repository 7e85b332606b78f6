"""The ladder of trust, and the fitted models with what they were checked on."""

from __future__ import annotations

from bitline.cli.ladder import Rung
from bitline.cli.report.markup import NONE, badge, card, quantity, relative, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource, read_verification
from bitline.core.model_file import KINDS, FittedModel

_HEADS = ("rung", "what", "checked against", "cases", "error, rms", "error, largest", "verdict")
_NUMBERS = (3, 4, 5)


def _ladder(run: RunSource) -> str:
    if not run.summary.ladder:
        raise AbsentError("summary.json holds no ladder; bitline verify climbs it")
    caption = "Each rung is checked against the one below it, on cases that no fit has seen."
    rows = [_rung(rung) for rung in run.summary.ladder]
    return card("Ladder of trust", table(_HEADS, rows, _NUMBERS), caption, width="wide")


def _verification(run: RunSource) -> str:
    rungs = read_verification(run.folder)
    if rungs is None:
        raise AbsentError("the whole ladder has not been climbed yet; bitline verify climbs it on fresh cases")
    caption = "The whole ladder, on fresh cases that neither the fits nor the run itself saw."
    return card("Verification", table(_HEADS, [_rung(rung) for rung in rungs], _NUMBERS), caption, width="wide")


def _rung(rung: Rung) -> list[str]:
    said = (
        rung.rung,
        rung.what,
        rung.against,
        _cases(rung),
        _error(rung.rms, rung.unit),
        _error(rung.maximum, rung.unit),
    )
    return [*map(text, said), _verdict(rung)]


def _cases(rung: Rung) -> str:
    """How many were compared, and how many could not be."""
    more = f", {rung.outside} outside the range" if rung.outside else ""
    return f"{rung.cases}{more}" + (f", {rung.failed} failed" if rung.failed else "")


def _error(error: float | None, unit: str) -> str:
    if error is None:
        return NONE
    if unit == "1":
        return relative(error)
    return f"{error:.2g} {unit}" if " " in unit else quantity(error, unit, 2)


def _verdict(rung: Rung) -> str:
    """Whether the largest error keeps the limit, where the rung has one; else whether it was climbed."""
    if rung.failed:
        return '<span class="fail">failed cases</span>'
    if rung.maximum is None:
        return "not climbed"
    if rung.limit is None:
        return "no limit"
    said = f"{'within' if rung.holds else 'beyond'} {_error(rung.limit, rung.unit)}"
    return f'<span class="{"pass" if rung.holds else "fail"}">{text(said)}</span>'


def _models(run: RunSource) -> str:
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
    rms, largest = (_error(value, error.unit) for value in (error.rms, error.maximum))
    return f"rms {rms}, largest {largest}, {error.samples} samples"


SECTION = Section(80, "Trust", (_ladder, _verification, _models), "trust")
