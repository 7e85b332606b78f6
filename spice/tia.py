"""The transimpedance front end of a bit line: what the line and the converter behind it see.

- `r_in`: dV/dI at the input, mean from no current to full scale; about r_f and the amplifier's output resistance over
  1 + its gain.
- `transimpedance`: -dV(out)/dI, likewise; `gain_error`: relative to `r_f`.
- `linear_current`: the current at which the output leaves the line through its values at no current and at half of full
  scale by half a code.
- `offset`: input voltage minus the common mode without current; the cells' conductance makes a current of it.
- `bandwidth`: -3 dB of the transimpedance; `settling_time`, `settling_time_lsb`: from a step of full-scale current
  until the output stays within 0.1 %, and half a code, of where it ends; `overshoot` relative to the step.
- `noise`: output noise integrated over 1 kHz to 20 GHz, over the transimpedance, A rms; `noise_lsb` in codes.
- `power` at rest, reference current included; `energy` from the supply over a read of `t_read` at full scale.
- `loop_gain` at DC, `unity_frequency` and `phase_margin` by `spice.front_end_loop`; `saturation_margin`: the least
  |v_ds| - v_dsat of the amplifier's transistors.
"""

from __future__ import annotations

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED
from circuits.front_end_tia import START, TiaDesign
from circuits.wiring import Wiring
from spice.engine import Vectors
from spice.front_end_bench import BIAS_UNITS, LOOP_UNITS, AmplifierBench
from spice.front_end_loop import Floats, bandwidth
from spice.waves import energy, settling

STAGE = "tia.mismatch"
FIGURES: dict[str, str] = {
    "r_in": "ohm",
    "transimpedance": "ohm",
    "gain_error": "1",
    "linear_current": "A",
    "offset": "V",
    "bandwidth": "Hz",
    "settling_time": "s",
    "settling_time_lsb": "s",
    "overshoot": "1",
    "noise": "A",
    "noise_lsb": "1",
    "power": "W",
    "energy": "J",
    "line_capacitance": "F",
    "loop_gain": "1",
    "unity_frequency": "Hz",
    "phase_margin": "deg",
    "saturation_margin": "V",
}
KINDS = {"line_capacitance": MODELLED}
SPREAD = ("offset", "r_in", "transimpedance")
UNITS: dict[str, str] = {
    **FIGURES,
    **LOOP_UNITS,
    **BIAS_UNITS,
    "scores": "1",
    "r_f": "ohm",
    "lsb": "A",
    "i_full_scale": "A",
    "current": "A",
    "v_in": "V",
    "v_out": "V",
    "frequency": "Hz",
    "gain": "ohm",
    "noise_frequency": "Hz",
    "noise_density": "V/sqrt(Hz)",
    "time": "s",
    "step_in": "V",
    "step_out": "V",
}
_SHOWN = 501  # points of a stored waveform
_ACCURACY = 1e-3


class Tia(AmplifierBench):
    """The front end of a `TiaDesign` in ngspice."""

    design: TiaDesign

    def nominal(self) -> Record:
        """Every figure and curve."""
        found = self._transfer()
        response = self.run("frequency")
        frequency, gain = np.real(response["frequency"]), np.asarray(response["out"], dtype=np.complex128)
        noise_frequency, density, total = self.noise()
        noise = total / float(found["transimpedance"])
        pitch = Wiring().cell_height
        return {
            **found,
            "r_f": self.design.r_f,
            "lsb": self.design.lsb,
            "i_full_scale": self.design.i_full_scale,
            "line_capacitance": self.design.line.capacitance(Wiring().bit_line, pitch),
            "frequency": frequency,
            "gain": np.abs(gain),
            "bandwidth": bandwidth(frequency, gain),
            "noise_frequency": noise_frequency,
            "noise_density": density,
            "noise": noise,
            "noise_lsb": noise / self.design.lsb,
            **self._step(),
            **self.stability("in"),
        }

    def sample(self, rng: np.random.Generator) -> Record:
        """Figures of the transfer curve."""
        del rng
        found = self._transfer()
        return {name: found[name] for name in SPREAD}

    def _transfer(self) -> Record:
        """Figures and curves of the sweep of current.

        Raises:
            SimulationError: the amplifier does not hold the line, or leaves its range before half of full scale.
        """
        swept = self.run("transfer")
        current, v_in, v_out = swept["i-sweep"], swept["in"], swept["out"]
        at = np.interp([0.0, self.design.i_full_scale], current, v_out)
        at_in = np.interp([0.0, self.design.i_full_scale], current, v_in)
        transimpedance = float(at[0] - at[1]) / self.design.i_full_scale
        if not transimpedance > 0.5 * self.design.r_f:
            raise SimulationError(
                f"the front end's output moves {at[0] - at[1]:.3g} V at full scale, of {self.design.swing:.3g} V: out "
                "of range; lower its swing, or raise v_cm or the supply"
            )
        return {
            "current": current,
            "v_in": v_in,
            "v_out": v_out,
            "r_in": float(at_in[1] - at_in[0]) / self.design.i_full_scale,
            "transimpedance": transimpedance,
            "gain_error": transimpedance / self.design.r_f - 1,
            "linear_current": self._linear(current, v_out),
            "offset": float(at_in[0]) - self.design.v_cm,
            "power": float(-self.vdd * swept["vdd#branch"][0]),
        }

    def _linear(self, current: Floats, v_out: Floats) -> float:
        """The current (A) at which the output strays by half a code; the last of the sweep if it does not."""
        half = self.design.i_full_scale / 2
        low, middle = np.interp([0.0, half], current, v_out)
        stray = np.abs(v_out - (low + (middle - low) * current / half))
        limit = self.design.lsb / 2 * abs(middle - low) / half
        beyond = np.flatnonzero((stray > limit) & (current > half))
        if beyond.size == 0:
            return float(current[-1])
        k = beyond[0]
        return float(np.interp(limit, stray[k - 1 : k + 1], current[k - 1 : k + 1]))

    def _step(self) -> Record:
        """Settling, overshoot and energy of a full-scale step, and its waveforms."""
        step: Vectors = self.run("step")
        time, out = step["time"], step["out"]
        size = float(out[0] - out[-1])
        error = np.abs(out - out[-1]) / size
        shown = np.linspace(0.0, float(time[-1]), _SHOWN)
        read = time >= START
        codes = self.design.i_full_scale / self.design.lsb
        return {
            "settling_time": settling(time, error, _ACCURACY, after=START) - START,
            "settling_time_lsb": settling(time, error, 0.5 / codes, after=START) - START,
            "overshoot": max(0.0, float(np.max(out[-1] - out)) / size),
            "energy": energy(time[read], step["vdd#branch"][read], self.vdd),
            "time": shown,
            "step_in": np.interp(shown, time, step["in"]),
            "step_out": np.interp(shown, time, out),
        }
