"""``bitline run`` and ``bitline verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bitline.cli.terminal import note, print_figures, print_json, print_lines, resumable, say

Results = Annotated[Path, typer.Option(help="folder of results")]
Workers = Annotated[int | None, typer.Option(min=1, help="processes; one a core by default")]
Fresh = Annotated[bool, typer.Option("--fresh", help="compute all anew: take nothing that earlier studies left")]


def run(
    study: Annotated[Path, typer.Argument(help="a study file; examples/ holds some")],
    *,
    results: Results = Path("results"),
    workers: Workers = None,
    fresh: Fresh = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Run a study from the transistor to the network's accuracy; an interrupted one resumes."""
    from bitline.cli.study import load_study

    settings = load_study(study)  # before the seconds that the imports take
    from bitline.cli.pipeline import run_study
    from bitline.cli.summary import headline, read_summary

    with resumable(f"bitline run {study}"):
        folder = run_study(settings, results, workers or os.cpu_count() or 1, fresh=fresh)
    summary = read_summary(folder)
    if as_json:
        print_figures(summary.figures["network"], as_json=True)
    else:
        print_lines(headline(summary))
    note(f"results in {folder}\nits report is {folder / 'report.html'}")


def verify(
    what: Annotated[Path, typer.Argument(help="a run's folder, or a study file, which is run if it has not been")],
    *,
    samples: Annotated[int, typer.Option(min=1, help="fresh mismatch samples of each part")] = 40,
    products: Annotated[int, typer.Option(min=1, help="fresh products of tiles")] = 3,
    images: Annotated[int, typer.Option(min=0, help="images inferred wholly by ngspice, if the tiles are small")] = 5,
    results: Results = Path("results"),
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Climb the ladder of trust for a run, on cases it has not seen; exit status 1 if a rung does not hold."""
    from bitline.cli.pipeline import run_study
    from bitline.cli.report import write_report
    from bitline.cli.run_folder import finished_runs, require_run
    from bitline.cli.stages import study_key
    from bitline.cli.study import load_study
    from bitline.cli.verify import verify as climb

    if what.is_file():
        study = load_study(what)
        folder = next(iter(finished_runs(results / study.name, study_key(study))), None)
        with resumable(f"bitline verify {what}"):
            folder = folder or run_study(study, results, workers or os.cpu_count() or 1)
    else:
        folder = require_run(what)
    with resumable("the same command"):
        found = climb(folder, samples, products, images, workers or os.cpu_count() or 1)
        write_report(folder)
    if as_json:
        print_json(found.to_json())
    else:
        say(f"ladder of trust of {folder}")
        for rung in found.rungs:
            mark = "[green]holds[/] " if rung.limit is not None and rung.holds else "        "
            told = escape(f"rung {rung.rung}  {rung.what}: {rung.told()}")
            print_lines(f"{mark if rung.holds else '[red]fails[/] '} {told}")
    if not all(rung.holds for rung in found.rungs):
        raise typer.Exit(1)
