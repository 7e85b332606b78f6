"""Noise of the StrongARM comparator, referred to its input.

A clocked latch has no operating point for `.noise`. Near a balanced decision its outputs part linearly in all that
disturbs them, so a charge q put across a transistor's channel at time t moves them as an input of h(t) q would: h is
found in transients of ngspice. Channel noise is white with 2 k T gamma gm(t) A^2/Hz (two-sided), gm that of the
balanced decision, so the variance at the input is the sum over transistors of the integral of h^2 2 k T gamma gm over
time (Kim, Leibowitz, Ren, Madden, IEEE TCAS-I 56(8), 1844, 2009). What the clock's transistor gives is the same on
both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from circuits.netlist import Netlist
from circuits.sar_comparator import INSTANCE
from spice.engine import Engine, Vectors, engine
from spice.mismatch import Floats

Inputs = Callable[[float], Mapping[str, float]]

BOLTZMANN = 1.380649e-23  # J/K
GAMMA = 1.0  # of the channel noise: 2/3 in a long channel in saturation, about 1 in these (Razavi, 2015)
# One transistor of each pair: drain and source, between which its channel's noise flows
SOURCES = {"input": ("in_p", "x_p", "tail"), "latch_n": ("n_p", "outn", "x_p"), "latch_p": ("p_p", "outn", "vdd")}
_TIMES = 14  # at which h is found
_CHARGE = 2e-18  # C: moves a node of 10 fF by 0.2 mV
_WIDTH = 4e-12  # s that it takes
_TEST = 5e-5  # V at the input: what it does to the outputs is the gain
_SEEN = 0.03  # V between the outputs by then: still linear
_STEPS = 700  # of a transient


def bench_lines() -> tuple[str, ...]:
    """What the noise's bench has beyond the comparator's: a current source across each channel, and gm saved."""
    inner = {"x_p": f"{INSTANCE}.x_p", "tail": f"{INSTANCE}.tail"}
    sources = [
        f"i_{name} {inner.get(drain, drain)} {inner.get(source, source)} dc 0 pwl(0 0 1 0)"
        for name, (_, drain, source) in SOURCES.items()
    ]
    saved = " ".join(f"@m.{INSTANCE}.m{transistor}[gm]" for transistor, _, _ in SOURCES.values())
    return (*sources, f".save {saved}")


def noise(netlist: Netlist, inputs: Inputs, temperature: float, offset: float, window: float) -> Record:
    """The noise of a comparator without mismatch.

    Args:
        netlist: its bench with `bench_lines`.
        inputs: values of its sources at an input difference.
        temperature: C.
        offset: V.
        window: that a decision of a fraction of a millivolt fits in, s.

    Returns:
        `noise` (V rms at the input); `noise_time`, shape (_TIMES,), and `noise_<source>`: what a pair of transistors
        adds to its variance by then, V^2/s.

    Raises:
        SimulationError: the outputs do not part.
    """
    bench = _Bench(netlist, inputs, offset, window)
    time = np.linspace(bench.first, bench.seen, _TIMES + 1)
    middle = (time[1:] + time[:-1]) / 2
    densities: dict[str, Floats] = {}
    for name, (transistor, _, _) in SOURCES.items():
        sensitivity = np.array([bench.response(name, float(at)) for at in middle])
        gm = np.interp(middle, bench.balanced["time"], bench.balanced[f"@m.{INSTANCE}.m{transistor}[gm]"])
        kt = BOLTZMANN * (temperature + 273.15)
        densities[f"noise_{name}"] = 2 * sensitivity**2 * 2 * kt * GAMMA * gm  # both transistors of the pair
    total = float(sum(density.sum() for density in densities.values()) * (time[1] - time[0]))
    return {"noise": float(np.sqrt(total)), "noise_time": middle, **densities}


class _Bench:
    """The comparator at balance, and what disturbs it."""

    def __init__(self, netlist: Netlist, inputs: Inputs, offset: float, window: float) -> None:
        self._inputs, self._window = inputs, window
        self._ngspice: Engine = engine()
        self._ngspice.load(netlist)
        self._set(offset + _TEST)
        tested = self._run()
        self._set(offset)
        self.balanced = self._run()
        grown = np.abs(tested["outp"] - tested["outn"]) > _SEEN
        if not grown.any():
            raise SimulationError(f"the comparator's outputs do not part within {window:g} s; raise its supply")
        self.seen = float(tested["time"][int(np.flatnonzero(grown)[0])])
        discharging = self.balanced[f"{INSTANCE}.x_p"] < 0.98 * self.balanced[f"{INSTANCE}.x_p"][0]
        self.first = float(self.balanced["time"][int(np.flatnonzero(discharging)[0])])
        self._still = self._apart(self.balanced)
        self._gain = (self._apart(tested) - self._still) / _TEST

    def response(self, source: str, at: float) -> float:
        """Input (V) that does what a coulomb across a channel at `at` (s) does, V/C."""
        peak, half = _CHARGE / _WIDTH * 2, _WIDTH / 2
        corners = f"0 0 {at - half!r} 0 {at!r} {peak!r} {at + half!r} 0 1 0"
        self._ngspice.command(f"alter @i_{source}[pwl] = [ {corners} ]")
        try:
            return (self._apart(self._run()) - self._still) / (self._gain * _CHARGE)
        finally:
            self._ngspice.command(f"alter @i_{source}[pwl] = [ 0 0 1 0 ]")

    def _set(self, difference: float) -> None:
        for source, level in self._inputs(difference).items():
            self._ngspice.alter(source, "dc", level)

    def _run(self) -> Vectors:
        step = self._window / _STEPS
        return self._ngspice.run(f"tran {step!r} {self._window!r} 0 {step!r}")

    def _apart(self, run: Vectors) -> float:
        return float(np.interp(self.seen, run["time"], run["outp"] - run["outn"]))
