"""The latch sense amplifier of OpenRAM for SKY130, and the bench that measures it.

    bl --(pass)-- dint ----+---- dint_bar --(pass)-- br       both pass PFETs close when en falls
                  | cross-coupled inverters |
                  +------- tail ------------+                 the tail NFET starts the latch when en rises
                                dint_bar --(inverter)-- dout

The input difference is v(br) - v(bl): positive reads as 0, negative as 1. The output inverter hangs on `dint_bar`
alone, a one-sided load that slows this node's fall: so the amplifier leans to 0, and its offset is negative. Sizes are
those of `sky130_fd_bd_sram__openram_sense_amp` (OpenRAM, BSD-3; SkyWater libraries, Apache-2.0): NFETs 0.65, PFETs
1.26, pass PFETs 2.0, all L = 0.15 um.
"""

from __future__ import annotations

from dataclasses import dataclass

from circuits.netlist import OPTIONS, Netlist
from circuits.technology import Technology

INSTANCE = "xsense"  # of the amplifier in the bench
# Transistors by name within the subcircuit, and the role of each: what mismatch is drawn for.
TRANSISTORS: dict[str, str] = {
    "mn_int": "nmos",
    "mn_bar": "nmos",
    "mp_int": "pmos",
    "mp_bar": "pmos",
    "mtail": "nmos",
    "mpass_bl": "pmos_wide",
    "mpass_br": "pmos_wide",
    "mn_out": "nmos",
    "mp_out": "pmos",
}
_NODES: dict[str, tuple[str, str, str, str]] = {  # drain, gate, source, bulk
    "mn_int": ("dint", "dint_bar", "tail", "0"),
    "mn_bar": ("dint_bar", "dint", "tail", "0"),
    "mp_int": ("dint", "dint_bar", "vdd", "vdd"),
    "mp_bar": ("dint_bar", "dint", "vdd", "vdd"),
    "mtail": ("tail", "en", "0", "0"),
    "mpass_bl": ("dint", "en", "bl", "vdd"),
    "mpass_br": ("dint_bar", "en", "br", "vdd"),
    "mn_out": ("dout", "dint_bar", "0", "0"),
    "mp_out": ("dout", "dint_bar", "vdd", "vdd"),
}


@dataclass(frozen=True)
class SenseBench:
    """What the amplifier is measured with; every figure of it holds for these.

    Args:
        below_vdd: common mode: how far the mean of both bit lines lies below vdd, V.
        enable_slew: rise time of the enable from 0 to vdd, s.
        enable_start: when it starts to rise, s.
        c_internal: diffusion and wiring on each internal node, F (the model cards have no junctions).
        c_difference: by how much that of `dint_bar` exceeds that of `dint`, their mean being `c_internal`, F.
        c_output: load of dout, F.
    """

    below_vdd: float = 0.2
    enable_slew: float = 50e-12
    enable_start: float = 50e-12
    c_internal: float = 5e-15
    c_output: float = 5e-15
    c_difference: float = 0.0

    @property
    def enabled(self) -> float:
        """When the enable passes vdd / 2, s: delays count from here."""
        return self.enable_start + self.enable_slew / 2

    def bit_lines(self, vdd: float, difference: float) -> tuple[float, float]:
        """Voltages of bl and br (V) for an input difference v(br) - v(bl)."""
        common = vdd - self.below_vdd
        return common - difference / 2, common + difference / 2


def subckt(technology: Technology, c_internal: float, c_difference: float = 0.0) -> str:
    """`.subckt sense_amp bl br dout en vdd`, with `c_internal` (F) on each internal node; see `SenseBench`."""
    transistors = [
        technology.device(role).line(name.removeprefix("m"), *_NODES[name]) for name, role in TRANSISTORS.items()
    ]
    loads = [
        f"c_{node} {node} 0 {c_internal + sign * c_difference / 2!r}" for node, sign in (("dint", -1), ("dint_bar", 1))
    ]
    return "\n".join([".subckt sense_amp bl br dout en vdd", *transistors, *loads, ".ends"])


def sense_amp(
    technology: Technology, corner: str, vdd: float, temperature: float, bench: SenseBench, enable_width: float = 1.0
) -> Netlist:
    """The amplifier with ideal sources on its bit lines and supply; the enable stays up for `enable_width` (s).

    Alter `vbl` and `vbr` for the input difference, and `m.xsense.<transistor>` for mismatch. Vectors: v(xsense.dint),
    v(xsense.dint_bar), v(dout), v(en), v(bl), v(br), i(vsupply), i(ven), i(vbl), i(vbr).
    """
    bl, br = bench.bit_lines(vdd, 0.0)
    pulse = f"{bench.enable_start!r} {bench.enable_slew!r} {bench.enable_slew!r} {enable_width!r}"
    text = f"""{OPTIONS} temp={temperature!r}
{technology.cards(corner)}
{subckt(technology, bench.c_internal, bench.c_difference)}
vsupply vdd 0 dc {vdd!r}
vbl bl 0 dc {bl!r}
vbr br 0 dc {br!r}
ven en 0 dc 0 pulse(0 {vdd!r} {pulse})
{INSTANCE} bl br dout en vdd sense_amp
c_dout dout 0 {bench.c_output!r}
.save v({INSTANCE}.dint) v({INSTANCE}.dint_bar) v(dout) v(en) v(bl) v(br) i(vsupply) i(ven) i(vbl) i(vbr)"""
    return Netlist("latch sense amplifier", text, (".tran 1p 1n",))
