"""What is printed: figures and JSON on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
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
from bitline.core.termination import TERMINATED, Terminated
from bitline.core.units import format_quantity

EVERY = 10.0  # s between lines on what is under way
_STATUS = {KeyboardInterrupt: 130, Terminated: TERMINATED}  # exit statuses, as shells have them

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
    """Say on Ctrl-C or SIGTERM that `again`, a command, goes on from here; exit status 130 or 143."""
    try:
        yield
    except (KeyboardInterrupt, Terminated, SystemError) as error:
        status = _stopped(error)
        if not status:
            raise
        note(f"stopped; nothing that was finished is lost: {again} goes on from here")
        raise typer.Exit(status) from None


def _stopped(error: BaseException | None) -> int:
    """The exit status of what a signal stopped, else 0.

    A signal that arrives within a numba kernel comes out as what a SystemError came from.
    """
    while isinstance(error, SystemError):
        error = error.__cause__ or error.__context__
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 0)


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

    Where that is no terminal it is a line now and then, and one at the end.

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
        made = 0

        def advance(steps: int) -> None:
            nonlocal made
            made += steps

        def told(seconds: float) -> str:
            left = f", {clock(seconds / made * (total - done - made))} left" if made else ""
            under_way = f" ({starting})" if starting and not made else ""
            return f"{title}{under_way}: {done + made} of {total} after {clock(seconds)}{left}"

        with _now_and_then(told):
            yield advance
        note(f"{title}: {total} done" + (f", {done} of them before" if done else ""))
        return
    with Progress(*columns, console=errors) as bars:
        task = bars.add_task(f"{title}: {starting}" if starting else title, total=total, completed=done)
        yield lambda steps: bars.update(task, advance=steps, description=title)


@contextmanager
def working(title: str) -> Iterator[None]:
    """A spinner on standard error while something of unknown length is under way; no terminal: a line now and then."""
    if not errors.is_terminal:
        with _now_and_then(lambda seconds: f"{title} ... {clock(seconds)}"):
            yield
        return
    with errors.status(f"{title} ..."):
        yield


@contextmanager
def counting(title: str, what: str) -> Iterator[Callable[[int], None]]:
    """How many `what` there are so far, on standard error as `progress`; nobody knows yet how many there will be."""
    done = 0

    def count(steps: int) -> None:
        nonlocal done
        done += steps
        if status is not None:
            status.update(f"{title}: {done} {what}")

    status = errors.status(f"{title} ...") if errors.is_terminal else None
    with status or _now_and_then(lambda seconds: f"{title}: {done} {what} after {clock(seconds)}"):
        yield count


@contextmanager
def _now_and_then(told: Callable[[float], str]) -> Iterator[None]:
    """Note what `told` says of the seconds so far, every ten, and less often the longer it takes."""
    start, ended = time.monotonic(), threading.Event()

    def tell() -> None:
        while not ended.wait(max(EVERY, (time.monotonic() - start) / 10)):
            note(told(time.monotonic() - start))

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def clock(seconds: float) -> str:
    """As 0:01:30."""
    return str(timedelta(seconds=round(seconds)))


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
