"""Variants of the study beside it: what calibration, fine-tuning or whatever differs is worth, on the same chips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitline.cli.report.chart import BLUE, ORANGE, PURPLE, chart, plot
from bitline.cli.report.markup import card, percent, table, text
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.cli.variants import VARIANTS
from bitline.core.figures import MEASURED, Figure

_STUDY = "this study"
_FLOAT, _INTEGER = "float network", "the study's integers"


def _rows(run: RunSource) -> dict[str, Mapping[str, Figure]]:
    """Figures of each variant by its name, the study's own last."""
    found: dict[str, dict[str, Figure]] = {}
    for name, figure in run.figures(VARIANTS).items():
        variant, _, own = name.partition(".")
        found.setdefault(variant, {})[own] = figure
    if not found:
        raise AbsentError("the study has no variants")
    return {**found, _STUDY: dict(run.figures("network"))}


def _table(run: RunSource) -> str:
    rows = _rows(run)
    named = run.figures("network")
    lines = [[text(_FLOAT), text(_said(named, "accuracy_float")), "", "", "", ""]]
    for name, figures in rows.items():
        if "failed" in figures:
            lines.append([text(name), text(f"not computed: {figures['failed'].source}"), "", "", "", ""])
            continue
        gain = _span(figures, "study_gain", points=True) if name != _STUDY else ""
        balanced = _said(figures, "balanced_accuracy")
        lines.append(
            [
                text(name),
                text(_said(figures, "accuracy")),
                text(_span(figures, "accuracy")),
                text(balanced),
                text(_said(figures, "accuracy_integer")),
                text(gain),
            ]
        )
    heads = ("", "accuracy", "95 % interval", "balanced", "as exact integers", "this study is better by (points)")
    caption = (
        "The last column is paired: the same chips and images. An interval that excludes 0 is a difference beyond "
        "chance. What a variant changes is in config.toml."
    )
    return card("Table of the variants", table(heads, lines, [1, 2, 3, 4, 5]), caption, [MEASURED], "wide")


def _ideal() -> tuple[tuple[str, str], ...]:
    return (_FLOAT, "accuracy_float"), (_INTEGER, "accuracy_integer")


def _said(figures: Mapping[str, Figure], name: str) -> str:
    return percent(figures[name].value) if name in figures else "-"


def _span(figures: Mapping[str, Figure], name: str, *, points: bool = False) -> str:
    ends = [figures.get(f"{name}_{end}") for end in ("low", "high")]
    if ends[0] is None or ends[1] is None:
        return "-"
    if points:
        low, value, high = (100 * figure.value for figure in (ends[0], figures[name], ends[1]))
        return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"
    return f"{percent(ends[0].value)} to {percent(ends[1].value)}"


def _picture(run: RunSource) -> str:
    """A bar each, with its interval."""
    rows = {name: figures for name, figures in _rows(run).items() if "accuracy" in figures}
    named = run.figures("network")
    bars = [(said, 100 * named[name].value, 0.0, 0.0, PURPLE) for said, name in _ideal() if name in named]
    for name, figures in rows.items():
        value, low, high = (100 * figures[f"accuracy{end}"].value for end in ("", "_low", "_high"))
        bars.append((name, value, high - value, value - low, BLUE if name == _STUDY else ORANGE))
    figure = chart("", "accuracy (%)", showlegend=False)
    names, values, above, below, colours = (list(each) for each in zip(*bars, strict=True))
    figure.add_bar(
        x=names,
        y=values,
        marker={"color": colours},
        error_y={"type": "data", "array": above, "arrayminus": below, "symmetric": False, "color": "#1f2933"},
        hovertemplate="%{x}: %{y:.2f} %<extra></extra>",
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[max(0.0, np.floor(min(values) - max(below) - 8)), 100])
    caption = "Purple without hardware, orange the variants, blue the study. Bars start above 0."
    return card("Accuracy of the variants", plot(figure, caption, 380), caption, [MEASURED], "wide")


SECTION = Section(11, "Variants", (_table, _picture), VARIANTS, usual=False)
