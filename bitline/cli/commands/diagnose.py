"""``bitline diagnose``: where a run's network loses accuracy on its arrays, and what to change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.commands.run import Workers
from bitline.cli.terminal import check_picture, note, output, print_json, resumable, say, working


def diagnose(
    run: Annotated[Path, typer.Argument(help="a finished run's folder")],
    *,
    images: Annotated[int, typer.Option(min=1, help="test images, the first so many")] = 64,
    chip: Annotated[int, typer.Option(min=0, help="of the run")] = 0,
    trial: Annotated[bool, typer.Option("--try", help="run every change, and say what it brings")] = False,
    chips: Annotated[int, typer.Option(min=2, help="with --try: of the run, the first so many")] = 4,
    workers: Workers = None,
    picture: Annotated[Path | None, typer.Option(help="draw the layers, .png")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Tell every layer's error on a chip of a run, what it comes from, and what to change; the worst layer first."""
    from bitline.cli.diagnosis import diagnose_run, tried
    from bitline.cli.diagnosis_picture import draw
    from bitline.cli.diagnosis_table import layers_table, lines, trial_table
    from bitline.cli.report import write_report
    from bitline.cli.run_folder import require_run

    check_picture(picture)
    folder = require_run(run)
    with working("inferring with each cause left out"):
        advised = diagnose_run(folder, images, chip)
    if trial and advised.advice:
        with resumable(f"bitline diagnose {run} --images {images} --chip {chip} --chips {chips} --try"):
            advised = tried(folder, advised, images, chips, workers or os.cpu_count() or 1)
        advised.write(folder)
        write_report(folder)
    if picture is not None:
        draw(picture, advised)
        note(f"drew {picture}")
    if as_json:
        print_json(advised.to_json())
        return
    output.print(layers_table(advised.found))
    if advised.trial is not None:
        output.print(trial_table(advised.trial))
    for line in lines(advised):
        say(line)
