"""Retention, read noise and endurance of the levels of a 1T1R ReRAM cell."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.reram_ageing import CMO_HFOX
from circuits.reram_endurance import load_endurance
from spice import reram_read
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.reram_reliability import UNITS, Life, ReliabilityMonteCarlo, ReliabilityNominal, figures
from spice.unfitted import no_models, no_residuals


def make(
    device: str = "stanford_pku",
    v_read: float = 0.2,
    tolerance: float = 0.02,
    levels: int = 8,
    apart: float = 3.0,
    cycles: float = 1e5,
    update_rate: float = 1e-2,
    endurance: str = "law",
) -> Part:
    """The part with one device model, read at `v_read` (V).

    Args:
        device: name of the device model.
        v_read: V.
        tolerance: of programming, relative.
        levels: that a cell should keep.
        apart: what two levels must lie apart, in the sum of their standard deviations.
        cycles: at which the window is asked for.
        update_rate: programming cycles a second, for the lifetime.
        endurance: "law", or the path of a CSV file of one's own (`circuits.reram_endurance` says what it holds).

    Raises:
        ConfigError: an impossible setting or a wrong file.
    """
    life = Life(tolerance, whole("levels", levels), apart, cycles, update_rate, endurance)

    def nominal(conditions: Conditions) -> ReliabilityNominal:
        return ReliabilityNominal(conditions, device, v_read, life)

    def monte_carlo(conditions: Conditions) -> ReliabilityMonteCarlo:
        return ReliabilityMonteCarlo(conditions, device, v_read, life)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        return {"read": reram_read.netlist(conditions, device, v_read)}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=lambda record, samples: figures(record, samples, life),
        fit=no_models,
        check=no_residuals,
        netlists=simulated,
        waveforms={},
        inputs=f"{CMO_HFOX.source}; {load_endurance(endurance).source}",
        usual=200,
    )
