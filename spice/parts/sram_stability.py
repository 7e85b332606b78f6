"""The 6T cell's N-curve, data-retention voltage and write time."""

from __future__ import annotations

from spice.characterise import Part
from spice.mismatch import variation_source
from spice.stability import UNITS, Benches, StabilityMonteCarlo, StabilityNominal, figures
from spice.unfitted import no_models, no_residuals


def make(variation: str = "vth") -> Part:
    """The part; samples draw what `variation` (of `spice.mismatch.VARIATIONS`) says."""
    source = variation_source(variation)
    return Part(
        nominal=StabilityNominal,
        monte_carlo=lambda conditions: StabilityMonteCarlo(conditions, variation),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: Benches(conditions).netlists(),
        waveforms={"n-curve": ("n_curve_v", "n_curve_i"), "write": ("write_t", "write_wl", "write_q", "write_qb")},
    )
