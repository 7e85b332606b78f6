"""What is printed: figures and JSON on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bitline.core.errors import ConfigError
from bitline.core.figures import Figure, to_json
from bitline.core.units import format_quantity

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """A line on standard output, as it is: a path is neither wrapped nor read as markup."""
    output.print(text, markup=False, soft_wrap=True)


def note(text: str) -> None:
    """A line on standard error, as it is."""
    errors.print(text, markup=False, soft_wrap=True)


def print_lines(markup: str) -> None:
    """Lines on standard output; on a terminal, one that is too long goes on further in, broken between words."""
    for line in markup.splitlines():
        fitted = textwrap.fill(line, output.width, subsequent_indent=" " * 10, break_long_words=False)
        output.print(fitted if output.is_terminal else line, soft_wrap=True)


@contextmanager
def resumable(again: str) -> Iterator[None]:
    """Say on Ctrl-C that `again`, a command, goes on from here; exit status 130."""
    try:
        yield
    except (KeyboardInterrupt, SystemError) as error:
        if not _interrupted(error):
            raise
        note(f"stopped; nothing that was finished is lost: {again} goes on from here")
        raise typer.Exit(130) from None


def _interrupted(error: BaseException | None) -> bool:
    """Whether it is a Ctrl-C: one that arrives within a numba kernel comes out as what a SystemError came from."""
    while isinstance(error, SystemError):
        error = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is not finite becomes null, as JSON has no NaN."""
    json.dump(finite(document), sys.stdout, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def print_figures(figures: Mapping[str, Figure], *, as_json: bool, title: str = "") -> None:
    """Figures as a table with their sources below it, or as JSON."""
    if as_json:
        print_json(to_json(figures))
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for heading, justify in (("figure", "left"), ("value", "right"), ("kind", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type] # rich wants a Literal
    sources: dict[str, int] = {}
    for name, figure in figures.items():
        number = sources.setdefault(figure.source, len(sources) + 1) if figure.source else 0
        unit = "" if figure.unit == "1" else figure.unit
        kind = Text(f"{figure.kind} [{number}]" if number else figure.kind)
        table.add_row(name, format_quantity(figure.value, unit, 4), kind)
    output.print(table)
    for source, number in sources.items():
        output.print(f"[{number}] {source}", markup=False)


class _Left(TimeRemainingColumn):
    """The estimate of what is left, while anything is."""

    def render(self, task: Task) -> Text:
        """See rich."""
        return Text() if task.finished else Text.assemble(super().render(task), (" left", "progress.remaining"))


@contextmanager
def progress(title: str, total: int, done: int = 0, starting: str = "") -> Iterator[Callable[[int], None]]:
    """A progress bar with an estimate on standard error; call what it gives with the steps just made.

    Args:
        title: what is under way.
        total: how many steps there are.
        done: how many were there already, which the estimate leaves out.
        starting: what goes on before the first step, where that takes time.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _Left(),
    )
    if not errors.is_terminal:
        yield lambda _steps: None
        note(f"{title}: {total} done" + (f", {done} of them before" if done else ""))
        return
    with Progress(*columns, console=errors) as bars:
        task = bars.add_task(f"{title}: {starting}" if starting else title, total=total, completed=done)
        yield lambda steps: bars.update(task, advance=steps, description=title)


@contextmanager
def working(title: str) -> Iterator[None]:
    """A spinner on standard error, on a terminal, while something of unknown length is under way."""
    with errors.status(f"{title} ..."):
        yield


def finite(value: Any) -> Any:
    """A document as JSON can hold it: what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value


def check_picture(path: Path | None) -> None:
    """Refuse the file of a picture that is not a PNG, before anything is computed.

    Raises:
        ConfigError: it does not end in .png, or there is no folder for it.
    """
    if path is not None and path.suffix != ".png":
        raise ConfigError(f"--picture {path}: it is drawn as .png")
    if path is not None and not path.parent.is_dir():
        raise ConfigError(f"--picture {path}: there is no folder {path.parent}")
