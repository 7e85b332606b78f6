"""The 6T SRAM cell."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel, Residual
from bitline.core.samples import Samples
from circuits.netlist import Netlist
from spice.characterise import Conditions, Part, Provenance
from spice.fits_sram import FEWEST, check_sram, fit_sram
from spice.sram import UNITS, SramMonteCarlo, SramNominal, figures


def _nominal(conditions: Conditions) -> SramNominal:
    return SramNominal(conditions.technology, conditions.corner, conditions.temperature, conditions.vdd)


def _monte_carlo(conditions: Conditions) -> SramMonteCarlo:
    return SramMonteCarlo(
        conditions.technology, conditions.corner, conditions.temperature, conditions.vdd, conditions.seed
    )


def _fit(_nominal: Record, samples: Samples, provenance: Provenance) -> list[FittedModel]:
    return fit_sram(samples, provenance)


def _check(models: Mapping[str, FittedModel], _nominal: Record, samples: Samples) -> dict[str, Residual]:
    return check_sram(models, samples)


def _netlists(conditions: Conditions) -> dict[str, Netlist]:
    return _nominal(conditions).netlists()


def make() -> Part:
    """The part; it has no settings."""
    return Part(
        nominal=_nominal,
        monte_carlo=_monte_carlo,
        units=UNITS,
        figures=figures,
        fit=_fit,
        check=_check,
        netlists=_netlists,
        waveforms={"read-butterfly": ("vin", "read_q", "read_qb"), "hold-butterfly": ("vin", "hold_q", "hold_qb")},
        fewest=FEWEST,
    )
