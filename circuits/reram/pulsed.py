"""The circuits that program a 1T1R cell in pulses, and that hold its state to ask how fast a voltage moves it."""

from __future__ import annotations

from dataclasses import dataclass

from circuits.netlist import OPTIONS, Netlist
from circuits.reram.cell import cell_subckt
from circuits.reram.device import ReramDevice
from circuits.technology import Technology

LEAD = 2e-9  # s before the pulse and between it and the read
EDGE = 5e-9  # s, of every rise and fall
READ = 20e-9  # s that the read is flat
# A switching filament runs away within picoseconds: trtol=1 keeps the step with it. The trapezoidal rule would leave
# the current through the electrodes' capacitance ringing from step to step, 3 % of a read of 10 uS; Gear's damps it.
_SWITCHING = f"{OPTIONS} trtol=1 method=gear"


@dataclass(frozen=True)
class Pulse:
    """A programming pulse and the read that verifies it.

    Args:
        top: voltage of the cell's top during the pulse, V.
        bottom: of its bottom, V.
        gate: of its gate, V.
        width: that the pulse is flat, s.
    """

    top: float
    bottom: float
    gate: float
    width: float

    @property
    def read_starts(self) -> float:
        """When the read is flat, s."""
        return 2 * LEAD + 3 * EDGE + self.width

    @property
    def ends(self) -> float:
        """When all is back at zero, s."""
        return self.read_starts + READ + EDGE

    def corners(self, level: float, read: float) -> tuple[float, ...]:
        """Times and voltages in turn of a source at `level` (V) in the pulse and at `read` (V) in the read."""
        down = LEAD + 2 * EDGE + self.width
        pulse = (0.0, 0.0, LEAD, 0.0, LEAD + EDGE, level, LEAD + EDGE + self.width, level, down, 0.0)
        start = self.read_starts
        return (*pulse, down + LEAD, 0.0, start, read, start + READ, read, self.ends, 0.0)


def pulsed_cell(
    device: ReramDevice,
    technology: Technology,
    corner: str,
    temperature: float,
    pulse: Pulse,
    v_read: float,
    v_gate: float,
    c_mid: float = 0.0,
) -> Netlist:
    """The 1T1R cell through `pulse` and a read at `v_read` (V) with its gate at `v_gate` (V).

    Args:
        device: the ReRAM device.
        technology: gives the access transistor.
        corner: of its cards.
        temperature: C.
        pulse: the first one; others by altering `pwl` of vtop, vbottom and vgate, and the state they start from by
            altering `ic` of c.xcell.xdevice.cstate.
        v_read: V.
        v_gate: during the read, V.
        c_mid: of the wire between device and transistor, F.

    Vectors: v(top), v(bottom), v(gate), v(xcell.mid), v(state), i(vtop), i(vbottom), i(vgate).
    """
    wire = [f"cmid xcell.mid 0 {c_mid!r}"] if c_mid > 0 else []
    lines = [
        f"{_SWITCHING} temp={temperature!r}",
        technology.cards(corner),
        cell_subckt(device, technology),
        f"vtop top 0 dc 0 {_pwl(pulse.corners(pulse.top, v_read))}",
        f"vbottom bottom 0 dc 0 {_pwl(pulse.corners(pulse.bottom, 0.0))}",
        f"vgate gate 0 dc 0 {_pwl(pulse.corners(pulse.gate, v_gate))}",
        f"xcell top bottom gate state {device.name}_cell start={device.fresh!r}",
        *wire,
    ]
    analysis = f".tran 1n {pulse.ends!r} 0 5n uic"
    return Netlist(f"programming pulse and read of a 1T1R cell of {device.name}", "\n".join(lines), (analysis,))


def state_rate(device: ReramDevice, technology: Technology, corner: str, temperature: float, v_gate: float) -> Netlist:
    """The 1T1R cell whose state a source holds while its voltage would move it: the rate is the source's current.

    Sources `vtop` (top, bottom at 0 V), `vgate` and `vstate` may be altered. Vectors: i(vstate) is the state's rate in
    its unit a nanosecond, as the state's capacitor of 1 nF would integrate it; i(vtop), v(xcell.mid). Analysis: `.op`.
    """
    text = f"""{OPTIONS} temp={temperature!r}
{technology.cards(corner)}
{cell_subckt(device, technology)}
vtop top 0 dc 0
vgate gate 0 dc {v_gate!r}
vstate state 0 dc {device.fresh!r}
xcell top 0 gate state {device.name}_cell"""
    return Netlist(f"rate of the state of a 1T1R cell of {device.name}", text, (".op",))


def _pwl(corners: tuple[float, ...]) -> str:
    return f"pwl({' '.join(repr(corner) for corner in corners)})"
