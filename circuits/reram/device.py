"""What a ReRAM device model is, and the subcircuits made from one.

A device is a current that depends on its voltage and one state variable, and a rate at which voltage and heat move the
state. ngspice has no such element, so the current is a B source and the state is the voltage of a node with a
capacitor. Two subcircuits hold the same conduction: in the *device* the state moves; in the *held* device it is what a
source puts on the node, so that a sweep can go over it. (A cell for reading has a third form: `circuits.reram.cell`.)
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


class ReramDevice(Protocol):
    """A device model; a frozen dataclass whose fields are its parameters.

    A positive voltage from `te` (top electrode) to `be` (bottom electrode) SETs, to a higher conductance.
    """

    @property
    def name(self) -> str:
        """Its name, also that of its subcircuit."""

    @property
    def source(self) -> str:
        """The publication of the equations and of the parameters."""

    @property
    def state_unit(self) -> str:
        """What one volt on the state node stands for."""

    @property
    def lrs(self) -> float:
        """State of the highest conductance it can reach."""

    @property
    def hrs(self) -> float:
        """State of the lowest conductance it can reach."""

    @property
    def fresh(self) -> float:
        """The high-resistance state that a hysteresis starts from, as RESET leaves the device."""

    def pristine(self, state: float) -> ReramDevice:
        """The device before forming: fresh, at `state`, beyond what RESET reaches.

        Raises:
            ConfigError: the model has no such state, or `state` is not beyond its HRS.
        """

    def conduction(self, voltage: str, state: str) -> str:
        """Current (A) as an ngspice expression of the expressions `voltage` (V) and `state`, which is in range."""

    def dynamics(self) -> list[str]:
        """Lines that move the voltage of node `state`; nodes `te`, `be`; the current is i(bcurrent)."""

    def current(self, voltage: Floats | float, state: Floats | float) -> Floats:
        """Current (A), the slow twin of `conduction` in numpy; broadcasts."""


def in_range(device: ReramDevice, state: str) -> str:
    """The expression `state` clamped to what the device can reach: an integrated state can overshoot by a step."""
    low, high = sorted((device.lrs, device.hrs))
    return f"min(max({state},{low!r}),{high!r})"


def device_subckt(device: ReramDevice) -> str:
    """`.subckt <name> te be state` with parameter `start`, the state at time zero (use `.tran ... uic`).

    Node `state` may be read from outside and left open.
    """
    lines = [
        f".subckt {device.name} te be state start={device.fresh!r}",
        f"bcurrent te be i={{{device.conduction('v(te,be)', in_range(device, 'v(state)'))}}}",
        *device.dynamics(),
        "cstate state 0 1n ic={start}",
        ".ends",
    ]
    return "\n".join(lines)


def held_device_subckt(device: ReramDevice) -> str:
    """`.subckt <name>_held te be state`: the same conduction at the state that a source holds on node `state`."""
    lines = [
        f".subckt {device.name}_held te be state",
        f"bcurrent te be i={{{device.conduction('v(te,be)', in_range(device, 'v(state)'))}}}",
        ".ends",
    ]
    return "\n".join(lines)
