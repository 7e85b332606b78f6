"""Fitted models against the samples behind them: fitted over simulated values, and the errors with their QQ plot."""

from __future__ import annotations

from typing import Any

import numpy as np

from bitline.cli.characterise import compared, fit, read_characterised
from bitline.cli.fit_picture import said, scores, stages
from bitline.cli.report.chart import GREY, chart, line, plot, points, scale, titled
from bitline.cli.report.markup import card
from bitline.cli.report.section import Section
from bitline.cli.report.source import AbsentError, RunSource
from bitline.core.errors import ConfigError, FitError
from bitline.core.figures import MODELLED, SIMULATED
from spice.compared import Compared, Floats

_CAPTION = "Fitted over simulated values; the errors, fitted minus simulated, and their normal scores. {said}."
_MOST = 400  # points of one kind: more would only weigh
_HEIGHT = 270
_COLUMNS = "grid-template-columns: repeat(3, minmax(0, 1fr))"


def _fits(run: RunSource) -> str:
    try:
        parts = read_characterised(run.folder)
        models = run.model if run.model.models else fit(part for part in parts if part.samples is not None)
    except ConfigError:
        return ""  # its parts give figures alone
    except FitError as error:
        if run.config is None:
            return ""  # too few samples were asked for to be fitted
        raise AbsentError(str(error)) from error
    return "".join(_card(each) for each in compared(parts, models))


def _card(found: Compared) -> str:
    factor, unit = scale(found.simulated, found.unit)
    figure = chart(titled("simulated", unit), titled("fitted", unit))
    ends = factor * np.array([found.simulated.min(), found.simulated.max()])
    figure.add_trace(line(ends, ends, "equal", GREY, line={"width": 1}, showlegend=False))
    error_factor, error_unit = scale(found.error, found.unit)
    beside = chart(titled("error", error_unit), "normal score", showlegend=False)
    for (name, colour, at), size in zip(stages(found), (5, 4), strict=False):
        kept = np.flatnonzero(at)[:_MOST]
        hover: dict[str, Any] = {"text": [f"sample {i}" for i in found.index[kept]], "marker": {"size": size}}
        x, y = found.simulated[kept] * factor, found.fitted[kept] * factor
        figure.add_trace(points(x, y, name, colour, opacity=0.7, **hover))
        beside.add_trace(_qq(found, kept, error_factor, name, colour))
    caption = _CAPTION.format(said=said(found))
    left, right = plot(figure, caption, _HEIGHT), plot(beside, "QQ plot of the errors", _HEIGHT)
    hist = plot(_histogram(found, error_factor, error_unit), "histogram of the errors", _HEIGHT)
    body = f'<div class="pair" style="{_COLUMNS}"><div>{left}</div><div>{hist}</div><div>{right}</div></div>'
    return card(found.name, body, caption, [SIMULATED, MODELLED], "wide")


def _qq(found: Compared, kept: np.ndarray[Any, Any], factor: float, name: str, colour: str) -> Any:
    errors: Floats = found.error[kept]
    order = np.argsort(errors)
    ranked, normal = scores(errors)
    words = [f"sample {i}" for i in found.index[kept][order]]
    return points(ranked * factor, normal, name, colour, text=words, marker={"size": 4})


def _histogram(found: Compared, factor: float, unit: str) -> Any:
    figure = chart(titled("error", unit), "samples", barmode="overlay", showlegend=False)
    edges = np.histogram_bin_edges(found.error * factor, 24)
    for name, colour, at in stages(found):
        counts, _ = np.histogram(found.error[at] * factor, edges)
        figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=counts, name=name, marker={"color": colour}, opacity=0.6)
    return figure


SECTION = Section(60, "Fits", (_fits,))
