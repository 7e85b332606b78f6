"""Program-and-verify of the 1T1R ReRAM cell."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from circuits.netlist import Netlist
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.reram_programming import UNITS, ProgrammingMonteCarlo, ProgrammingNominal, Scheme, figures
from spice.reram_pulses import PulseBench
from spice.unfitted import no_models, no_residuals

STARTS = ("erased", "set")


def make(
    device: str = "stanford_pku",
    v_read: float = 0.2,
    tolerance: float = 0.05,
    most: int = 100,
    width: float = 100e-9,
    start: str = "erased",
) -> Part:
    """The part with one device model, verified at `v_read` (V).

    Args:
        device: name of the device model.
        v_read: V.
        tolerance: of a conductance about its target, relative.
        most: pulses before a cell counts as not reached.
        width: of a pulse, s.
        start: "erased", as RESET leaves the device, or "set", its lowest-resistance state.

    Raises:
        ConfigError: an impossible setting.
    """
    if start not in STARTS:
        raise ConfigError(f"start = {start}: a cell starts {' or '.join(STARTS)}")
    scheme = Scheme(tolerance, whole("most", most), width, start == "erased")

    def nominal(conditions: Conditions) -> ProgrammingNominal:
        return ProgrammingNominal(conditions, device, v_read, scheme)

    def monte_carlo(conditions: Conditions) -> ProgrammingMonteCarlo:
        return ProgrammingMonteCarlo(conditions, device, v_read, scheme)

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
        waveforms={
            "programming": (
                "sequence_time",
                "sequence_top",
                "sequence_bottom",
                "sequence_gate",
                "sequence_i",
                "sequence_state",
            )
        },
    )
