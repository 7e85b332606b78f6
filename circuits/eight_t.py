"""The 8T cell: a 6T cell that is only written through its pass gates, and a read port of two NFETs.

    read bit line --- read gate (read word line) --- read driver (gate at qb) --- ground

A read discharges the read bit line when the cell stores a 0 in q. Nothing flows into the cell, so it is as stable when
it is read as at rest. The read port has the technology's `nmos_small` unless another role is named.
"""

from __future__ import annotations

from dataclasses import replace

from circuits import cells
from circuits.netlist import Netlist
from circuits.technology import Technology

PORT = ("read_gate", "read_driver")


def read_port(technology: Technology, role: str) -> list[str]:
    """Lines of the two transistors between `rbl` and ground, with the storage node `qb` at the driver's gate."""
    device = technology.device(role)
    return [
        device.line("read_gate", "rbl", "rwl", "middle", "0"),
        device.line("read_driver", "middle", "qb", "0", "0"),
    ]


def read(technology: Technology, corner: str, vdd: float, temperature: float, role: str, stored: int = 0) -> Netlist:
    """The closed cell at rest, its port being read: sources vrbl and vrwl at `vdd`, vwl at 0.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    return _with_port(cells.cell(technology, corner, vdd, temperature, stored), technology, corner, vdd, role)


def butterfly(technology: Technology, corner: str, vdd: float, temperature: float, role: str) -> Netlist:
    """Both inverters while the port is read: those of circuits/cells.py with the word line at 0 and the port at `qb`.

    Raises:
        ConfigError: unknown corner, or a role is missing.
    """
    return _with_port(cells.butterfly(technology, corner, vdd, temperature), technology, corner, vdd, role)


def _with_port(base: Netlist, technology: Technology, corner: str, vdd: float, role: str) -> Netlist:
    lines = [line if not line.startswith("vwl ") else "vwl wl 0 0" for line in base.text.splitlines()]
    port = [*read_port(technology, role), f"vrbl rbl 0 {vdd!r}", f"vrwl rwl 0 {vdd!r}"]
    if role not in cells.ROLES:
        port.append(technology.card(role, corner).text)
    return replace(base, title=base.title.replace("6T", "8T"), text="\n".join([*lines, *port]))
