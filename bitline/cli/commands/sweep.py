"""``bitline sweep`` and ``bitline ablate``: a study beside its own variations, on the same chips."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bitline.cli.commands.run import Fresh, Results, Workers
from bitline.cli.terminal import check_picture, note, output, print_json, resumable, say

Picture = Annotated[Path | None, typer.Option(help="the picture, here too, .png")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
WIDE = 200  # columns of a table where there is no terminal
StudyFile = Annotated[Path, typer.Argument(help="a study file; examples/ holds some")]


def sweep(
    study: StudyFile,
    *,
    over: Annotated[list[str], typer.Option(help="KEY=VALUE,VALUE,...; several make a grid")],
    results: Results = Path("results"),
    workers: Workers = None,
    fresh: Fresh = False,
    picture: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Run a study at values of any of its keys: accuracy, energy, latency against each; an interrupted one resumes."""
    from bitline.cli.study import load_study

    settings = load_study(study)
    check_picture(picture)
    from bitline.cli import knobs
    from bitline.cli.sweep import PICTURE, run_sweep

    asked = [knobs.parse(settings, text) for text in over]
    again = shlex.join(["bitline", "sweep", str(study), *(word for text in over for word in ("--over", text))])
    with resumable(again):
        folder = run_sweep(settings, asked, results, workers or os.cpu_count() or 1, fresh=fresh)
    _end(folder, PICTURE, picture, as_json=as_json)


def ablate(
    study: StudyFile,
    *,
    pairs: Annotated[bool, typer.Option("--pairs", help="every two non-idealities alone, too")] = False,
    results: Results = Path("results"),
    workers: Workers = None,
    fresh: Fresh = False,
    picture: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Say which non-ideality costs a study how many points of accuracy, alone and among the others."""
    from bitline.cli.study import load_study

    settings = load_study(study)
    check_picture(picture)
    from bitline.cli.ablation import PICTURE, run_ablation

    with resumable(f"bitline ablate {study}{' --pairs' if pairs else ''}"):
        folder = run_ablation(settings, results, workers or os.cpu_count() or 1, pairs=pairs, fresh=fresh)
    _end(folder, PICTURE, picture, as_json=as_json)


def _end(folder: Path, drawn: str, picture: Path | None, *, as_json: bool) -> None:
    from bitline.cli.points_file import read_points

    document = read_points(folder) or {}
    if as_json:
        print_json({**document, "folder": str(folder)})
    else:
        _print(document)
    if picture is not None:
        picture.write_bytes((folder / drawn).read_bytes())
        note(f"drew {picture}")
    note(f"results in {folder}\nits report is {folder / 'report.html'}")


def _print(document: dict[str, Any]) -> None:
    from bitline.cli import tables
    from bitline.cli.best import verdict

    if document["kind"] == "sweep":
        _table(tables.sweep_rows(document))
        say(f"accuracy: {': '.join(verdict(document))}")
        say("change: paired, of 95 %, against the point whose change is empty")
        say("front: of accuracy, energy and latency; open: the accuracies that decide it are not surely apart")
    else:
        _table(tables.cost_rows(document))
        for line in tables.cost_lines(document):
            say(line)


def _table(rows: Sequence[Sequence[str]]) -> None:
    """A table, as wide as it needs to be where there is no terminal to fit."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False)
    for number, head in enumerate(rows[0]):
        made.add_column(head, justify="left" if number in (0, len(rows[0]) - 1) else "right", overflow="fold")
    for row in rows[1:]:
        made.add_row(*(Text(cell) for cell in row))
    (output if output.is_terminal else Console(width=WIDE, highlight=False)).print(made)
