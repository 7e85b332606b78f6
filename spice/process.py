"""Which way a technology's corners go, found by measuring: names and comments in libraries contradict each other."""

from __future__ import annotations

import functools

import numpy as np

from circuits.process import Process
from circuits.technology import Technology, load_technology
from spice.characterise import Conditions
from spice.devices import measure


@functools.lru_cache(maxsize=8)
def load_process(technology: str, corner_sigma: float = 3.0) -> Process:
    """The global process of a technology, its corners' directions read from the on-currents of its devices.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner_sigma: how many standard deviations of each polarity a corner lies out.

    Raises:
        ConfigError: no such technology, or it has not all four corners.
    """
    loaded = load_technology(technology)
    typical, *others = loaded.corners
    reference = _on_currents(loaded, typical)
    return Process(
        loaded, {corner: _direction(loaded, reference, _on_currents(loaded, corner)) for corner in others}, corner_sigma
    )


def _on_currents(technology: Technology, corner: str) -> dict[str, float]:
    measured = measure(technology, Conditions(technology.name, corner, 27.0, technology.vdd))
    return {role: figures["ion"] for role, figures in measured.items()}


def _direction(technology: Technology, typical: dict[str, float], corner: dict[str, float]) -> tuple[int, int]:
    changes: dict[str, list[float]] = {"nmos": [], "pmos": []}
    for role, device in technology.devices.items():
        changes[device.polarity].append(np.log(corner[role] / typical[role]))
    n, p = (int(np.sign(np.mean(changes[polarity]))) if changes[polarity] else 0 for polarity in ("nmos", "pmos"))
    return n, p
