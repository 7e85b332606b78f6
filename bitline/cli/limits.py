"""Limits of metrics, as they are said on the command line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from bitline.core.errors import ConfigError
from bitline.core.units import parse_quantity

Limits = dict[str, float]


def parse_limits(
    metrics: Sequence[str], below: Sequence[str], above: Sequence[str], unit: Callable[[str], str]
) -> tuple[Limits, Limits]:
    """Lower and upper limits by metric.

    A limit is "150m", of the metric in its place, or "offset=150m". Where there are both kinds of limits, places do not
    say which metric is meant, so that only a single metric may then go without its name.

    Args:
        metrics: by --metric.
        below: what must not be fallen below.
        above: what must not be exceeded.
        unit: of a metric; raises ConfigError for an unknown one.

    Raises:
        ConfigError: a limit without a metric, a metric without a limit, or one that has two of a kind.
    """
    known = [metric.replace("-", "_") for metric in metrics]
    for name in known:
        unit(name)
        if known.count(name) > 1:
            raise ConfigError(f"--metric {name} is given twice; give each metric one limit")
    bare = [limit for limit in (*below, *above) if "=" not in limit]
    both = len(known) == 1 and bool(below) and bool(above) and bool(bare)
    if bare and below and above and not both:
        raise ConfigError("--below and --above together: name the metric of each limit, as --above offset=80m")
    if not both and len(bare) != len(known):
        raise ConfigError(
            f"{len(known)} --metric and {len(bare)} limits without a name: give each metric its limit, by --below or "
            "--above"
        )
    found = _named(known, below, unit, "below"), _named(known, above, unit, "above")
    if not any(found):
        raise ConfigError("nothing that can fail: give a --metric and its limit, by --below or --above")
    return found


def _named(metrics: Sequence[str], limits: Sequence[str], unit: Callable[[str], str], option: str) -> Limits:
    """Limits by metric; those without a name are of `metrics`, in their order."""
    places = itertools.repeat(metrics[0]) if len(metrics) == 1 else iter(metrics)
    found = Limits()
    for limit in limits:
        said, named, value = limit.rpartition("=")
        name = said.strip().replace("-", "_") if named else next(places)
        if name in found:
            raise ConfigError(f"--{option} limits {name} twice; give each metric one limit")
        found[name] = parse_quantity(value, unit(name))
    return found
