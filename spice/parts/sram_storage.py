"""An SRAM macro used as storage: what its reads, writes and retention are modelled on, over temperature and supply."""

from __future__ import annotations

import math

from circuits.macro import MacroDesign
from spice.characterise import Conditions, Part
from spice.fits_storage import FEWEST, check_storage, fit_storage
from spice.mismatch import variation_source
from spice.storage_samples import (
    UNITS,
    StorageDesign,
    StorageMonteCarlo,
    StorageNominal,
    figures,
    netlists,
)
from spice.storage_setting import ORDERS, StorageSetting


def make(
    lowest: float = 0.7,
    coldest: float = -40,
    hottest: float = 125,
    cells: float = 32,
    address_bits: float = 7,
    word_bits: float = 16,
    replica_cells: float = 8,
    variation: str = "vth",
) -> Part:
    """The part.

    Args:
        lowest: supply of the models, in the conditions' vdd, which is the highest.
        coldest: temperature of the models, C.
        hottest: likewise.
        cells: spread wide for the fit, at each condition.
        address_bits: of the macro.
        word_bits: likewise.
        replica_cells: likewise.
        variation: of `spice.mismatch.VARIATIONS`, without none.

    Raises:
        ConfigError: an empty range, or an unknown variation.
    """
    source = variation_source(variation)
    design = MacroDesign(int(address_bits), int(word_bits), int(replica_cells))

    def setting(conditions: Conditions) -> StorageSetting:
        return StorageSetting(conditions, lowest, (coldest, hottest), int(cells), variation, design)

    return Part(
        nominal=lambda conditions: StorageNominal(setting(conditions)),
        monte_carlo=lambda conditions: StorageMonteCarlo(setting(conditions)),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=fit_storage,
        check=check_storage,
        netlists=lambda conditions: netlists(setting(conditions)),
        waveforms={},
        fewest=FEWEST,
        usual=40,  # a second each; the conditions of the fit take a minute each
        design=lambda conditions: StorageDesign(setting(conditions)),
        designed=math.prod(ORDERS) + 2,
    )
