"""The ladder of trust: what each rung was checked against, and how it came out."""

from __future__ import annotations

from bitline.cli.ladder import Rung
from bitline.cli.report.markup import card, error_size, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource, read_verification

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
    said = map(text, (rung.rung, rung.what, rung.against, _cases(rung)))
    return [*said, _error(rung.rms, rung.unit), _error(rung.maximum, rung.unit), _verdict(rung)]


def _error(error: float | None, unit: str) -> str:
    """An error; one in a unit of several words may take several lines."""
    said = text(error_size(error, unit))
    return f'<span class="long">{said}</span>' if " " in unit else said


def _cases(rung: Rung) -> str:
    """How many were compared, and how many could not be."""
    more = f", {rung.outside} outside the range" if rung.outside else ""
    return f"{rung.cases}{more}" + (f", {rung.failed} failed" if rung.failed else "")


def _verdict(rung: Rung) -> str:
    """Whether the largest error keeps the limit, where the rung has one; else whether it was climbed."""
    if rung.failed:
        return '<span class="fail">failed cases</span>'
    if rung.maximum is None:
        return "not climbed"
    if rung.limit is None:
        return "no limit"
    said = f"{'within' if rung.holds else 'beyond'} {error_size(rung.limit, rung.unit)}"
    return f'<span class="{"pass" if rung.holds else "fail"}">{text(said)}</span>'


SECTION = Section(5, "Trust", (_ladder, _verification), "trust")
