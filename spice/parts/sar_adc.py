"""A successive-approximation converter with a StrongARM comparator and a binary-weighted capacitor array."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.sar_adc import SarAdc
from circuits.sar_array import SOURCE, CapacitorArray
from circuits.sar_comparator import StrongArm
from spice import sar_adc
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.mismatch import variation_source
from spice.sar_adc import NODES, SHARES, UNITS, Converter, SarAdcMonteCarlo, SarAdcNominal
from spice.unfitted import no_models, no_residuals


def make(
    bits: int = 8,
    side: float = 2e-6,
    pair: int = 4,
    t_sample: float = 10e-9,
    t_bit: float = 5e-9,
    variation: str = "vth",
) -> Part:
    """The part; `circuits.sar_adc` and `circuits.sar_array` say what its settings are.

    Raises:
        ConfigError: an impossible setting.
    """
    variation_source(variation)
    converter = Converter(
        SarAdc(CapacitorArray(whole("bits", bits), side), StrongArm(whole("pair", pair)), t_sample, t_bit), variation
    )

    def nominal(conditions: Conditions) -> SarAdcNominal:
        return SarAdcNominal(conditions, converter)

    def monte_carlo(conditions: Conditions) -> SarAdcMonteCarlo:
        return SarAdcMonteCarlo(conditions, converter)

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return {"conversion": converter.netlist(conditions, SHARES[1])}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=lambda record, samples: sar_adc.figures(record, samples, converter),
        fit=no_models,
        check=no_residuals,
        netlists=netlists,
        inputs=SOURCE,
        waveforms={"conversion": ("time", *(f"conversion_{node}" for node in NODES), "conversion_code")},
    )
