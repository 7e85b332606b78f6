"""A column of 8T cells on their read bit line."""

from __future__ import annotations

from circuits.eight_t_column import PortColumn
from circuits.netlist import Netlist
from spice.characterise import Conditions, Part
from spice.counts import whole
from spice.eight_t_column import UNITS, Column, EightTColumnMonteCarlo, EightTColumnNominal, figures
from spice.unfitted import no_models, no_residuals


def make(cells: float = 128, swing: float = 0.2, rows: float = 8, port: str = "nmos_small") -> Part:
    """The part: `cells` on a read bit line that is sensed after a fall of `swing` (V), with `rows` opened together.

    Raises:
        ConfigError: not a whole number of cells.
    """
    setting = (PortColumn(whole("cells", cells), port=port), swing, whole("rows", rows))

    def netlists(conditions: Conditions) -> dict[str, Netlist]:
        return Column(EightTColumnNominal(conditions, *setting)).netlists()

    return Part(
        nominal=lambda conditions: EightTColumnNominal(conditions, *setting),
        monte_carlo=lambda conditions: EightTColumnMonteCarlo(conditions, *setting),
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=netlists,
        waveforms={"read": ("read_t", "read_rwl", "read_rbl_0", "read_rbl_1"), "drop": ("drop_zeros", "drop")},
    )
