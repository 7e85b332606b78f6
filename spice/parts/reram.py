"""The ReRAM device and its 1T1R cell."""

from __future__ import annotations

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel
from bitline.core.samples import Samples
from circuits.netlist import Netlist
from circuits.variation import load_spread
from spice.characterise import Conditions, Part, Provenance
from spice.fits_reram import check_reram, compare_reram, fit_reram
from spice.reram import UNITS, ReramNominal, ReramSpread, figures, netlists


def make(device: str = "stanford_pku", v_read: float = 0.2, spread: str = "wan2022") -> Part:
    """The part with one device model, read at `v_read` (V), programmed with a published spread.

    Raises:
        ConfigError: there is no such spread.
    """
    inputs = load_spread(spread).source

    def nominal(conditions: Conditions) -> ReramNominal:
        return ReramNominal(conditions, device, v_read, spread)

    def monte_carlo(conditions: Conditions) -> ReramSpread:
        return ReramSpread(conditions, device, v_read, spread)

    def fit(record: Record, _samples: Samples, provenance: Provenance) -> list[FittedModel]:
        return fit_reram(record, provenance, spread)

    def simulated(conditions: Conditions) -> dict[str, Netlist]:
        return netlists(conditions, device, v_read)

    return Part(
        nominal=nominal,
        monte_carlo=monte_carlo,
        units=UNITS,
        figures=lambda record, samples: figures(record, samples, spread),
        fit=fit,
        check=check_reram,
        compare=compare_reram,
        netlists=simulated,
        inputs=inputs,
        waveforms={
            "hysteresis": ("loop_time", "loop_source", "loop_v", "loop_i", "loop_state"),
            "cell-switching": ("loop_time", "cell_loop_v", "cell_loop_i", "cell_loop_mid", "cell_loop_state"),
        },
    )
