"""When a crossbar's outputs have settled: moments of their step response through the line solver, and two poles of it.

The lines are C dx/dt = -G x + b once the word lines step to their drive. The moments of an output's response are
currents of the systems G x1 = C x0, G x2 = C x1 and so on, which the solver of the lines gives like any other (the
first moment is Elmore's delay, J. Appl. Phys. 19, 55, 1948). Three moments give one zero and two poles, as asymptotic
waveform evaluation does (Pillage and Rohrer, IEEE Trans. CAD 9(4), 352, 1990); where those would not be two real
decays, two moments give two poles or one. The poles of the driver and of the front end enter the moments. The slow twin
is `crossbar.transient`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitline.core.errors import ConvergenceError
from circuits.crossbar import Floats, Wires
from circuits.line_timing import LineTiming
from circuits.terminals import reading
from crossbar.edges import edges
from crossbar.lines import TOLERANCE, LineSystem, solve_lines
from crossbar.nodes import ROUNDING

_MOMENTS = 3
_HALVINGS = 60


@dataclass(frozen=True, eq=False)
class StepResponse:
    """Of every bit line's current to a step of all word lines: the share that is still missing after a time.

    missing(t) = (1 - late) exp(-t / slow) + late exp(-t / fast).

    Attributes:
        i: settled currents (A), shape (n,).
        delay: Elmore's (s), shape (n,).
        slow: the longer time constant (s), shape (n,); 0 where an output follows at once.
        fast: the shorter (s).
        late: share of the shorter (1).
    """

    i: Floats
    delay: Floats
    slow: Floats
    fast: Floats
    late: Floats

    def missing(self, time: float | Floats) -> Floats:
        """Share of the settled currents that has not come by `time` (s), shape (n,)."""
        return np.asarray((1 - self.late) * _decay(time, self.slow) + self.late * _decay(time, self.fast))

    def time_to(self, share: float) -> Floats:
        """Time (s) after which no more than `share` of the settled current is missing, shape (n,)."""
        low, high = np.zeros_like(self.slow), self.slow * (2 - np.log(share)) * 2
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = np.abs(self.missing(middle)) > share
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(high)


def step_response(g: Floats, v: Floats, wires: Wires, timing: LineTiming) -> StepResponse:
    """The response of g[word_line, bit_line] (S), at rest, when its word lines step to v[word_line] (V).

    Raises:
        ConfigError: g or v is no such array.
        ConvergenceError: the solver of the lines did not reach its tolerance.
    """
    currents = _moments(g, v, wires, timing)
    settled = currents[0]
    flows = settled != 0
    series = [np.where(flows, each / np.where(flows, settled, 1.0), float(k == 0)) for k, each in enumerate(currents)]
    for tau in timing.poles:
        # each pole divides the series by 1 + tau s; the signs of the moments are left out throughout
        for k in range(1, len(series)):
            series[k] = series[k] + tau * series[k - 1]
    slow, fast, late = _two_poles(*series[1:])
    return StepResponse(settled, series[1], slow, fast, late)


def _moments(g: Floats, v: Floats, wires: Wires, timing: LineTiming) -> list[Floats]:
    """Currents (A s^k) into the sense inputs, each shape (n,), signs left out."""
    ends = reading(v, g.shape[1])
    at_rest = solve_lines(g, wires, ends, TOLERANCE)
    system = LineSystem(g, g, *edges(wires, ends))
    word, bit, found = at_rest.word[0], at_rest.bit[0], [at_rest.i_bl_last[0]]
    nothing = np.zeros(g.shape[1])
    for _ in range(_MOMENTS):
        charge_wl, charge_bl = timing.c_wl * word, timing.c_bl * bit
        floor = ROUNDING * float(np.abs(charge_wl).sum() + np.abs(charge_bl).sum())
        change = system.correction(-charge_wl, charge_bl, nothing, TOLERANCE, floor)
        if not change.met and change.bound > floor:
            raise ConvergenceError(
                "the step response of a crossbar was not found: its wires take nearly all of the voltage; give the "
                "wires less resistance or the array fewer lines"
            )
        word, bit = change.word, change.bit
        found.append(np.sum(g * (word - bit) + charge_bl, axis=0))
    return found


def _two_poles(first: Floats, second: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Slow and fast time constants (s) and the share of the fast one, of 1 - first s + second s^2 - third s^3."""
    with np.errstate(divide="ignore", invalid="ignore"):
        b1 = (third - first * second) / (second - first**2)
        b2 = b1 * first - second
        zero = b1 - first
        real = (b1 > 0) & (b2 > 0) & (b1**2 >= 4 * b2)
        b1, b2, zero = np.where(real, b1, first), np.where(real, b2, first**2 - second), np.where(real, zero, 0.0)
        b2 = np.clip(b2, 0.0, b1**2 / 4)
        root = np.sqrt(b1**2 - 4 * b2)
        # two equal decays would have no shares; parted by a thousandth they are as good
        root = np.maximum(root, 1e-3 * b1)
        slow, fast = (b1 + root) / 2, (b1 - root) / 2
        late = np.where(root > 0, (zero - fast) / (slow - fast), 0.0)
    return slow, fast, late


def _decay(time: float | Floats, tau: Floats) -> Floats:
    return np.asarray(np.exp(-np.divide(time, tau, out=np.full(tau.shape, np.inf), where=tau > 0)))
