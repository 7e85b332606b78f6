"""Figures of a nominal device with their spread over samples: what the parts' figures have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import COUNTED, SIMULATED, Figure
from bitline.core.samples import Samples

Floats = np.ndarray[Any, np.dtype[np.float64]]

VTH = "variation: vth"  # what mismatch varies; said with every figure of a spread
_ROUNDING = 1e-9  # of the values: samples no further apart are equal


def with_spread(
    nominal: Record,
    samples: Samples | None,
    units: Mapping[str, str],
    spread: tuple[str, ...] | None = None,
    source: str = VTH,
    kinds: Mapping[str, str] | None = None,
) -> dict[str, Figure]:
    """Nominal figures under their own names, and the spread of some of them.

    Args:
        nominal: the nominal device's record.
        samples: of mismatch, or None.
        units: unit by figure.
        spread: the figures that samples have too; all of them if None.
        source: what varies.
        kinds: of the figures that are not simulated, by name.

    Returns:
        The nominal figures; with samples also `<name>_mean` and `<name>_sigma` over those that have one (NaN is none),
        `samples` and `failed_samples`.
    """
    kinds = kinds or {}
    found = {name: Figure(float(nominal[name]), unit, kinds.get(name, SIMULATED)) for name, unit in units.items()}
    if samples is None or samples.count == 0:
        return found
    for name in (spread or tuple(units)) if samples.columns else ():
        values = samples.valid(name)
        values = values[~np.isnan(values)]
        if values.size > 1:
            kind = kinds.get(name, SIMULATED)
            found[f"{name}_mean"] = Figure(float(np.mean(values)), units[name], kind, source)
            found[f"{name}_sigma"] = Figure(_sigma(values), units[name], kind, source)
    return found | counts(samples)


def counts(samples: Samples) -> dict[str, Figure]:
    """How many samples there are, and how many of them could not be simulated."""
    return {"samples": count(samples.count), "failed_samples": count(len(samples.failures))}


def count(number: float) -> Figure:
    """A number of samples."""
    return Figure(number, "1", COUNTED)


def _sigma(values: Floats) -> float:
    """Standard deviation; 0, not the rounding of a mean, where nothing varies."""
    equal = float(np.ptp(values)) <= _ROUNDING * float(np.max(np.abs(values)))
    return 0.0 if equal else float(np.std(values, ddof=1))
