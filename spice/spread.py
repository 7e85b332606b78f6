"""Figures of a nominal device with their spread over samples: what the parts' figures have in common."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples

VTH = "variation: vth"  # what mismatch varies; said with every figure of a spread


def with_spread(
    nominal: Record,
    samples: Samples | None,
    units: Mapping[str, str],
    spread: tuple[str, ...] | None = None,
    source: str = VTH,
) -> dict[str, Figure]:
    """Nominal figures under their own names, and the spread of some of them.

    Args:
        nominal: the nominal device's record.
        samples: of mismatch, or None.
        units: unit by figure.
        spread: the figures that samples have too; all of them if None.
        source: what varies.

    Returns:
        The nominal figures; with samples also `<name>_mean` and `<name>_sigma` over those that have one (NaN is none),
        `samples` and `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), unit) for name, unit in units.items()}
    if samples is None or samples.count == 0:
        return found
    for name in (spread or tuple(units)) if samples.columns else ():
        values = samples.valid(name)
        values = values[~np.isnan(values)]
        if values.size > 1:
            found[f"{name}_mean"] = Figure(float(np.mean(values)), units[name], source=source)
            found[f"{name}_sigma"] = Figure(float(np.std(values, ddof=1)), units[name], source=source)
    return found | counts(samples)


def counts(samples: Samples) -> dict[str, Figure]:
    """How many samples there are, and how many of them could not be simulated."""
    return {"samples": Figure(samples.count, "1"), "failed_samples": Figure(len(samples.failures), "1")}
