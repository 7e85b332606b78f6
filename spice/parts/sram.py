"""The 6T SRAM cell."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel, Residual
from bitline.core.samples import Samples
from circuits.netlist import Netlist
from spice.characterise import Conditions, Part, Provenance
from spice.fits_sram import FEWEST, check_sram, compare_sram, fit_sram
from spice.fits_sram_conditions import survey
from spice.sram import UNITS, VARIED_UNITS, SramMonteCarlo, SramNominal, figures
from spice.sram_design import CELLS, SramDesign
from spice.sram_design import UNITS as DESIGN_UNITS


def _nominal(conditions: Conditions) -> SramNominal:
    return SramNominal(conditions.technology, conditions.corner, conditions.temperature, conditions.vdd)


def _design(at: Conditions) -> SramDesign:
    return SramDesign(at.technology, at.corner, ((at.temperature, at.vdd),), at.seed)


def _fit(_nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
    return fit_sram(samples, provenance)


def _check(models: Mapping[str, FittedModel], _nominal: Record, samples: Samples) -> dict[str, Residual]:
    return check_sram(models, samples)


def _netlists(conditions: Conditions) -> dict[str, Netlist]:
    return _nominal(conditions).netlists()


def make(variation: str = "vth", process: str = "corner", corner_sigma: float = 3.0) -> Part:
    """The part with what varies from sample to sample.

    Args:
        variation: between transistors: "none", "vth" or "full" (see `spice.mismatch`).
        process: "corner", or "global" for each sample on a die of its own (see `circuits.process`).
        corner_sigma: for "global", how many standard deviations of each polarity a corner lies out.
    """

    def monte_carlo(at: Conditions) -> SramMonteCarlo:
        varied = (variation, process, corner_sigma)
        task = SramMonteCarlo(at.technology, at.corner, at.temperature, at.vdd, at.seed, *varied)
        task.check()  # before the nominal cell is simulated
        return task

    source = f"variation: {variation}" + (", global process" if process == "global" else "")
    return Part(
        nominal=_nominal,
        monte_carlo=monte_carlo,
        units={**DESIGN_UNITS, **UNITS, **VARIED_UNITS},
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=_fit,
        check=_check,
        netlists=_netlists,
        waveforms={"read-butterfly": ("vin", "read_q", "read_qb"), "hold-butterfly": ("vin", "hold_q", "hold_qb")},
        fewest=FEWEST,
        design=_design,
        designed=CELLS,
        survey=survey,
        compare=compare_sram,
    )
