"""A bit line's integrating front end: an amplifier with a feedback capacitor and a reset switch beside it.

The switch is a transmission gate with an NMOS of low threshold, for it works in the middle of the supply; `reset` and
its complement open it at once, and what it injects is not balanced by a dummy. During `t_int` the line's current
discharges the output below `v_cm`; then it is held, and reset again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from circuits.converters import largest_code
from circuits.front_end_line import Line, possible_front_end
from circuits.measures import derived, energy, value
from circuits.netlist import OPTIONS, Netlist
from circuits.ota import Ota
from circuits.technology import Technology
from circuits.wiring import Draft

FREQUENCIES = "dec 20 1e3 2e10"
EDGE = 0.1e-9  # s, of reset and of the current
BEFORE = 0.5e-9  # s before an edge, where what precedes it is read
SETTLED = 10e-9  # s, from release to the current: the pedestal stands before it
# The feedback is near unity at speed; while the output moves, the input's resistance is c_c / (gm c_int)
UNITY = Ota(tail=8, pair=8, mirror=4, output=8, sink=16, c_c=0.8e-12, r_z=400.0)


@dataclass(frozen=True)
class IntegratorDesign:
    """The front end and what is connected to it.

    Args:
        line: the bit line; its cells lead to word lines at `v_cm`.
        i_full_scale: current of full scale, A.
        swing: of the output at full scale, V; the capacitance is current times `t_int` over it.
        t_int: how long a current is integrated, s.
        t_reset: how long the switch is closed first, s.
        t_hold: how long the output is held afterwards, s.
        v_cm: common mode, V.
        switch: parallel devices of either polarity in the switch.
        c_load: what the output drives, F.
        adc_bits: of the converter behind.
        ota: the amplifier.

    Raises:
        ConfigError: a value that is not finite and above 0, or a common mode that leaves no swing.
    """

    line: Line = field(default_factory=Line)
    i_full_scale: float = 100e-6
    swing: float = 0.6
    t_int: float = 50e-9
    t_reset: float = 40e-9
    t_hold: float = 100e-9
    v_cm: float = 1.0
    switch: int = 32
    c_load: float = 20e-15
    adc_bits: int = 8
    ota: Ota = UNITY

    def __post_init__(self) -> None:
        names = ("i_full_scale", "swing", "t_int", "t_reset", "t_hold", "v_cm", "switch", "c_load")
        possible_front_end("integrator", self, names)

    @property
    def c_int(self) -> float:
        """Feedback capacitance, F."""
        return self.i_full_scale * self.t_int / self.swing

    @property
    def lsb(self) -> float:
        """Output voltage of a code, V."""
        return self.swing / largest_code(self.adc_bits)

    @property
    def start(self) -> float:
        """When the current starts, s."""
        return self.t_reset + SETTLED

    @property
    def stop(self) -> float:
        """When it has ended, s."""
        return self.start + self.t_int + EDGE

    @property
    def end(self) -> float:
        """When the output has been held long enough, and the next reset begins, s."""
        return self.stop + SETTLED + self.t_hold

    @property
    def cycle_end(self) -> float:
        """When that reset ends, s."""
        return self.end + self.t_reset

    @property
    def analyses(self) -> dict[str, str]:
        """Analyses by name, without their leading dot."""
        return {
            "cycle": f"tran 0.1n {self.cycle_end!r} 0 0.2n",
            "noise": f"noise v(out,in) iin {FREQUENCIES}",
            "loop-voltage": f"ac {FREQUENCIES}",
            "loop-current": f"ac {FREQUENCIES}",
        }

    def netlist(
        self, technology: Technology, corner: str, vdd: float, temperature: float, analysis: str = "cycle"
    ) -> Netlist:
        """The circuit with one of `analyses`; all but the cycle are of the reset state.

        `vlevel` is the current as a share of full scale. Input `in`, output `out`, supplies `vdd` and, for the switch,
        `vreset` and `vreset_b`.
        """
        draft = Draft(technology)
        ac = {"loop-voltage": "vprobe", "loop-current": "iprobe"}.get(analysis, "iin")
        released = f"{self.t_reset!r} {EDGE!r} {EDGE!r} {self.end - self.t_reset - EDGE!r}"
        text = "\n".join(
            [
                f"{OPTIONS} temp={temperature!r}",
                ".param mult=1",
                technology.cards(corner),
                f"vdd vdd 0 {vdd!r}",
                f"vcm cm 0 {self.v_cm!r}",
                *self.ota.lines(draft, "cm", "in", "out", ac),
                f"cint in out {self.c_int!r}",
                f"vreset reset 0 dc {vdd!r} pulse({vdd!r} 0 {released})",
                f"vreset_b reset_b 0 dc 0 pulse(0 {vdd!r} {released})",
                draft.transistor("nmos_switch", "switch_n", "out reset in 0", self.switch),
                draft.transistor("pmos", "switch_p", "out reset_b in vdd", self.switch),
                f"cload out 0 {self.c_load!r}",
                *self.line.lines(draft, draft.wiring.bit_line, draft.wiring.cell_height, "in", "far", "cm"),
                "vlevel level 0 dc 1",
                f"vwindow window 0 dc 0 pulse(0 1 {self.start!r} {EDGE!r} {EDGE!r} {self.t_int - EDGE!r})",
                f"bsignal 0 in i = {self.i_full_scale!r} * v(level) * v(window)",
                f"iin 0 in dc 0 ac {int(ac == 'iin')}",
            ]
        )
        measures = self._measures(vdd) if analysis == "cycle" else ()
        return Netlist(f"integrating front end: {analysis}", text, ("." + self.analyses[analysis],), measures)

    def _measures(self, vdd: float) -> tuple[str, ...]:
        """Of a cycle: `offset`, `pedestal` and, at full scale, `energy`."""
        released = self.t_reset - BEFORE
        sources: dict[str, float | str] = {"vdd": vdd, "vreset": "reset", "vreset_b": "reset_b"}
        return (
            value("out_reset", "v(out)", released),
            value("out_start", "v(out)", self.start - BEFORE),
            derived("pedestal", "out_start-out_reset"),
            value("in_reset", "v(in)", released),
            derived("offset", f"in_reset-{self.v_cm!r}"),
            energy("energy", sources, self.t_reset, self.cycle_end),
        )
