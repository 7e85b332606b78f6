"""``bitline report``: a run as one page of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import say


def report(
    folder: Annotated[Path, typer.Argument(help="a run's folder, results/STUDY/...")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="the page; report.html in the folder by default")
    ] = None,
) -> None:
    """Write a run's report: one HTML page with its pictures, which opens anywhere and links to nothing."""
    from bitline.cli.report import write_report

    say(f"wrote {write_report(folder, out)}")
