"""Parts whose failures can be asked for.

A part is a module in `spice/rare/parts` with what `RarePart` asks for; a new one is a new file there, the file's name
is the part's name on the command line.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from bitline.core.errors import ConfigError
from bitline.core.executor import Executor
from bitline.core.store import Store
from bitline.core.suggest import suggestion
from circuits.netlist import Netlist
from spice.characterise import Conditions
from spice.rare.simulated import Bound, Simulated


@dataclass(frozen=True)
class Failure:
    """What counts as a failure, and under which conditions.

    Args:
        below: limit by metric: the part fails where any of them lies below its limit.
        conditions: technology, corner, temperature and supply.
        variation: of `spice.mismatch.VARIATIONS`.
        above: limit by metric: it fails where any of them lies above its limit, too.
        settings: of the part, by name.
    """

    below: Mapping[str, float]
    conditions: Conditions
    variation: str = "full"
    above: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that has a limit, each once."""
        return tuple(dict.fromkeys((*self.below, *self.above)))

    def bounds(self, fields: Mapping[str, tuple[str, ...]]) -> list[Bound]:
        """The limits over the records' fields, given by metric."""
        return [
            Bound(fields[name], limit, abs(limit) or 1.0, above)
            for limits, above in ((self.below, False), (self.above, True))
            for name, limit in limits.items()
        ]


class RarePart(Protocol):
    """A module of `spice/rare/parts`."""

    METRICS: Mapping[str, str]
    """Unit by metric."""
    UNITS: Mapping[str, str]
    """Unit by field of the records."""
    SETTINGS: Mapping[str, str]
    """Unit by setting; each has to be given."""
    netlists: Callable[[Failure], Mapping[str, Netlist]]
    """What is simulated, by name, as it is without mismatch."""
    limit_state: Callable[[Failure, Executor, Store, Callable[[int], None]], Simulated]
    """The failure as a limit state; raises ConfigError for an unknown metric, technology, corner or variation."""


def part_names() -> list[str]:
    """The parts there are."""
    from spice.rare import parts

    return sorted(module.name for module in pkgutil.iter_modules(parts.__path__))


def rare_part(name: str) -> RarePart:
    """The part of this name; "sense-amp" and "sense_amp" are the same.

    Raises:
        ConfigError: there is no such part; the nearest name is suggested.
    """
    wanted = name.replace("-", "_")
    if wanted not in part_names():
        raise ConfigError(f"nothing whose yield is known is called {name!r}{suggestion(wanted, part_names())}")
    return cast("RarePart", importlib.import_module(f"spice.rare.parts.{wanted}"))


def unit(name: str, metric: str) -> str:
    """Unit of a part's metric.

    Raises:
        ConfigError: the part has no such metric; the nearest name is suggested.
    """
    metrics = rare_part(name).METRICS
    if metric not in metrics:
        raise ConfigError(f"{name} has no metric {metric!r}{suggestion(metric, metrics)}")
    return metrics[metric]


def checked_settings(name: str, settings: Mapping[str, float]) -> dict[str, float]:
    """The settings of a part.

    Raises:
        ConfigError: one that the part does not have, or one that it needs is missing.
    """
    known = rare_part(name).SETTINGS
    for key in settings:
        if key not in known:
            raise ConfigError(f"{name} has no setting {key!r}{suggestion(key, known)}")
    for key in known:
        if key not in settings:
            raise ConfigError(f"{name} needs a {key}: give it with --{key.replace('_', '-')}")
    return dict(settings)
