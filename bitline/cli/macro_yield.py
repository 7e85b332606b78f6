"""The yield of a macro, from failure probabilities that are given or were estimated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitline.cli.rare import FILES
from bitline.core.errors import ConfigError
from bitline.core.figures import to_json
from bitline.core.units import parse_quantity
from spice.macro_yield import MacroPlan, figures

SHARED = {
    "sense_amp": "an amplifier's offset fails all cells of its column: give it as --column-failure",
    "read_access": "cells that share an amplifier do not fail independently, as is taken here: a failure of the "
    "amplifier alone belongs to --column-failure",
}
"""What is to be said of a cell failure that is an estimate of this part."""


@dataclass(frozen=True)
class Probability:
    """A failure probability with its 95 % interval, the ends of which are itself where it was just given.

    Args:
        value: it.
        low: lower end.
        high: upper end.
        part: of which it is an estimate; "" for a number.
        trusted: nothing spoke against the estimate.
    """

    value: float
    low: float
    high: float
    part: str = ""
    trusted: bool = True


def read_probability(text: str) -> Probability:
    """A probability: a number, or that of a yield.json or of the folder that holds one.

    Raises:
        ConfigError: it is neither.
    """
    path = Path(text)
    if path.is_dir():
        path /= FILES[0]
    if not path.is_file():
        try:
            value = parse_quantity(text)
        except ConfigError as error:
            raise ConfigError(
                f"{text!r} is neither a probability, as 1e-6, nor a {FILES[0]} of bitline yield --out"
            ) from error
        return Probability(value, value, value)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found = kept["probability"]
        value, low, high = (float(found[key]) for key in ("value", "ci_low", "ci_high"))
        return Probability(value, low, high, str(kept["part"]), bool(kept["trusted"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no answer of bitline yield ({error}); make one with --out") from error


def document(plan: MacroPlan, cell: Probability, column: Probability) -> dict[str, Any]:
    """Yields and failing words as JSON holds them, each with what the ends of the probabilities' intervals give.

    Raises:
        ConfigError: what is no probability.
    """
    found: dict[str, Any] = to_json(figures(plan, cell.value, column.value))
    low, high = (figures(plan, *ends) for ends in ((cell.low, column.low), (cell.high, column.high)))
    for name, figure in found.items():
        ends = sorted((low[name].value, high[name].value))
        figure |= {"ci_low": ends[0], "ci_high": ends[1]}
    return {
        **found,
        "cell_failure": cell.value,
        "column_failure": column.value,
        "words": plan.words,
        "word_bits": plan.word_bits,
        "ways": plan.ways,
        "spare_rows": plan.spare_rows,
        "spare_columns": plan.spare_columns,
        "check_bits": plan.check_bits,
        "warnings": list(doubts(cell, column)),
    }


def doubts(cell: Probability, column: Probability) -> tuple[str, ...]:
    """Why the yields are not to be trusted; none, where nothing speaks against them."""
    said = [
        f"the {name} failure is an estimate that is itself not to be trusted"
        for name, given in (("cell", cell), ("column", column))
        if not given.trusted
    ]
    if cell.part in SHARED:
        said.append(SHARED[cell.part])
    return tuple(said)
