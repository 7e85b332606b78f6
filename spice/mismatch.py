"""Local variation of threshold voltages: drawn from the technology's slopes, set on the devices of a loaded netlist."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from circuits.technology import Device
from spice.engine import Engine


def draw_vth(devices: Mapping[str, Device], rng: np.random.Generator) -> dict[str, float]:
    """One threshold shift a device, V: normal with the device's own sigma = slope / sqrt(w l), independent.

    A positive shift raises the model's vth0: an NMOS turns on later, a PMOS (whose vth0 is negative) earlier.

    Args:
        devices: by instance; the draws follow this order.
        rng: the sample's stream.
    """
    scores = rng.standard_normal(len(devices))
    return {name: float(z * device.sigma("vth")) for (name, device), z in zip(devices.items(), scores, strict=True)}


def apply_vth(engine: Engine, shifts: Mapping[str, float], suffix: str = "") -> None:
    """Set the shifts (V) on devices `m<name><suffix>` of the loaded netlist, replacing earlier ones.

    Raises:
        SimulationError: the netlist has no such device.
    """
    for name, shift in shifts.items():
        engine.alter(f"m{name}{suffix}", "delvto", shift)
