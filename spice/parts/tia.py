"""The transimpedance front end of a bit line."""

from __future__ import annotations

from functools import partial

from circuits.front_end_line import Line
from circuits.front_end_tia import TiaDesign
from spice.characterise import Part
from spice.counts import whole
from spice.fits_front_end import FEWEST, check_tia, fit_tia
from spice.front_end_bench import MonteCarlo, Nominal, netlists
from spice.spread import with_spread
from spice.tia import FIGURES, KINDS, SPREAD, STAGE, UNITS, Tia


def make(
    cells: float = 128,
    g_cell: float = 5e-6,
    c_cell: float = 1e-15,
    i_full_scale: float = 100e-6,
    swing: float = 0.6,
    v_cm: float = 1.0,
    adc_bits: float = 8,
    c_f: float = 0.2e-12,
    t_read: float = 100e-9,
    variation: str = "vth",
) -> Part:
    """The part: a bit line of `cells` of `g_cell` (S), full scale at `i_full_scale` (A) and an output swing (V).

    `c_f` (F) is beside the feedback resistor, a read lasts `t_read` (s); `circuits.front_end_tia` says what the other
    settings are.

    Raises:
        ConfigError: an impossible setting.
    """
    line = Line(whole("cells", cells), g_cell, c_cell)
    design = TiaDesign(line, i_full_scale, swing, v_cm, c_f, adc_bits=whole("adc_bits", adc_bits), t_read=t_read)
    return Part(
        nominal=lambda conditions: Nominal(Tia, conditions, design),
        monte_carlo=lambda conditions: MonteCarlo(Tia, conditions, design, STAGE, variation),
        units=UNITS,
        figures=partial(with_spread, units=FIGURES, spread=SPREAD, source=f"variation: {variation}", kinds=KINDS),
        fit=fit_tia,
        check=check_tia,
        netlists=lambda conditions: netlists(design, conditions),
        waveforms={
            "transfer": ("current", "v_in", "v_out"),
            "step": ("time", "step_in", "step_out"),
            "gain": ("frequency", "gain"),
        },
        fewest=FEWEST,
    )
