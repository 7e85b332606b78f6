"""The current sense amplifier for 1T1R ReRAM cells."""

from __future__ import annotations

from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from circuits.current_sense import CurrentSense
from circuits.netlist import Netlist
from circuits.sar_comparator import StrongArm
from circuits.variation import load_spread
from spice import current_sense_figures
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.current_sense import LEVELS, NODES, UNITS, CurrentSenseMonteCarlo, CurrentSenseNominal, Sensing, SensingBench
from spice.mismatch import variation_source
from spice.unfitted import no_models, no_residuals


def make(
    device: str = "stanford_pku",
    v_read: float = 0.2,
    g_lrs: float = 30e-6,
    g_hrs: float = 5e-6,
    g_ref: float = 17.5e-6,
    c_bl: float = 100e-15,
    t_sense: float = 3e-9,
    t_settle: float = 10e-9,
    clamp: int = 1,
    pair: int = 4,
    variation: str = "vth",
    spread: str = "wan2022",
) -> Part:
    """The part; `circuits.current_sense` and `spice.current_sense` say what its settings are.

    Raises:
        ConfigError: an impossible setting.
    """
    variation_source(variation)
    published = load_spread(spread)
    sizes = CurrentSense(
        whole("clamp", clamp), StrongArm(whole("pair", pair)), c_bl=c_bl, t_sense=t_sense, t_settle=t_settle
    )
    what = Sensing(device, v_read, g_lrs, g_hrs, g_ref, sizes, variation)

    def nominal(conditions: Conditions) -> CurrentSenseNominal:
        return CurrentSenseNominal(conditions, what)

    def monte_carlo(conditions: Conditions) -> CurrentSenseMonteCarlo:
        return CurrentSenseMonteCarlo(conditions, what)

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return SensingBench(conditions, what).netlists()

    def figures(record: Record, samples: Samples | None) -> dict[str, Figure]:
        return current_sense_figures.figures(record, samples, variation, published, {"lrs": g_lrs, "hrs": g_hrs})

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=netlists,
        inputs=published.source,
        waveforms={f"read-{level}": ("time", *(f"{level}_{node}" for node in NODES)) for level in LEVELS},
        usual=60,
    )
