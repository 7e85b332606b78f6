"""Read errors of a column: cells' read currents, amplifiers' offsets and bit-line swings over a range of supplies."""

from __future__ import annotations

from circuits.column import ColumnDesign
from spice.bit_errors import figures
from spice.characterise import Conditions, Part
from spice.column_samples import UNITS, ColumnSamples, ColumnSamplesNominal, SampleSetting, netlists
from spice.unfitted import no_models, no_residuals


def make(cells: float = 128, swing: float = 0.2, lowest: float = 0.7, supplies: float = 4) -> Part:
    """The part: columns of `cells`, at `supplies` supplies from `lowest` times vdd up to vdd."""

    def setting(conditions: Conditions) -> SampleSetting:
        return SampleSetting(conditions, ColumnDesign(int(cells), 1), swing, lowest, int(supplies))

    return Part(
        nominal=lambda conditions: ColumnSamplesNominal(setting(conditions)),
        monte_carlo=lambda conditions: ColumnSamples(setting(conditions)),
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=lambda conditions: netlists(setting(conditions)),
        waveforms={},
        usual=60,  # half a second and more each
    )
