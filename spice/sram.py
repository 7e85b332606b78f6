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

A cell without a second state, or that cannot be written, lacks that figure: NaN in its record, whose text `absent` says
which and why, beside the figures that it has. In a spread it counts as a bound (`spice.censored`): its noise margin is
below 0, as those of all cells with a negative one then are, its write margin below the lowest setting that is tried.
The nominal cell must have them all.

What varies: between cells, each transistor's own threshold, or in full (`spice.mismatch`); between dies, what the
corners differ in (`circuits.process`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from bitline.core.suggest import suggestion
from circuits import cells
from circuits.model_card import MISMATCH
from circuits.netlist import Netlist
from circuits.own_cards import own_cards
from circuits.process import SCORES
from circuits.technology import Technology, load_technology
from spice import censored, mismatch, sram_bench, write_margin
from spice.engine import engine
from spice.mismatch import Floats, Variable
from spice.process import load_process
from spice.spread import VTH, with_spread
from spice.sram_bench import Bench, transistor_of

FIGURES = sram_bench.FIGURES
_CURVES = ("vin", "read_q", "read_qb", "hold_q", "hold_qb")
BOTH = {
    **{f"{mode}_snm_q{bit}": "V" for mode in ("hold", "read") for bit in (0, 1)},
    **{f"write_margin_{bench}": "V" for bench in cells.WRITES},
    **{f"read_current_{side}": "A" for side in cells.SIDES},
}
LOBES: Mapping[str, tuple[str, str]] = {
    **{f"{mode}_snm": (f"{mode}_snm_q0", f"{mode}_snm_q1") for mode in ("read", "hold")},
    **{f"write_margin_{line}": (f"write_margin_{line}_left", f"write_margin_{line}_right") for line in ("bl", "wl")},
    "read_current": ("read_current_left", "read_current_right"),
}
"""The two figures of a cell behind a figure: one of each stored value, or of each side."""

BOUNDS: Mapping[str, float] = {
    **dict.fromkeys(("hold_snm", "read_snm"), 0.0),
    **dict.fromkeys(("write_margin_bl", "write_margin_wl"), write_margin.LOWEST),
}
"""What a figure that a cell lacks lies below, in supplies."""

SHIFTS = tuple(f"dvth_{name}" for name in cells.DEVICES)
UNITS: dict[str, str] = {**FIGURES, **BOTH, **dict.fromkeys(_CURVES, "V"), **dict.fromkeys(SHIFTS, "V")}
VARIED_UNITS: dict[str, str] = {
    **{f"d{name}_{device}": mismatch.UNITS[name] for name in MISMATCH for device in cells.DEVICES},
    **{f"die_{name}": "1" for name in SCORES},
}
"""Units of every shift and die score that some variation records."""

PROCESSES = ("corner", "global")
_STAGE, _DIES = "sram.mismatch", "sram.process"
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

    def prepare(self) -> Bench:
        """Load the technology and solve the nominal write margins, which those of samples start from."""
        return self._bench(own=False)

    def run(self, context: Bench, index: int) -> Record:
        """Measure the nominal cell.

        Raises:
            SimulationError: it has no second state, or cannot be written.
        """
        del index
        record = context.measure(dict.fromkeys(cells.DEVICES, 0.0))
        if record["absent"]:
            raise SimulationError(str(record["absent"]))
        return record

    def _technology(self) -> Technology:
        if not (math.isfinite(self.vdd) and self.vdd > 0):
            raise ConfigError(f"vdd = {self.vdd} V: a supply is above 0 V")
        if not (math.isfinite(self.temperature) and self.temperature > -273.15):
            raise ConfigError(f"temperature = {self.temperature} C: it is given in degrees Celsius, above -273.15")
        return load_technology(self.technology)

    def _bench(self, *, own: bool, written: bool = True) -> Bench:
        """The benches, with a card a transistor if `own`, and the nominal write margins solved if `written`."""
        netlists, technology = self.netlists(), self._technology()
        if own:
            netlists = {name: own_cards(netlist, transistor_of) for name, netlist in netlists.items()}
        bench = Bench(
            engine(),
            netlists["butterfly"],
            netlists["write"],
            {name: technology.device(name) for name in cells.DEVICES},
            {name: technology.card(name, self.corner) for name in cells.DEVICES} if own else {},
            self.vdd,
        )
        return bench.started() if written else bench


@dataclass(frozen=True)
class SramMonteCarlo(SramNominal):
    """Cells of a Monte Carlo; sample `index` draws its own variation from the seed.

    The record holds every key of `UNITS` and, beyond the thresholds' shifts (as `delvto` takes them), those keys of
    `VARIED_UNITS` that vary; curves have shape (61,), float32.

    Args:
        seed: the study's.
        variation: from cell to cell: "none", "vth" or "full" (see `spice.mismatch`).
        process: "corner", every cell on the corner's die; "global", each on a die of its own (see `circuits.process`).
        corner_sigma: for "global", how many standard deviations of each polarity a corner lies out.
    """

    seed: int = 1
    variation: str = "vth"
    process: str = "corner"
    corner_sigma: float = 3.0

    def check(self) -> None:
        """Refuse what cannot be varied.

        Raises:
            ConfigError: unknown variation or process, or a global process at another corner than the typical one.
        """
        mismatch.variables({}, self.variation)
        if self.process not in PROCESSES:
            raise ConfigError(f"process = {self.process!r} is unknown{suggestion(self.process, PROCESSES)}")
        typical = self._technology().corners[0]
        if self.process == "global" and self.corner != typical:
            raise ConfigError(
                f"corner = {self.corner!r}: a global process is spread about {typical!r} and reaches the others itself"
            )

    def prepare(self) -> Bench:
        """As the nominal task, and what varies; ConfigError as `check`."""
        self.check()
        dies = load_process(self.technology, self.corner_sigma) if self.process == "global" else None
        bench = self._bench(own=self.variation == "full" or dies is not None)
        return replace(bench, variables=mismatch.variables(bench.devices, self.variation), dies=dies)

    def run(self, context: Bench, index: int) -> Record:
        """Draw cell `index` and measure it."""
        scores = stream(self.seed, _STAGE, index).standard_normal(len(context.variables))
        die = context.dies.scores(stream(self.seed, _DIES, index)) if context.dies else None
        record = context.measure_at(scores, die)
        record |= {name: np.asarray(record[name], dtype=np.float32)[::_CLOUD] for name in _CURVES}
        return dict.fromkeys(SHIFTS, 0.0) | record


@dataclass(frozen=True)
class SramPoints(SramNominal):
    """The cell at given points of its variation: standard-normal scores of each variable.

    The record holds `scores` and the `LOBES` of each wanted figure.

    Args:
        variation: see `SramMonteCarlo`.
        wanted: figures, of `LOBES`.
        points: scores of every sample, shape (samples, variables).
        first: index of the first of them.
    """

    variation: str = "vth"
    wanted: tuple[str, ...] = ("read_snm",)
    points: Floats = field(default_factory=lambda: np.zeros((0, 0)), compare=False)
    first: int = 0

    def variables(self) -> tuple[Variable, ...]:
        """What the scores stand for.

        Raises:
            ConfigError: unknown technology or variation.
        """
        technology = self._technology()
        return mismatch.variables({name: technology.device(name) for name in cells.DEVICES}, self.variation)

    def prepare(self) -> Bench:
        """Load what the wanted figures need."""
        written = any(name.startswith("write") for name in self.wanted)
        bench = self._bench(own=self.variation == "full", written=written)
        return replace(bench, variables=mismatch.variables(bench.devices, self.variation))

    def run(self, context: Bench, index: int) -> Record:
        """Measure the wanted figures at point `index`."""
        scores = self.points[index - self.first]
        record = context.measure_at(scores, None, self.wanted)
        return {"scores": scores} | {lobe: record[lobe] for name in self.wanted for lobe in LOBES[name]}


def figures(nominal: Record, monte_carlo: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures to print.

    Args:
        nominal: record of `SramNominal`.
        monte_carlo: samples of `SramMonteCarlo`.
        source: what varies from sample to sample.

    Returns:
        Nominal figures under their own names; with samples also `<name>_mean` and `<name>_sigma` (of one cell, over
        those that could be simulated), `samples` and `failed_samples`. Where cells lack a figure, `<name>_bounded` is
        how many lie below its bound, they and those that have one there, and mean and sigma are modelled: those of a
        normal population that has the others and so many below the bound.
    """
    found = with_spread(nominal, monte_carlo, FIGURES, source=source)
    if monte_carlo is None or not monte_carlo.columns:
        return found
    vdd = float(np.asarray(nominal["vin"])[-1])
    return censored.with_bounds(found, monte_carlo, {name: bound * vdd for name, bound in BOUNDS.items()}, source)
