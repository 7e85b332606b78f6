"""Forming of the 1T1R ReRAM cell."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.reram.forming import Ramp
from spice.characterise import Conditions, Part
from spice.reram_forming import UNITS, FormingMonteCarlo, FormingNominal, figures
from spice.unfitted import no_models, no_residuals


def make(
    device: str = "stanford_pku",
    pristine: float = 1.9,
    sigma: float = 0.03,
    rate: float = 1e6,
    peak: float = 4.0,
    gate: float = 1.0,
    c_node: float = 30e-15,
    v_limit: float = 1.95,
) -> Part:
    """The part with one device model.

    Args:
        device: name of the device model; it must have a state before forming.
        pristine: that state; the gap in nm for stanford_pku.
        sigma: of it over devices.
        rate: of the ramp, V / s.
        peak: where the ramp ends, V.
        gate: of the transistor, V: the compliance.
        c_node: of the wire between device and transistor, F.
        v_limit: what the transistor may bear, V.

    Raises:
        ConfigError: an impossible setting, or a device that cannot be formed.
    """
    ramp = Ramp(rate, peak, gate, c_node)
    FormingNominal(Conditions(), device, pristine, ramp, v_limit, sigma)

    def nominal(conditions: Conditions) -> FormingNominal:
        return FormingNominal(conditions, device, pristine, ramp, v_limit, sigma)

    def monte_carlo(conditions: Conditions) -> FormingMonteCarlo:
        return FormingMonteCarlo(conditions, device, pristine, ramp, v_limit, sigma)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        return {"ramp": nominal(conditions).netlist()}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=simulated,
        waveforms={
            "forming": ("ramp_time", "ramp_top", "ramp_mid", "ramp_i", "ramp_state"),
            "runaway": ("runaway_time", "runaway_i", "runaway_mid", "runaway_state"),
        },
    )
