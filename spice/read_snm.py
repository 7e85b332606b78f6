"""A Monte Carlo of the read noise margin alone, by any of three backends that draw the same cells.

- `SharedReadSnm`: ngspice in this process through PySpice; the netlist is loaded once, thresholds are altered.
- `BatchReadSnm`: a process of `ngspice -b` a sample, as a cross-check and as what others do.
- `CompactReadSnm`: the compact cell (`spice.compact`), fitted to ngspice.

The sweep is coarser than `spice.sram`'s, with cubic splines between its points instead of monotone cubics: 0.02 mV RMS
off a sweep ten times as fine at a typical cell, 0.2 mV at worst (a slow cell, cold, at a high supply).
"""

from __future__ import annotations

import math
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
from circuits.netlist import Netlist
from circuits.technology import Device, load_technology
from spice import squares
from spice.batch import run_batch
from spice.compact.cell import CompactCell
from spice.engine import engine, interrupts_later
from spice.mismatch import apply_vth, draw_vth
from spice.sram import SHIFTS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Margins = Callable[[Floats], tuple[float, float]]

STAGE = "sram.mismatch"  # as spice.sram: the same seed and index is the same cell
STEPS = 72  # of the sweep over the supply
UNITS: dict[str, str] = dict.fromkeys(("read_snm", "read_snm_q0", "read_snm_q1", *SHIFTS), "V")


@dataclass(frozen=True)
class SharedReadSnm:
    """Cells with mismatch of the six thresholds, by ngspice in this process.

    The record holds the keys of `UNITS`.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        temperature: C.
        vdd: supply, V.
        seed: the study's.
        steps: of the sweep over the supply.
    """

    technology: str = "sky130"
    corner: str = "tt"
    temperature: float = 27.0
    vdd: float = 1.8
    seed: int = 1
    steps: int = STEPS

    def netlist(self) -> Netlist:
        """The butterfly with its sweep.

        Raises:
            ConfigError: unknown technology or corner.
        """
        netlist = cells.butterfly(load_technology(self.technology), self.corner, self.vdd, self.temperature)
        sweep = f".dc vin 0 {self.vdd!r} {self.vdd / self.steps!r}"
        return replace(netlist, text=f"{netlist.text}\n.save v(in) v(q) v(qb)", analyses=(sweep,))

    def prepare(self) -> Bench:
        """Set up what the cells share."""
        technology = load_technology(self.technology)
        devices = {name: technology.device(name.rsplit("_", 1)[0]) for name in cells.DEVICES}
        return Bench(devices, self.margins())

    def run(self, context: Bench, index: int) -> Record:
        """Draw cell `index` and find its margins."""
        shifts = draw_vth(context.devices, stream(self.seed, STAGE, index))
        zero, one = context.margins(np.array(list(shifts.values())))
        if math.isnan(zero):
            raise SimulationError("no read_snm: the cell has one state only, its curves have no second lobe")
        record: Record = {"read_snm": min(zero, one), "read_snm_q0": zero, "read_snm_q1": one}
        return record | {f"dvth_{name}": shift for name, shift in shifts.items()}

    def margins(self) -> Margins:
        """The backend: it gives a cell's margins storing 0 and 1 (V; NaN without a second lobe) at its shifts (V)."""
        running, netlist = engine(), self.netlist()
        sweep = netlist.analyses[0].removeprefix(".")

        def found(shifts: Floats) -> tuple[float, float]:
            if running.netlist is not netlist:
                running.load(netlist)
            with interrupts_later():
                apply_vth(running, dict(zip(cells.DEVICES, shifts.tolist(), strict=True)))
                swept = running.run(sweep)
            return squares.lobes(swept["in"], swept["q"], swept["qb"])

        return found


class BatchReadSnm(SharedReadSnm):
    """The same cells by a process of `ngspice -b` each."""

    def margins(self) -> Margins:
        """See `SharedReadSnm.margins`."""
        netlist = self.netlist()

        def found(shifts: Floats) -> tuple[float, float]:
            swept = run_batch(replace(netlist, text=_shifted(netlist.text, shifts)))
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
            ConfigError: no such model, or one of another technology or corner.
            ModelRangeError: it was not fitted for this temperature or supply.
        """
        cell = CompactCell.load(self.model)
        for key, wanted in (("technology", self.technology), ("corner", self.corner)):
            if cell.provenance[key] != wanted:
                raise ConfigError(f"{self.model}: {key} is {cell.provenance[key]}, wanted is {wanted}; fit that one")
        condition = cell.at(self.temperature, self.vdd)

        def found(shifts: Floats) -> tuple[float, float]:
            zero, one = condition.read_snm(shifts)[0].tolist()
            return zero, one

        return found


@dataclass(frozen=True)
class Bench:
    """What the samples of one condition share.

    Args:
        devices: by instance.
        margins: the backend.
    """

    devices: Mapping[str, Device]
    margins: Margins


def _shifted(text: str, shifts: Floats) -> str:
    """The netlist's text with each device's threshold shift (V) written into its line."""
    by_name = dict(zip(cells.DEVICES, shifts.tolist(), strict=True))
    return re.sub(r"^m(\w+) .*$", lambda line: f"{line[0]} delvto={by_name[line[1]]!r}", text, flags=re.MULTILINE)
