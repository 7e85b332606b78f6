"""A word line's driver: a resistor string, a tree of switches that picks its tap, and an amplifier.

    v_cm + v_read --r--r-- ... --r-- v_cm       2^bits taps; code 0 is v_cm, at which the bit lines stand too
                    |  |         |
                    tree of transmission gates, one level a bit, the least significant first
                    |
                    amplifier in unity gain -- word line, whose cells lead to bit lines at v_cm

The tile of `circuits.tile` is bit-serial: its driver has one bit. The string is of ideal resistors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits.front_end_line import Line, possible
from circuits.measures import derived, energy, power, value
from circuits.netlist import OPTIONS, Netlist
from circuits.ota import Ota
from circuits.periphery import gate
from circuits.technology import Technology
from circuits.wiring import Draft

START, RISE = 5e-9, 0.1e-9  # s, of the step of codes
FREQUENCIES = "dec 20 1e3 2e10"
MOST_BITS = 8  # a tree of 510 transmission gates
MOST_LOAD = 4e-3  # A, to which the load is swept
LOAD_POINTS = 81
UNITY = Ota(output=12, c_c=1e-12, r_z=400.0)  # compensated for unity gain, and strong enough for a line at g_max


@dataclass(frozen=True)
class DacDriverDesign:
    """The driver and its line.

    Args:
        bits: of the converter.
        v_read: voltage of the top code above code 0, V.
        v_cm: voltage of code 0 and of the bit lines, V.
        r_unit: resistance of one element of the string, ohm.
        r_sigma: relative standard deviation of an element, for mismatch samples: an input, of no foundry.
        line: the word line; the default's cells are all at the tile's greatest conductance.
        t_convert: how long a code lasts, s.
        ota: the amplifier.

    Raises:
        ConfigError: bits out of range, or a value that is not finite and above 0.
    """

    bits: int = 4
    v_read: float = 0.2
    v_cm: float = 1.0
    r_unit: float = 500.0
    r_sigma: float = 0.0
    line: Line = field(default_factory=lambda: Line(g_cell=39e-6))
    t_convert: float = 100e-9
    ota: Ota = UNITY

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise ConfigError(f"dac-driver: bits is {self.bits!r}; the string and its tree take 1 to {MOST_BITS}")
        if not 0 <= self.r_sigma < 0.2:
            raise ConfigError(f"dac-driver: r_sigma is {self.r_sigma!r}; it must be from 0 to below 0.2")
        possible("dac-driver", self, ("v_read", "v_cm", "r_unit", "t_convert"))

    @property
    def top(self) -> int:
        """The greatest code."""
        return int(2**self.bits - 1)

    @property
    def lsb(self) -> float:
        """Voltage of one code, V."""
        return self.v_read / self.top

    @property
    def analyses(self) -> dict[str, str]:
        """Analyses by name, without their leading dot."""
        return {
            "codes": f"dc vcode 0 {self.top} 1",
            "load": f"dc iload 0 {MOST_LOAD!r} {MOST_LOAD / (LOAD_POINTS - 1)!r}",
            "step": f"tran 0.1n {START + self.t_convert!r} 0 0.1n",
            "noise": f"noise v(out) vhigh {FREQUENCIES}",
            "loop-voltage": f"ac {FREQUENCIES}",
            "loop-current": f"ac {FREQUENCIES}",
        }

    def netlist(
        self, technology: Technology, corner: str, vdd: float, temperature: float, analysis: str = "codes"
    ) -> Netlist:
        """The circuit with one of `analyses`.

        Nodes `tap`, `out` (near end of the word line), `far`. Supplies apart: `vdd` of the amplifier, `vlogic` of the
        switches, `vhigh` of the string. Elements of the string are `rstring<k>`, from the bottom.
        """
        draft = Draft(technology)
        ac = {"loop-voltage": "vprobe", "loop-current": "iprobe"}.get(analysis, "")
        loaded = [] if analysis == "load" else list(self._line(draft))
        text = "\n".join(
            [
                f"{OPTIONS} temp={temperature!r}",
                ".param mult=1",
                technology.cards(corner),
                gate(draft, "nand"),
                f"vdd vdd 0 {vdd!r}",
                f"vlogic vlogic 0 {vdd!r}",
                f"vcm cm 0 {self.v_cm!r}",
                f"vhigh high 0 dc {self.v_cm + self.v_read!r} ac {int(analysis == 'noise')}",
                *self._string(),
                *self._bits(analysis, vdd),
                *self._tree(draft),
                *self.ota.lines(draft, "tap", "out", "out", ac),
                *loaded,
                "iload out cm dc 0",
            ]
        )
        title, lines = f"word-line driver of {self.bits} bits: {analysis}", ("." + self.analyses[analysis],)
        return Netlist(title, text, lines, self._measures(vdd).get(analysis, ()))

    def _measures(self, vdd: float) -> dict[str, tuple[str, ...]]:
        """By analysis: `offset`, `static_power`, `load_power`; `r_out`; `energy`, `switching_energy`."""
        supplies = {"vdd": vdd, "vlogic": vdd, "vhigh": self.v_cm + self.v_read, "vcm": self.v_cm}
        taken, end = self.v_read * self.line.conductance, START + self.t_convert
        load = [value("out_0", "v(out)", 0.0, "dc"), value("out_1", "v(out)", taken, "dc")]
        load.append(derived("r_out", f"(out_0-out_1)/{taken!r}", "dc"))
        load += [value(name, "v(out)", at, "dc") for name, at in (("out_half", MOST_LOAD / 2), ("out_end", MOST_LOAD))]
        logic: dict[str, float | str] = {"vlogic": vdd, **{f"vbit{bit}": f"b{bit}" for bit in range(self.bits)}}
        return {
            "codes": (
                value("out_0", "v(out)", 0.0, "dc"),
                value("tap_0", "v(tap)", 0.0, "dc"),
                derived("offset", "out_0-tap_0", "dc"),
                *power("static_power", supplies, 0.0),
                *power("top_power", supplies, float(self.top)),
                derived("load_power", "top_power-static_power", "dc"),
            ),
            "load": tuple(load) if 0 < taken <= MOST_LOAD else (),
            "step": (energy("energy", supplies, START, end), energy("switching_energy", logic, START, end)),
        }

    def _line(self, draft: Draft) -> list[str]:
        return self.line.lines(draft, draft.wiring.word_line, draft.wiring.cell_width, "out", "far", "cm")

    def _string(self) -> Iterator[str]:
        nodes = ["cm", *(f"t0_{code}" for code in range(1, self.top)), "high"]
        for number in range(self.top):
            yield f"rstring{number} {nodes[number]} {nodes[number + 1]} {self.r_unit!r}"

    def _bits(self, analysis: str, vdd: float) -> Iterator[str]:
        """Sources of the bits `b<k>` and their complements `n<k>` by inverters."""
        if analysis == "codes":
            yield "vcode code 0 0"
        for bit in range(self.bits):
            if analysis == "codes":
                digit = f"floor((v(code) + 0.5) / {2**bit}) - 2 * floor((v(code) + 0.5) / {2 ** (bit + 1)})"
                yield f"bbit{bit} b{bit} 0 v = {vdd!r} * ({digit})"
            elif analysis == "step":
                yield f"vbit{bit} b{bit} 0 dc 0 pulse(0 {vdd!r} {START!r} {RISE!r} {RISE!r} 1)"
            else:
                yield f"vbit{bit} b{bit} 0 dc {vdd!r}"
            yield f"x_n{bit} b{bit} n{bit} vlogic nand1_x1"

    def _tree(self, draft: Draft) -> Iterator[str]:
        """Level k halves the taps by bit k: node k + 1 of number j is that of number 2 j or 2 j + 1 below."""
        for bit in range(self.bits):
            for number in range(2 ** (self.bits - bit)):
                below, above = self._node(bit, number), self._node(bit + 1, number // 2)
                on, off = (f"b{bit}", f"n{bit}") if number % 2 else (f"n{bit}", f"b{bit}")
                name = f"s{bit}_{number}"
                yield draft.transistor("nmos", f"{name}n", f"{below} {on} {above} 0")
                yield draft.transistor("pmos", f"{name}p", f"{below} {off} {above} vlogic")

    def _node(self, level: int, number: int) -> str:
        if level == self.bits:
            return "tap"
        if level == 0 and number in (0, self.top):
            return "high" if number else "cm"
        return f"t{level}_{number}"
