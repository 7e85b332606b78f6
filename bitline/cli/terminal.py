"""What is printed: figures and JSON on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from bitline.core.figures import Figure, to_json
from bitline.core.units import format_quantity

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is not finite becomes null, as JSON has no NaN."""
    json.dump(_finite(document), sys.stdout, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def print_figures(figures: Mapping[str, Figure], *, as_json: bool, title: str = "") -> None:
    """Figures as a table, or as JSON."""
    if as_json:
        print_json(to_json(figures))
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for heading, justify in (("figure", "left"), ("value", "right"), ("kind", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type] # rich wants a Literal
    for name, figure in figures.items():
        kind = f"{figure.kind} ({figure.source})" if figure.source else figure.kind
        table.add_row(name, format_quantity(figure.value, figure.unit, 4), kind)
    output.print(table)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """A progress bar with an estimate on standard error; call what it gives with the steps just made.

    Args:
        title: what is under way.
        total: how many steps there are.
        done: how many were there already, which the estimate leaves out.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    if not errors.is_terminal:
        yield lambda _steps: None
        errors.print(f"{title}: {total} done" + (f" ({done} were there)" if done else ""))
        return
    with Progress(*columns, console=errors) as bars:
        task = bars.add_task(title, total=total, completed=done)
        yield lambda steps: bars.advance(task, steps)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value
