"""The latch sense amplifier."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.sense_amp import TRANSISTORS, SenseBench
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.fits_sense_amp import check_sense_amp, compare_sense_amp, fewest, fit_sense_amp
from spice.latch import netlist
from spice.mismatch import VARIATIONS, variation_source
from spice.sense_amp import NODES, READ_DIFFERENCE, UNITS, SenseAmpMonteCarlo, SenseAmpNominal, figures


def make(below_vdd: float = 0.2, variation: str = "vth", difference: float = READ_DIFFERENCE, sweep: float = 0) -> Part:
    """The part.

    Args:
        below_vdd: how far the common mode of its inputs lies below the supply, V.
        variation: that samples draw, of `spice.mismatch.VARIATIONS`.
        difference: between the bit lines in the read whose failures are counted, V.
        sweep: points along each axis on which the offset is stated (loads, common mode, slew); 0 leaves them out.
    """
    bench, source = SenseBench(below_vdd=below_vdd), variation_source(variation)
    points = whole("sweep", sweep)

    def nominal(conditions: Conditions) -> SenseAmpNominal:
        return SenseAmpNominal(conditions, bench, difference, variation, points)

    def monte_carlo(conditions: Conditions) -> SenseAmpMonteCarlo:
        return SenseAmpMonteCarlo(conditions, bench, difference, variation)

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return {"latch": netlist(conditions, bench)}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=lambda record, samples: figures(record, samples, source),
        fit=fit_sense_amp,
        check=check_sense_amp,
        compare=compare_sense_amp,
        netlists=netlists,
        waveforms={f"read-{bit}": ("time", *(f"read{bit}_{node}" for node in NODES)) for bit in (0, 1)},
        fewest=fewest(len(TRANSISTORS) * len(VARIATIONS[variation])),
    )
