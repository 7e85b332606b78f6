"""``bitline report``: a run, or characterised parts, as one page of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import say


def report(
    folder: Annotated[Path, typer.Argument(help="of a run, results/STUDY/..., or of characterize --out")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="the page; report.html in the folder by default")
    ] = None,
) -> None:
    """Write the report of a run or of characterised parts: one HTML page that opens anywhere and links to nothing."""
    from bitline.cli.report import write_report

    say(f"wrote {write_report(folder, out)}")
