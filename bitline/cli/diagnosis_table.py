"""A diagnosis on a terminal: its layers, what to change, and what was tried, in 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from bitline.cli.advice import Advice, assignment, costs_told
from bitline.cli.diagnosis import Advised
from bitline.cli.points_file import interval_json
from bitline.cli.tables import points
from bitline.cli.trial import Trial, Tried
from nn.diagnose import Diagnosis, LayerFigures

WIDTH = 80
_SHOWN = 0.1  # dB
_LAYERS = ("layer", "matrix", "own\ndB", "all\ndB", "fit\ndB", "clipped", "range", "costs most (dB)")
_TRIED = ("change", "accuracy, %", "gain, points (95 %)")


def layers_table(found: Diagnosis) -> Table:
    """The layers, the worst first."""
    title = f"chip {found.chip}, {found.images} images, {found.equal:.1%} decided as without errors"
    made = _table(title, _LAYERS)
    for layer in found.layers:
        made.add_row(
            Text(layer.layer),
            f"{layer.rows}x{layer.cols}",
            *(_decibels(value) for value in (layer.own_db, layer.accumulated_db, layer.gain_db)),
            f"{layer.saturated:.2%}",
            f"{layer.range_use:.0%}",
            _costliest(layer),
        )
    return made


def trial_table(trial: Trial) -> Table:
    """What was tried, the best first."""
    title = f"tried on {trial.chips} chips x {trial.images} images, where the run has {trial.accuracy:.2%}"
    made = _table(title, _TRIED)
    for each in trial.tried:
        change = Text("\n".join(_assigned(each.advice)))
        if each.accuracy is not None:
            made.add_row(change, f"{each.accuracy:.2%}", Text(points(interval_json(each.gain))))
    return made


def _table(title: str, headings: Sequence[str]) -> Table:
    """Text at both ends, which is folded rather than cut, and figures between, which are neither."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        if number in (0, len(headings) - 1):
            made.add_column(heading, overflow="fold")
        else:
            made.add_column(heading, justify="right", no_wrap=True)
    return made


def lines(advised: Advised) -> Iterator[str]:
    """What is said below the tables."""
    for missing in advised.missing:
        yield from textwrap.wrap(f"not told: {missing}", WIDTH, subsequent_indent="  ")
    if advised.trial is None and advised.advice:
        yield "what to change, the costliest cause first (--try measures each):"
        for _, same in groupby(advised.advice, key=lambda each: each.cause):
            yield from _answers(list(same))
    if advised.trial is not None:
        for failed in (each for each in advised.trial.tried if each.accuracy is None):
            yield from _failed(failed)
    for text in advised.given:
        yield from textwrap.wrap(f"given by the technology: {text}", WIDTH, subsequent_indent="  ")


def _answers(same: Sequence[Advice]) -> Iterator[str]:
    """What answers one cause."""
    yield from textwrap.wrap(costs_told(same[0]), WIDTH, subsequent_indent="  ")
    for each in same:
        yield from (f"    {line}" for line in _assigned(each))
        yield from _said(f"{each.remedy.name}: {each.remedy.basis}")


def _failed(each: Tried) -> Iterator[str]:
    yield f"not tried: {'; '.join(_assigned(each.advice))}"
    yield from _said(each.failure)


def _assigned(advice: Advice) -> list[str]:
    return [assignment(key, value) for key, value in advice.changes.items()]


def _said(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _costliest(layer: LayerFigures) -> str:
    costs = {cause: layer.cost(cause) for cause in layer.without_db}
    most = max(costs, key=lambda cause: costs[cause], default="")
    return f"{most} {costs[most]:.1f}" if most and costs[most] >= _SHOWN else ""


def _decibels(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "exact"
