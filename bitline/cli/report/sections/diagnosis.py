"""The advice of a diagnosis as it was tried: what each change of the study brings, on the run's own chips."""

from __future__ import annotations

from bitline.cli.advice import assignment
from bitline.cli.report.markup import card, percent, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import RunSource, read_trial
from bitline.cli.tables import points
from bitline.core.figures import MEASURED

_HEADS = ("change", "what it is", "answers", "accuracy", "gain (points)")


def _tried(run: RunSource) -> str:
    """A row a change, the best first; nothing where none was tried."""
    found = read_trial(run.folder)
    if found is None:
        return ""
    rows = []
    for each in found["advice"]:
        changes = "<br>".join(text(assignment(key, value)) for key, value in each["changes"].items())
        failed = f". Not tried: {each['failure']}" if each["accuracy"] is None else ""
        said = [changes, text(f"{each['remedy']}: {each['basis']}{failed}"), text(each["cause"])]
        rows.append([*said, text(percent(each["accuracy"])) if not failed else "", text(points(each["gain"]))])
    base = found["tried_on"]
    caption = (
        f"Each change alone, on {base['chips']} chips of this run and {base['images']} images, where the run has "
        f"{percent(base['accuracy'])}; paired by chip and image, 95 %. Made by bitline diagnose --try."
    )
    return card("Changes tried", table(_HEADS, rows, [3, 4]), caption, [MEASURED], "wide")


SECTION = Section(13, "Advice, tried", (_tried,))
