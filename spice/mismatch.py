"""Local variation: drawn from the technology's slopes, set on the transistors of a loaded netlist.

Three kinds: "none"; "vth", each transistor's threshold alone; "full", also the oxide thickness and, where the
technology has slopes for them, the subthreshold offset and swing, all independent. Thresholds alone understate the
spread: SKY130's pull-down has a sigma of 30 mV by its threshold's slope, and of 34 mV with the oxide's.

A threshold is shifted on the instance (`delvto`); the rest lives on the model card, so a netlist that is to vary in
full has a card a transistor (`circuits.own_cards`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.model_card import MISMATCH, Card
from circuits.netlist import Netlist
from circuits.own_cards import own_cards, own_model
from circuits.technology import Device, Technology
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
    """Set parameters of the card that belongs to a transistor alone in the loaded netlist.

    Args:
        engine: that holds the netlist.
        card: the common one.
        device: the transistor's name without its "m", within a subcircuit after the path: "xcell.pull_up_left".
        values: by parameter.

    Raises:
        SimulationError: the netlist has no such card, or the model no such parameter.
    """
    path, _, owner = device.rpartition(".")
    model = f"{path}:{own_model(card.name, owner)}" if path else own_model(card.name, owner)
    for name, value in values.items():
        engine.command(f"altermod {model} {name} = {float(value)!r}")


@dataclass(frozen=True)
class Variation:
    """What varies in some transistors, and how their shifts get into a loaded netlist.

    Args:
        devices: by name.
        variables: what varies in them, thresholds first.
        cards: by device, where model cards vary; else empty.
    """

    devices: Mapping[str, Device]
    variables: tuple[Variable, ...]
    cards: Mapping[str, Card]

    @staticmethod
    def of(technology: Technology, corner: str, roles: Mapping[str, str], kind: str) -> Variation:
        """The variation `kind` (of `VARIATIONS`) of transistors given by their roles.

        Raises:
            ConfigError: unknown corner, role or variation.
        """
        devices = {name: technology.device(role) for name, role in roles.items()}
        varied = variables(devices, kind)
        own = any(variable.parameter != "vth" for variable in varied)
        cards = {name: technology.card(role, corner) for name, role in roles.items()} if own else {}
        return Variation(devices, varied, cards)

    def netlist(
        self, netlist: Netlist, owner: Callable[[str], str] = str, within: Collection[str] | None = None
    ) -> Netlist:
        """The netlist with a card a transistor where cards vary; arguments as of `circuits.own_cards`."""
        return own_cards(netlist, owner, within) if self.cards else netlist

    def draw(self, rng: np.random.Generator) -> dict[str, dict[str, float]]:
        """One sample's shifts."""
        return self.at(rng.standard_normal(len(self.variables)))

    def at(self, scores: Floats) -> dict[str, dict[str, float]]:
        """The shifts at standard-normal scores, shape (variables,); every device has that of its threshold."""
        found = shifts(self.variables, scores)
        return {name: {"vth": 0.0} | found.get(name, {}) for name in self.devices}

    def apply(self, engine: Engine, shifts: Shifts, place: Callable[[str], str] = "m{}".format) -> None:
        """Set shifts in the loaded netlist, replacing earlier ones.

        Args:
            engine: that holds the netlist.
            shifts: of these devices; others are left as they are.
            place: a device's name in the netlist, as "mpull_up_left" or "m.xcolumn.xcell.mpull_up_left".

        Raises:
            SimulationError: the netlist has no such device.
        """
        for name in self.devices:
            if name not in shifts:
                continue
            instance = place(name)
            engine.alter(instance, "delvto", shifts[name].get("vth", 0.0))
            if name in self.cards:
                path, _, last = instance.removeprefix("m.").rpartition(".")
                device = f"{path}.{last.removeprefix('m')}" if path else last.removeprefix("m")
                set_model(engine, self.cards[name], device, model_values(self.cards[name], shifts[name]))

    def columns(self, drawn: Shifts, prefix: str = "") -> dict[str, Floats]:
        """Shifts as a record holds them: `<prefix><parameter>`, shape (devices that have it,), in their order."""
        parameters = dict.fromkeys(["vth", *(variable.parameter for variable in self.variables)])
        return {
            f"{prefix}{parameter}": np.array([one[parameter] for one in drawn.values() if parameter in one])
            for parameter in parameters
        }


def variation_source(kind: str) -> str:
    """As figures of a spread say what varied.

    Raises:
        ConfigError: there is no such variation.
    """
    variables({}, kind)
    return f"variation: {kind}"


def named_shifts(drawn: Shifts) -> dict[str, float]:
    """A number a shift, as `Variable.name` calls it."""
    return {f"d{parameter}_{name}": shift for name, one in drawn.items() for parameter, shift in one.items()}


def shift_units(devices: Iterable[str]) -> dict[str, str]:
    """Units of `named_shifts`."""
    return {f"d{parameter}_{name}": unit for name in devices for parameter, unit in UNITS.items()}


def thresholds(values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Shifts (V) of thresholds alone, by device."""
    return {name: {"vth": float(value)} for name, value in values.items()}


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
