"""Read disturb, transistor stress, compliance overshoot and temperature of the 1T1R ReRAM cell."""

from __future__ import annotations

from circuits.netlist import Netlist
from spice.characterise import Conditions, Part
from spice.reram_stress import UNITS, StressMonteCarlo, StressNominal, figures, netlists
from spice.unfitted import no_models, no_residuals


def make(device: str = "stanford_pku", v_read: float = 0.2) -> Part:
    """The part with one device model, read at `v_read` (V)."""

    def nominal(conditions: Conditions) -> StressNominal:
        return StressNominal(conditions, device, v_read)

    def monte_carlo(conditions: Conditions) -> StressMonteCarlo:
        return StressMonteCarlo(conditions, device, v_read)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        return netlists(conditions, device, v_read)

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=lambda record, samples: figures(record, samples, v_read, device),
        fit=no_models,
        check=no_residuals,
        netlists=simulated,
        waveforms={"set-overshoot": ("overshoot_time", "overshoot_i", "overshoot_mid")},
    )
