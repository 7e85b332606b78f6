"""The circuit that forms a pristine 1T1R cell: a slow ramp on its top, the transistor's gate limiting the current."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.reram.cell import cell_subckt
from circuits.reram.device import ReramDevice
from circuits.technology import Technology

# as in circuits.reram.pulsed: forming runs away faster still
_SWITCHING = f"{OPTIONS} trtol=1 method=gear"
_POINTS = 1000  # of the ramp, at least a tenth of them in steps; the runaway has its own


@dataclass(frozen=True)
class Ramp:
    """A forming ramp.

    Args:
        rate: of the top's voltage, V / s.
        peak: where it ends, V.
        gate: voltage of the gate, which sets the compliance, V.
        c_node: of the wire between device and transistor, F.

    Raises:
        ConfigError: an impossible value.
    """

    rate: float = 1e6
    peak: float = 4.0
    gate: float = 1.0
    c_node: float = 30e-15

    def __post_init__(self) -> None:
        for name, value, unit in (("rate", self.rate, "V/s"), ("peak", self.peak, "V"), ("gate", self.gate, "V")):
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} = {value} {unit}: a forming ramp takes one above 0")
        if not (math.isfinite(self.c_node) and self.c_node >= 0):
            raise ConfigError(f"c_node = {self.c_node} F: a capacitance is 0 or above")

    @property
    def ends(self) -> float:
        """When the peak is reached, s."""
        return self.peak / self.rate


def forming(pristine: ReramDevice, technology: Technology, corner: str, temperature: float, ramp: Ramp) -> Netlist:
    """The 1T1R cell through a forming ramp; its bottom at 0 V.

    Args:
        pristine: the device before forming (`ReramDevice.pristine`); its state may be altered as `ic` of
            c.xcell.xdevice.cstate, the transistor's threshold as `delvto` of m.xcell.maccess.
        technology: gives the access transistor.
        corner: of its cards.
        temperature: C.
        ramp: how it is formed.

    Vectors: v(top), v(xcell.mid), v(gate), i(vtop), v(state). Measures: `v_form`, the top's voltage when the state is
    halfway between pristine and LRS, `i_peak`, the greatest current, and `v_ds`, the transistor's greatest voltage.
    """
    wire = [f"cnode xcell.mid 0 {ramp.c_node!r}"] if ramp.c_node > 0 else []
    lines = [
        f"{_SWITCHING} temp={temperature!r}",
        technology.cards(corner),
        cell_subckt(pristine, technology),
        f"vtop top 0 dc 0 pwl(0 0 {ramp.ends!r} {ramp.peak!r})",
        f"vgate gate 0 dc {ramp.gate!r}",
        f"xcell top 0 gate state {pristine.name}_cell start={pristine.fresh!r}",
        *wire,
    ]
    half = (pristine.fresh + pristine.lrs) / 2
    measures = (
        f".meas tran v_form find v(top) when v(state)={half!r} cross=1",
        ".meas tran i_peak min i(vtop)",
        ".meas tran v_ds max v(xcell.mid)",
    )
    step = ramp.ends / _POINTS
    analysis = f".tran {step!r} {ramp.ends!r} 0 {10 * step!r} uic"
    return Netlist(f"forming of a 1T1R cell of {pristine.name}", "\n".join(lines), (analysis,), measures)
