"""The StrongARM comparator, and the bench that measures it.

    vdd --(cross-coupled PFETs)-- outn, outp           outputs and inner nodes are precharged to vdd while the clock
    outn --(n_p)-- x_p --(in_p)--+                     is low; when it rises, the input pair discharges x_p and x_n,
    outp --(n_n)-- x_n --(in_n)--+-- tail --(clk)-- 0  and the cross-coupled devices regenerate

The input is v(inp) - v(inn): where it is positive, `outn` falls and `outp` stays, which reads as 1. Both sides are
alike, so that the comparator without mismatch has no offset (Razavi, "The StrongARM Latch", IEEE Solid-State Circuits
Magazine 7(2), 12, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Device, Technology

INSTANCE = "xcmp"  # of the comparator in every bench
# Role, devices in parallel (0: as many as the input pair has), and drain, gate, source, bulk of each transistor
_TRANSISTORS: dict[str, tuple[str, int, tuple[str, str, str, str]]] = {
    "in_p": ("nmos", 0, ("x_p", "inp", "tail", "0")),
    "in_n": ("nmos", 0, ("x_n", "inn", "tail", "0")),
    "n_p": ("nmos", 2, ("outn", "outp", "x_p", "0")),
    "n_n": ("nmos", 2, ("outp", "outn", "x_n", "0")),
    "p_p": ("pmos", 1, ("outn", "outp", "vdd", "vdd")),
    "p_n": ("pmos", 1, ("outp", "outn", "vdd", "vdd")),
    "tail": ("nmos_wide", 1, ("tail", "clk", "0", "0")),
    "r_outp": ("pmos_small", 1, ("outp", "clk", "vdd", "vdd")),
    "r_outn": ("pmos_small", 1, ("outn", "clk", "vdd", "vdd")),
    "r_xp": ("pmos_small", 1, ("x_p", "clk", "vdd", "vdd")),
    "r_xn": ("pmos_small", 1, ("x_n", "clk", "vdd", "vdd")),
}
ROLES: dict[str, str] = {name: role for name, (role, _, _) in _TRANSISTORS.items()}
_INNER, _OUTPUTS = ("x_p", "x_n"), ("outp", "outn")
_TO_SOURCE = 1e12  # Ohm: sets the level of an input whose capacitor holds it during a decision


@dataclass(frozen=True)
class StrongArm:
    """Sizes and loads.

    Args:
        pair: devices in parallel of each input transistor.
        c_internal: diffusion and wiring on each node between input and latch, F (the model cards have no junctions).
        c_output: the same and the load on each output, F.

    Raises:
        ConfigError: no such comparator.
    """

    pair: int = 4
    c_internal: float = 3e-15
    c_output: float = 5e-15

    def __post_init__(self) -> None:
        if self.pair < 1 or int(self.pair) != self.pair:
            raise ConfigError(f"pair = {self.pair:g}: an input transistor is 1, 2, 3 ... devices in parallel")
        if min(self.c_internal, self.c_output) < 0:
            raise ConfigError("a comparator's c_internal and c_output are capacitances of 0 F or more")

    def devices(self, technology: Technology) -> dict[str, Device]:
        """Each transistor at the width of all its parallel devices: what its mismatch goes by."""
        return {name: wide(technology.device(role), self._m(m)) for name, (role, m, _) in _TRANSISTORS.items()}

    def subckt(self, technology: Technology) -> str:
        """`.subckt strongarm inp inn outp outn clk vdd`; transistors are `m.<instance>.m<name>`."""
        lines = [
            technology.device(role).line(name, *nodes, m=self._m(m)) for name, (role, m, nodes) in _TRANSISTORS.items()
        ]
        loads = [f"c_{node} {node} 0 {self.c_internal!r}" for node in _INNER]
        loads += [f"c_{node} {node} 0 {self.c_output!r}" for node in _OUTPUTS]
        return "\n".join([".subckt strongarm inp inn outp outn clk vdd", *lines, *loads, ".ends"])

    def _m(self, m: int) -> int:
        return m or int(self.pair)


@dataclass(frozen=True)
class ComparatorBench:
    """What the comparator is measured with; every figure of it holds for these.

    Args:
        common: mean of both inputs, V.
        slew: rise and fall time of the clock, s.
        start: when it starts to rise, s.
        c_source: capacitance that holds each input, as the array of a converter does, F.
    """

    common: float = 0.9
    slew: float = 50e-12
    start: float = 50e-12
    c_source: float = 1e-12

    @property
    def enabled(self) -> float:
        """When the clock passes vdd / 2, s: delays count from here."""
        return self.start + self.slew / 2

    def inputs(self, difference: float) -> dict[str, float]:
        """Voltages (V) of the sources at a difference (V)."""
        return {"vp": self.common + difference / 2, "vn": self.common - difference / 2}


def wide(device: Device, m: int) -> Device:
    """`m` of a device in parallel as one: the size that the spread of their mean goes by."""
    return replace(device, w=device.w * m)


def comparator(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    sizes: StrongArm,
    bench: ComparatorBench,
    difference: float = 0.0,
    clock_width: float = 1.0,
    extra: tuple[str, ...] = (),
) -> Netlist:
    """The comparator with its inputs held by capacitors; the clock stays up for `clock_width` (s).

    Its inputs differ by `difference` (V); the measure `delay` is that of a 1, from the clock at vdd / 2 to the outputs
    vdd / 2 apart.

    Alter `vp` and `vn` for the input difference, and `m.xcmp.m<transistor>` for mismatch. Vectors: v(inp), v(inn),
    v(clk), v(outp), v(outn), v(xcmp.x_p), v(xcmp.x_n), i(vsupply), i(vclk). `extra` lines go to the end.
    """
    sources = bench.inputs(difference)
    pulse = f"{bench.start!r} {bench.slew!r} {bench.slew!r} {clock_width!r}"
    holds = [
        f"{source} s_{node} 0 dc {sources[source]!r}\nr_{node} s_{node} {node} {_TO_SOURCE!r}\n"
        f"c_{node} s_{node} {node} {bench.c_source!r}"
        for source, node in (("vp", "inp"), ("vn", "inn"))
    ]
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        sizes.subckt(technology),
        f"vsupply vdd 0 dc {vdd!r}",
        *holds,
        f"vclk clk 0 dc 0 pulse(0 {vdd!r} {pulse})",
        f"{INSTANCE} inp inn outp outn clk vdd strongarm",
        f".save v(inp) v(inn) v(clk) v(outp) v(outn) v({INSTANCE}.x_p) v({INSTANCE}.x_n) i(vsupply) i(vclk)",
        *extra,
    ]
    half = f"val={vdd / 2!r} rise=1"
    measures = (f".meas tran delay trig v(clk) {half} targ par('v(outp)-v(outn)') {half}",) if difference > 0 else ()
    return Netlist("StrongARM comparator", "\n".join(lines), (".tran 1p 2n 0 4p",), measures)
