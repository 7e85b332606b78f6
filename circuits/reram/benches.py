"""The circuits that measure a ReRAM device and its cell."""

from __future__ import annotations

from circuits.netlist import OPTIONS, Netlist
from circuits.reram.cell import cell_subckt, held_cell_subckt
from circuits.reram.device import ReramDevice, device_subckt
from circuits.technology import Technology

SERIES_RESISTANCE = 2e3  # ohm between the ramp and the device: what limits the current once it is in LRS
RAMP = 1e-6  # s from zero to the peak
PEAK = 1.8  # V
# a switching filament runs away within picoseconds: trtol=1 keeps the step with it
_SWITCHING = f"{OPTIONS} trtol=1"


def hysteresis(device: ReramDevice, temperature: float, peak: float = PEAK) -> Netlist:
    """The device alone through SET and RESET: ramps 0, +peak, 0, -peak, 0 of RAMP each through SERIES_RESISTANCE.

    Vectors: v(te), i(vramp) (out of the source, so negative while positive current flows), v(state); device models may
    have more inside xdevice. Analysis: `.tran` over the four ramps from the fresh state.
    """
    text = f"""{_SWITCHING} temp={temperature!r}
{device_subckt(device)}
vramp source 0 dc 0 {_triangles(peak, -peak)}
rseries source te {SERIES_RESISTANCE!r}
xdevice te 0 state {device.name} start={device.fresh!r}"""
    return Netlist(f"SET and RESET of {device.name}", text, (f".tran 1n {4 * RAMP!r} 0 10n uic",))


def cell_switching(
    device: ReramDevice,
    technology: Technology,
    corner: str,
    temperature: float,
    v_gate: tuple[float, float],
    peak: float,
) -> Netlist:
    """The 1T1R cell through SET (top ramped to `peak`) and RESET (bottom ramped to `peak`), each 2 RAMP long.

    Args:
        device: the ReRAM device.
        technology: gives the access transistor, whose gate limits the current of SET.
        corner: of its cards.
        temperature: C.
        v_gate: gate voltage during SET and during RESET, V. In RESET the transistor is a source follower: it passes at
            most a threshold less than its gate.
        peak: of the ramps, V.

    Vectors: v(top), v(bottom), v(xcell.mid), i(vtop), v(state).
    """
    low, high = v_gate
    text = f"""{_SWITCHING} temp={temperature!r}
{technology.cards(corner)}
{cell_subckt(device, technology)}
vtop top 0 dc 0 {_triangles(peak, 0.0)}
vbottom bottom 0 dc 0 {_triangles(0.0, peak)}
vgate gate 0 dc {low!r} pwl(0 {low!r} {2 * RAMP!r} {low!r} {2.05 * RAMP!r} {high!r})
xcell top bottom gate state {device.name}_cell start={device.fresh!r}"""
    return Netlist(f"SET and RESET of a 1T1R cell of {device.name}", text, (f".tran 1n {4 * RAMP!r} 0 10n uic",))


def read(
    device: ReramDevice, technology: Technology, corner: str, temperature: float, v_gate: float, v_read: float
) -> Netlist:
    """A device alone and a 1T1R cell at the same held state, bottom at 0 V.

    Sources `vread` (top of both), `vstate` and `vgate` may be altered or swept. Vectors: i(valone) and i(vcell) are the
    currents into the device and into the cell, v(xcell.mid) is between device and transistor `m.xcell.maccess`.
    """
    text = f"""{OPTIONS} temp={temperature!r}
{technology.cards(corner)}
{held_cell_subckt(device, technology)}
vread top 0 dc {v_read!r}
vstate state 0 dc {device.lrs!r}
vgate gate 0 dc {v_gate!r}
valone top te 0
xalone te 0 state {device.name}_held
vcell top cell 0
xcell cell 0 gate state {device.name}_held_cell"""
    return Netlist(f"read of {device.name}, alone and as 1T1R", text, (".op",))


def _triangles(first: float, second: float) -> str:
    """A PWL source: 0 to `first` and back, then 0 to `second` and back, RAMP each."""
    return f"pwl(0 0 {RAMP!r} {first!r} {2 * RAMP!r} 0 {3 * RAMP!r} {second!r} {4 * RAMP!r} 0)"
