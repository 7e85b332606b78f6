"""A column that computes: multi-row discharge of a bit line."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel, Residual
from bitline.core.samples import Samples
from circuits import cells as six
from circuits.cim_column import CimDesign
from spice.characterise import Conditions, Part, Provenance
from spice.cim import UNITS, CimMonteCarlo, CimNominal, figures
from spice.cim_bench import CimBench, CimSetting
from spice.cim_fits import FEWEST, check_cim, fit_cim
from spice.mismatch import UNITS as SHIFT_UNITS


def make(
    cells: float = 256,
    cell: str = "8t",
    word_line: float = 0.8,
    extra: float = 0.0,
    port: str = "nmos_small",
    variation: str = "vth",
) -> Part:
    """The part.

    Args:
        cells: of a column.
        cell: "8t" or "6t".
        word_line: voltage of a word line that is on, V.
        extra: capacitance added to a bit line, F.
        port: role of an 8T cell's read transistors.
        variation: between transistors: "vth" or "full".
    """

    def setting(conditions: Conditions) -> CimSetting:
        return CimSetting(conditions, CimDesign(int(cells), cell, word_line, port, extra), variation)

    def fit(nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
        return fit_cim(nominal, samples, provenance)

    def check(models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
        return check_cim(models, nominal, samples)

    transistors = ("read_gate", "read_driver", *six.DEVICES)
    shifts = {f"d{kind}_{name}": unit for kind, unit in SHIFT_UNITS.items() for name in transistors}
    return Part(
        nominal=lambda conditions: CimNominal(setting(conditions)),
        monte_carlo=lambda conditions: CimMonteCarlo(setting(conditions)),
        units=UNITS | shifts,
        figures=lambda nominal, samples: figures(nominal, samples, f"variation: {variation}"),
        fit=fit,
        check=check,
        netlists=lambda conditions: CimBench(setting(conditions)).netlists(),
        waveforms={
            "discharge": ("wave_time", *(f"wave_{share}" for share in (2, 4, 8, 16))),
            "row-current": ("current_v", "current_i"),
        },
        fewest=FEWEST,
        usual=200,
    )
