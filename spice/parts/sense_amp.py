"""The latch sense amplifier."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.sense_amp import SenseBench
from spice.characterise import Conditions, Part
from spice.fits_sense_amp import FEWEST, check_sense_amp, fit_sense_amp
from spice.latch import netlist
from spice.sense_amp import NODES, UNITS, SenseAmpMonteCarlo, SenseAmpNominal, figures


def make(below_vdd: float = 0.2) -> Part:
    """The part, with the common mode of its inputs so far below the supply (V)."""
    bench = SenseBench(below_vdd=below_vdd)

    def nominal(conditions: Conditions) -> SenseAmpNominal:
        return SenseAmpNominal(conditions, bench)

    def monte_carlo(conditions: Conditions) -> SenseAmpMonteCarlo:
        return SenseAmpMonteCarlo(conditions, bench)

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return {"latch": netlist(conditions, bench)}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=fit_sense_amp,
        check=check_sense_amp,
        netlists=netlists,
        waveforms={f"read-{bit}": ("time", *(f"read{bit}_{node}" for node in NODES)) for bit in (0, 1)},
        fewest=FEWEST,
    )
