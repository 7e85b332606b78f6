"""Random telegraph noise of a read 1T1R ReRAM cell."""

from __future__ import annotations

from circuits.netlist import Netlist
from circuits.reram.telegraph import Trap
from spice.characterise import Conditions, Part
from spice.reram_noise import SAMPLE_CYCLES, UNITS, NoiseMonteCarlo, NoiseNominal, figures
from spice.unfitted import no_models, no_residuals


def make(
    device: str = "stanford_pku",
    v_read: float = 0.2,
    level: float = 20e-6,
    amplitude: float = 0.05,
    capture: float = 22e-6,
    emission: float = 50e-6,
    t_read: float = 10e-6,
) -> Part:
    """The part with one device model.

    Args:
        device: name of the device model.
        v_read: V.
        level: conductance of the cell while the trap is empty, S.
        amplitude: share of the device's current that a full trap takes off.
        capture: mean time that the trap stays empty, s.
        emission: mean time that it stays full, s.
        t_read: that a read integrates, s.

    Raises:
        ConfigError: an impossible setting.
    """
    settings = (device, v_read, level, Trap(amplitude, capture, emission), t_read)
    NoiseNominal(Conditions(), *settings)

    def nominal(conditions: Conditions) -> NoiseNominal:
        return NoiseNominal(conditions, *settings)

    def monte_carlo(conditions: Conditions) -> NoiseMonteCarlo:
        return NoiseMonteCarlo(conditions, *settings)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        task = nominal(conditions)
        return {"telegraph": task.netlist(task.prepare(), 0, SAMPLE_CYCLES)}

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=simulated,
        waveforms={"telegraph": ("trace_time", "trace_i")},
        usual=30,
    )
