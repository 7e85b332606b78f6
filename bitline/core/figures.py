"""A figure: one number with its unit and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SIMULATED = "simulated (ngspice)"
MODELLED = "modelled"
COUNTED = "counted"  # samples: how many were drawn, failed or had some property
MEASURED = "computed by inference"
PUBLISHED = "input from a publication"
ESTIMATED = "estimated from a published figure"
OWN_DATA = "input from a measurement of one's own"


@dataclass(frozen=True)
class Figure:
    """A number that bitline prints.

    Args:
        value: in `unit`, an SI unit without prefix (or "1" for a ratio, "%" never).
        unit: its symbol.
        kind: SIMULATED, MODELLED, COUNTED, MEASURED, PUBLISHED, ESTIMATED or OWN_DATA.
        source: the publication and its technology node, or the file, for the last three.
    """

    value: float
    unit: str
    kind: str = SIMULATED
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it; an empty source is left out."""
        said: dict[str, Any] = {"value": self.value, "unit": self.unit, "kind": self.kind}
        return said | ({"source": self.source} if self.source else {})


def to_json(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    """Every figure under its name, in the given order."""
    return {name: figure.to_json() for name, figure in figures.items()}
