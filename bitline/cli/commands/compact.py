"""``bitline compact``: fit the compact 6T cell of a corner to ngspice, and look at the fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import errors, print_figures


def compact(
    out: Annotated[Path, typer.Argument(help="file of the fitted cell, as sky130-tt.npz")],
    technology: Annotated[
        str, typer.Option(help="a shipped technology, or the path of a technology's folder")
    ] = "sky130",
    corner: Annotated[str, typer.Option(help="corner of the technology")] = "tt",
    seed: Annotated[int, typer.Option(help="of the held-out cells")] = 1,
    picture: Annotated[
        Path | None, typer.Option(help="the fit against ngspice: .png or .svg, or .html to zoom into")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,  # noqa: FBT002
) -> None:
    """Fit the compact 6T cell: 100,000 noise margins a second over temperature, supply and mismatch."""
    from bitline.core.figures import COUNTED, SIMULATED, Figure
    from spice.compact.picture import draw
    from spice.fits_compact import fit_compact

    cell = fit_compact(technology, corner, seed)
    cell.save(out)
    if picture is not None:
        draw(cell, picture)
        errors.print(f"drew {picture}")
    figures = {}
    for name, error in cell.residuals.items():
        figures[f"{name}_error_rms"] = Figure(error.rms, error.unit, SIMULATED)
        figures[f"{name}_error_maximum"] = Figure(error.maximum, error.unit, SIMULATED)
        figures[f"{name}_held_out"] = Figure(error.samples, "1", COUNTED)
    print_figures(figures, as_json=as_json, title=f"{out}: model minus ngspice, held-out cells")
