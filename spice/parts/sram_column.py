"""A column of 6T cells with its precharge, multiplexer, sense amplifier and write driver."""

from __future__ import annotations

from circuits.column import ColumnDesign
from spice.characterise import Conditions, Part
from spice.column import UNITS, ColumnMonteCarlo, ColumnNominal, figures, netlists
from spice.column_cycles import CYCLES, NODES, ColumnSetting
from spice.counts import whole
from spice.mismatch import variation_source
from spice.unfitted import no_models, no_residuals


def make(cells: float = 128, ways: float = 4, swing: float = 0.2, variation: str = "vth") -> Part:
    """The part: `cells` in a column, `ways` columns a sense amplifier, which decides at `swing` (V).

    Samples draw what `variation` (of `spice.mismatch.VARIATIONS`) says.
    """
    source = variation_source(variation)
    design = ColumnDesign(whole("cells", cells), whole("ways", ways))

    def setting(conditions: Conditions) -> ColumnSetting:
        return ColumnSetting(conditions, design, swing)

    return Part(
        nominal=lambda conditions: ColumnNominal(setting(conditions)),
        monte_carlo=lambda conditions: ColumnMonteCarlo(setting(conditions), variation),
        units=UNITS,
        figures=lambda nominal, samples: figures(nominal, samples, source),
        fit=no_models,
        check=no_residuals,
        usual=30,  # a second and more each
        netlists=lambda conditions: netlists(setting(conditions)),
        waveforms={
            cycle.replace("_", "-"): (f"{cycle}_time", *(f"{cycle}_{node}" for node in NODES)) for cycle in CYCLES
        },
    )
