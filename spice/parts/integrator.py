"""The integrating front end of a bit line."""

from __future__ import annotations

from functools import partial

from circuits.front_end_integrator import IntegratorDesign
from circuits.front_end_line import Line
from spice.characterise import Part
from spice.counts import whole
from spice.fits_front_end import FEWEST, check_integrator, fit_integrator
from spice.front_end_bench import MonteCarlo, Nominal, netlists
from spice.integrator import FIGURES, KINDS, SPREAD, STAGE, UNITS, Integrator
from spice.spread import with_spread


def make(
    cells: float = 128,
    g_cell: float = 5e-6,
    c_cell: float = 1e-15,
    i_full_scale: float = 100e-6,
    swing: float = 0.6,
    t_int: float = 50e-9,
    v_cm: float = 1.0,
    adc_bits: float = 8,
    t_reset: float = 40e-9,
    t_hold: float = 100e-9,
    variation: str = "vth",
) -> Part:
    """The part: a bit line of `cells` of `g_cell` (S), full scale at `i_full_scale` (A) over `t_int` (s).

    The switch is closed for `t_reset` (s) before, and the output held for `t_hold` (s) after;
    `circuits.front_end_integrator` says what the other settings are.

    Raises:
        ConfigError: an impossible setting.
    """
    line = Line(whole("cells", cells), g_cell, c_cell)
    design = IntegratorDesign(
        line, i_full_scale, swing, t_int, t_reset, t_hold, v_cm, adc_bits=whole("adc_bits", adc_bits)
    )
    return Part(
        nominal=lambda conditions: Nominal(Integrator, conditions, design),
        monte_carlo=lambda conditions: MonteCarlo(Integrator, conditions, design, STAGE, variation),
        units=UNITS,
        figures=partial(with_spread, units=FIGURES, spread=SPREAD, source=f"variation: {variation}", kinds=KINDS),
        fit=fit_integrator,
        check=check_integrator,
        netlists=lambda conditions: netlists(design, conditions),
        waveforms={
            "cycle": ("time", "cycle_reset", "cycle_in", "cycle_out_0", "cycle_out_1", "cycle_out_2"),
        },
        fewest=FEWEST,
    )
