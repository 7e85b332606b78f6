"""The 6T cell's N-curve, data-retention voltage and write time."""

from __future__ import annotations

from spice.characterise import Part
from spice.stability import UNITS, Benches, StabilityMonteCarlo, StabilityNominal, figures
from spice.unfitted import no_models, no_residuals


def make() -> Part:
    """The part; it has no settings."""
    return Part(
        nominal=StabilityNominal,
        monte_carlo=StabilityMonteCarlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: Benches(conditions).netlists(),
        waveforms={"n-curve": ("n_curve_v", "n_curve_i"), "write": ("write_t", "write_wl", "write_q", "write_qb")},
    )
