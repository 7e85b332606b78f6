"""A word line's driver: static codes, load, step and noise of the converter with its amplifier and line.

- `inl`, `dnl`: the greatest integral and differential nonlinearity over the codes, in LSB = v_read / top code, against
  the line through the end points, with the word line and all its cells on the output; `inl_unloaded`: that of the tap.
- `offset`: output minus tap at code 0; `gain_error`: of the output from code 0 to the top, relative.
- `r_out`: -dV/dI of the output, from no load current to what the line of cells at `v_read` takes, at the top code; none
  where that is more than the sweep of the load reaches (`circuits.dac_driver.MOST_LOAD`).
- `load_limit`: the load current at which the output has fallen by half an LSB from that without load; none where it
  does not within the sweep.
- `settling_time`: from a full-scale step until the far end of the line stays within half an LSB of where it ends; none
  where it moves by less than an LSB.
- `noise`: at the output over 1 kHz to 20 GHz, V rms, top code.
- `static_power`: at code 0, from every supply; `load_power`: what the top code adds. `energy`: from every supply over a
  conversion from code 0 to the top and its hold; `switching_energy`: of it, what switches and inverters take.
- loop gain and phase margin as `spice.tia`, at the top code; `saturation_margin` and the bias point are of code 0 or
  the top, whichever leaves the amplifier's transistors less margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import MODELLED
from circuits.dac_driver import START, DacDriverDesign
from circuits.wiring import Wiring
from spice.engine import Vectors
from spice.front_end_bench import BIAS_UNITS, LOOP_UNITS, AmplifierBench
from spice.front_end_loop import Floats
from spice.waves import settling

STAGE = "dac_driver.mismatch"
FIGURES: dict[str, str] = {
    "inl": "1",
    "dnl": "1",
    "inl_unloaded": "1",
    "offset": "V",
    "gain_error": "1",
    "r_out": "ohm",
    "load_current": "A",
    "load_limit": "A",
    "settling_time": "s",
    "noise": "V",
    "static_power": "W",
    "load_power": "W",
    "energy": "J",
    "switching_energy": "J",
    "line_capacitance": "F",
    "loop_gain": "1",
    "unity_frequency": "Hz",
    "phase_margin": "deg",
    "saturation_margin": "V",
}
KINDS = {"load_current": MODELLED, "line_capacitance": MODELLED}
SPREAD = ("offset", "gain_error", "inl", "dnl")
UNITS: dict[str, str] = {
    **FIGURES,
    **LOOP_UNITS,
    **BIAS_UNITS,
    "scores": "1",
    "resistors": "1",
    "lsb": "V",
    "v_read": "V",
    "code": "1",
    "code_out": "V",
    "code_tap": "V",
    "code_inl": "1",
    "code_dnl": "1",
    "swept_load": "A",
    "swept_out": "V",
    "time": "s",
    "step_tap": "V",
    "step_out": "V",
    "step_far": "V",
}
_SUPPLIES = ("vdd", "vlogic", "vhigh", "vcm")
_SHOWN = 501  # points of a stored waveform


class DacDriver(AmplifierBench):
    """The driver of a `DacDriverDesign` in ngspice, its resistors varied where the design says so."""

    design: DacDriverDesign

    @property
    def rests(self) -> tuple[Mapping[str, float], ...]:
        """Code 0 and the top."""
        return {"vcode": 0.0}, {"vcode": float(self.design.top)}

    def nominal(self) -> Record:
        """Every figure and curve."""
        found = self._codes()
        line = self.design.line
        return {
            **found,
            **self._load_curve(),
            **self._step(),
            "noise": self.noise()[2],
            "lsb": self.design.lsb,
            "v_read": self.design.v_read,
            "line_capacitance": line.capacitance(Wiring().word_line, Wiring().cell_width),
            **self.stability("out"),
        }

    def sample(self, rng: np.random.Generator) -> Record:
        """Figures of the codes, with the string's resistors drawn too."""
        scores = rng.standard_normal(self.design.top)
        resistors = {
            f"rstring{k}": self.design.r_unit * (1 + self.design.r_sigma * float(score))
            for k, score in enumerate(scores)
        }
        found = self._codes(resistors)
        return {"resistors": scores, **{name: found[name] for name in SPREAD}}

    def _codes(self, resistors: dict[str, float] | None = None) -> Record:
        swept = self.run("codes", resistors)
        out, tap = swept["out"], swept["tap"]
        inl, dnl = nonlinearity(out, self.design.lsb)
        unloaded, _ = nonlinearity(tap, self.design.lsb)
        power = self._power(swept)
        return {
            "code": np.arange(self.design.top + 1, dtype=np.float64),
            "code_out": out,
            "code_tap": tap,
            "code_inl": inl,
            "code_dnl": dnl,
            "inl": float(np.max(np.abs(inl))),
            "dnl": float(np.max(np.abs(dnl))),
            "inl_unloaded": float(np.max(np.abs(unloaded))),
            "offset": float(out[0] - tap[0]),
            "gain_error": float(out[-1] - out[0]) / self.design.v_read - 1,
            "static_power": float(power[0]),
            "load_power": float(power[-1] - power[0]),
        }

    def _load_curve(self) -> Record:
        """Output against load current at the top code, the line off; NaN for what lies beyond the sweep."""
        swept = self.run("load")
        current, out = swept["i-sweep"], swept["out"]
        taken = self.design.v_read * self.design.line.conductance
        fallen = out[0] - out
        past = np.flatnonzero(fallen > self.design.lsb / 2)
        limit = math.nan
        if past.size:
            k = past[0]
            limit = float(np.interp(self.design.lsb / 2, fallen[: k + 1], current[: k + 1]))
        at = np.interp(taken, current, fallen, right=math.nan) if taken else fallen[1]
        return {
            "swept_load": current,
            "swept_out": out,
            "load_current": taken,
            "load_limit": limit,
            "r_out": float(at) / (taken or float(current[1])),
        }

    def _step(self) -> Record:
        """Settling and energy of a full-scale step, and its waveforms."""
        step = self.run("step")
        time, far = step["time"], step["far"]
        power = self._power(step)
        read = time >= START
        driven = self.vdd * -step["vlogic#branch"]
        for bit in range(self.design.bits):
            driven = driven - step[f"b{bit}"] * step[f"vbit{bit}#branch"]
        shown = np.linspace(0.0, float(time[-1]), _SHOWN)
        moves = abs(far[-1] - far[0]) >= self.design.lsb
        settled = settling(time, np.abs(far - far[-1]), self.design.lsb / 2, after=START) if moves else math.nan
        return {
            "settling_time": settled - START,
            "energy": float(np.trapezoid(power[read], time[read])),
            "switching_energy": float(np.trapezoid(driven[read], time[read])),
            "time": shown,
            **{f"step_{node}": np.interp(shown, time, step[node]) for node in ("tap", "out", "far")},
        }

    @staticmethod
    def _power(found: Vectors) -> Floats:
        """From every supply, W."""
        volts = {"vdd": "vdd", "vlogic": "vlogic", "vhigh": "high", "vcm": "cm"}
        return np.asarray(-sum(found[volts[name]] * found[f"{name}#branch"] for name in _SUPPLIES))


def nonlinearity(voltage: Floats, lsb: float) -> tuple[Floats, Floats]:
    """INL and DNL of each code in LSB, shapes (codes,) and (codes - 1,).

    INL is the distance from the line through the end points, DNL that of a step from the line's step (IEEE Std
    1658).

    Args:
        voltage: by code, V.
        lsb: ideal step, V.
    """
    step = (voltage[-1] - voltage[0]) / (len(voltage) - 1)
    straight = voltage[0] + step * np.arange(len(voltage))
    return np.asarray((voltage - straight) / lsb), np.asarray((np.diff(voltage) - step) / lsb)
