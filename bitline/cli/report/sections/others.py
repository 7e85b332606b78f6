"""Parts without a section of their own: their figures, and histograms of those that were sampled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitline.cli.report.histogram import histogram
from bitline.cli.report.markup import card, figures_table, sentence, words
from bitline.cli.report.section import Section, sections
from bitline.cli.report.source import NOMINAL, AbsentError, RunSource


def _parts(run: RunSource) -> str:
    known = {section.about for section in sections()}
    others = [part for part in run.summary.figures if part not in known]
    return "\n".join(piece for part in others for piece in _part(run, part))


def _part(run: RunSource, part: str) -> Iterator[str]:
    title, figures = sentence(words(part)), run.figures(part)
    yield card(title, figures_table(figures), width="wide")
    for name in figures:
        if f"{name}_sigma" in figures and _sampled(run, part, name):
            yield histogram(part, name, f"{title}: {words(name)}")(run)


def _sampled(run: RunSource, part: str, name: str) -> bool:
    """Whether a figure is one number a record, nominal and sampled; some parts sum theirs up from arrays."""
    try:
        nominal = run.group(f"{part}/{NOMINAL}").first(name)
        values = run.group(f"{part}/monte_carlo").valid(name)
    except AbsentError:
        return False
    return np.ndim(nominal) == 0 and np.ndim(values) == 1


SECTION = Section(50, "Other parts", (_parts,))
