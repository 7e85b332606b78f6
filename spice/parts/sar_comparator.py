"""The StrongARM comparator of a successive-approximation converter."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from circuits.netlist import Netlist
from circuits.sar_comparator import ComparatorBench, StrongArm
from spice import sar_comparator
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.mismatch import variation_source
from spice.sar_comparator import NODES, UNITS, Comparator, ComparatorMonteCarlo, ComparatorNominal
from spice.unfitted import no_models, no_residuals


def make(
    pair: int = 4,
    common: float = 0.9,
    c_source: float = 1e-12,
    variation: str = "vth",
    decision_time: float = 1e-9,
    full_scale: float = 0.9,
) -> Part:
    """The part.

    Args:
        pair: devices in parallel of each input transistor.
        common: mode of the inputs, V.
        c_source: capacitance that holds each input, F.
        variation: of `spice.mismatch.VARIATIONS`.
        decision_time: that a decision may take, for the probability of metastability, s.
        full_scale: that the inputs spread evenly over, V.

    Raises:
        ConfigError: an impossible setting.
    """
    variation_source(variation)
    for name, value in (("c_source", c_source), ("decision_time", decision_time), ("full_scale", full_scale)):
        if not value > 0:
            raise ConfigError(f"{name} = {value:g}: it is above 0")
    what = Comparator(StrongArm(whole("pair", pair)), ComparatorBench(common, c_source=c_source), variation)

    def nominal(conditions: Conditions) -> ComparatorNominal:
        return ComparatorNominal(conditions, what)

    def monte_carlo(conditions: Conditions) -> ComparatorMonteCarlo:
        return ComparatorMonteCarlo(conditions, what)

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return {"decision": what.netlist(conditions, difference=sar_comparator.DELAY_DIFFERENCE)}

    def figures(record: Record, samples: Samples | None) -> dict[str, Figure]:
        return sar_comparator.figures(record, samples, variation, decision_time, full_scale)

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=netlists,
        waveforms={f"decision-{bit}": ("time", *(f"decision{bit}_{node}" for node in NODES)) for bit in (0, 1)},
    )
