"""The 8T cell with its read port."""

from __future__ import annotations

from spice.characterise import Part
from spice.eight_t import UNITS, Benches, EightTMonteCarlo, EightTNominal, figures
from spice.unfitted import no_models, no_residuals


def make(port: str = "nmos_small") -> Part:
    """The part; `port` is the role of both transistors of its read port."""
    return Part(
        nominal=lambda conditions: EightTNominal(conditions, port),
        monte_carlo=lambda conditions: EightTMonteCarlo(conditions, port),
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: Benches(conditions, port).netlists(),
        waveforms={"read-butterfly": ("vin", "read_q", "read_qb")},
    )
