"""Device-to-device and cycle-to-cycle variation of programming a 1T1R ReRAM cell."""

from __future__ import annotations

from circuits.netlist import Netlist
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.reram_programming import Scheme
from spice.reram_pulses import PulseBench
from spice.reram_variability import UNITS, VariabilityMonteCarlo, VariabilityNominal, Variation, figures
from spice.unfitted import no_models, no_residuals


def make(
    device: str = "stanford_pku",
    v_read: float = 0.2,
    target: float = 20e-6,
    tolerance: float = 0.05,
    most: int = 100,
    width: float = 100e-9,
    device_sigma: float = 0.05,
    cycle_sigma: float = 0.2,
    repeats: int = 3,
) -> Part:
    """The part with one device model, verified at `v_read` (V).

    Args:
        device: name of the device model.
        v_read: V.
        target: that cells are programmed to, S.
        tolerance: of a conductance about it, relative.
        most: pulses before a cell counts as not reached.
        width: of a pulse, s.
        device_sigma: of devices' thermal resistances, relative.
        cycle_sigma: of how far one pulse moves the state, relative.
        repeats: how often each cell is programmed.

    Raises:
        ConfigError: an impossible setting.
    """
    settings = (
        device,
        v_read,
        target,
        Scheme(tolerance, whole("most", most), width),
        Variation(device_sigma, cycle_sigma, whole("repeats", repeats)),
    )
    VariabilityNominal(Conditions(), *settings)

    def nominal(conditions: Conditions) -> VariabilityNominal:
        return VariabilityNominal(conditions, *settings)

    def monte_carlo(conditions: Conditions) -> VariabilityMonteCarlo:
        return VariabilityMonteCarlo(conditions, *settings)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        return {"pulse": PulseBench(conditions, device, v_read).netlist}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=simulated,
        waveforms={},
        usual=30,
    )
