"""Published costs of converters and digital logic, as data: each with its node, and what is scaled says so."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.core.figures import ESTIMATED, PUBLISHED, Figure


@dataclass(frozen=True)
class Published:
    """A cost from a publication.

    Args:
        energy: J an event.
        time: s an event; 0 where the publication gives none.
        source: the publication and its node.
    """

    energy: float
    time: float
    source: str


ADC_BITS = 8
ADC = Published(
    energy=3.1e-3 / 1.2e9,
    time=1 / 1.2e9,
    source="Kull et al., IEEE JSSC 48(12), 2013: 8 b 1.2 GS/s SAR ADC, 3.1 mW, 32 nm SOI",
)
"""A conversion."""

WORD_LINE_DRIVER = Published(
    energy=4e-3 / (8 * 128) * 100e-9,
    time=0.0,
    source="Shafiee et al. (ISAAC), ISCA 2016: 8 x 128 1-bit DACs, 4 mW, 100 ns cycle, 32 nm",
)
"""One word line for one bit plane."""

_HOROWITZ = "Horowitz, ISSCC 2014, energy table, 45 nm, 0.9 V"
INTEGER_ADD_8 = Published(0.03e-12, 0.0, _HOROWITZ)
INTEGER_ADD_32 = Published(0.1e-12, 0.0, _HOROWITZ)
INTEGER_MULTIPLY_8 = Published(0.2e-12, 0.0, _HOROWITZ)
INTEGER_MULTIPLY_32 = Published(3.1e-12, 0.0, _HOROWITZ)


def adc_energy(bits: int) -> Figure:
    """Energy (J) of a conversion to `bits`: the published 8-bit one, doubled for every bit more."""
    if bits == ADC_BITS:
        return Figure(ADC.energy, "J", PUBLISHED, ADC.source)
    scaled = f"{ADC.source}; times 2 a bit from {ADC_BITS} to {bits}"
    return Figure(ADC.energy * 2.0 ** (bits - ADC_BITS), "J", ESTIMATED, scaled)


def adc_time(bits: int) -> Figure:
    """Time (s) of a conversion to `bits`: a successive approximation takes one step a bit."""
    if bits == ADC_BITS:
        return Figure(ADC.time, "s", PUBLISHED, ADC.source)
    scaled = f"{ADC.source}; in proportion to bits from {ADC_BITS} to {bits}"
    return Figure(ADC.time * bits / ADC_BITS, "s", ESTIMATED, scaled)
