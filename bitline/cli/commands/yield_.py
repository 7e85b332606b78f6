"""``bitline yield``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import errors, output, print_figures, print_json
from bitline.core.errors import ConfigError
from bitline.core.units import format_quantity, parse_quantity


def yield_(
    part: Annotated[str, typer.Argument(help="what may fail: sram")],
    *,
    metric: Annotated[
        list[str], typer.Option(help="a figure that must not fall below its limit; again for more, any of which fails")
    ],
    below: Annotated[list[str], typer.Option(help="the limit, as 150m; one for each --metric, in their order")],
    variation: Annotated[
        str, typer.Option(help="vth: thresholds alone; full: also oxide thickness and subthreshold")
    ] = "full",
    technology: Annotated[str, typer.Option(help="a shipped technology, or a technology's folder")] = "sky130",
    corner: Annotated[str, typer.Option(help="process corner")] = "tt",
    temperature: Annotated[float, typer.Option(help="in C")] = 27.0,
    vdd: Annotated[str, typer.Option(help="supply, as 1.8 or 900m")] = "1.8",
    seed: Annotated[int, typer.Option(min=0, help="of every draw")] = 1,
    method: Annotated[str, typer.Option(help="auto, mixture, subset or plain")] = "auto",
    relative_error: Annotated[float, typer.Option(help="wanted relative standard error")] = 0.1,
    max_simulations: Annotated[int | None, typer.Option(min=1, help="at most; default by method")] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for the answer and every simulation; nothing is written without")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Estimate the probability that one part fails by mismatch, down to 1e-9 and beyond, with ngspice verdicts."""
    from bitline.cli.rare import Question, ask, document, figures
    from spice.characterise import Conditions
    from spice.rare.part import Failure

    name = part.replace("-", "_")
    conditions = Conditions(technology, corner, temperature, parse_quantity(vdd, "V"), seed)
    failure = Failure(_limits(name, metric, below), conditions, variation)
    question = Question(name, failure, method, relative_error, max_simulations)
    answer = ask(question, workers, out)
    found = answer.estimate
    for warning in found.warnings:
        errors.print(f"[bold yellow]warning:[/] {warning}", highlight=False, soft_wrap=True)
    if as_json:
        print_json(document(question, answer))
        return
    limits = " or ".join(f"{key} < {format_quantity(value, _unit(name, key))}" for key, value in failure.below.items())
    title = f"{limits}; {variation} variation, {technology} {corner}, {temperature:g} C, {conditions.vdd:g} V"
    print_figures(figures(answer), as_json=False, title=title)
    output.print(f"95 % interval {found.ci_low:.3g} to {found.ci_high:.3g}, by {found.method}")


def _limits(part: str, metrics: Sequence[str], limits: Sequence[str]) -> dict[str, float]:
    if len(metrics) != len(limits):
        raise ConfigError(f"{len(metrics)} --metric and {len(limits)} --below: give each metric its limit")
    found: dict[str, float] = {}
    for metric, limit in zip(metrics, limits, strict=True):
        name = metric.replace("-", "_")
        if name in found:
            raise ConfigError(f"--metric {metric} is given twice; give each metric one limit")
        found[name] = parse_quantity(limit, _unit(part, name))
    return found


def _unit(part: str, metric: str) -> str:
    from spice.rare.part import unit

    return unit(part, metric)
