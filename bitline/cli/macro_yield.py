"""The yield of a macro, from failure probabilities that are given or were estimated."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bitline.cli.rare import FILES
from bitline.core.errors import ConfigError
from bitline.core.figures import Figure, to_json
from bitline.core.units import parse_quantity
from spice.macro_plan import MacroPlan
from spice.macro_timing import ReadTiming
from spice.macro_yield import SHARES, answer, named

_SCORE = 1.96  # standard errors of 95 %

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
        sensing_time: that it was estimated for, s; NaN where it knows none.
    """

    value: float
    low: float
    high: float
    part: str = ""
    trusted: bool = True
    sensing_time: float = math.nan


def read_timing(reads: Sequence[str], enable: str | None, sigma: str) -> ReadTiming | None:
    """When the amplifiers are enabled, and the read failures at several sensing times; None where none are given.

    Args:
        reads: answers of `bitline yield read-access --out`, or "150p=1e-4".
        enable: mean time from the word line to the enable.
        sigma: of it over macros.

    Raises:
        ConfigError: what is neither, reads without an enable or the other way round, or impossible ones.
    """
    if not reads and enable is None:
        return None
    if not reads or enable is None:
        raise ConfigError("the sense enable takes both --read-failure, at two sensing times or more, and --enable-time")
    found = []
    for given in reads:
        time, said, value = given.rpartition("=")
        failure = read_probability(value if said else given)
        found.append((parse_quantity(time, "s") if said else failure.sensing_time, failure.value))
        if math.isnan(found[-1][0]):
            raise ConfigError(f"{given}: at which sensing time? Say 150p=1e-4, or give an answer of yield read-access")
    times, failures = zip(*sorted(found), strict=True)
    return ReadTiming(times, failures, parse_quantity(enable, "s"), parse_quantity(sigma, "s"))


def shown(yield_: Mapping[str, Figure]) -> dict[str, Figure]:
    """What a table shows: failures, which say more digits than yields near 1."""
    return {name: figure for name, figure in yield_.items() if "fail" in name}


def near_one(failure: float) -> str:
    """The complement of a failure in per cent, with two digits of what is missing to 100."""
    if failure < 1e-12:
        return "over 99.9999999999 %"
    digits = max(2, -math.floor(math.log10(failure)) - 1)
    return f"{100 * (1 - failure):.{digits}f} %"


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
        time = float(kept.get("settings", {}).get("sensing_time", math.nan))
        value, low, high = (float(found[key]) for key in ("value", "ci_low", "ci_high"))
        return Probability(value, low, high, str(kept["part"]), bool(kept["trusted"]), time)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no answer of bitline yield ({error}); make one with --out") from error


def document(
    plan: MacroPlan, cell: Probability, column: Probability, timing: ReadTiming | None = None, seed: int = 1
) -> dict[str, Any]:
    """Yields and failing words as JSON holds them, each with what the ends of the probabilities' intervals give.

    The ends of what was drawn are moved out by the draws' own 95 %, and `sigma` is its standard error; an upper bound
    has 0 for its lower end.

    Raises:
        ConfigError: what is no probability.
    """
    middle, low, high = (
        answer(plan, *given, timing, seed)
        for given in ((cell.value, column.value), (cell.low, column.low), (cell.high, column.high))
    )
    found: dict[str, Any] = to_json(named(middle))
    below, above = named(low), named(high)
    for name, figure in found.items():
        ends = sorted((below[name].value, above[name].value))
        figure |= {"ci_low": ends[0], "ci_high": ends[1]}
    for name, key in SHARES.items():
        if sigma := middle.sigma(key):
            failure, good = found[f"failure_{name}"], found[name]
            failure["sigma"] = good["sigma"] = sigma
            failure["ci_low"] = max(failure["ci_low"] - _SCORE * low.sigma(key), 0.0)
            failure["ci_high"] = min(failure["ci_high"] + _SCORE * high.sigma(key), 1.0)
            good |= {"ci_low": 1 - failure["ci_high"], "ci_high": 1 - failure["ci_low"]}
        elif middle.bound(key):
            found[f"failure_{name}"]["ci_low"], found[name]["ci_high"] = 0.0, 1.0
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
        "timing": timing and {**asdict(timing), "early": timing.early},
        "seed": seed,
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
