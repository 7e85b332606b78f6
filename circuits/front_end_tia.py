"""A bit line's transimpedance front end: an amplifier with a feedback resistor holds the line at `v_cm`.

The bit line stands at the common mode, and word lines at `v_cm` (input 0) or above it, so that a single supply does: a
current into the front end lowers its output from `v_cm` by the current times `r_f`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from circuits.converters import largest_code
from circuits.front_end_line import Line, possible_front_end
from circuits.measures import derived, energy, power, value
from circuits.netlist import OPTIONS, Netlist
from circuits.ota import Ota
from circuits.technology import Technology
from circuits.wiring import Draft

START, RISE = 5e-9, 0.1e-9  # s, of the step of current
FREQUENCIES = "dec 20 1e3 2e10"
SWEEP_POINTS = 121  # of the DC sweep, from no current to twice full scale


@dataclass(frozen=True)
class TiaDesign:
    """The front end and what is connected to it.

    Args:
        line: the bit line; its cells lead to word lines at `v_cm`.
        i_full_scale: current of full scale, A.
        swing: of the output at full scale, V; `r_f` is this over `i_full_scale`.
        v_cm: common mode, V.
        c_f: capacitance beside the feedback resistor, F; it keeps the loop stable on a capacitive line.
        c_load: what the output drives, F.
        adc_bits: of the converter behind; a code is full scale over its largest code.
        t_read: how long a read lasts, s.
        ota: the amplifier.

    Raises:
        ConfigError: a value that is not finite and above 0, or a common mode that leaves no swing.
    """

    line: Line = field(default_factory=Line)
    i_full_scale: float = 100e-6
    swing: float = 0.6
    v_cm: float = 1.0
    c_f: float = 0.2e-12
    c_load: float = 20e-15
    adc_bits: int = 8
    t_read: float = 100e-9
    ota: Ota = field(default_factory=Ota)

    def __post_init__(self) -> None:
        possible_front_end("tia", self, ("i_full_scale", "swing", "v_cm", "c_f", "c_load", "t_read"))

    @property
    def r_f(self) -> float:
        """Feedback resistance, ohm."""
        return self.swing / self.i_full_scale

    @property
    def lsb(self) -> float:
        """Current of a code, A."""
        return self.i_full_scale / largest_code(self.adc_bits)

    @property
    def analyses(self) -> dict[str, str]:
        """Analyses by name, without their leading dot."""
        ends = 2 * self.i_full_scale
        return {
            "transfer": f"dc iin 0 {ends!r} {ends / (SWEEP_POINTS - 1)!r}",
            "frequency": f"ac {FREQUENCIES}",
            "noise": f"noise v(out) iin {FREQUENCIES}",
            "step": f"tran 0.1n {START + self.t_read!r} 0 0.1n",
            "loop-voltage": f"ac {FREQUENCIES}",
            "loop-current": f"ac {FREQUENCIES}",
        }

    def netlist(
        self, technology: Technology, corner: str, vdd: float, temperature: float, analysis: str = "transfer"
    ) -> Netlist:
        """The circuit with one of `analyses`.

        The current flows into the front end's input `in`, for what the line's wires take belongs to the array; the
        output is `out`.
        """
        draft = Draft(technology)
        ac = {"loop-voltage": "vprobe", "loop-current": "iprobe"}.get(analysis, "iin")
        pulse = f"pulse(0 {self.i_full_scale!r} {START!r} {RISE!r} {RISE!r} 1)"
        text = "\n".join(
            [
                f"{OPTIONS} temp={temperature!r}",
                ".param mult=1",
                technology.cards(corner),
                f"vdd vdd 0 {vdd!r}",
                f"vcm cm 0 {self.v_cm!r}",
                *self.ota.lines(draft, "cm", "in", "out", ac),
                f"rf in out {self.r_f!r}",
                f"cf in out {self.c_f!r}",
                f"cload out 0 {self.c_load!r}",
                *self.line.lines(draft, draft.wiring.bit_line, draft.wiring.cell_height, "in", "far", "cm"),
                f"iin 0 in dc 0 ac {int(ac == 'iin')} {pulse}",
            ]
        )
        lines = ("." + self.analyses[analysis],)
        return Netlist(f"transimpedance front end: {analysis}", text, lines, self._measures(vdd).get(analysis, ()))

    def _measures(self, vdd: float) -> dict[str, tuple[str, ...]]:
        """By analysis: `r_in`, `transimpedance`, `offset` and `power`; `energy` and `overshoot`."""
        full, end = self.i_full_scale, START + self.t_read
        still = [value(f"{node}_0", f"v({node})", 0.0, "dc") for node in ("in", "out")]
        driven = [value(f"{node}_1", f"v({node})", full, "dc") for node in ("in", "out")]
        return {
            "transfer": (
                *still,
                *driven,
                derived("r_in", f"(in_1-in_0)/{full!r}", "dc"),
                derived("transimpedance", f"(out_0-out_1)/{full!r}", "dc"),
                derived("offset", f"in_0-{self.v_cm!r}", "dc"),
                *power("power", {"vdd": vdd}, 0.0),
            ),
            "step": (
                energy("energy", {"vdd": vdd}, START, end),
                value("out_0", "v(out)", 0.0),
                value("out_1", "v(out)", end),
                ".meas tran lowest min v(out)",
                derived("overshoot", "(out_1-lowest)/(out_0-out_1)"),
            ),
        }
