"""The compact cell's fit against ngspice, to look at: a PNG or SVG, or a page to zoom into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits import cells
from circuits.technology import load_technology
from spice.compact import twin
from spice.compact.cell import CompactCell
from spice.engine import engine
from spice.fits_compact import HeldOut, held_out

Floats = np.ndarray[Any, np.dtype[np.float64]]
Curve = tuple[Floats, Floats, Floats]  # input, ngspice's output, the model's, V

SUFFIXES = (".png", ".svg", ".html")
_POINTS = 60
_SEED = 99  # cells that neither the fit nor its stated residual has seen


def draw(cell: CompactCell, path: Path) -> None:
    """Draw transfer curves of a half-cell, and the error of held-out margins, one colour a condition.

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
    curves = [transfer(cell, found) for found in checked]
    title = f"{technology} {corner}: compact cell against ngspice, {1e3 * cell.residual.rms:.2g} mV RMS held out"
    (_page if path.suffix == ".html" else _image)(path, title, checked, curves)


def transfer(cell: CompactCell, found: HeldOut) -> Curve:
    """Transfer curve of the nominal half-cell at a condition, by ngspice and by the model."""
    technology = load_technology(str(cell.provenance["technology"]))
    netlist = cells.butterfly(technology, str(cell.provenance["corner"]), found.vdd, found.temperature)
    running = engine()
    running.load(replace(netlist, analyses=()))
    swept = running.run(f"dc vin 0 {found.vdd!r} {found.vdd / _POINTS!r}")
    condition, nominal = cell.at(found.temperature, found.vdd), np.zeros(3)
    return swept["in"], swept["q"], np.array([twin.output(condition, nominal, float(a)) for a in swept["in"]])


def _name(found: HeldOut) -> str:
    return f"{found.temperature:.0f} C, {found.vdd:.2f} V"


def _errors(found: HeldOut) -> tuple[Floats, Floats]:
    """Margins by ngspice and the model's error, mV."""
    return 1e3 * found.simulated.ravel(), 1e3 * (found.modelled - found.simulated).ravel()


def _image(path: Path, title: str, checked: list[HeldOut], curves: list[Curve]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for found, (vin, simulated, modelled) in zip(checked, curves, strict=True):
        (line,) = left.plot(vin, modelled, label=_name(found))
        left.plot(vin, simulated, ".", markersize=3, color=line.get_color())
        right.plot(*_errors(found), ".", markersize=4, color=line.get_color())
    left.set(xlabel="input (V)", ylabel="output (V)", title="half-cell: ngspice (dots), model (lines)")
    left.legend(fontsize="small")
    right.axhline(0.0, linewidth=0.5, color="grey")
    right.set(xlabel="read noise margin in ngspice (mV)", ylabel="model minus ngspice (mV)", title="held-out cells")
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _page(path: Path, title: str, checked: list[HeldOut], curves: list[Curve]) -> None:
    from plotly.colors import qualitative
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, subplot_titles=("half-cell: ngspice (dots), model (lines)", "held-out cells"))
    for number, (found, (vin, simulated, modelled)) in enumerate(zip(checked, curves, strict=True)):
        colour, name = qualitative.Plotly[number % len(qualitative.Plotly)], _name(found)
        group = {"legendgroup": name, "marker_color": colour}
        figure.add_scatter(x=vin, y=modelled, mode="lines", name=name, line_color=colour, legendgroup=name)
        figure.add_scatter(x=vin, y=simulated, mode="markers", name=name, showlegend=False, **group)
        truth, error = _errors(found)
        figure.add_scatter(x=truth, y=error, mode="markers", name=name, showlegend=False, row=1, col=2, **group)
    for column, (x, y) in enumerate(
        (("input (V)", "output (V)"), ("read noise margin in ngspice (mV)", "model minus ngspice (mV)")), start=1
    ):
        figure.update_xaxes(title_text=x, row=1, col=column)
        figure.update_yaxes(title_text=y, row=1, col=column)
    figure.update_layout(title=title)
    figure.write_html(path, include_plotlyjs=True)
