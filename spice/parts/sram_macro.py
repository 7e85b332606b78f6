"""A self-timed SRAM macro, as its critical path; its netlists hold the whole of it too."""

from __future__ import annotations

from circuits.macro import MacroDesign
from spice.characterise import Conditions, Part
from spice.column_cycles import CYCLES
from spice.counts import whole
from spice.macro import NODES, UNITS, MacroMonteCarlo, MacroNominal, figures, netlists
from spice.macro_cycles import MacroSetting
from spice.mismatch import variation_source
from spice.unfitted import no_models, no_residuals


def make(address_bits: float = 7, word_bits: float = 16, replica_cells: float = 8, variation: str = "vth") -> Part:
    """The part: 2^`address_bits` words of `word_bits`, timed by `replica_cells`.

    Samples draw what `variation` (of `spice.mismatch.VARIATIONS`) says.
    """
    source = variation_source(variation)
    design = MacroDesign(
        whole("address_bits", address_bits), whole("word_bits", word_bits), whole("replica_cells", replica_cells)
    )

    def setting(conditions: Conditions) -> MacroSetting:
        return MacroSetting(conditions, design)

    return Part(
        nominal=lambda conditions: MacroNominal(setting(conditions)),
        monte_carlo=lambda conditions: MacroMonteCarlo(setting(conditions), variation),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: netlists(setting(conditions)),
        waveforms={
            cycle.replace("_", "-"): (f"{cycle}_time", *(f"{cycle}_{node}" for node in NODES)) for cycle in CYCLES
        },
        usual=0,  # a sample takes some seconds
    )
