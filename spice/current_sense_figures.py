"""Figures of the current sense amplifier: what is simulated, and the read margin that is modelled from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from circuits.variation import ConductanceSpread
from spice.current_sense import LEVELS, SENSING, UNITS
from spice.mismatch import variation_source
from spice.spread import with_spread

_SIGMAS = 3.0  # of the offset that a difference is to exceed
_SHOWN = ("offset", "clamp_voltage", "clamp_drift", "v_clamp", "reference_current", "energy")
_BY_LEVEL = ("clamp_error", "current", "difference", "settling_time", "delay")
_SPREAD = ("offset", "clamp_voltage")


def figures(
    nominal: Record, samples: Samples | None, variation: str, spread: ConductanceSpread, levels: Mapping[str, float]
) -> dict[str, Figure]:
    """Figures of the amplifier.

    Args:
        nominal: record of `CurrentSenseNominal`.
        samples: of `CurrentSenseMonteCarlo`.
        variation: what they vary.
        spread: of a cell's conductance, a published input.
        levels: conductance (S) by level, "lrs" and "hrs".

    Returns:
        The simulated figures; modelled: `offset_sigma_modelled` and `resolvable_current` at the nominal sensing time,
        and `read_margin_<level>` in standard deviations, from the sampled offset where there is one.

    Raises:
        ModelRangeError: a level outside what the spread's publication covers.
    """
    names = [*_SHOWN, *(f"{name}_{level}" for level in LEVELS for name in _BY_LEVEL)]
    source = variation_source(variation)
    found = with_spread(nominal, samples, {name: UNITS[name] for name in names}, _SPREAD, source)
    modelled = float(np.asarray(nominal["sensing_sigma"])[SENSING.index(1.0)])
    said = f"linear in what varies; {source}"
    found["offset_sigma_modelled"] = Figure(modelled, "A", MODELLED, said)
    resolvable = abs(float(nominal["offset"])) + _SIGMAS * modelled
    found["resolvable_current"] = Figure(resolvable, "A", MODELLED, f"offset and {_SIGMAS:g} sigma; {said}")
    mean = found["offset_mean"].value if "offset_mean" in found else float(nominal["offset"])
    sigma = found["offset_sigma"].value if "offset_sigma" in found else modelled
    for level, sign in zip(LEVELS, (1, -1), strict=True):
        current, error = float(nominal[f"current_{level}"]), float(spread.sigma(levels[level]))
        of_cell = error * current / levels[level]  # the bit line's voltage is nearly that of the level
        distance = sign * (float(nominal[f"difference_{level}"]) - mean)
        margin = distance / float(np.hypot(sigma, of_cell))
        found[f"read_margin_{level}"] = Figure(
            margin, "1", MODELLED, f"offset with conductance spread of {spread.source}"
        )
    return found
