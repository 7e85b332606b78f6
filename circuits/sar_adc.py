"""A successive-approximation converter as a netlist that converts by itself.

    vin --(sampling gate)-- top ---+--- inp  StrongARM  inn --- v_cm
                                   |                 |
    array (circuits.sar_array):  c_k ... to bot_k   outp
        bot_k: NFET to 0 where b_k = 1, transmission gate to v_ref where b_k = 0
        b_k: set at the start of trial k, and takes the comparator's answer at its end

Transistors: the comparator, the sampling gate, the switches of the bottom plates (in proportion to their capacitors)
and their inverters. The comparator's other input is held by as much capacitance as the array, so that what its clock
kicks back is alike on both. Ideal: the register, which is a capacitor of 5 fF a bit with switches of 1 kOhm that
sources time, and the sources of v_ref = v_cm = vdd / 2 and the input.

A run goes on through the sampling of the next conversion, which takes the bottom plates back to v_ref: from the end of
a sampling to the end of the next one is a whole cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits.measures import derived, energy, value
from circuits.netlist import OPTIONS, Netlist
from circuits.sar_array import CapacitorArray
from circuits.sar_comparator import INSTANCE, StrongArm
from circuits.technology import Technology

_TO_SOURCE = 1e12  # Ohm: sets the level of the comparator's other input, which a capacitor holds as the array the first
_EDGE = 50e-12  # s, of every pulse
_SAMPLER = 8  # devices in parallel of either transistor of the sampling gate
_UNITS_A_SWITCH = 2  # unit capacitors that one device of a switch moves
# Shares of a trial: when its bit is set, when the comparator is clocked, and when its answer is taken
_SET, _CLOCK, _TAKE = (0.0, 0.15), (0.6, 0.95), (0.8, 0.9)


@dataclass(frozen=True)
class Given:
    """Energy that a source gives.

    Args:
        source: its name.
        at: its voltage (V), or the node that it drives.
        start: from when, s.
        stop: until when, s.
    """

    source: str
    at: float | str
    start: float
    stop: float

    def measure(self, name: str) -> str:
        """The line that finds it (J)."""
        return energy(name, {self.source: self.at}, self.start, self.stop)


@dataclass(frozen=True)
class SarAdc:
    """A converter.

    Args:
        array: its capacitors.
        comparator: sizes and loads.
        t_sample: that the input is sampled, s.
        t_bit: of one trial, s.

    Raises:
        ConfigError: an impossible time.
    """

    array: CapacitorArray = field(default_factory=CapacitorArray)
    comparator: StrongArm = field(default_factory=StrongArm)
    t_sample: float = 10e-9
    t_bit: float = 5e-9

    def __post_init__(self) -> None:
        if not (self.t_sample > 10 * _EDGE and self.t_bit > 20 * _EDGE):
            raise ConfigError(
                f"t_sample = {self.t_sample:g}, t_bit = {self.t_bit:g}: at least {10 * _EDGE:g} and {20 * _EDGE:g} s"
            )

    @property
    def duration(self) -> float:
        """Of a conversion, s; its code stands at the end of it."""
        return self.t_sample + self.array.bits * self.t_bit

    @property
    def cycle(self) -> tuple[float, float]:
        """When the sampling gate opens in a run, and when it does so for the next conversion, s."""
        opens = self.t_sample - 4 * _EDGE
        return opens, self.duration + opens

    def given(self, vdd: float) -> dict[str, tuple[Given, ...]]:
        """What counts in each figure of a cycle's energy."""
        start, stop = self.cycle
        return {
            "energy_comparator": (Given("vsupply", vdd, start, stop), Given("vclk", "clk", start, stop)),
            "energy_array": (Given("vref", vdd / 2, start, stop),),
            # a driver takes from vdd what a gate needs to rise and gives it to ground, not back, when it falls
            "energy_sampling": (
                Given("vsample_b", vdd, start, self.duration),
                Given("vsample", vdd, self.duration, stop),
            ),
        }

    def trial(self, bit: int) -> float:
        """When the trial of a bit starts, s; the most significant comes first."""
        return self.t_sample + (self.array.bits - 1 - bit) * self.t_bit


def bit_nodes(bits: int) -> list[str]:
    """Nodes of the register, the least significant first."""
    return [f"b{bit}" for bit in range(bits)]


def sar_adc(technology: Technology, corner: str, vdd: float, temperature: float, adc: SarAdc, v_in: float) -> Netlist:
    """One conversion of `v_in` (V), from v_cm = vdd / 2 to vdd, and the sampling that follows it.

    Vectors: v(top), v(clk), v(outp), v(outn), v(b0) ...; i(vsupply) (comparator and inverters), i(vref) (array),
    i(vclk), i(vsample), i(vsample_b) (what gates of transistors draw), i(vin). Measures: the energies of a cycle (J)
    and `top_end`, the residue (V) that the conversion leaves.
    """
    bits, half = adc.array.bits, vdd / 2
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        adc.comparator.subckt(technology),
        f".model register sw vt={half!r} vh=0 ron=1k roff=1e12",
        f"vsupply vdd 0 dc {vdd!r}",
        f"vref ref 0 dc {half!r}",
        f"vcm cm_source 0 dc {half!r}",
        f"r_cm cm_source cm {_TO_SOURCE!r}",
        f"c_cm cm_source cm {adc.array.total!r}",
        f"vregister vdd_ideal 0 dc {vdd!r}",
        f"vin in 0 dc {v_in!r}",
        f"vsample sample 0 dc {vdd!r} {_gate(vdd, 0.0, adc)}",
        f"vsample_b sample_b 0 dc 0 {_gate(0.0, vdd, adc)}",
        technology.device("nmos_wide").line("sample_n", "in", "sample", "top", "0", m=_SAMPLER),
        technology.device("pmos_wide").line("sample_p", "in", "sample_b", "top", "vdd", m=_SAMPLER),
        f"c_end top ref {adc.array.unit!r}",
        f"vclk clk 0 dc 0 {_train(vdd, adc, _CLOCK)}",
        f"{INSTANCE} top cm outp outn clk vdd strongarm",
        "eanswer answer 0 outp 0 1",
    ]
    for bit, node in enumerate(bit_nodes(bits)):
        lines += _bit(technology, vdd, adc, bit, node)
    shown = " ".join(f"v({node})" for node in ("top", "clk", "outp", "outn", *bit_nodes(bits)))
    sources = " ".join(f"i({name})" for name in ("vsupply", "vref", "vclk", "vsample", "vsample_b", "vin"))
    lines.append(f".save {shown} v(sample) v(sample_b) {sources}")
    analysis = f".tran 20p {adc.duration + adc.t_sample!r} 0 50p"
    return Netlist(f"SAR converter of {bits} bits", "\n".join(lines), (analysis,), tuple(_measures(adc, vdd)))


def _measures(adc: SarAdc, vdd: float) -> Iterator[str]:
    yield value("top_end", "v(top)", adc.duration)
    for name, parts in adc.given(vdd).items():
        yield from (part.measure(f"of_{part.source}") for part in parts)
        yield derived(name, "+".join(f"of_{part.source}" for part in parts))


def _bit(technology: Technology, vdd: float, adc: SarAdc, bit: int, node: str) -> list[str]:
    """A capacitor, its switches and its register."""
    m = max(2**bit // _UNITS_A_SWITCH, 1)
    nmos, pmos = technology.device("nmos"), technology.device("pmos")
    start, bottom, inverse = adc.trial(bit), f"bot{bit}", f"n{bit}"
    (set_at, set_for), (take_at, take_for) = (
        (start + low * adc.t_bit, (high - low) * adc.t_bit) for low, high in (_SET, _TAKE)
    )
    return [
        f"c{bit} top {bottom} {adc.array.unit * 2**bit!r}",
        nmos.line(f"low{bit}", bottom, node, "0", "0", m=m),
        nmos.line(f"high_n{bit}", bottom, inverse, "ref", "0", m=m),
        pmos.line(f"high_p{bit}", bottom, node, "ref", "vdd", m=m),
        nmos.line(f"inv_n{bit}", inverse, node, "0", "0"),
        pmos.line(f"inv_p{bit}", inverse, node, "vdd", "vdd"),
        f"c_{node} {node} 0 5f",
        f"s_reset{bit} {node} 0 sample 0 register",
        f"vset{bit} set{bit} 0 dc 0 {_pulse(0.0, vdd, set_at, set_for)}",
        f"s_set{bit} {node} vdd_ideal set{bit} 0 register",
        f"vtake{bit} take{bit} 0 dc 0 {_pulse(0.0, vdd, take_at, take_for)}",
        f"s_take{bit} {node} answer take{bit} 0 register",
    ]


def _pulse(idle: float, active: float, at: float, width: float) -> str:
    return f"pulse({idle!r} {active!r} {at!r} {_EDGE!r} {_EDGE!r} {width!r})"


def _gate(sampling: float, converting: float, adc: SarAdc) -> str:
    """Of the sampling gate: it closes again when the conversion is over."""
    at, _ = adc.cycle
    width = adc.duration - at - _EDGE
    return f"pulse({sampling!r} {converting!r} {at!r} {_EDGE!r} {_EDGE!r} {width!r} {adc.duration!r})"


def _train(vdd: float, adc: SarAdc, shares: tuple[float, float]) -> str:
    """A pulse a trial."""
    corners = [(0.0, 0.0)]
    for bit in reversed(range(adc.array.bits)):
        up, down = (adc.trial(bit) + share * adc.t_bit for share in shares)
        corners += [(up, 0.0), (up + _EDGE, vdd), (down, vdd), (down + _EDGE, 0.0)]
    return f"pwl({' '.join(f'{time!r} {level!r}' for time, level in corners)})"
