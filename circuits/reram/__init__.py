"""ReRAM: behavioural devices, the 1T1R cell, and the benches that measure both. Runs nothing.

A device model is one file in `circuits/reram/devices`; `available` and `load_device` find it there.
"""

from circuits.reram.cell import access_device, cell_subckt, held_cell_subckt, instance, read_cell_subckt
from circuits.reram.device import ReramDevice, device_subckt, held_device_subckt
from circuits.reram.devices import available, load_device

__all__ = [
    "ReramDevice",
    "access_device",
    "available",
    "cell_subckt",
    "device_subckt",
    "held_cell_subckt",
    "held_device_subckt",
    "instance",
    "load_device",
    "read_cell_subckt",
]
