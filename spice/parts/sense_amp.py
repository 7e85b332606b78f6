"""The latch sense amplifier."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.sense_amp import SenseBench
from spice.characterise import Conditions, Part
from spice.fits_sense_amp import check_sense_amp, fit_sense_amp
from spice.sense_amp import NODES, UNITS, SenseAmpMonteCarlo, SenseAmpNominal, figures, netlist


def _netlists(conditions: Conditions) -> dict[str, Netlist]:
    return {"latch": netlist(conditions, SenseBench())}


def make() -> Part:
    """The part; it has no settings."""
    return Part(
        nominal=SenseAmpNominal,
        monte_carlo=SenseAmpMonteCarlo,
        units=UNITS,
        figures=figures,
        fit=fit_sense_amp,
        check=check_sense_amp,
        netlists=_netlists,
        waveforms={f"read-{bit}": ("time", *(f"read{bit}_{node}" for node in NODES)) for bit in (0, 1)},
    )
