"""Transistors on their own: what a technology's cards give, and how far that is from the foundry's own library."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import REFERENCE, Device, Technology
from spice.characterise import Conditions
from spice.engine import engine

FIGURES = ("ion", "ioff", "vth_cc")
_STEP = 0.01  # V, of the gate sweep
_CRITERION = 100e-9  # A at W / L = 1: where the threshold is read


def measure(technology: Technology, conditions: Conditions) -> dict[str, dict[str, float]]:
    """`ion` and `ioff` (A), `vth_cc` (V, at 100 nA W / L) of every device by role, drain at vdd, bulk at source.

    Raises:
        ConfigError: unknown corner.
    """
    ngspice = engine()
    ngspice.load(netlist(technology, conditions))
    swept = ngspice.run(f"dc vg 0 {conditions.vdd!r} {_STEP!r}")
    return {
        role: _figures(device, swept["g"], np.abs(swept[f"vd_{role}#branch"]))
        for role, device in technology.devices.items()
    }


def netlist(technology: Technology, conditions: Conditions) -> Netlist:
    """Every device between ideal sources; voltages of a PMOS are negated."""
    lines = [f"{OPTIONS} temp={conditions.temperature!r}", technology.cards(conditions.corner)]
    lines.append("vg g 0 dc 0")
    for role, device in technology.devices.items():
        sign = 1 if device.polarity == "nmos" else -1
        lines += [f"e_{role} g_{role} 0 g 0 {sign}", f"vd_{role} d_{role} 0 dc {sign * conditions.vdd!r}"]
        lines.append(device.line(role, f"d_{role}", f"g_{role}", "0", "0"))
    return Netlist(f"devices of {technology.name}", "\n".join(lines), (f".dc vg 0 {conditions.vdd!r} {_STEP!r}",))


def against_library(technology: Technology, conditions: Conditions) -> np.ndarray:
    """Relative differences of the cards' figures from the foundry library's, shape (devices, figures).

    Raises:
        ConfigError: the technology has no figures of the library under these conditions; says which it has.
    """
    known = _reference(technology, conditions)
    found = measure(technology, conditions)
    rows = []
    for role, device in technology.devices.items():
        library = known.get(f"{device.name.rpartition('_w')[0]} {device.w * 1e6:g}/{device.l * 1e6:g}")
        if library is not None:
            rows.append([found[role][name] / library[name] - 1 for name in FIGURES])
    return np.array(rows)


def _reference(technology: Technology, conditions: Conditions) -> Mapping[str, Mapping[str, float]]:
    path = technology.path / REFERENCE
    if not path.is_file():
        raise ConfigError(f"{technology.name} comes without figures of its foundry's library ({REFERENCE})")
    corners = json.loads(path.read_text(encoding="utf-8"))["corners"]
    temperature = f"{conditions.temperature:g}"
    if conditions.vdd != technology.vdd or temperature not in corners.get(conditions.corner, {}):
        temperatures = ", ".join(next(iter(corners.values())))
        raise ConfigError(
            f"the library was measured at {technology.vdd:g} V and {temperatures} C, corners {', '.join(corners)}"
        )
    found: Mapping[str, Mapping[str, float]] = corners[conditions.corner][temperature]
    return found


def _figures(device: Device, gate: np.ndarray, current: np.ndarray) -> dict[str, float]:
    threshold = np.interp(math.log(_CRITERION * device.w / device.l), np.log(current), gate)
    return {"ion": float(current[-1]), "ioff": float(current[0]), "vth_cc": float(threshold)}
