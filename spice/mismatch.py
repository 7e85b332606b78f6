"""Local variation: drawn from the technology's slopes, set on the transistors of a loaded netlist.

Three kinds: "none"; "vth", each transistor's threshold alone; "full", also the oxide thickness and, where the
technology has slopes for them, the subthreshold offset and swing, all independent. Thresholds alone understate the
spread: SKY130's pull-down has a sigma of 30 mV by its threshold's slope, and of 34 mV with the oxide's.

A threshold is shifted on the instance (`delvto`); the rest lives on the model card, so a netlist that is to vary in
full has a card a transistor (`circuits.own_cards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.model_card import MISMATCH, Card
from circuits.own_cards import own_model
from circuits.technology import Device
from spice.engine import Engine

Floats = np.ndarray[Any, np.dtype[np.float64]]
Shifts = Mapping[str, Mapping[str, float]]
"""Shift by transistor and parameter of `model_card.MISMATCH`, in the units of its slope times 1/m."""

VARIATIONS: Mapping[str, tuple[str, ...]] = {"none": (), "vth": ("vth",), "full": tuple(MISMATCH)}
UNITS: Mapping[str, str] = {"vth": "V", "toxe": "1", "voff": "V", "nfactor": "1"}


@dataclass(frozen=True)
class Variable:
    """One thing that varies.

    Args:
        device: the transistor's instance name without its "m".
        parameter: of `model_card.MISMATCH`.
        sigma: standard deviation, in the unit of `UNITS`.
    """

    device: str
    parameter: str
    sigma: float

    @property
    def name(self) -> str:
        """As records call its shift: "dvth_pull_down_left"."""
        return f"d{self.parameter}_{self.device}"


def variables(devices: Mapping[str, Device], variation: str) -> tuple[Variable, ...]:
    """What varies, thresholds of all devices first: a seed gives the same thresholds whatever else varies.

    Args:
        devices: by instance.
        variation: of `VARIATIONS`.

    Raises:
        ConfigError: there is no such variation.
    """
    if variation not in VARIATIONS:
        raise ConfigError(f"variation = {variation!r} is unknown{suggestion(variation, VARIATIONS)}")
    return tuple(
        Variable(name, parameter, device.sigma(parameter))
        for parameter in VARIATIONS[variation]
        for name, device in devices.items()
        if parameter == "vth" or parameter in device.mismatch
    )


def shifts(varied: Sequence[Variable], scores: Floats) -> dict[str, dict[str, float]]:
    """The shifts at standard-normal scores, shape (variables,)."""
    found: dict[str, dict[str, float]] = {}
    for variable, score in zip(varied, scores, strict=True):
        found.setdefault(variable.device, {})[variable.parameter] = float(score * variable.sigma)
    return found


def model_values(card: Card, shift: Mapping[str, float]) -> dict[str, float]:
    """The parameters of `card` (by their names on it) at a shift of its transistor; its threshold is not among them.

    Raises:
        NetlistError: the card does not give a parameter that is to be shifted.
    """
    values: dict[str, float] = {}
    for parameter, by in shift.items():
        if parameter == "vth":
            continue
        name = card.parameter(parameter)
        nominal = card.parameters[name]
        values[name] = nominal * (1 + by) if parameter == "toxe" else nominal + by
    return values


def set_model(engine: Engine, card: Card, device: str, values: Mapping[str, float]) -> None:
    """Set parameters of the card that belongs to `device` alone in the loaded netlist.

    Raises:
        SimulationError: the netlist has no such card, or the model no such parameter.
    """
    for name, value in values.items():
        engine.command(f"altermod {own_model(card.name, device)} {name} = {float(value)!r}")


def draw_vth(devices: Mapping[str, Device], rng: np.random.Generator) -> dict[str, float]:
    """One threshold shift a device, V: normal with the device's own sigma = slope / sqrt(w l), independent.

    A positive shift raises the model's vth0: an NMOS turns on later, a PMOS (whose vth0 is negative) earlier.

    Args:
        devices: by instance; the draws follow this order.
        rng: the sample's stream.
    """
    varied = variables(devices, "vth")
    drawn = shifts(varied, rng.standard_normal(len(varied)))
    return {name: shift["vth"] for name, shift in drawn.items()}


def apply_vth(engine: Engine, shifts: Mapping[str, float], suffix: str = "") -> None:
    """Set the shifts (V) on devices `m<name><suffix>` of the loaded netlist, replacing earlier ones.

    Raises:
        SimulationError: the netlist has no such device.
    """
    for name, shift in shifts.items():
        engine.alter(f"m{name}{suffix}", "delvto", shift)
