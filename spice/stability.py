"""The 6T cell beyond its butterfly, in ngspice: N-curve, data-retention voltage and write time.

- `svnm`, `sinm`, `wtv`, `wti`: of the N-curve (spice/n_curve.py) of the left node, word line and bit lines at vdd.
  Samples also have those of the right node's, by mirroring their shifts: `<name>_left`, `<name>_right`; the name alone
  is the worse.
- `drv`: data-retention voltage, and `drv_lost`: the value that is lost there (spice/drv.py).
- `write_time`: from the word line at vdd / 2 until the storage nodes cross, bit lines standing at the value beforehand
  and the word line rising in 50 ps; `write_time_0` and `write_time_1` by the value written, the name alone is the
  longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells
from circuits.netlist import Netlist
from circuits.stability import WRITTEN, n_curve, retention, write_step
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.drv import retention_voltage
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variation, named_shifts, shift_units, thresholds
from spice.n_curve import margins
from spice.spread import VTH, with_spread
from spice.waves import crossing

STAGE = "sram.mismatch"  # that of spice/sram.py: cell number i is the same cell in both
FIGURES: dict[str, str] = {
    "svnm": "V",
    "sinm": "A",
    "wtv": "V",
    "wti": "A",
    "drv": "V",
    "write_time": "s",
}
MARGINS: Mapping[str, Callable[[float, float], float]] = {"svnm": min, "sinm": min, "wtv": max, "wti": max}
UNITS: dict[str, str] = {
    **FIGURES,
    **{f"{name}_{side}": FIGURES[name] for name in MARGINS for side in cells.SIDES},
    "drv_lost": "1",
    **{f"write_time_{bit}": "s" for bit in (0, 1)},
    "n_curve_v": "V",
    "n_curve_i": "A",
    "write_t": "s",
    **{f"write_{node}": "V" for node in ("wl", "q", "qb")},
    **shift_units(cells.DEVICES),
}
_MIRROR = {
    f"{role}_{side}": f"{role}_{other}" for role in cells.ROLES for side, other in (cells.SIDES, cells.SIDES[::-1])
}
_WINDOW = 0.5e-9  # s, of the first look at a write
_LONGEST = 1e-6  # s that a write may take
_SHOWN = 401  # points of a stored waveform


@dataclass(frozen=True)
class StabilityNominal:
    """Task: the cell without mismatch; one sample, index 0.

    Args:
        conditions: technology, corner, temperature, supply and seed.
    """

    conditions: Conditions = field(default_factory=Conditions)

    def prepare(self) -> Benches:
        """The benches under the conditions."""
        return Benches(self.conditions)

    def run(self, context: Benches, index: int) -> Record:
        """Every figure, the N-curve and a write of 1."""
        del index
        record, curve, wave = context.measure(thresholds(dict.fromkeys(cells.DEVICES, 0.0)))
        time = np.linspace(0.0, float(wave["time"][-1]), _SHOWN)
        nodes = {"wl": "wl", "q": f"{WRITTEN}.q", "qb": f"{WRITTEN}.qb"}
        shown = {f"write_{name}": np.interp(time, wave["time"], wave[node]) for name, node in nodes.items()}
        return record | {"n_curve_v": curve["q"], "n_curve_i": -curve["vin#branch"], "write_t": time} | shown


@dataclass(frozen=True)
class StabilityMonteCarlo(StabilityNominal):
    """Task: drawn cells; sample `index` is the cell of that index of `spice.sram.SramMonteCarlo`.

    Args:
        variation: of `spice.mismatch.VARIATIONS`.
    """

    variation: str = "vth"

    def prepare(self) -> Benches:
        """The benches, ready for what varies."""
        return Benches(self.conditions, self.variation)

    def run(self, context: Benches, index: int) -> Record:
        """Draw cell `index` and measure it."""
        shifts = context.variation.draw(stream(self.conditions.seed, STAGE, index))
        record, _, _ = context.measure(shifts)
        return record | named_shifts(shifts)


class Benches:
    """What the samples of one condition share.

    Args:
        conditions: technology, corner, temperature and supply.
        variation: of `spice.mismatch.VARIATIONS`.

    Attributes:
        variation: of the cell's transistors.

    Raises:
        ConfigError: an unknown technology, corner or variation.
    """

    def __init__(self, conditions: Conditions, variation: str = "vth") -> None:
        technology = load_technology(conditions.technology)
        self._at = (technology, conditions.corner, conditions.vdd, conditions.temperature)
        self.vdd = conditions.vdd
        roles = {name: name for name in cells.DEVICES}
        self.variation = Variation.of(technology, conditions.corner, roles, variation)
        self._n_curve, self._retention = (self.variation.netlist(bench(*self._at)) for bench in (n_curve, retention))
        self.window = _WINDOW
        self._engine = engine()

    def netlists(self) -> dict[str, Netlist]:
        """By name."""
        return {
            "n-curve": self._n_curve,
            "retention": self._retention,
            **{f"write-{bit}": self._write(bit) for bit in (0, 1)},
        }

    def measure(self, shifts: Shifts) -> tuple[Record, Vectors, Vectors]:
        """Figures of the cell whose transistors are shifted so, its N-curve and its write of 1.

        Raises:
            SimulationError: the cell holds no two states when it is read or at rest, or cannot be written.
        """
        curves = [self._curve(shifts), self._curve({name: shifts[_MIRROR[name]] for name in shifts})]
        left, right = (asdict(margins(curve["q"], -curve["vin#branch"])) for curve in curves)
        record: Record = {name: worse(left[name], right[name]) for name, worse in MARGINS.items()}
        for side, found in (("left", left), ("right", right)):
            record |= {f"{name}_{side}": found[name] for name in MARGINS}
        record |= self.at_rest(shifts)
        times, waves = zip(*(self._written(bit, shifts) for bit in (0, 1)), strict=True)
        record |= {"write_time": max(times), "write_time_0": times[0], "write_time_1": times[1]}
        return record, curves[0], waves[1]

    def at_rest(self, shifts: Shifts) -> Record:
        """Of the cell whose transistors are shifted so, `drv` (V) and the value that it loses there, `drv_lost`.

        Raises:
            SimulationError: the cell holds no two states at rest.
        """
        self._engine.load(self._retention)
        self.variation.apply(self._engine, shifts)
        drv, lost = retention_voltage(self._engine, self.vdd)
        return {"drv": drv, "drv_lost": float(lost)}

    def _curve(self, shifts: Shifts) -> Vectors:
        self._engine.load(self._n_curve)
        self.variation.apply(self._engine, shifts)
        return self._engine.run(self._n_curve.analyses[0].removeprefix("."))

    def _write(self, bit: int) -> Netlist:
        return write_step(*self._at, bit, self.window)

    def _written(self, bit: int, shifts: Shifts) -> tuple[float, Vectors]:
        """Time (s) and waveforms of a write of `bit`; the window stays as it began, whatever a sample needed."""
        window = self.window
        while window <= _LONGEST:
            netlist = self.variation.netlist(write_step(*self._at, bit, window), within=("cell",))
            self._engine.load(netlist)
            self.variation.apply(self._engine, shifts, f"m.{WRITTEN}.m{{}}".format)
            found = self._engine.run(netlist.analyses[0].removeprefix("."))
            start = crossing(found["time"], found["wl"], self.vdd / 2, rising=True)
            apart = found[f"{WRITTEN}.q"] - found[f"{WRITTEN}.qb"]
            time = crossing(found["time"], apart, 0.0, rising=bool(bit)) - start
            if not math.isnan(time):
                return time, found
            window *= 4
        raise SimulationError(f"a {bit} is not written within {_LONGEST:g} s")


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures of the cell.

    Args:
        nominal: record of `StabilityNominal`.
        samples: of `StabilityMonteCarlo`.
        source: what varies.

    Returns:
        The nominal ones; with samples also `<name>_mean`, `<name>_sigma` (over those that could be simulated),
        `samples` and `failed_samples`.
    """
    return with_spread(nominal, samples, FIGURES, source=source)
