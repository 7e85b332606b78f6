"""A current sense amplifier for ReRAM: a 1T1R cell's read current against that of a reference cell.

        vdd                         vdd
         | (pre_b) precharge         | (pre_b)
        sa ---- inn comparator inp ---- sb          c_sense on either
         |                           |
      clamp NFET (v_clamp)        clamp NFET
         |                           |
        bl   c_bl                   br   c_bl
         |                           |
     1T1R cell                  1T1R reference cell

At rest the clamps are off and an NFET (idle) holds either bit line at 0, so that a cell never sees more than the clamp
lets through. With the word line the clamps' gates rise to v_clamp: while pre_b is low, both sense nodes are at vdd and
the clamps bring the bit lines near v_read, where the cell's current flows.
Then pre_b rises and each sense node falls at the pace of its current, while the clamp keeps the bit line where it is;
after t_sense the comparator (a StrongARM, `circuits.sar_comparator`) decides which fell further. A cell with more
current than the reference reads as 1, a low-resistance state. Clamps and precharge as in Chang et al., IEEE JSSC 48(3),
864 (2013), where conventional current sense amplifiers are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bitline.core.errors import ConfigError
from circuits.netlist import OPTIONS, Netlist
from circuits.reram.cell import held_cell_subckt
from circuits.reram.device import ReramDevice
from circuits.sar_comparator import INSTANCE, ROLES, StrongArm, wide
from circuits.technology import Device, Technology

SIDES = (("cell", "bl", "sa"), ("ref", "br", "sb"))  # cell, bit line and sense node of either side
_CLAMPS = {"clamp_cell": "nmos_wide", "clamp_ref": "nmos_wide"}
_IDLE = "nmos"  # role of what holds a bit line at rest; off in a decision, so that its mismatch is not drawn
DRIVEN = {"vwl": "wl", "vidle": "idle", "vclamp": "clamp", "vpre": "pre_b", "vclk": "clk"}  # sources' nodes
_DECIDED = 3e-9  # s in which a decision is made
_RECOVERY = 10e-9  # s in which an access's nodes are back at rest
_PRECHARGES = {"pre_cell": "pmos", "pre_ref": "pmos"}
AMPLIFIER_ROLES: dict[str, str] = {**_CLAMPS, **_PRECHARGES, **ROLES}  # what mismatch is drawn for


@dataclass(frozen=True)
class CurrentSense:
    """Sizes, loads and timing.

    Args:
        clamp: devices in parallel of each clamp.
        comparator: that decides.
        c_bl: of each bit line, F.
        c_sense: of each sense node: diffusion, wiring and what is added to set its pace, F.
        t_settle: from the word line's rise until the precharge ends, s.
        t_sense: from the end of the precharge until the comparator's clock, at vdd / 2 each, s.
        slew: of word line, precharge and clock, s.

    Raises:
        ConfigError: no such amplifier.
    """

    clamp: int = 1
    comparator: StrongArm = field(default_factory=StrongArm)
    c_bl: float = 100e-15
    c_sense: float = 20e-15
    t_settle: float = 10e-9
    t_sense: float = 3e-9
    slew: float = 50e-12

    def __post_init__(self) -> None:
        if self.clamp < 1 or int(self.clamp) != self.clamp:
            raise ConfigError(f"clamp = {self.clamp:g}: a clamp is 1, 2, 3 ... devices in parallel")
        for name in ("c_bl", "c_sense", "t_settle", "t_sense", "slew"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} = {getattr(self, name):g}: it is above 0")

    def devices(self, technology: Technology) -> dict[str, Device]:
        """Each transistor of the amplifier at the width of all its parallel devices: what its mismatch goes by."""
        clamps = {name: wide(technology.device(role), int(self.clamp)) for name, role in _CLAMPS.items()}
        precharges = {name: technology.device(role) for name, role in _PRECHARGES.items()}
        return {**clamps, **precharges, **self.comparator.devices(technology)}

    @staticmethod
    def place(name: str) -> str:
        """Where a transistor is in the netlist."""
        return f"m.{INSTANCE}.m{name}" if name in ROLES else f"m{name}"


@dataclass(frozen=True)
class Access:
    """When things happen in a bench.

    Args:
        word_line: when it rises, s; None: it is up from the start, and the bit lines are settled.
        released: when the precharge ends (vdd / 2), s.
        strobe: when the comparator's clock is at vdd / 2, s.
        ends: when word line, precharge and clock go back, s.
    """

    word_line: float | None
    released: float
    strobe: float
    ends: float = 1.0

    @property
    def over(self) -> float:
        """When a run of it may end, s: it has decided or, where the word line moves, is back at rest."""
        return self.strobe + _DECIDED if self.word_line is None else self.ends + _RECOVERY


def current_sense(
    technology: Technology,
    corner: str,
    vdd: float,
    temperature: float,
    device: ReramDevice,
    sizes: CurrentSense,
    v_clamp: float,
    states: tuple[float, float],
    access: Access,
) -> Netlist:
    """The amplifier on a cell and a reference cell at held states.

    Args:
        technology: gives the transistors.
        corner: of its cards.
        vdd: supply, also of the word line, V.
        temperature: C.
        device: the ReRAM device of both cells.
        sizes: of the amplifier.
        v_clamp: gates of the clamps, V.
        states: of the cell and of the reference cell.
        access: when things happen.

    Alter `vstate_cell`, `vstate_ref` and `idiff`, a current (A) that the cell's bit line gives beside the cell's.
    Vectors: v(wl), v(idle), v(clamp), v(pre_b), v(clk), v(bl), v(br), v(sa), v(sb), v(outp), v(outn), i(vcell), i(vref)
    (of the cells), i(vsupply), i(vclamp), i(vwl), i(vidle), i(vpre), i(vclk).
    """
    lines = [
        f"{OPTIONS} temp={temperature!r}",
        technology.cards(corner),
        held_cell_subckt(device, technology),
        sizes.comparator.subckt(technology),
        f"vsupply vdd 0 dc {vdd!r}",
        *_control(vdd, v_clamp, sizes.slew, access),
        "idiff bl 0 dc 0",
    ]
    for (side, bit_line, sense), state in zip(SIDES, states, strict=True):
        precharge, clamp = technology.device("pmos"), technology.device("nmos_wide")
        lines += [
            technology.device(_IDLE).line(f"idle_{side}", bit_line, "idle", "0", "0"),
            precharge.line(f"pre_{side}", sense, "pre_b", "vdd", "vdd"),
            clamp.line(f"clamp_{side}", sense, "clamp", bit_line, "0", m=int(sizes.clamp)),
            f"c_{sense} {sense} 0 {sizes.c_sense!r}",
            f"c_{bit_line} {bit_line} 0 {sizes.c_bl!r}",
            f"v{side} {bit_line} top_{side} 0",
            f"vstate_{side} state_{side} 0 dc {state!r}",
            f"x{side} top_{side} 0 wl state_{side} {device.name}_held_cell",
        ]
    lines.append(f"{INSTANCE} sb sa outp outn clk vdd strongarm")
    nodes = " ".join(
        f"v({node})" for node in ("wl", "idle", "clamp", "pre_b", "clk", "bl", "br", "sa", "sb", "outp", "outn")
    )
    currents = " ".join(f"i(v{name})" for name in ("cell", "ref", "supply", "clamp", "wl", "idle", "pre", "clk"))
    lines.append(f".save {nodes} {currents}")
    return Netlist("current sense amplifier on 1T1R cells", "\n".join(lines), (f".tran 10p {access.over!r} 0 20p",))


def _control(vdd: float, v_clamp: float, slew: float, access: Access) -> list[str]:
    """Word line, what holds the bit lines at rest, the clamps' gates, precharge and clock."""

    def pulse(source: str, node: str, at: float, idle: float, active: float) -> str:
        start = at - slew / 2
        return (
            f"{source} {node} 0 dc {idle!r} pulse({idle!r} {active!r} {start!r} {slew!r} {slew!r} "
            f"{access.ends - at - slew!r})"
        )

    opened = [f"vwl wl 0 dc {vdd!r}", "vidle idle 0 dc 0", f"vclamp clamp 0 dc {v_clamp!r}"]
    if access.word_line is not None:
        opened = [
            pulse("vwl", "wl", access.word_line, 0.0, vdd),
            pulse("vidle", "idle", access.word_line, vdd, 0.0),
            pulse("vclamp", "clamp", access.word_line, 0.0, v_clamp),
        ]
    return [*opened, pulse("vpre", "pre_b", access.released, 0.0, vdd), pulse("vclk", "clk", access.strobe, 0.0, vdd)]
