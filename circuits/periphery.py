"""What stands around an array of cells: gates, precharge, column multiplexer and write driver, each a subcircuit.

Gates are static CMOS of the technology's `nmos` and `pmos` times a strength; every gate takes its supply as a node, so
that a bench can tell what each component draws.
"""

from __future__ import annotations

from collections.abc import Iterable

from bitline.core.errors import ConfigError
from circuits.wiring import Draft

_INPUTS = "abcd"


def gate_name(kind: str, inputs: int, strength: int) -> str:
    """Name of the subcircuit that `gate` writes, as "nand3_x2"."""
    return f"{kind}{inputs}_x{strength}"


def gate(draft: Draft, kind: str, inputs: int = 1, strength: int = 1) -> str:
    """`.subckt <kind><inputs>_x<strength> a b ... out vdd`: a NAND or NOR; of one input it is the inverter.

    Devices in series are not widened: strength does that.

    Args:
        draft: writes the transistors.
        kind: "nand" or "nor".
        inputs: 1 to 4.
        strength: parallel devices of each transistor.

    Raises:
        ConfigError: another kind or number of inputs.
    """
    if kind not in ("nand", "nor") or not 1 <= inputs <= len(_INPUTS) or strength < 1:
        raise ConfigError(f"no gate {gate_name(kind, inputs, strength)}: nand or nor, 1 to {len(_INPUTS)} inputs")
    names = _INPUTS[:inputs]
    sides = (("nmos", "n", "0", "0"), ("pmos", "p", "vdd", "vdd"))
    lines = [f".subckt {gate_name(kind, inputs, strength)} {' '.join(names)} out vdd mult=1"]
    for role, letter, rail, bulk in sides:
        in_series = (kind == "nand") == (role == "nmos")
        for number, name in enumerate(names):
            upper = "out" if number == 0 or not in_series else f"{letter}{number}"
            lower = rail if number == inputs - 1 or not in_series else f"{letter}{number + 1}"
            lines.append(draft.transistor(role, f"{letter}_{name}", f"{upper} {name} {lower} {bulk}", strength))
    return "\n".join([*lines, ".ends"])


def gates(draft: Draft, wanted: Iterable[tuple[str, int, int]]) -> str:
    """The subcircuits of all distinct (kind, inputs, strength), in order."""
    return "\n".join(gate(draft, *entry) for entry in sorted(set(wanted)))


def precharge(draft: Draft) -> str:
    """`.subckt precharge bl blb pre_b vdd`: both bit lines to vdd and to each other while `pre_b` is low."""
    return f""".subckt precharge bl blb pre_b vdd mult=1
{draft.transistor("pmos", "bl", "bl pre_b vdd vdd")}
{draft.transistor("pmos", "blb", "blb pre_b vdd vdd")}
{draft.transistor("pmos", "equal", "bl pre_b blb vdd")}
.ends"""


def multiplexer(draft: Draft) -> str:
    """`.subckt multiplexer bl blb sl slb sel sel_b vdd`: transmission gates from a pair of bit lines to sense lines.

    Reading needs their PFETs (both lines are near vdd), writing their NFETs.
    """
    pairs = (("bl", "sl"), ("blb", "slb"))
    lines = [draft.transistor("nmos_wide", f"n_{a}", f"{a} sel {b} 0") for a, b in pairs]
    lines += [draft.transistor("pmos_wide", f"p_{a}", f"{a} sel_b {b} vdd") for a, b in pairs]
    return "\n".join([".subckt multiplexer bl blb sl slb sel sel_b vdd mult=1", *lines, ".ends"])


def write_driver(draft: Draft) -> str:
    """`.subckt write_driver sl slb d we vdd`: pulls `sl` low for d = 0 or `slb` for d = 1 while `we` is high.

    The other line keeps its precharge. Needs the gates of `WRITE_GATES`.
    """
    return f""".subckt write_driver sl slb d we vdd mult=1
x_d d d_b vdd nand1_x1 mult={{mult}}
x_zero_b we d_b zero_b vdd nand2_x1 mult={{mult}}
x_zero zero_b zero vdd nand1_x2 mult={{mult}}
x_one_b we d one_b vdd nand2_x1 mult={{mult}}
x_one one_b one vdd nand1_x2 mult={{mult}}
{draft.transistor("nmos_wide", "sl", "sl zero 0 0")}
{draft.transistor("nmos_wide", "slb", "slb one 0 0")}
.ends"""


WRITE_GATES = (("nand", 1, 1), ("nand", 1, 2), ("nand", 2, 1))
