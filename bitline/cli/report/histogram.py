"""Histograms of mismatch samples with the normal fit and the nominal value, and beside each a QQ plot against it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from scipy.special import ndtri

from bitline.cli.report.chart import BLUE, INK, ORANGE, SKY, chart, line, plot, points, scale, single, titled
from bitline.cli.report.markup import card, quantity, sentence, words
from bitline.cli.report.section import Block
from bitline.cli.report.source import AbsentError, Columns, Floats, RunSource
from bitline.core.figures import SIMULATED

_SAID = "QQ plot: the normal score of each sample against its value, and the fitted normal as a line"
_FEWEST = 8  # samples that make a QQ plot
_ENDS, _BETWEEN = 100, 400  # samples of a QQ plot that are drawn: at either end, and between them


def histogram(part: str, name: str, title: str = "") -> Block:
    """A block: histogram and QQ plot of column `name` of a part's mismatch samples."""

    def block(run: RunSource) -> str:
        nominal = float(run.group(f"{part}/nominal").first(name))
        drawn = run.group(f"{part}/monte_carlo")
        every = np.asarray(drawn.valid(name), dtype=np.float64)
        values = every[np.isfinite(every)]
        if values.size == 0:
            raise AbsentError(f"no sample of {part!r} has a {words(name)}")
        unit = drawn.unit(name)
        figure = _draw(values, nominal, unit, words(name))
        caption = _caption(drawn, values, unit, len(every) - len(values))
        body = plot(figure, caption, 270)
        if len(values) >= _FEWEST and np.ptp(values) > 0:
            beside = plot(_qq(values, unit, words(name)), _SAID, 270)
            body = f'<div class="pair"><div>{body}</div><div>{beside}</div></div>'
        return card(title or sentence(words(name)), body, caption, [SIMULATED], "half")

    return block


def _caption(drawn: Columns, values: Floats, unit: str, without: int) -> str:
    said = f"{len(values)} samples"
    if drawn.failed:
        said += f" ({drawn.failed} of {drawn.count} failed and are not drawn)"
    if without:
        said += f" ({without} more have none)"
    if len(values) < 2:
        return said + "."
    mean, sigma = float(np.mean(values)), float(np.std(values, ddof=1))
    return f"{said}, mean {quantity(mean, unit)}, sigma {quantity(sigma, unit)}."


def _draw(values: Floats, nominal: float, unit: str, name: str) -> go.Figure:
    factor, shown = scale(values, unit)
    counts, edges = np.histogram(values * factor, bins=min(max(int(np.sqrt(len(values))) + 1, 5), 30))
    width = float(edges[1] - edges[0])
    figure = chart(titled(name, shown), "samples")
    bars = {"color": SKY, "line": {"color": BLUE, "width": 0.5}}
    figure.add_bar(
        x=single(edges[:-1] + width / 2), y=counts, width=width, marker=bars, name="samples", showlegend=False
    )
    if len(values) > 1 and (sigma := float(np.std(values, ddof=1)) * factor) > 0:
        mean = float(np.mean(values)) * factor
        x = np.linspace(min(edges[0], mean - 3 * sigma), max(edges[-1], mean + 3 * sigma), 121)
        density = np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
        figure.add_trace(line(x, density * len(values) * width, "normal fit", INK))
    marked = np.full(2, nominal * factor)
    top = np.array([0.0, 1.05 * float(counts.max())])
    figure.add_trace(line(marked, top, f"nominal {quantity(nominal, unit)}", ORANGE, line={"dash": "dash"}))
    return figure


def _qq(values: Floats, unit: str, name: str) -> go.Figure:
    """Normal scores against sorted values: on the line, samples are as normal as their mean and sigma say."""
    factor, shown = scale(values, unit)
    ranked, count = np.sort(values) * factor, len(values)
    score = ndtri((np.arange(count) + 0.5) / count)
    between = np.linspace(0, count - 1, _BETWEEN).astype(int)
    drawn = np.unique(np.concatenate([np.arange(count)[:_ENDS], between, np.arange(count)[-_ENDS:]]))
    figure = chart(titled(name, shown), "normal score", showlegend=False)
    mean, sigma = float(np.mean(ranked)), float(np.std(ranked, ddof=1))
    ends = np.array([1.08 * score[0], 1.08 * score[-1]])
    figure.add_trace(line(mean + sigma * ends, ends, "normal fit", INK, line={"width": 1.5}))
    return figure.add_trace(points(ranked[drawn], score[drawn], "QQ", BLUE, marker={"size": 4}, opacity=0.7))
