"""A Monte Carlo of the read noise margin alone, by any of three backends that draw the same cells.

- `SharedReadSnm`: ngspice in this process through PySpice; the netlist is loaded once, transistors are altered.
- `BatchReadSnm`: a process of `ngspice -b` a sample, as a cross-check and as what others do.
- `CompactReadSnm`: the compact cell (`spice.compact`), fitted to ngspice.

The sweep is coarser than `spice.sram`'s, with cubic splines between its points instead of monotone cubics: 0.02 mV RMS
off a sweep ten times as fine at a typical cell, 0.2 mV at worst (a slow cell, cold, at a high supply).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits import cells
from circuits.model_card import Card, parse_cards
from circuits.netlist import Netlist
from circuits.own_cards import own_model
from circuits.technology import load_technology
from spice import squares
from spice.batch import run_batch
from spice.compact.cell import CompactCell
from spice.engine import engine, interrupts_later
from spice.mismatch import Shifts, Variation, model_values, named_shifts, shift_units
from spice.sram_bench import absent, noise_margins

Floats = np.ndarray[Any, np.dtype[np.float64]]
Margins = Callable[[Shifts], tuple[float, float]]

STAGE = "sram.mismatch"  # as spice.sram: the same seed and index is the same cell
STEPS = 72  # of the sweep over the supply
MARGINS = ("read_snm", "read_snm_q0", "read_snm_q1")
UNITS: dict[str, str] = dict.fromkeys(MARGINS, "V") | shift_units(cells.DEVICES)


@dataclass(frozen=True)
class SharedReadSnm:
    """Cells with mismatch, by ngspice in this process.

    The record holds the margins and the shifts of what varies, of the keys of `UNITS`. A cell that lacks a lobe has NaN
    there, and the text `absent` says why, as in `spice.sram`.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        temperature: C.
        vdd: supply, V.
        seed: the study's.
        steps: of the sweep over the supply.
        variation: "none", "vth" or "full" (see `spice.mismatch`).
    """

    technology: str = "sky130"
    corner: str = "tt"
    temperature: float = 27.0
    vdd: float = 1.8
    seed: int = 1
    steps: int = STEPS
    variation: str = "vth"

    def varied(self) -> Variation:
        """What varies.

        Raises:
            ConfigError: unknown technology, corner or variation.
        """
        roles = {name: name for name in cells.DEVICES}
        return Variation.of(load_technology(self.technology), self.corner, roles, self.variation)

    def netlist(self) -> Netlist:
        """The butterfly with its sweep, with a card a transistor where cards vary.

        Raises:
            ConfigError: unknown technology or corner.
        """
        netlist = cells.butterfly(load_technology(self.technology), self.corner, self.vdd, self.temperature)
        netlist = self.varied().netlist(netlist)
        sweep = f".dc vin 0 {self.vdd!r} {self.vdd / self.steps!r}"
        return replace(netlist, text=f"{netlist.text}\n.save v(in) v(q) v(qb)", analyses=(sweep,))

    def prepare(self) -> Bench:
        """Set up what the cells share."""
        return Bench(self.varied(), self.margins())

    def run(self, context: Bench, index: int) -> Record:
        """Draw cell `index` and find its margins.

        Raises:
            SimulationError: ngspice found no solution, or nothing varies and the cell has one state only.
        """
        shifts = context.varied.draw(stream(self.seed, STAGE, index))
        record = noise_margins("read", *context.margins(shifts))
        missing = absent(record)
        if missing and not context.varied.variables:  # the nominal cell must have its margin
            raise SimulationError(missing)
        return record | named_shifts(shifts) | {"absent": missing}

    def margins(self) -> Margins:
        """The backend: it gives a cell's margins storing 0 and 1 (V; NaN for a lobe that is not there)."""
        running, netlist, varied = engine(), self.netlist(), self.varied()
        sweep = netlist.analyses[0].removeprefix(".")

        def found(shifts: Shifts) -> tuple[float, float]:
            if running.netlist is not netlist:
                running.load(netlist)
            with interrupts_later():
                varied.apply(running, shifts)
                swept = running.run(sweep)
            return squares.lobes(swept["in"], swept["q"], swept["qb"])

        return found


class BatchReadSnm(SharedReadSnm):
    """The same cells by a process of `ngspice -b` each."""

    def margins(self) -> Margins:
        """See `SharedReadSnm.margins`."""
        netlist, cards = self.netlist(), self.varied().cards

        def found(shifts: Shifts) -> tuple[float, float]:
            swept = run_batch(replace(netlist, text=_shifted(netlist.text, shifts, cards)))
            return squares.lobes(swept["in"], swept["q"], swept["qb"])

        return found


@dataclass(frozen=True)
class CompactReadSnm(SharedReadSnm):
    """The same cells by the compact model.

    Args:
        model: file of the compact cell of this technology and corner.
    """

    model: Path = Path()

    def margins(self) -> Margins:
        """See `SharedReadSnm.margins`.

        Raises:
            ConfigError: no such model, or one of another technology or corner, or something varies that it has not.
            ModelRangeError: it was not fitted for this temperature or supply.
        """
        cell = CompactCell.load(self.model)
        for key, wanted in (("technology", self.technology), ("corner", self.corner)):
            if cell.provenance[key] != wanted:
                raise ConfigError(f"{self.model}: {key} is {cell.provenance[key]}, wanted is {wanted}; fit that one")
        condition = cell.at(self.temperature, self.vdd)
        columns = {known.name: column for column, known in enumerate(condition.inputs)}
        if missing := [variable.name for variable in self.varied().variables if variable.name not in columns]:
            raise ConfigError(f"the compact cell knows no {missing[0]}; take variation = 'vth', or an ngspice backend")

        def found(shifts: Shifts) -> tuple[float, float]:
            whole = np.zeros(len(columns))
            for name, shift in named_shifts(shifts).items():
                whole[columns[name]] = shift
            zero, one = condition.read_snm(whole)[0].tolist()
            return zero, one

        return found


@dataclass(frozen=True)
class Bench:
    """What the samples of one condition share.

    Args:
        varied: what varies.
        margins: the backend.
    """

    varied: Variation
    margins: Margins


def _shifted(text: str, shifts: Shifts, cards: Mapping[str, Card]) -> str:
    """The netlist's text with each transistor's shifts written into its line and its card."""
    text = re.sub(r"^m(\w+) .*$", lambda line: f"{line[0]} delvto={shifts[line[1]]['vth']!r}", text, flags=re.MULTILINE)
    own = parse_cards(text, "netlist")
    for device, card in cards.items():
        written = changed = own[own_model(card.name, device).lower()].text.rstrip()
        for name, value in model_values(card, shifts[device]).items():
            changed = re.sub(rf"(\s{name}\s*=\s*)\S+", rf"\g<1>{value!r}", changed, flags=re.IGNORECASE)
        text = text.replace(written, changed)
    return text
