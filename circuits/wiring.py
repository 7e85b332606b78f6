"""Wires and diffusions of a memory: what a schematic of transistors leaves out.

Nothing here is extracted from a layout. Wires take a resistance and a capacitance a metre, cells a pitch, and every
source and drain a rectangle of diffusion; the model cards hold the junction capacitances of those.

Many equal circuits that see equal voltages are one, multiplied. ngspice's own `m` of a subcircuit call is lost in
nested calls (version 39), so subcircuits here carry a parameter `mult` and hand it down.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bitline.core.errors import ConfigError
from circuits.technology import Device, Technology


@dataclass(frozen=True)
class Wire:
    """A kind of wire, neighbours included.

    Args:
        r: resistance, Ohm/m.
        c: capacitance, F/m.
    """

    r: float
    c: float


@dataclass(frozen=True)
class Wiring:
    """Wires, cell pitch and diffusions; the defaults are SKY130's.

    Args:
        cell_width: of the 6T cell along the word line, m (the OpenRAM single-port cell).
        cell_height: along the bit line, m.
        bit_line: metal 1; resistance (0.125 Ohm a square, 0.14 um wide) and capacitance as OpenROAD correlates them for
            SKY130 from extracted designs (set_layer_rc: 0.8929 Ohm/um, 0.1724 fF/um).
        word_line: metal 2, from the same source (0.8929 Ohm/um, 0.1362 fF/um).
        diffusion: length of a source or drain with one contact, m (what the SKY130 PDK's schematic symbols assume).
        shared_diffusion: likewise in the cell, where two devices share each contact: half the gap between two gates
            with a contact (0.17 um, 0.055 um to either gate) by the PDK's rules, m.
    """

    cell_width: float = 1.20e-6
    cell_height: float = 1.58e-6
    bit_line: Wire = field(default_factory=lambda: Wire(r=8.929e5, c=1.72375e-10))
    word_line: Wire = field(default_factory=lambda: Wire(r=8.929e5, c=1.36233e-10))
    diffusion: float = 0.29e-6
    shared_diffusion: float = 0.14e-6


@dataclass(frozen=True)
class Draft:
    """Writes transistors with their diffusions, and wires, for subcircuits that have the parameter `mult`.

    Args:
        technology: gives the devices by role.
        wiring: gives wires and diffusions.
    """

    technology: Technology
    wiring: Wiring = field(default_factory=Wiring)

    def transistor(self, role: str, name: str, nodes: str, m: int = 1) -> str:
        """A netlist line of the role's device with one contact at either end.

        Args:
            role: of the technology.
            name: after the "m".
            nodes: drain, gate, source and bulk, with blanks between.
            m: devices in parallel.

        Raises:
            ConfigError: the technology has no such role.
        """
        device = self.technology.device(role)
        length = self.wiring.diffusion
        return _line(device, name, nodes, area=device.w * length, perimeter=2 * (device.w + length), m=m)

    def cell_transistor(self, name: str, nodes: str) -> str:
        """Likewise the 6T cell's transistor `name`: every contact is shared, the far edge is no side wall."""
        return self.cell_device(self.technology.device(name), name, nodes)

    def cell_device(self, device: Device, name: str, nodes: str) -> str:
        """Likewise any transistor within a cell; junctions that it brings along stay."""
        length = self.wiring.shared_diffusion
        return _line(device, name, nodes, area=device.w * length, perimeter=device.w + 2 * length, m=1)

    @staticmethod
    def ladder(wire: Wire, length: float, nodes: list[str]) -> Iterator[str]:
        """Lines of a wire of `length` (m) along `nodes`: equal sections, each with half its capacitance at either end.

        Raises:
            ConfigError: fewer than two nodes.
        """
        if len(nodes) < 2:
            raise ConfigError(f"a wire has two ends, not {len(nodes)}")
        part = length / (len(nodes) - 1)
        for number, (near, far) in enumerate(itertools.pairwise(nodes)):
            yield f"r_{near}_{number} {near} {far} {{{wire.r * part!r}/mult}}"
        for number, node in enumerate(nodes):
            share = 0.5 if number in (0, len(nodes) - 1) else 1.0
            yield f"c_{node}_{number} {node} 0 {{{wire.c * part * share!r}*mult}}"


def _line(device: Device, name: str, nodes: str, *, area: float, perimeter: float, m: int) -> str:
    drain, gate, source, bulk = nodes.split()
    junctions = {"ad": area, "as": area, "pd": perimeter, "ps": perimeter, **device.parameters}
    line = replace(device, m=1.0).line(name, drain, gate, source, bulk, **junctions)
    return f"{line} m={{{m * device.m:g}*mult}}"
