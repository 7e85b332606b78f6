"""The tables of sweeps and ablations, as rows of text: what a terminal prints and a page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bitline.core.units import format_quantity

Rows = list[list[str]]  # the headings first
AGAINST = "against the best"
Quantity = Callable[[float, str], str]

_NAMES = {"energy_per_image": "energy", "latency_per_image": "latency"}


def sweep_rows(document: Mapping[str, Any], quantity: Quantity = format_quantity) -> Rows:
    """A row a point of a sweep: its number, knobs, accuracy, change, energy, latency, and where it stands.

    Args:
        document: the summary.
        quantity: writes a number with its unit.
    """
    names = short_keys(document["over"])
    heads = ["no.", *names.values(), "accuracy, %", "95 % interval", "change, points", "energy", "latency"]
    rows = [[*heads, AGAINST, "front"]]
    for number, point in enumerate(document["points"], 1):
        figures = point["figures"]
        at = [str(number), *(shown(point["at"][key]) for key in document["over"])]
        if "failure" in point:
            rows.append([*at, "", "", "", "", "", "", f"not computed: {point['failure']}"])
            continue
        costs = [cost(figures, name, quantity) for name in _NAMES]
        low, high, mean = (percent(figures[f"accuracy{end}"]["value"]) for end in ("_low", "_high", ""))
        stands = [point["against_best"], point["front"]]
        rows.append([*at, mean, f"{low} to {high}", points(point["change"]), *costs, *stands])
    return rows


def cost_rows(document: Mapping[str, Any]) -> Rows:
    """A row a non-ideality of an ablation, the one that costs most alone first, and what they cost together."""
    rows = [["non-ideality", "cost alone, points", "among the others, points", "when it is off"]]
    for row in document["costs"]:
        without = document["nonidealities"][row["name"]]
        rows.append([row["name"], points(row["alone"]), points(row["among"]), without])
    rows.append(["all together", points(document["together"]), "", ""])
    rows.append(["sum of those alone", points(document["sum_alone"]), "", ""])
    rows.append(["interaction", points(document["interaction"]), "", "together minus the sum"])
    for pair in document.get("pairs", ()):
        name = f"{' and '.join(pair['names'])}"
        rows.append([name, points(pair["cost"]), "", f"interaction {points(pair['interaction'])}"])
    return rows


def cost_lines(document: Mapping[str, Any]) -> list[str]:
    """What an ablation says beside its table."""
    found = document["interaction"]
    lines = []
    if found is not None:
        said = "they make each other worse" if found["value"] > 0 else "they hide each other"
        lines.append(f"interaction: {said if sure(found) else 'none that its interval would tell from 0'}")
    beside = document["beside"]
    lines.append(
        f"beside them, in points: {points(beside['quantisation'])} from floats to the integers of the study; "
        f"{points(beside['remaining'])} from integers to arrays with all of them off"
    )
    return lines


def sure(interval: Mapping[str, float] | None) -> bool:
    """Whether an interval leaves out 0."""
    return interval is not None and (interval["low"] > 0 or interval["high"] < 0)


def percent(share: float | None) -> str:
    """A share of 1 in percent."""
    return "" if share is None else f"{100 * share:.2f}"


def points(interval: Mapping[str, float] | None) -> str:
    """A difference of accuracies with its interval, in points; none is empty."""
    if interval is None:
        return ""
    value, low, high = (100 * interval[end] + 0.0 for end in ("value", "low", "high"))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "\N{MINUS SIGN}")


def shown(value: Any) -> str:
    """A knob's value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Keys without their section, where that leaves them apart."""
    every = list(keys)
    short = [key.partition(".")[2] or key for key in every]
    return {key: name if short.count(name) == 1 else key for key, name in zip(every, short, strict=True)}


def settings(document: Mapping[str, Any], point: Mapping[str, Any]) -> str:
    """The knobs of a point of a sweep, in words."""
    names = short_keys(document["over"])
    return ", ".join(f"{names[key]} = {shown(value)}" for key, value in point["at"].items())


def costs_said(point: Mapping[str, Any], quantity: Quantity = format_quantity) -> str:
    """Energy and latency of a point, as far as it has them."""
    return " and ".join(filter(None, (cost(point["figures"], name, quantity) for name in _NAMES)))


def cost(figures: Mapping[str, Any], name: str, quantity: Quantity = format_quantity) -> str:
    """A figure with its unit; none is empty."""
    found = figures.get(name)
    return "" if found is None or found["value"] is None else quantity(found["value"], found["unit"])
