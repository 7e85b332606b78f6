"""The 6T SRAM cell in ngspice: static margins, read current and leakage, nominal and with mismatch.

The figures, for six transistors without parasitic devices, `.options reltol=1e-4 gmin=1e-15`, steps of vdd / 180:

- `hold_snm`, `read_snm`: side of the largest square in the smaller lobe of the butterfly, both bit lines at vdd, the
  word line at 0 or at vdd. Signed: negative where the cell has lost a state.
- `write_margin_bl`: the left bit line's voltage at which a cell that stores 1 flips as that voltage falls from vdd,
  word line at vdd. `write_margin_wl`: vdd minus the word-line voltage at which it flips as that rises, left bit line at
  0 and the right one at vdd.
- `read_current`: current out of the left bit line into a cell that stores 0, word line and bit lines at vdd. A cell
  that loses its 0 when it is read gives the current after that.
- `leakage`: sum of the currents out of both bit lines and the supply, word line at 0, 0 stored.

A cell with mismatch has two of each; the records hold both (`_q0` and `_q1` for the stored value, `_left` and `_right`
for the bit line), and the names without suffix are the smaller lobe's and the left side's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells
from circuits.netlist import Netlist
from circuits.technology import Device, Technology, load_technology
from spice import write_margin
from spice.butterfly import Butterfly
from spice.engine import Engine, Vectors, engine
from spice.mismatch import apply_vth, draw_vth

FIGURES = {
    "hold_snm": "V",
    "read_snm": "V",
    "write_margin_bl": "V",
    "write_margin_wl": "V",
    "read_current": "A",
    "leakage": "A",
}
_CURVES = ("vin", "read_q", "read_qb", "hold_q", "hold_qb")
_BOTH = {
    **{f"{mode}_snm_q{bit}": "V" for mode in ("hold", "read") for bit in (0, 1)},
    **{f"write_margin_{bench}": "V" for bench in cells.WRITES},
    **{f"read_current_{side}": "A" for side in cells.SIDES},
}
SHIFTS = tuple(f"dvth_{name}" for name in cells.DEVICES)
UNITS: dict[str, str] = {**FIGURES, **_BOTH, **dict.fromkeys(_CURVES, "V"), **dict.fromkeys(SHIFTS, "V")}

_STAGE = "sram.mismatch"
_CLOUD = 3  # of the points of a curve, one in so many is kept for each Monte Carlo sample


@dataclass(frozen=True)
class SramNominal:
    """The cell without mismatch; one sample, index 0.

    The record holds every key of `UNITS` but the shifts; curves have shape (181,).

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        temperature: C.
        vdd: supply, V.
    """

    technology: str = "sky130"
    corner: str = "tt"
    temperature: float = 27.0
    vdd: float = 1.8

    def netlists(self) -> dict[str, Netlist]:
        """What is simulated, by name (`butterfly`, `write`), and the whole `cell` to look at.

        Raises:
            ConfigError: unknown technology or corner, or an impossible supply or temperature.
        """
        condition = (self._technology(), self.corner, self.vdd, self.temperature)
        decks = (cells.butterfly, cells.write, cells.cell)
        return {deck.__name__: deck(*condition) for deck in decks}

    def prepare(self) -> _Bench:
        """Load the technology and solve the nominal write margins, which those of samples start from."""
        netlists, running, technology = self.netlists(), engine(), self._technology()
        devices = {name: technology.device(name.rsplit("_", 1)[0]) for name in cells.DEVICES}
        running.load(netlists["write"])
        start = write_margin.solve(running, self.vdd)
        return _Bench(running, netlists["butterfly"], netlists["write"], devices, start, self.vdd)

    def run(self, context: _Bench, index: int) -> Record:
        """Measure the nominal cell."""
        del index
        return context.measure(dict.fromkeys(cells.DEVICES, 0.0))

    def _technology(self) -> Technology:
        if not (math.isfinite(self.vdd) and self.vdd > 0):
            raise ConfigError(f"vdd = {self.vdd} V: a supply is above 0 V")
        if not (math.isfinite(self.temperature) and self.temperature > -273.15):
            raise ConfigError(f"temperature = {self.temperature} C: it is given in degrees Celsius, above -273.15")
        return load_technology(self.technology)


@dataclass(frozen=True)
class SramMonteCarlo(SramNominal):
    """Cells with mismatch of the six threshold voltages; sample `index` draws its own from the seed.

    The record holds every key of `UNITS`; curves have shape (61,), float32, and shifts are what `delvto` was.

    Args:
        seed: the study's.
    """

    seed: int = 1

    def run(self, context: _Bench, index: int) -> Record:
        """Draw cell `index` and measure it."""
        shifts = draw_vth(context.devices, stream(self.seed, _STAGE, index))
        record = context.measure(shifts)
        record |= {name: np.asarray(record[name], dtype=np.float32)[::_CLOUD] for name in _CURVES}
        return record | {f"dvth_{name}": shift for name, shift in shifts.items()}


@dataclass(frozen=True)
class _Bench:
    """What the samples of one condition share."""

    engine: Engine
    butterfly: Netlist
    write: Netlist
    devices: Mapping[str, Device]
    start: write_margin.Solution
    vdd: float

    def measure(self, shifts: Mapping[str, float]) -> Record:
        """Every figure of the cell whose thresholds are shifted so (V)."""
        self._load(self.butterfly)
        apply_vth(self.engine, shifts)
        record: Record = self._read() | self._hold()
        self._load(self.write)
        for bench in cells.WRITES:
            apply_vth(self.engine, shifts, f"_{bench}")
        written = write_margin.solve(self.engine, self.vdd, self.start)
        record |= {f"write_margin_{name}": float(v) for name, v in zip(cells.WRITES, written.margin, strict=True)}
        return record | {f"write_margin_{line}": record[f"write_margin_{line}_left"] for line in ("bl", "wl")}

    def _read(self) -> Record:
        swept, curves = self._sweep(self.vdd)
        _, qb = curves.rest(0.0)
        q, _ = curves.rest(self.vdd)
        left, right = _drawn(swept, qb, "vbl"), _drawn(swept, q, "vblb")
        currents: Record = {"read_current": left, "read_current_left": left, "read_current_right": right}
        return {"vin": curves.vin} | _margins("read", curves) | currents

    def _hold(self) -> Record:
        swept, curves = self._sweep(0.0)
        q, qb = curves.rest(0.0)
        leakage = _drawn(swept, qb, "vbl", "vdd_left") + _drawn(swept, q, "vblb", "vdd_right")
        return _margins("hold", curves) | {"leakage": leakage}

    def _load(self, netlist: Netlist) -> None:
        if self.engine.netlist is not netlist:
            self.engine.load(netlist)

    def _sweep(self, word_line: float) -> tuple[Vectors, Butterfly]:
        self.engine.alter("vwl", "dc", word_line)
        swept = self.engine.run(self.butterfly.analyses[0].removeprefix("."))
        return swept, Butterfly(swept["in"], swept["q"], swept["qb"])


def figures(nominal: Record, monte_carlo: Samples | None = None) -> dict[str, Figure]:
    """Figures to print.

    Args:
        nominal: record of `SramNominal`.
        monte_carlo: samples of `SramMonteCarlo`.

    Returns:
        Nominal figures under their own names; with samples also `<name>_mean` and `<name>_sigma` (of one cell, over
        those that could be simulated), `samples` and `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), unit) for name, unit in FIGURES.items()}
    if monte_carlo is None or monte_carlo.count == 0:
        return found
    failed = len(monte_carlo.failures)
    if monte_carlo.count - failed > 1:
        for name, unit in FIGURES.items():
            values = monte_carlo.valid(name)
            found[f"{name}_mean"] = Figure(float(np.mean(values)), unit)
            found[f"{name}_sigma"] = Figure(float(np.std(values, ddof=1)), unit)
    return found | {"samples": Figure(monte_carlo.count, "1"), "failed_samples": Figure(failed, "1")}


def _margins(mode: str, curves: Butterfly) -> Record:
    try:
        zero, one = curves.lobes()
    except SimulationError as error:
        raise SimulationError(f"no {mode}_snm: {error}; try a higher vdd, another corner or other sizes") from error
    margins: Record = {f"{mode}_snm": min(zero, one), f"{mode}_snm_q0": zero, f"{mode}_snm_q1": one}
    return margins | {f"{mode}_q": curves.q, f"{mode}_qb": curves.qb}


def _drawn(swept: Vectors, vin: float, *sources: str) -> float:
    """Sum of the currents (A) out of the sources at input `vin`."""
    return -sum(float(np.interp(vin, swept["in"], swept[f"{source}#branch"])) for source in sources)
