"""The 8T cell with its read port."""

from __future__ import annotations

from spice.characterise import Part
from spice.eight_t import UNITS, Benches, EightTMonteCarlo, EightTNominal, figures
from spice.mismatch import variation_source
from spice.unfitted import no_models, no_residuals


def make(port: str = "nmos_small", variation: str = "vth") -> Part:
    """The part; `port` is the role of both transistors of its read port, `variation` of `spice.mismatch.VARIATIONS`."""
    source = variation_source(variation)
    return Part(
        nominal=lambda conditions: EightTNominal(conditions, port),
        monte_carlo=lambda conditions: EightTMonteCarlo(conditions, port, variation),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: Benches(conditions, port).netlists(),
        waveforms={"read-butterfly": ("vin", "read_q", "read_qb")},
    )
