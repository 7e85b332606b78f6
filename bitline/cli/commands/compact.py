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
    """Fit the compact 6T cell: 100,000 read noise margins a second over temperature, supply and threshold mismatch."""
    from bitline.core.figures import SIMULATED, Figure
    from spice.compact.picture import draw
    from spice.fits_compact import fit_compact

    cell = fit_compact(technology, corner, seed)
    cell.save(out)
    if picture is not None:
        draw(cell, picture)
        errors.print(f"drew {picture}")
    figures = {
        "read_snm_error_rms": Figure(cell.residual.rms, "V", SIMULATED),
        "read_snm_error_maximum": Figure(cell.residual.maximum, "V", SIMULATED),
        "held_out_samples": Figure(cell.residual.samples, "1", SIMULATED),
    }
    print_figures(figures, as_json=as_json, title=f"{out}: model minus ngspice, held-out cells")
