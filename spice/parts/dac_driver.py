"""The driver of a word line: a resistor-string converter and its amplifier."""

from __future__ import annotations

from functools import partial

from circuits.dac_driver import DacDriverDesign
from circuits.front_end_line import Line
from spice.characterise import Part
from spice.counts import whole
from spice.dac_driver import FIGURES, KINDS, SPREAD, STAGE, UNITS, DacDriver
from spice.fits_front_end import FEWEST, check_dac_driver, fit_dac_driver
from spice.front_end_bench import MonteCarlo, Nominal, netlists
from spice.spread import with_spread


def make(
    bits: float = 4,
    cells: float = 128,
    g_cell: float = 39e-6,
    c_cell: float = 1e-15,
    v_read: float = 0.2,
    v_cm: float = 1.0,
    r_sigma: float = 0.0,
    t_convert: float = 100e-9,
    variation: str = "vth",
) -> Part:
    """The part: `bits` from `v_cm` to `v_read` (V) above it, on a word line of `cells` of `g_cell` (S).

    A code lasts `t_convert` (s); `circuits.dac_driver` says what the other settings are.

    Raises:
        ConfigError: an impossible setting.
    """
    line = Line(whole("cells", cells), g_cell, c_cell)
    design = DacDriverDesign(whole("bits", bits), v_read, v_cm, r_sigma=r_sigma, line=line, t_convert=t_convert)
    source = f"variation: {variation}" + (f"; resistors {100 * r_sigma:g} %, an input" if r_sigma else "")
    return Part(
        nominal=lambda conditions: Nominal(DacDriver, conditions, design),
        monte_carlo=lambda conditions: MonteCarlo(DacDriver, conditions, design, STAGE, variation),
        units=UNITS,
        figures=partial(with_spread, units=FIGURES, spread=SPREAD, source=source, kinds=KINDS),
        fit=fit_dac_driver,
        check=check_dac_driver,
        netlists=lambda conditions: netlists(design, conditions),
        waveforms={
            "codes": ("code", "code_out", "code_tap"),
            "load": ("swept_load", "swept_out"),
            "step": ("time", "step_tap", "step_out", "step_far"),
        },
        fewest=FEWEST,
    )
