"""Costs of converters and digital logic from publications, as data, and their scaling to the process at hand.

A published figure holds for its own node and supply. `Published.energy_in` and `time_in` take it to another process by
first-order scaling: energy as C V^2 with C in proportion to the node, time in proportion to the node (Rabaey et al.,
Digital Integrated Circuits, 2003, section 3.5). That is an estimate, and says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitline.core.array import Cost, Stats
from bitline.core.figures import ESTIMATED, MODELLED, Figure
from circuits.tile import TileConfig


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
        area: m^2 of what does it; 0 where the publication gives none.
    """

    energy: float
    time: float
    process: Process
    source: str
    area: float = 0.0

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

    def area_in(self, process: Process, count: float = 1.0, how: str = "") -> Figure:
        """Area (m^2) of so many in another process, in proportion to the node squared; see `energy_in`."""
        factor = (process.node / self.process.node) ** 2
        return Figure(count * factor * self.area, "m^2", ESTIMATED, self._source(process, "the node squared", how))

    def _source(self, process: Process, rule: str, how: str) -> str:
        scaled = f"{self.source}, {self.process}, scaled by {rule} to {process}"
        return f"{scaled}; {how}" if how else scaled


ADC_BITS = 8
ADC = Published(
    energy=3.1e-3 / 1.2e9,
    time=1 / 1.2e9,
    process=Process(32e-9, 1.0),
    source="Kull et al., IEEE JSSC 48(12), 2013, 8 b 1.2 GS/s SAR ADC, 3.1 mW, 0.0015 mm^2",
    area=0.0015e-6,
)
"""A conversion."""

WORD_LINE_DRIVER = Published(
    energy=4e-3 / (8 * 128) * 100e-9,
    time=0.0,
    process=Process(32e-9, 1.0),  # the publication gives no supply; 1 V is usual at its node
    source="Shafiee et al. (ISAAC), ISCA 2016, 8 x 128 1-bit DACs, 4 mW, 0.00017 mm^2, 100 ns cycle",
    area=0.00017e-6 / (8 * 128),
)
"""One word line for one bit plane."""

CELL = Published(
    energy=0.0,
    time=0.0,
    process=Process(32e-9, 1.0),
    source="Shafiee et al. (ISAAC), ISCA 2016, 8 crossbars of 128 x 128, 0.0002 mm^2",
    area=0.0002e-6 / (8 * 128 * 128),
)
"""A crossbar's cell with its wires; without a select transistor."""

_HOROWITZ = "Horowitz, ISSCC 2014, energy table"
INTEGER_ADD = Published(0.1e-12, 0.0, Process(45e-9, 0.9), _HOROWITZ)
"""A 32-bit addition."""

INTEGER_MULTIPLY = Published(3.1e-12, 0.0, Process(45e-9, 0.9), _HOROWITZ)
"""A 32-bit multiplication."""


NOT_IN_AREA = "digital logic, front ends, references, decoders, routing, select transistors"


def _decisions(kind: str, bits: int) -> tuple[int, int]:
    """A comparator's decisions in a conversion, and the steps that they take one after the other."""
    return {"sar": (bits, bits), "ramp": (2**bits, 2**bits), "flash": (2**bits - 1, 1)}[kind]


def adc_energy(process: Process, bits: int, conversions: float = 1.0, kind: str = "sar") -> Figure:
    """Energy (J) of conversions to `bits`.

    A SAR's is the published one, doubled for every bit more than its 8: what noise and matching ask for. Of the others
    the comparator's decisions are counted, each an eighth of the published SAR's conversion.
    """
    if kind == "sar":
        how = "" if bits == ADC_BITS else f"times 2 a bit from {ADC_BITS} to {bits}"
        return ADC.energy_in(process, conversions * 2.0 ** (bits - ADC_BITS), how)
    decisions, _ = _decisions(kind, bits)
    how = f"{kind}: {decisions} comparator decisions of {bits} bits, each an {ADC_BITS}th of that SAR's"
    return ADC.energy_in(process, conversions * decisions / ADC_BITS, how)


def adc_time(process: Process, bits: int, conversions: float = 1.0, kind: str = "sar") -> Figure:
    """Time (s) of conversions to `bits` one after the other: a SAR takes a step a bit, a ramp 2^bits, a flash one."""
    _, steps = _decisions(kind, bits)
    how = "" if kind == "sar" and bits == ADC_BITS else f"in proportion to bits from {ADC_BITS} to {bits}"
    if kind != "sar":
        how = f"{kind}: {steps} comparator steps of {bits} bits, each an {ADC_BITS}th of that SAR's"
    return ADC.time_in(process, conversions * steps / ADC_BITS, how)


def adc_area(process: Process, bits: int, count: float = 1.0, kind: str = "sar") -> Figure:
    """Area (m^2) of converters: a SAR's and a ramp's are the published one, doubled a bit as its capacitors are."""
    if kind == "flash":
        comparators = 2**bits - 1
        how = f"flash: {comparators} comparators, each an {ADC_BITS}th of that SAR"
        return ADC.area_in(process, count * comparators / ADC_BITS, how)
    how = "" if bits == ADC_BITS else f"times 2 a bit from {ADC_BITS} to {bits}"
    how = "; ".join(filter(None, [how, "" if kind == "sar" else "ramp: a generator as large as that SAR's capacitors"]))
    return ADC.area_in(process, count * 2.0 ** (bits - ADC_BITS), how)


def driver_energy(process: Process, bits: int, drives: float = 1.0) -> Figure:
    """Energy (J) of driving word lines with digits of `bits`, in proportion to the steps that a driver makes."""
    how = "" if bits == 1 else f"times {2**bits - 1} for the steps of {bits} bits"
    return WORD_LINE_DRIVER.energy_in(process, drives * (2**bits - 1), how)


def tile_cost(config: TileConfig, channels: int, stats: Stats) -> Cost:
    """What `stats` cost on a tile of `channels` channels in use: energy of all, latency of one product.

    The energy of cells and wires is computed from their currents; those of converters and adders are estimated from
    published figures of other nodes.
    """
    count, process = stats.counts, Process(config.node, config.vdd)
    conversions, turns = count.get("conversions", 0), config.planes * math.ceil(channels / config.converters)
    additions = conversions + stats.products * _combining(config, channels)
    energy = {name: Figure(joules, "J", MODELLED) for name, joules in stats.energy.items()} | {
        "dac": driver_energy(process, config.dac.bits, count.get("drives", 0)),
        "adc": adc_energy(process, config.adc_bits, conversions, config.adc.kind),
        "shift_add": INTEGER_ADD.energy_in(process, additions),
    }
    latency = {
        "array": Figure(config.planes * config.t_read, "s", MODELLED, "t_read of a plane is an input"),
        "adc": adc_time(process, config.adc_bits, turns, config.adc.kind),
    }
    return Cost(energy, latency)


def _combining(config: TileConfig, channels: int) -> int:
    """Additions that make a product's outputs of its channels' sums: references taken off, slices added."""
    slices, referred = config.layout.slices, config.layout.digital_reference
    outputs = channels // slices - referred
    return outputs * (slices - 1 + slices * referred)


def tile_area(config: TileConfig) -> dict[str, Figure]:
    """Area (m^2) of a tile by component. Not in it: what `NOT_IN_AREA` lists."""
    process = Process(config.node, config.vdd)
    steps = config.dac.largest
    how = "" if steps == 1 else f"times {steps} for the steps of {config.dac.bits} bits"
    return {
        "cells": CELL.area_in(process, config.rows * config.cols),
        "dac": WORD_LINE_DRIVER.area_in(process, config.rows * steps, how),
        "adc": adc_area(process, config.adc_bits, config.converters, config.adc.kind),
    }
