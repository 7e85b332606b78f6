"""Costs of converters and digital logic from publications, as data, and their scaling to the process at hand.

A published figure holds for its own node and supply. `Published.energy_in` and `time_in` take it to another process by
first-order scaling: energy as C V^2 with C in proportion to the node, time in proportion to the node (Rabaey et al.,
Digital Integrated Circuits, 2003, section 3.5). That is an estimate, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitline.core.figures import ESTIMATED, Figure


@dataclass(frozen=True)
class Process:
    """What costs are scaled to.

    Args:
        node: m.
        vdd: V.
    """

    node: float = 130e-9
    vdd: float = 1.8

    def __str__(self) -> str:
        """As sources name it."""
        return f"{self.node * 1e9:g} nm, {self.vdd:g} V"


@dataclass(frozen=True)
class Published:
    """A cost from a publication.

    Args:
        energy: J an event.
        time: s an event; 0 where the publication gives none.
        process: that it was measured or calculated in.
        source: the publication.
    """

    energy: float
    time: float
    process: Process
    source: str

    def energy_in(self, process: Process, events: float = 1.0, how: str = "") -> Figure:
        """Energy (J) of so many events in another process.

        Args:
            process: to scale to.
            events: how many, or a factor that `how` explains.
            how: more to say of the estimate.
        """
        factor = process.node / self.process.node * (process.vdd / self.process.vdd) ** 2
        return Figure(events * factor * self.energy, "J", ESTIMATED, self._source(process, "C V^2", how))

    def time_in(self, process: Process, events: float = 1.0, how: str = "") -> Figure:
        """Time (s) of so many events one after the other in another process; see `energy_in`."""
        factor = process.node / self.process.node
        return Figure(events * factor * self.time, "s", ESTIMATED, self._source(process, "the node", how))

    def _source(self, process: Process, rule: str, how: str) -> str:
        scaled = f"{self.source}, {self.process}, scaled by {rule} to {process}"
        return f"{scaled}; {how}" if how else scaled


ADC_BITS = 8
ADC = Published(
    energy=3.1e-3 / 1.2e9,
    time=1 / 1.2e9,
    process=Process(32e-9, 1.0),
    source="Kull et al., IEEE JSSC 48(12), 2013, 8 b 1.2 GS/s SAR ADC, 3.1 mW",
)
"""A conversion."""

WORD_LINE_DRIVER = Published(
    energy=4e-3 / (8 * 128) * 100e-9,
    time=0.0,
    process=Process(32e-9, 1.0),  # the publication gives no supply; 1 V is usual at its node
    source="Shafiee et al. (ISAAC), ISCA 2016, 8 x 128 1-bit DACs, 4 mW, 100 ns cycle",
)
"""One word line for one bit plane."""

_HOROWITZ = "Horowitz, ISSCC 2014, energy table"
INTEGER_ADD = Published(0.1e-12, 0.0, Process(45e-9, 0.9), _HOROWITZ)
"""A 32-bit addition."""

INTEGER_MULTIPLY = Published(3.1e-12, 0.0, Process(45e-9, 0.9), _HOROWITZ)
"""A 32-bit multiplication."""


def adc_energy(process: Process, bits: int, conversions: float = 1.0) -> Figure:
    """Energy (J) of conversions to `bits`: the published one, doubled for every bit more than its 8."""
    how = "" if bits == ADC_BITS else f"times 2 a bit from {ADC_BITS} to {bits}"
    return ADC.energy_in(process, conversions * 2.0 ** (bits - ADC_BITS), how)


def adc_time(process: Process, bits: int, conversions: float = 1.0) -> Figure:
    """Time (s) of conversions to `bits` one after the other: a successive approximation takes one step a bit."""
    how = "" if bits == ADC_BITS else f"in proportion to bits from {ADC_BITS} to {bits}"
    return ADC.time_in(process, conversions * bits / ADC_BITS, how)
