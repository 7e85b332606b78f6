"""The ReRAM device and its 1T1R cell."""

from __future__ import annotations

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel
from bitline.core.samples import Samples
from spice.characterise import Part, Provenance
from spice.fits_reram import fit_reram
from spice.reram import UNITS, ReramNominal, ReramSpread, figures, netlists


def _fit(nominal: Record, _samples: Samples, provenance: Provenance) -> list[FittedModel]:
    return fit_reram(nominal, provenance)


PART = Part(
    nominal=ReramNominal,
    monte_carlo=ReramSpread,
    units=UNITS,
    figures=figures,
    fit=_fit,
    netlists=netlists,
    waveforms={
        "hysteresis": ("loop_time", "loop_source", "loop_v", "loop_i", "loop_state"),
        "cell-switching": ("loop_time", "cell_loop_v", "cell_loop_i", "cell_loop_mid", "cell_loop_state"),
    },
)
