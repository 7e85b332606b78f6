"""The integrating front end of a bit line: a reset, an integration and a hold, as transients of the whole cycle.

- `pedestal`: what opening the switch moves the output by, without current.
- `gain_error`: of the output's change over the integration at full scale, less that without current, over I t / C.
- `nonlinearity`: the greatest distance of that change from the line through no current and full scale, in codes, over
  currents up to full scale.
- `droop`: what the output moves by over `t_hold` without current. The cells' conductance stays on the line: the
  amplifier's offset across it is most of the droop, what the open switch leaks the rest.
- `offset`: input minus the common mode at the end of the reset.
- `reset_noise`: noise across the capacitor with the switch closed, V rms, which opening it freezes: sqrt(kT/C) and the
  amplifier's share; `ktc_noise` is sqrt(kT/C) alone (modelled). `noise_lsb` in codes.
- `reset_time`: from the next reset, after full scale, until the output stays within half a code of where it was before;
  none where `t_reset` does not suffice.
- `energy`: from the supply and the switch's drivers at full scale, from one release of the reset to the next.
- loop gain and margins in the reset state, as `spice.tia`.
"""

from __future__ import annotations

import math

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import MODELLED
from circuits.front_end_integrator import BEFORE, SETTLED, IntegratorDesign
from spice.engine import Vectors
from spice.front_end_bench import BIAS_UNITS, LOOP_UNITS, AmplifierBench
from spice.waves import settling

STAGE = "integrator.mismatch"
LEVELS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)  # of full-scale current
FIGURES: dict[str, str] = {
    "gain_error": "1",
    "nonlinearity": "1",
    "pedestal": "V",
    "droop": "V",
    "offset": "V",
    "reset_noise": "V",
    "ktc_noise": "V",
    "noise_lsb": "1",
    "reset_time": "s",
    "energy": "J",
    "c_int": "F",
    "loop_gain": "1",
    "unity_frequency": "Hz",
    "phase_margin": "deg",
    "saturation_margin": "V",
}
KINDS = {"ktc_noise": MODELLED, "c_int": MODELLED}
SPREAD = ("offset", "pedestal", "droop", "gain_error")
UNITS: dict[str, str] = {
    **FIGURES,
    **LOOP_UNITS,
    **BIAS_UNITS,
    "scores": "1",
    "lsb": "V",
    "i_full_scale": "A",
    "current": "A",
    "v_out": "V",
    "time": "s",
    "cycle_reset": "V",
    "cycle_in": "V",
    **{f"cycle_out_{k}": "V" for k in range(3)},
}
SHOWN = (0, 4, 8)  # of LEVELS: the waveforms that are kept
_POINTS = 501  # of each
_BOLTZMANN = 1.380649e-23  # J/K


class Integrator(AmplifierBench):
    """The front end of an `IntegratorDesign` in ngspice."""

    design: IntegratorDesign

    def nominal(self) -> Record:
        """Every figure and curve."""
        cycles = [self.cycle(level) for level in LEVELS]
        still, full = cycles[0], cycles[-1]
        change = np.array([self._change(one) for one in cycles])
        current = np.array(LEVELS) * self.design.i_full_scale
        straight = change[0] + (change[-1] - change[0]) * np.array(LEVELS)
        _, _, noise = self.noise()
        kelvin = self.conditions.temperature + 273.15
        shown = np.linspace(0.0, self.design.cycle_end, _POINTS)
        return {
            **self._still(still),
            "gain_error": self._gain_error(still, full),
            "nonlinearity": float(np.max(np.abs(change - straight))) / self.design.lsb,
            "reset_noise": noise,
            "ktc_noise": math.sqrt(_BOLTZMANN * kelvin / self.design.c_int),
            "noise_lsb": noise / self.design.lsb,
            "reset_time": self.reset_time(full),
            "energy": self._energy(full),
            "c_int": self.design.c_int,
            "lsb": self.design.lsb,
            "i_full_scale": self.design.i_full_scale,
            "current": current,
            "v_out": np.array([self._at(one, "out", self.design.stop + SETTLED) for one in cycles]),
            "time": shown,
            "cycle_reset": np.interp(shown, full["time"], full["reset"]),
            "cycle_in": np.interp(shown, full["time"], full["in"]),
            **{
                f"cycle_out_{k}": np.interp(shown, cycles[number]["time"], cycles[number]["out"])
                for k, number in enumerate(SHOWN)
            },
            **self.stability("in"),
        }

    def sample(self, rng: np.random.Generator) -> Record:
        """Figures of a cycle without current and of one at full scale."""
        del rng
        still, full = self.cycle(0.0), self.cycle(1.0)
        return {**self._still(still), "gain_error": self._gain_error(still, full)}

    def cycle(self, level: float) -> Vectors:
        """Waveforms of a cycle at a share of full-scale current."""
        return self.run("cycle", {"vlevel": level})

    def _still(self, still: Vectors) -> Record:
        """What a cycle without current shows."""
        design = self.design
        released = self._at(still, "out", design.t_reset - BEFORE)
        held = [self._at(still, "out", time) for time in (design.stop + SETTLED, design.end - BEFORE)]
        return {
            "offset": self._at(still, "in", design.t_reset - BEFORE) - design.v_cm,
            "pedestal": self._at(still, "out", design.start - BEFORE) - released,
            "droop": held[1] - held[0],
        }

    def _change(self, cycle: Vectors) -> float:
        """From before the current to after it, V; positive."""
        design = self.design
        return self._at(cycle, "out", design.start - BEFORE) - self._at(cycle, "out", design.stop + SETTLED)

    def _gain_error(self, still: Vectors, full: Vectors) -> float:
        return (self._change(full) - self._change(still)) / self.design.swing - 1

    def reset_time(self, cycle: Vectors) -> float:
        """Of the reset after a cycle, s; NaN where it does not suffice."""
        error = np.abs(cycle["out"] - self._at(cycle, "out", self.design.t_reset - BEFORE))
        return settling(cycle["time"], error, self.design.lsb / 2, after=self.design.end) - self.design.end

    def _energy(self, cycle: Vectors) -> float:
        """From the supply and the drivers of the switch, J."""
        power = -self.vdd * cycle["vdd#branch"]
        for driver in ("reset", "reset_b"):
            power = power - cycle[driver] * cycle[f"v{driver}#branch"]
        within = cycle["time"] >= self.design.t_reset
        return float(np.trapezoid(power[within], cycle["time"][within]))

    @staticmethod
    def _at(cycle: Vectors, node: str, time: float) -> float:
        return float(np.interp(time, cycle["time"], cycle[node]))
