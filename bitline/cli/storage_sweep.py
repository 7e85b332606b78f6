"""Error rates of an SRAM macro over one of its conditions: what a command prints and a page draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from crossbar.sram_storage import Access, SramMacro
from crossbar.sram_storage_rates import Rates, hold_rates, rates

Floats = np.ndarray[Any, np.dtype[np.float64]]

POINTS = 25
_RESTS = 0.08, 0.6  # V: supplies at rest between which a sweep of hold errors goes
PUSHED = 1.16  # clock of a picture, in what the nominal macro bears: about where its reads begin to fail
_SLOWEST, _FASTEST = 0.7, 1.4  # clocks of a sweep, in what the nominal macro bears


def swept(macro: SramMacro, access: Access, over: str, chips: int, seed: int) -> tuple[list[Access], dict[str, Rates]]:
    """Rates of reads and writes at points of a sweep over the fitted range, all else as in `access`.

    Args:
        macro: with its models.
        access: the conditions that stay.
        over: "supply", "temperature" or "frequency".
        chips: drawn.
        seed: of the study.

    Raises:
        ConfigError: there is no such sweep.
        ModelRangeError: a condition that no fit has seen.
    """
    if over == "supply":
        accesses = [replace(access, vdd=float(vdd)) for vdd in supplies(macro, POINTS)]
    elif over == "temperature":
        degrees = macro.model("access_time").inputs[0]
        accesses = [replace(access, temperature=float(t)) for t in np.linspace(degrees.low, degrees.high, POINTS)]
    elif over == "frequency":
        bears = 1 / macro.value("cycle_time", access)
        clock = np.geomspace(_SLOWEST * bears, _FASTEST * bears, 2 * POINTS)
        accesses = [replace(access, frequency=float(frequency)) for frequency in clock]
    else:
        raise ConfigError(f"storage: no sweep over {over!r}; there are supply, temperature and frequency")
    return accesses, rates(macro, accesses, chips, seed)


def supplies(macro: SramMacro, count: int) -> Floats:
    """Over the fitted range, V."""
    vdd = macro.model("access_time").inputs[1]
    return np.linspace(vdd.low, vdd.high, count)


def clocks(macro: SramMacro, access: Access, count: int) -> Floats:
    """From below what the macro bears at its lowest supply to above what it bears at its highest, Hz."""
    low, high = (1 / macro.value("cycle_time", replace(access, vdd=float(vdd))) for vdd in supplies(macro, 2))
    return np.geomspace(_SLOWEST * low, _FASTEST * high, count)


def at_rest(macro: SramMacro, temperature: float, chips: int, seed: int) -> tuple[list[float], Rates]:
    """Supplies (V) and rates of values lost there.

    Raises:
        ModelRangeError: a temperature that no fit has seen.
    """
    rests = np.linspace(*_RESTS, 2 * POINTS)
    return rests.tolist(), hold_rates(macro, rests, temperature, chips, seed)
