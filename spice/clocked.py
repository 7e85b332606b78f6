"""Circuits that decide at a clock: when they have decided, and at which input their decision flips.

Near the flip a decision takes t = t0 - tau ln |input - flip|, so sign * exp(-t / tau) is almost linear in the input and
a root finder needs five transients where bisection needs twelve (as in `spice.latch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from bitline.core.errors import SimulationError
from circuits.netlist import Netlist
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variation
from spice.waves import settling

_WIDENED = 6  # times that the window is doubled at most


@dataclass(frozen=True)
class Scale:
    """How large the input is that decides.

    Args:
        unit: of the input.
        span: the widest flip that is looked for.
        near: about the nominal flip, where mismatch leaves nearly all samples.
        tie: beyond the flip, still decided within the window.
        tolerance: of a flip.
        remedy: what to change where it does not decide.
    """

    unit: str
    span: float
    near: float
    tie: float
    tolerance: float
    remedy: str


class Clocked:
    """A deciding circuit in this process's ngspice.

    Args:
        netlist: the circuit; node voltages v(outp) and v(outn) hold the decision.
        inputs: values of sources by name, at an input.
        vdd: V.
        enabled: when the clock passes vdd / 2, s.
        scale: of the input.
        step: greatest time step, s.
        window: s, about as long as a decision takes; it is widened where it is too short.
        variation: of its transistors.
        place: a transistor's name in the netlist, as "m.xcmp.min_p", from its name in `variation`.
        within: subcircuits that they lie in, "" outside of any.

    Attributes:
        flip: the input at which the circuit without mismatch flips.

    Raises:
        SimulationError: it does not decide.
    """

    def __init__(
        self,
        netlist: Netlist,
        inputs: Callable[[float], Mapping[str, float]],
        vdd: float,
        enabled: float,
        scale: Scale,
        step: float,
        window: float,
        variation: Variation,
        place: Callable[[str], str],
        within: Collection[str] = ("strongarm",),
    ) -> None:
        self.variation = variation
        self.netlist = variation.netlist(netlist, within=within)
        self.vdd, self.enabled, self.scale, self.step = vdd, enabled, scale, step
        self._inputs, self._place = inputs, place
        self._ngspice = engine()
        self.load()
        self.window = enabled + window
        self.pace = window / 10
        self.flip = self._learn_pace()

    def load(self) -> None:
        """Make sure that ngspice holds the circuit; it holds one at a time."""
        if self._ngspice.netlist is not self.netlist:
            self._ngspice.load(self.netlist)

    def alter(self, source: str, value: float) -> None:
        """Set the DC value of a source."""
        self.load()
        self._ngspice.alter(source, "dc", value)

    def transient(self, value: float, stop: float | None = None) -> Vectors:
        """The waveforms from rest to `stop` (s; the window) at an input."""
        self.load()
        for source, level in self._inputs(value).items():
            self._ngspice.alter(source, "dc", level)
        return self._ngspice.run(f"tran {self.step!r} {stop or self.window!r} 0 {self.step!r}")

    def vary(self, shifts: Shifts) -> None:
        """Shift transistors, replacing earlier shifts of them."""
        self.load()
        self.variation.apply(self._ngspice, shifts, self._place)

    def straighten(self) -> None:
        """Take all mismatch away."""
        self.vary(self.variation.at(np.zeros(len(self.variation.variables))))

    def find_flip(self, around: float = 0.0) -> float:
        """The input at which decisions flip, looked for first near `around`.

        Raises:
            SimulationError: decisions do not flip within the span.
        """
        near, span = self.scale.near, self.scale.span
        for low, high in ((around - near, around + near), (-span, span)):
            if self._answer(low) < 0 < self._answer(high):
                return float(brentq(self._answer, low, high, xtol=self.scale.tolerance))
        raise SimulationError(
            f"the decision does not flip between {-span:g} and {span:g} {self.scale.unit} of input difference; "
            f"{self.scale.remedy}"
        )

    def delay(self, value: float, stop: float | None = None) -> float:
        """From the clock at vdd / 2 until the outputs are vdd / 2 apart for good (s); NaN: not by `stop`."""
        return self._decision(value, stop)[1] - self.enabled

    def reads_one(self, value: float) -> bool:
        """Whether it decides 1 at an input."""
        return self._decision(value)[0] > 0

    def _learn_pace(self) -> float:
        """Widen `window` and `pace` until ties are decided; the flip."""
        self.straighten()
        for _ in range(_WIDENED):
            flip = self.find_flip()
            delays = [self.delay(flip + sign * self.scale.tie) for sign in (-1, 1)]
            if not any(math.isnan(delay) for delay in delays):
                self.pace = max(delays) / 5
                self.window = self.enabled + 2 * max(delays)
                return flip
            self.window, self.pace = self.enabled + 2 * (self.window - self.enabled), 2 * self.pace
        raise SimulationError(
            f"no decision {self.scale.tie:g} {self.scale.unit} beyond the flip within {self.window:.3g} s; "
            f"{self.scale.remedy}"
        )

    def _decision(self, value: float, stop: float | None = None) -> tuple[float, float]:
        """Sign of v(outp) - v(outn) at the end, and when half the supply was there for good (NaN: never)."""
        vectors = self.transient(value, stop)
        apart = vectors["outp"] - vectors["outn"]
        sign = math.copysign(1.0, apart[-1])
        return sign, settling(vectors["time"], -sign * apart, -self.vdd / 2, after=0.0)

    def _answer(self, value: float) -> float:
        """Decision times exp(-t / pace): monotone in the input, zero (undecided in the window) at the flip."""
        sign, time = self._decision(value)
        return 0.0 if math.isnan(time) else sign * math.exp(-(time - self.enabled) / self.pace)


def run_once(netlist: Netlist, sources: Mapping[str, float], step: float, stop: float) -> Vectors:
    """The waveforms of another netlist to `stop` (s), steps of at most `step` (s), sources at DC values."""
    ngspice = engine()
    ngspice.load(netlist)
    for source, level in sources.items():
        ngspice.alter(source, "dc", level)
    return ngspice.run(f"tran {step!r} {stop!r} 0 {step!r}")
