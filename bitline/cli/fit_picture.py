"""Fitted models against their samples, a row a model: a PNG or SVG, or a page to zoom into.

Beside each scatter of fitted over simulated values stand the errors: their histogram and their normal scores (a QQ
plot). Samples that the fit has seen and those held out are drawn apart; on a page, a point tells its sample's index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from spice.compared import Compared

Floats = np.ndarray[Any, np.dtype[np.float64]]

SUFFIXES = (".png", ".svg", ".html")
COLOURS = ("#0072B2", "#D55E00")  # seen and held out
_BINS = 24
_ROW = 2.6  # inches


def check(path: Path) -> None:
    """Refuse what no picture can be written to.

    Raises:
        ConfigError: another suffix than `SUFFIXES`, or no such folder.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: a picture is one of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it first")


def draw(found: Sequence[Compared], title: str, path: Path) -> None:
    """Draw the models of `found` into a file whose suffix is one of `SUFFIXES`.

    Raises:
        ConfigError: another suffix, or there is nothing to draw.
    """
    check(path)
    if not found:
        raise ConfigError(f"{path}: no model of this fit has samples to stand against")
    (_page if path.suffix == ".html" else _image)(found, title, path)


def stages(compared: Compared) -> list[tuple[str, str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Name, colour and place of the samples that the fit has seen and of those held out, where there are any."""
    both = (("fitted", COLOURS[0], ~compared.held_out), ("held out", COLOURS[1], compared.held_out))
    return [(f"{name}, {np.count_nonzero(at)}", colour, at) for name, colour, at in both if at.any()]


def scores(errors: Floats) -> tuple[Floats, Floats]:
    """Sorted errors and the normal scores of their ranks."""
    from scipy.special import ndtri

    return np.sort(errors), np.asarray(ndtri((np.arange(errors.size) + 0.5) / errors.size))


def said(compared: Compared) -> str:
    """RMS error of the held-out samples, or of all where none is held out, in words."""
    from bitline.core.units import format_quantity

    unseen = compared.held_out if compared.held_out.any() else ~compared.held_out
    rms = format_quantity(float(np.sqrt(np.mean(compared.error[unseen] ** 2))), compared.unit)
    return (
        f"RMS error {rms} on {np.count_nonzero(unseen)} {'held-out' if compared.held_out.any() else 'fitted'} samples"
    )


def _image(found: Sequence[Compared], title: str, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, MaxNLocator

    figure = Figure(figsize=(12, _ROW * len(found) + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    for compared, (scatter, histogram, qq) in zip(found, figure.subplots(len(found), 3, squeeze=False), strict=True):
        bins = np.histogram_bin_edges(compared.error, _BINS)
        for axis in (scatter.xaxis, scatter.yaxis, histogram.xaxis, qq.xaxis):
            axis.set_major_formatter(EngFormatter("" if compared.unit == "1" else compared.unit))
            axis.set_major_locator(MaxNLocator(5))
        for name, colour, at in stages(compared):
            scatter.plot(compared.simulated[at], compared.fitted[at], ".", markersize=3, color=colour, label=name)
            histogram.hist(compared.error[at], bins, color=colour, alpha=0.6)
            qq.plot(*scores(compared.error[at]), ".", markersize=3, color=colour)
        ends = [compared.simulated.min(), compared.simulated.max()]
        scatter.plot(ends, ends, color="grey", linewidth=0.7)
        scatter.set(xlabel="simulated", ylabel="fitted", title=compared.name)
        scatter.legend(fontsize="small")
        histogram.set(xlabel="fitted minus simulated", ylabel="samples", title=said(compared))
        histogram.title.set_fontsize("small")
        qq.set(xlabel="fitted minus simulated", ylabel="normal score")
    figure.suptitle(title)
    figure.savefig(path, dpi=120)


def _page(found: Sequence[Compared], title: str, path: Path) -> None:
    from plotly.subplots import make_subplots

    heads = [head for compared in found for head in (compared.name, said(compared), "errors, QQ plot")]
    figure = make_subplots(len(found), 3, subplot_titles=heads, vertical_spacing=0.35 / len(found))
    for row, compared in enumerate(found, start=1):
        edges = np.histogram_bin_edges(compared.error, _BINS)
        for name, colour, at in stages(compared):
            look: dict[str, Any] = {"legendgroup": name.split(",")[0], "marker_color": colour, "row": row}
            shown: dict[str, Any] = {"name": name.split(",")[0], "showlegend": False}
            index = compared.index[at]
            figure.add_scatter(
                x=compared.simulated[at], y=compared.fitted[at], col=1, **look, **(shown | {"showlegend": row == 1}),
                mode="markers", text=[f"sample {i}" for i in index], marker_size=4,
            )  # fmt: skip
            counts, _ = np.histogram(compared.error[at], edges)
            middle = (edges[1:] + edges[:-1]) / 2
            figure.add_bar(x=middle, y=counts, width=edges[1] - edges[0], col=2, opacity=0.6, **look, **shown)
            order = np.argsort(compared.error[at])
            errors, normal = scores(compared.error[at])
            words = [f"sample {i}" for i in index[order]]
            figure.add_scatter(x=errors, y=normal, col=3, mode="markers", text=words, marker_size=4, **look, **shown)
        ends = [float(compared.simulated.min()), float(compared.simulated.max())]
        figure.add_scatter(
            x=ends, y=ends, mode="lines", line_color="grey", line_width=1, showlegend=False, row=row, col=1
        )
        error = f"fitted minus simulated ({compared.unit})"
        for column, (x, y) in enumerate(
            (
                (f"simulated ({compared.unit})", f"fitted ({compared.unit})"),
                (error, "samples"),
                (error, "normal score"),
            ),
            start=1,
        ):
            figure.update_xaxes(title_text=x, row=row, col=column)
            figure.update_yaxes(title_text=y, row=row, col=column)
    figure.update_layout(title=title, barmode="overlay", height=340 * len(found) + 120)
    figure.write_html(path, include_plotlyjs=True)
