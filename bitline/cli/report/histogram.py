"""Histograms of mismatch samples, with the normal distribution fitted to them and the nominal value marked."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from bitline.cli.report.chart import BLUE, INK, ORANGE, SKY, chart, line, plot, scale, single, titled
from bitline.cli.report.markup import card, quantity, sentence, words
from bitline.cli.report.section import Block
from bitline.cli.report.source import Columns, Floats, RunSource
from bitline.core.figures import SIMULATED


def histogram(part: str, name: str, title: str = "") -> Block:
    """A block: the histogram of column `name` of a part's mismatch samples."""

    def block(run: RunSource) -> str:
        nominal = float(run.group(f"{part}/nominal").first(name))
        drawn = run.group(f"{part}/monte_carlo")
        values = np.asarray(drawn.valid(name), dtype=np.float64)
        unit = drawn.unit(name)
        figure = _draw(values, nominal, unit, words(name))
        caption = _caption(drawn, values, unit)
        return card(title or sentence(words(name)), plot(figure, caption, 270), caption, [SIMULATED])

    return block


def _caption(drawn: Columns, values: Floats, unit: str) -> str:
    said = f"{len(values)} samples"
    if drawn.failed:
        said += f" ({drawn.failed} of {drawn.count} failed and are not drawn)"
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
