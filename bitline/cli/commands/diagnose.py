"""``bitline diagnose``: where a run's network loses accuracy on its arrays, and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import check_picture, note, output, print_json, say, working


def diagnose(
    run: Annotated[Path, typer.Argument(help="a finished run's folder")],
    *,
    images: Annotated[int, typer.Option(min=1, help="test images, the first so many")] = 64,
    chip: Annotated[int, typer.Option(min=0, help="of the run")] = 0,
    picture: Annotated[Path | None, typer.Option(help="draw the layers, .png")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Tell every layer's error on a chip of a run, what it comes from, and what to change; the worst layer first."""
    from bitline.cli.causes import advice
    from bitline.cli.diagnosis import diagnose_run, table
    from bitline.cli.diagnosis_picture import draw
    from bitline.cli.run_folder import require_run

    check_picture(picture)
    folder = require_run(run)
    with working("inferring with each cause left out"):
        advised = diagnose_run(folder, images, chip)
    if picture is not None:
        draw(picture, advised.found)
        note(f"drew {picture}")
    if as_json:
        print_json(advised.to_json())
        return
    output.print(table(advised.found))
    for missing in advised.causes.missing:
        say(f"not told: {missing}")
    for layer in advised.found.layers:
        for line in advice(layer, advised.causes):
            say(f"{layer.layer}: {line}")
