"""The latch sense amplifier loaded in ngspice: single transients, and the offset and delay that are read from them.

The *offset* is the input difference v(br) - v(bl) at which decisions flip, each transistor as drawn. It is found in
transients. Near the flip the latch's answer takes t = t0 - tau ln |difference - offset|, so sign * exp(-t / tau) is
almost linear in the difference and a root finder needs five transients where bisection needs twelve.

The *delay* counts from the enable at vdd / 2 to dout at vdd / 2, reading a 1 (dout rises) at the stated difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from bitline.core.errors import ConfigError, SimulationError
from circuits.netlist import Netlist
from circuits.sense_amp import INSTANCE, TRANSISTORS, SenseBench, sense_amp
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variation, thresholds

_DINT, _DINT_BAR = f"{INSTANCE}.dint", f"{INSTANCE}.dint_bar"
_FIRST_STEP = 2e-12  # s, until the latch's pace is known
_STEPS = 15  # time steps a time constant: puts the offset off by 0.1 mV, where 6 do by 0.8 mV
_SPAN = 0.3  # V, the widest offset that is looked for
_NEAR = 0.1  # V around the nominal offset, where mismatch leaves nearly all samples
_TOLERANCE = 2e-5  # V
_TIE = 1e-3  # V beyond the offset that the window has to be long enough for
_WIDENED = 8  # times that the window is doubled at most
_LONGEST = 100e-9  # s that a decision may take at _SPAN


class Latch:
    """The amplifier loaded in this process's ngspice: transients at an input difference, and what is read from them.

    Args:
        conditions: corner, temperature and supply.
        bench: common mode, slew and loads.
        variation: what can be shifted, of `spice.mismatch.VARIATIONS`.

    Attributes:
        variation: of its transistors, by their names within the subcircuit.

    Raises:
        ConfigError: an impossible supply or common mode, or an unknown technology, corner or variation.
        SimulationError: it does not decide even at the widest difference.
    """

    def __init__(self, conditions: Conditions, bench: SenseBench, variation: str = "vth") -> None:
        if not 0 <= bench.below_vdd < conditions.vdd:
            raise ConfigError(
                f"sense amplifier: the common mode lies {bench.below_vdd:g} V below the supply, which is "
                f"{conditions.vdd:g} V; raise vdd"
            )
        self.vdd, self.bench = conditions.vdd, bench
        self.technology = load_technology(conditions.technology)
        self.variation = Variation.of(self.technology, conditions.corner, TRANSISTORS, variation)
        self.netlist = self.variation.netlist(netlist(conditions, bench), within=("sense_amp",))
        self._conditions = conditions
        self._ngspice = engine()
        self.load()
        self.step = _FIRST_STEP
        self.tau = self.window = 0.0
        self._learn_pace()

    def load(self) -> None:
        """Make sure that ngspice holds the amplifier; it holds one circuit at a time."""
        if self._ngspice.netlist is not self.netlist:
            self._ngspice.load(self.netlist)

    def transient(self, difference: float, stop: float) -> Vectors:
        """The waveforms from rest to `stop` (s) at v(br) - v(bl) = `difference` (V)."""
        bl, br = self.bench.bit_lines(self.vdd, difference)
        self._ngspice.alter("vbl", "dc", bl)
        self._ngspice.alter("vbr", "dc", br)
        return self._ngspice.run(f"tran {self.step!r} {stop!r} 0 {self.step!r}")

    def vary(self, shifts: Shifts) -> None:
        """Shift transistors, replacing earlier shifts of them."""
        self.load()
        self.variation.apply(self._ngspice, shifts, f"m.{INSTANCE}.{{}}".format)

    def set_vth(self, shifts: Mapping[str, float]) -> None:
        """Shift thresholds (V) by transistor, replacing earlier shifts of them."""
        self.vary(thresholds(shifts))

    def offset(self, around: float = 0.0) -> float:
        """The difference (V) at which decisions flip, looked for first near `around`.

        Raises:
            SimulationError: decisions do not flip within +-_SPAN.
        """
        for low, high in ((around - _NEAR, around + _NEAR), (-_SPAN, _SPAN)):
            if self._answer(low) < 0 < self._answer(high):
                return float(brentq(self._answer, low, high, xtol=_TOLERANCE))
        raise SimulationError(
            f"the sense amplifier's decision does not flip between {-_SPAN:g} and {_SPAN:g} V of input difference"
        )

    def delay(self, difference: float) -> float:
        """From the enable to dout (s), reading a 1.

        Raises:
            SimulationError: it reads a 0 at this difference, or nothing in time.
        """
        stop, half = self.window, self.vdd / 2
        vectors = self.transient(difference, stop)
        while vectors["dout"][-1] < half and stop < _LONGEST:  # the output inverter may be slower than the latch
            if vectors[_DINT_BAR][-1] > half:
                raise SimulationError(f"the sense amplifier does not read a 1 at an input difference of {difference} V")
            stop *= 2
            vectors = self.transient(difference, stop)
        if vectors["dout"][-1] < half:
            raise SimulationError(
                f"the sense amplifier's output does not rise within {stop:g} s at an input difference of {difference} V"
            )
        return _last_crossing(vectors["time"], vectors["dout"], half) - self.bench.enabled

    def energy(self, difference: float) -> float:
        """Energy (J) from all sources over one cycle: enable up, decision, enable down, internal nodes back at rest."""
        width = self.window - self.bench.enable_start
        self._ngspice.load(netlist(self._conditions, self.bench, width))
        try:
            vectors = self.transient(difference, 2 * (self.window + width))
        finally:
            self.load()
        power = -self.vdd * vectors["vsupply#branch"]
        for source in ("en", "bl", "br"):
            power = power - vectors[source] * vectors[f"v{source}#branch"]
        return float(np.sum((power[1:] + power[:-1]) / 2 * np.diff(vectors["time"])))

    def _learn_pace(self) -> None:
        """Set `tau`, about the latch's time constant, and `window`, in which all but hopeless ties are decided."""
        stop = self.bench.enabled + 1e-9
        while stop < _LONGEST:
            times = [self._decision(difference, stop)[1] for difference in (-_SPAN, _SPAN)]
            if not any(math.isnan(time) for time in times):
                self.tau = max(time - self.bench.enabled for time in times) / 2
                self.window = max(times) + 10 * self.tau
                self.step = self.tau / _STEPS
                self._slow_down()
                return
            stop *= 3
        raise SimulationError(
            f"the sense amplifier does not decide an input difference of {_SPAN:g} V within {_LONGEST:g} s; "
            "raise the supply or the common mode"
        )

    def _slow_down(self) -> None:
        """Widen `window`, and `tau` with it, until differences of `_TIE` beyond the offset are decided.

        Near the threshold of its transistors the amplifier's pace at a large difference says little of that at a tie.
        """
        for _ in range(_WIDENED):
            offset = self.offset()
            ends = [self.transient(offset + apart, self.window) for apart in (-_TIE, _TIE)]
            low, high = (end[_DINT_BAR][-1] - end[_DINT][-1] for end in ends)
            if low < -self.vdd / 2 and high > self.vdd / 2:
                return
            self.window, self.tau, self.step = 2 * self.window, 2 * self.tau, 2 * self.step
        raise SimulationError(
            f"the sense amplifier does not decide {_TIE:g} V beyond its offset at {self.vdd:g} V; raise the supply"
        )

    def _decision(self, difference: float, stop: float) -> tuple[float, float]:
        """Sign of v(dint_bar) - v(dint) at the end, and when half the supply was there for good (NaN: never)."""
        vectors = self.transient(difference, stop)
        apart = vectors[_DINT_BAR] - vectors[_DINT]
        sign = math.copysign(1.0, apart[-1])
        if sign * apart[-1] < self.vdd / 2:
            return sign, math.nan
        return sign, _last_crossing(vectors["time"], sign * apart, self.vdd / 2)

    def _answer(self, difference: float) -> float:
        """Decision times exp(-t / tau): monotone in the difference, zero (undecided in the window) at the offset."""
        sign, time = self._decision(difference, self.window)
        return 0.0 if math.isnan(time) else sign * math.exp(-(time - self.bench.enabled) / self.tau)


def netlist(conditions: Conditions, bench: SenseBench, enable_width: float = 1.0) -> Netlist:
    """The amplifier under `conditions`; its enable stays up for `enable_width` (s)."""
    technology = load_technology(conditions.technology)
    return sense_amp(technology, conditions.corner, conditions.vdd, conditions.temperature, bench, enable_width)


def _last_crossing(time: Any, rising: Any, level: float) -> float:
    """When `rising` passes `level` for the last time; 0 if it is never below."""
    below = np.flatnonzero(rising < level)
    if len(below) == 0:
        return 0.0
    k = below[-1]
    return float(time[k] + (time[k + 1] - time[k]) * (level - rising[k]) / (rising[k + 1] - rising[k]))
