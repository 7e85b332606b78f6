"""What the sense amplifier's offset hangs on: its loads, the common mode of its inputs and the slew of its enable.

Along each axis one property of the bench changes, all others stay. At every point the offset of the amplifier without
mismatch is simulated, and its sigma: that of a linear offset, from one simulation a variable shifted by its own sigma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from circuits.sense_amp import SenseBench
from spice.characterise import Conditions
from spice.latch import Latch

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Axis:
    """A property of `SenseBench` and where it is swept.

    Args:
        name: of the field.
        unit: its unit.
        low: of the sweep; for the loads in multiples of the bench's `c_internal`.
        high: likewise.
        geometric: points in equal ratios instead of equal steps.
    """

    name: str
    unit: str
    low: float
    high: float
    geometric: bool = False

    def points(self, count: int, bench: SenseBench) -> Floats:
        """Values of the field."""
        scale = bench.c_internal if self.unit == "F" else 1.0
        space = np.geomspace if self.geometric else np.linspace
        return np.asarray(scale * space(self.low, self.high, count))


AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("c_difference", "F", -0.8, 0.8),
        Axis("c_internal", "F", 0.5, 4.0, geometric=True),
        Axis("below_vdd", "V", 0.0, 0.4),
        Axis("enable_slew", "s", 10e-12, 500e-12, geometric=True),
    )
}
SWEEP_UNITS = {
    f"sweep_{name}{field}": unit
    for name, axis in AXES.items()
    for field, unit in (("", axis.unit), ("_offset", "V"), ("_sigma", "V"))
}
_FEMTO = 1e-15
_FEWEST = 3  # points: a slope is taken over all of them


def sweep(conditions: Conditions, bench: SenseBench, variation: str, points: int) -> Record:
    """`sweep_<axis>`, `_offset` and `_sigma`, each of shape (points,); nothing for 0 points.

    Raises:
        ConfigError: too few points.
        SimulationError: the amplifier does not decide at a point.
    """
    if points == 0:
        return {}
    if points < _FEWEST:
        raise ConfigError(f"sense amplifier: sweep = {points}; a sweep has {_FEWEST} points or more, 0 leaves it out")
    record: Record = {}
    for name, axis in AXES.items():
        values = axis.points(points, bench)
        found = [offset_spread(conditions, replace(bench, **{name: float(value)}), variation) for value in values]
        offset, sigma = np.array(found).T
        record |= {f"sweep_{name}": values, f"sweep_{name}_offset": offset, f"sweep_{name}_sigma": sigma}
    return record


def offset_spread(conditions: Conditions, bench: SenseBench, variation: str) -> tuple[float, float]:
    """Offset (V) of the amplifier without mismatch on this bench, and its linear sigma (V)."""
    latch = Latch(conditions, bench, variation)
    nominal = latch.offset()
    scores = np.eye(len(latch.variation.variables))
    shifted = []
    for score in scores:
        latch.vary(latch.variation.at(score))
        shifted.append(latch.offset(nominal) - nominal)
    return nominal, float(np.linalg.norm(shifted))


def sweep_figures(nominal: Record, source: str) -> dict[str, Figure]:
    """Of a swept record: `offset_per_ff` of one-sided load, `offset_<axis>_<low|high>` and `..._sigma` at the ends."""
    if "sweep_c_difference" not in nominal:
        return {}
    load, offset = (np.asarray(nominal[f"sweep_c_difference{field}"]) for field in ("", "_offset"))
    slope = float(np.polyfit(load, offset, 1)[0])
    found = {"offset_per_ff": Figure(slope * _FEMTO, "V", source="of load on dint_bar beyond that on dint")}
    for name, axis in AXES.items():
        at, offset, sigma = (np.asarray(nominal[f"sweep_{name}{field}"]) for field in ("", "_offset", "_sigma"))
        for end, k in (("low", 0), ("high", -1)):
            said = f"{name} = {at[k]:.3g} {axis.unit}"
            found[f"offset_{name}_{end}"] = Figure(float(offset[k]), "V", source=said)
            found[f"offset_{name}_{end}_sigma"] = Figure(float(sigma[k]), "V", source=f"{said}, linear; {source}")
    return found
