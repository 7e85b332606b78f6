"""A line of a crossbar as its driver or front end sees it: wire, cells' capacitance and conductance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bitline.core.errors import ConfigError
from circuits.wiring import Draft, Wire

SECTIONS = 4  # twice as many move no figure of driver or front end by a percent: a line is far faster than either


def possible(part: str, design: Any, names: Sequence[str]) -> None:
    """Refuse a design of which a value is not finite and above 0.

    Args:
        part: its name on the command line.
        design: has the values as attributes.
        names: of them.

    Raises:
        ConfigError: names the part and the value.
    """
    for name in names:
        value = getattr(design, name)
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"{part}: {name} is {value!r}; it must be finite and above 0")


def possible_front_end(part: str, design: Any, names: Sequence[str]) -> None:
    """Refuse a front end whose output has no room for its swing, or whose converter has no code beside 0.

    Args:
        part: its name on the command line.
        design: has `swing`, `v_cm` and `adc_bits`.
        names: of its values that are above 0.

    Raises:
        ConfigError: names the part and the value.
    """
    possible(part, design, names)
    if design.swing >= design.v_cm:
        raise ConfigError(f"{part}: swing = {design.swing:g} V; it must be below v_cm = {design.v_cm:g} V")
    if design.adc_bits < 2:
        raise ConfigError(f"{part}: adc_bits is {design.adc_bits!r}; a signed converter has 2 at least")


@dataclass(frozen=True)
class Line:
    """A word or bit line with equal cells along it.

    Args:
        cells: on the line.
        g_cell: conductance of each, S; 0 is an open cell.
        c_cell: what each adds to the line's capacitance, F: a diffusion of the access transistor and the device.

    Raises:
        ConfigError: fewer than one cell, or a negative or infinite value.
    """

    cells: int = 128
    g_cell: float = 5e-6
    c_cell: float = 1e-15

    def __post_init__(self) -> None:
        if self.cells < 1:
            raise ConfigError(f"cells is {self.cells!r}; a line has 1 at least")
        for name in ("g_cell", "c_cell"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} is {value!r}; it must be finite and 0 or more")

    @property
    def conductance(self) -> float:
        """Of all cells, S."""
        return self.cells * self.g_cell

    def capacitance(self, wire: Wire, pitch: float) -> float:
        """Of wire and cells, F, at `pitch` (m) from cell to cell."""
        return self.cells * (wire.c * pitch + self.c_cell)

    def lines(self, draft: Draft, wire: Wire, pitch: float, near: str, far: str, other: str) -> list[str]:
        """Elements of the line from node `near` to node `far`; its cells lead to node `other`.

        The netlist needs ``.param mult=1``.
        """
        nodes = [near, *(f"{far}{number}" for number in range(1, SECTIONS)), far]
        found = list(draft.ladder(wire, self.cells * pitch, nodes))
        for node in nodes[1:]:
            share = self.cells / SECTIONS
            if self.g_cell:
                found.append(f"rcells_{node} {node} {other} {1 / (share * self.g_cell)!r}")
            if self.c_cell:
                found.append(f"ccells_{node} {node} 0 {share * self.c_cell!r}")
        return found
