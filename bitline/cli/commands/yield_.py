"""``bitline yield``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bitline.cli.terminal import errors, output, print_figures, print_json, resumable
from bitline.core.units import format_quantity, parse_quantity

PARTS = "sram, sense-amp, read-access"
_CELL = "read_snm, hold_snm, write_margin_bl, write_margin_wl, read_current"
METRICS = {"sram": _CELL, "sense-amp": "offset", "read-access": f"margin, offset, {_CELL}"}
_HELP = f"""The probability that a part fails, and the yield of a macro.

Parts and their metrics:

sram: {METRICS["sram"]}

sense-amp: {METRICS["sense-amp"]}

read-access: {METRICS["read-access"]}; takes --sensing-time

Each takes --metric with --below or --above (several: any of them fails the part), --variation vth|full, \
--technology, --corner, --temperature, --vdd, --seed, --method, --relative-error, --max-simulations, --out, \
--workers and --json: bitline yield sram --help says what they mean.

bitline yield sram --metric read_snm --below 150m
"""


class _OrPart(TyperGroup):
    """Any first word that is no command here is a part."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # which click it is differs between typers
        """The command of the first word, or that of parts."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "", self.commands["PART"], args


app = typer.Typer(
    cls=_OrPart,
    help=_HELP,
    no_args_is_help=True,
)


@app.command("PART")
def part_(
    part: Annotated[str, typer.Argument(help=f"what may fail: {PARTS}")],
    *,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="a figure that fails beyond its limit; again, or with commas, for more, any of which fails"),
    ] = None,
    below: Annotated[
        list[str] | None,
        typer.Option(help="fails below this, as 150m; one for each --metric, in their order, or named: read_snm=150m"),
    ] = None,
    above: Annotated[list[str] | None, typer.Option(help="fails above this; given as --below is")] = None,
    sensing_time: Annotated[
        str | None, typer.Option(help="of read-access: from the word line to the sense enable, as 150p")
    ] = None,
    variation: Annotated[
        str, typer.Option(help="vth: thresholds alone; full: also oxide thickness and subthreshold")
    ] = "full",
    technology: Annotated[str, typer.Option(help="a shipped technology, or your own file or folder")] = "sky130",
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
    from bitline.cli.limits import parse_limits
    from bitline.cli.rare import Question, ask, document, figures
    from spice.characterise import Conditions
    from spice.rare.part import Failure, checked_settings, unit

    name = part.replace("-", "_")
    lower, upper = parse_limits(_each(metric), _each(below), _each(above), lambda metric: unit(name, metric))
    given = {} if sensing_time is None else {"sensing_time": parse_quantity(sensing_time, "s")}
    conditions = Conditions(technology, corner, temperature, parse_quantity(vdd, "V"), seed)
    failure = Failure(lower, conditions, variation, upper, checked_settings(name, given))
    question = Question(name, failure, method, relative_error, max_simulations)
    with nullcontext() if out is None else resumable("the same command"):
        answer = ask(question, workers, out)
    found = answer.estimate
    _warn(found.warnings)
    if as_json:
        print_json(document(question, answer))
        return
    limits = " or ".join(
        f"{key} {sign} {format_quantity(value, unit(name, key))}"
        for sign, these in (("<", lower), (">", upper))
        for key, value in these.items()
    )
    at = "".join(f", {key} {said}" for key, said in (("sensing time", sensing_time),) if said)
    title = f"{limits}; {variation} variation, {technology} {corner}, {temperature:g} C, {conditions.vdd:g} V{at}"
    print_figures(figures(answer), as_json=False, title=title)
    output.print(f"95 % interval {found.ci_low:.3g} to {found.ci_high:.3g}, by {found.method}")


@app.command("macro")
def macro(
    *,
    cell_failure: Annotated[str, typer.Option(help="of one cell: a probability, or a yield.json (or its folder)")],
    column_failure: Annotated[
        str, typer.Option(help="of a column's amplifier, which all its cells share; given as a cell's is")
    ] = "0",
    words: Annotated[int, typer.Option(help="of the macro")] = 128,
    word_bits: Annotated[int, typer.Option(help="columns of one amplifier each")] = 16,
    ways: Annotated[int, typer.Option(help="words of a row: bit-line pairs that share an amplifier")] = 1,
    spare_rows: Annotated[int, typer.Option(help="that replace rows with failing words")] = 0,
    spare_columns: Annotated[int, typer.Option(help="that replace columns, amplifier included")] = 0,
    read_failure: Annotated[
        list[str] | None,
        typer.Option(help="of a read: 150p=1e-4, or a yield.json of read-access; at two sensing times or more"),
    ] = None,
    enable_time: Annotated[str | None, typer.Option(help="mean, from the word line to the sense enable")] = None,
    enable_sigma: Annotated[str, typer.Option(help="of the enable time over macros")] = "0",
    seed: Annotated[int, typer.Option(min=0, help="of the macros that are drawn to be repaired")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """The yield of a macro, bare, with spares, and with single-error correction, from single failures."""
    from bitline.cli.macro_yield import document, doubts, near_one, read_probability, read_timing, shown
    from spice.macro_plan import MacroPlan
    from spice.macro_yield import figures

    plan = MacroPlan(words, word_bits, ways, spare_rows, spare_columns)
    cell, column = read_probability(cell_failure), read_probability(column_failure)
    timing = read_timing(read_failure or (), enable_time, enable_sigma)
    _warn(doubts(cell, column))
    if as_json:
        print_json(document(plan, cell, column, timing, seed))
        return
    spares = f"{spare_rows} spare rows, {spare_columns} spare columns, {plan.check_bits} check bits"
    title = f"{words} x {word_bits}; cell failure {cell.value:.3g}, column failure {column.value:.3g}; {spares}"
    found = figures(plan, cell.value, column.value, timing, seed)
    print_figures(shown(found), as_json=False, title=title)
    kinds = (
        ("", "bare"),
        ("_with_redundancy", "with spares"),
        ("_with_ecc", "with correction"),
        ("_with_both", "both"),
    )
    yields = "; ".join(f"{near_one(found[f'failure{name}'].value)} {said}" for name, said in kinds)
    output.print(f"yield: {yields}", soft_wrap=True)
    if timing is not None and timing.sigma > 0:
        output.print(f"enable: the first sensing time lies {timing.early:.1f} sigma before it", soft_wrap=True)


def _each(given: list[str] | None) -> list[str]:
    """What was given in several options, or in one with commas."""
    return [item.strip() for several in given or () for item in several.split(",")]


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        errors.print(f"[bold yellow]warning:[/] {warning}", highlight=False, soft_wrap=True)
