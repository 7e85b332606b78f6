"""The 8T cell in ngspice: what its read port gives, and that reading leaves it as stable as it is at rest.

- `hold_snm`, `read_snm`: as of the 6T cell (spice/sram.py), the second with read word line and read bit line at vdd;
  the word line is at 0 in both. The port draws no current from the cell, so they agree; both are simulated.
- `read_current`: out of the read bit line when q stores 0, read word line and read bit line at vdd.
- `port_leakage`: likewise when q stores 1; `closed_leakage`: when q stores 0 and the read word line is at 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import cells, eight_t
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice.butterfly import Butterfly
from spice.characterise import Conditions
from spice.engine import engine
from spice.mismatch import Shifts, Variation, named_shifts, shift_units
from spice.spread import VTH, with_spread

STAGE = "eight_t.mismatch"
FIGURES: dict[str, str] = {
    "hold_snm": "V",
    "read_snm": "V",
    "read_current": "A",
    "port_leakage": "A",
    "closed_leakage": "A",
}
_CURVES = ("vin", "read_q", "read_qb")
UNITS: dict[str, str] = {**FIGURES, **dict.fromkeys(_CURVES, "V"), **shift_units((*cells.DEVICES, *eight_t.PORT))}


@dataclass(frozen=True)
class EightTNominal:
    """Task: the cell without mismatch; one sample, index 0.

    Args:
        conditions: technology, corner, temperature, supply and seed.
        role: of both transistors of the read port.
    """

    conditions: Conditions = field(default_factory=Conditions)
    role: str = "nmos_small"

    def prepare(self) -> Benches:
        """The benches under the conditions."""
        return Benches(self.conditions, self.role)

    def run(self, context: Benches, index: int) -> Record:
        """Every figure and the butterfly of a read."""
        del index
        record, curves = context.measure({})
        return record | dict(zip(_CURVES, (curves.vin, curves.q, curves.qb), strict=True))


@dataclass(frozen=True)
class EightTMonteCarlo(EightTNominal):
    """Task: cells with all eight transistors drawn.

    Args:
        variation: of `spice.mismatch.VARIATIONS`.
    """

    variation: str = "vth"

    def prepare(self) -> Benches:
        """The benches, ready for what varies."""
        return Benches(self.conditions, self.role, self.variation)

    def run(self, context: Benches, index: int) -> Record:
        """Draw cell `index` and measure it; the record holds its shifts too."""
        shifts = context.variation.draw(stream(self.conditions.seed, STAGE, index))
        record, _ = context.measure(shifts)
        return record | named_shifts(shifts)


class Benches:
    """What the samples of one condition share.

    Args:
        conditions: technology, corner, temperature and supply.
        role: of the read port's transistors.
        variation: of `spice.mismatch.VARIATIONS`.

    Attributes:
        variation: of all eight transistors.

    Raises:
        ConfigError: an unknown technology, corner, role or variation.
    """

    def __init__(self, conditions: Conditions, role: str, variation: str = "vth") -> None:
        technology = load_technology(conditions.technology)
        at = (technology, conditions.corner, conditions.vdd, conditions.temperature, role)
        self.vdd = conditions.vdd
        roles = {name: name for name in cells.DEVICES} | dict.fromkeys(eight_t.PORT, role)
        self.variation = Variation.of(technology, conditions.corner, roles, variation)
        self._butterfly = self.variation.netlist(eight_t.butterfly(*at))
        self._read = tuple(self.variation.netlist(eight_t.read(*at, bit)) for bit in (0, 1))
        self._engine = engine()

    def netlists(self) -> dict[str, Netlist]:
        """By name."""
        return {"butterfly": self._butterfly, **{f"read-{bit}": self._read[bit] for bit in (0, 1)}}

    def measure(self, shifts: Shifts) -> tuple[Record, Butterfly]:
        """Figures of the cell whose transistors are shifted so, and its curves as it is read.

        Raises:
            SimulationError: the cell has no second state.
        """
        self._engine.load(self._butterfly)
        self.variation.apply(self._engine, shifts)
        curves, record = self._curves(), Record()
        record["read_snm"] = curves.margin()
        self._engine.alter("vrwl", "dc", 0.0)
        record["hold_snm"] = self._curves().margin()
        for bit, name in enumerate(("read_current", "port_leakage")):
            self._engine.load(self._read[bit])
            self.variation.apply(self._engine, shifts)
            record[name] = self._drawn()
            if bit == 0:
                self._engine.alter("vrwl", "dc", 0.0)
                record["closed_leakage"] = self._drawn()
        return record, curves

    def _curves(self) -> Butterfly:
        swept = self._engine.run(self._butterfly.analyses[0].removeprefix("."))
        return Butterfly(swept["in"], swept["q"], swept["qb"])

    def _drawn(self) -> float:
        """Current (A) out of the read bit line."""
        return -float(self._engine.run("op")["vrbl#branch"][0])


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures of the cell.

    Args:
        nominal: record of `EightTNominal`.
        samples: of `EightTMonteCarlo`.
        source: what varies.

    Returns:
        The nominal ones; with samples also `<name>_mean`, `<name>_sigma`, `samples` and `failed_samples`.
    """
    return with_spread(nominal, samples, FIGURES, source=source)
