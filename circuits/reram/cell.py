"""The 1T1R cell: a ReRAM device above an access transistor, whose gate selects it.

    top ---[ te device be ]--- mid ---[ access transistor ]--- bottom
                                             |
                                            gate

The transistor is the technology's `access` device, or its `nmos` where it names none; its bulk is node 0.
"""

from __future__ import annotations

from circuits.reram.device import ReramDevice, device_subckt, held_device_subckt
from circuits.technology import Device, Technology

ACCESS = "maccess"  # the transistor's name inside every cell


def access_device(technology: Technology) -> Device:
    """The transistor that selects a cell; ConfigError when the technology has neither `access` nor `nmos`."""
    return technology.device("access" if "access" in technology.devices else "nmos")


def read_cell_subckt(device: ReramDevice, technology: Technology) -> str:
    """`.subckt <device>_read_cell top bottom gate` with parameter `frozen`: the cell at a state that does not move.

    The state is a number in the netlist, so the cell has one inner node, `mid`; thousands of them make an array.
    """
    lines = [
        f".subckt {device.name}_read_cell top bottom gate frozen={device.hrs!r}",
        f"bcurrent top mid i={{{device.conduction('v(top,mid)', 'frozen')}}}",
        _access(technology),
        ".ends",
    ]
    return "\n".join(lines)


def instance(device: ReramDevice, name: str, top: str, bottom: str, gate: str, state: float) -> str:
    """One cell of `read_cell_subckt`, named `x<name>`, at `state` (within the device's range)."""
    return f"x{name} {top} {bottom} {gate} {device.name}_read_cell frozen={float(state)!r}"


def cell_subckt(device: ReramDevice, technology: Technology) -> str:
    """`.subckt <device>_cell top bottom gate state` with parameter `start`, and its device: the state moves."""
    lines = [
        device_subckt(device),
        f".subckt {device.name}_cell top bottom gate state start={device.fresh!r}",
        f"xdevice top mid state {device.name} start={{start}}",
        _access(technology),
        ".ends",
    ]
    return "\n".join(lines)


def held_cell_subckt(device: ReramDevice, technology: Technology) -> str:
    """`.subckt <device>_held_cell top bottom gate state` and the device it holds: a source holds the state."""
    lines = [
        held_device_subckt(device),
        f".subckt {device.name}_held_cell top bottom gate state",
        f"xdevice top mid state {device.name}_held",
        _access(technology),
        ".ends",
    ]
    return "\n".join(lines)


def _access(technology: Technology) -> str:
    return access_device(technology).line(ACCESS.removeprefix("m"), "mid", "gate", "bottom", "0")
