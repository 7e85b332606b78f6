"""The compact cell's fit against ngspice, to look at: a PNG or SVG, or a page to zoom into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.technology import load_technology
from spice.compact.cell import CompactCell
from spice.fits_compact import HeldOut, held_out, sigmas

Floats = np.ndarray[Any, np.dtype[np.float64]]
Panel = tuple[str, tuple[Floats, Floats, Floats]]

SUFFIXES = (".png", ".svg", ".html")
_SEED = 99  # cells that neither the fit nor its stated residual has seen
_TITLES = ("held-out cells", "error by distance")
_LABELS = ("in ngspice (mV)", "in the model (mV)", "distance of the cell (sigma)", "model minus ngspice (mV)")


def draw(cell: CompactCell, path: Path) -> None:
    """Draw margins of held-out cells by the model over those by ngspice, and their error over the cell's distance.

    The distance is the root of the sum of squares of the cell's twelve scores.

    Args:
        cell: the fitted cell.
        path: file to write; its suffix is one of `SUFFIXES`.

    Raises:
        ConfigError: another suffix.
    """
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: a picture is one of {', '.join(SUFFIXES)}")
    technology, corner = str(cell.provenance["technology"]), str(cell.provenance["corner"])
    checked = held_out(cell, technology, corner, _SEED)
    sigma = sigmas(load_technology(technology))
    rms = 1e3 * cell.residuals["read_snm"].rms
    title = f"{technology} {corner}: compact cell against ngspice, read SNM, {rms:.2g} mV RMS held out"
    panels = [(f"{found.temperature:.0f} C, {found.vdd:.2f} V", _points(found, sigma)) for found in checked]
    (_page if path.suffix == ".html" else _image)(path, title, panels)


def _points(found: HeldOut, sigma: Floats) -> tuple[Floats, Floats, Floats]:
    """Margins (mV) by ngspice and by the model, and how many sigma out their cells lie."""
    simulated, modelled = (1e3 * known["read_snm"].ravel() for known in (found.simulated, found.modelled))
    scores = np.divide(found.shifts, sigma, out=np.zeros_like(found.shifts), where=sigma > 0)
    return simulated, modelled, np.repeat(np.sqrt(np.sum(scores**2, axis=1)), 2)


def _image(path: Path, title: str, panels: list[Panel]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for name, (simulated, modelled, out) in panels:
        (dots,) = left.plot(simulated, modelled, ".", markersize=4, label=name)
        right.plot(out, modelled - simulated, ".", markersize=4, color=dots.get_color())
    left.axline((0.0, 0.0), slope=1.0, linewidth=0.5, color="grey")
    left.set(xlabel=_LABELS[0], ylabel=_LABELS[1], title=_TITLES[0])
    left.legend(fontsize="small")
    right.axhline(0.0, linewidth=0.5, color="grey")
    right.set(xlabel=_LABELS[2], ylabel=_LABELS[3], title=_TITLES[1])
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _page(path: Path, title: str, panels: list[Panel]) -> None:
    from plotly.colors import qualitative
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, subplot_titles=_TITLES)
    for number, (name, (simulated, modelled, out)) in enumerate(panels):
        dots = {"mode": "markers", "name": name, "legendgroup": name}
        dots |= {"marker_color": qualitative.Plotly[number % len(qualitative.Plotly)]}
        figure.add_scatter(x=simulated, y=modelled, row=1, col=1, **dots)
        figure.add_scatter(x=out, y=modelled - simulated, row=1, col=2, showlegend=False, **dots)
    for column in (1, 2):
        figure.update_xaxes(title_text=_LABELS[2 * column - 2], row=1, col=column)
        figure.update_yaxes(title_text=_LABELS[2 * column - 1], row=1, col=column)
    figure.update_layout(title=title)
    figure.write_html(path, include_plotlyjs=True)
