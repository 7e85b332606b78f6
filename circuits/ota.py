"""A two-stage operational amplifier, as a word line's driver and a bit line's front end use it.

    vdd ----+----------+-----------------+
          diode      mirror            output      PMOS
            |          |---- r_z - c_c --+-- out
     minus -|   pair   |- plus           |
            +-- tail --+               sink        NMOS, mirrored from the reference current
    0 ----------+------------------------+

The NMOS pair and its PMOS mirror give the first stage's gain at a length of 0.5 and 1 um; the second stage is a short
PMOS, for its pole must lie above the unity frequency, and has the rest. Miller compensation with a nulling resistor
(P. R. Gray et al., Analysis and Design of Analog Integrated Circuits, ch. 9). The reference current is an ideal source,
compensation and resistors are ideal elements.

Sources in series with the inverting input and beside it measure the loop gain of any circuit around it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from bitline.core.errors import ConfigError
from circuits.technology import Device, Technology
from circuits.wiring import Draft

# Transistor by name: role in the technology, and the count of `Ota` that says how many are in parallel
TRANSISTORS: Mapping[str, tuple[str, str]] = {
    "reference": ("nmos_analog", "reference"),
    "tail": ("nmos_analog", "tail"),
    "minus": ("nmos_analog", "pair"),
    "plus": ("nmos_analog", "pair"),
    "diode": ("pmos_analog", "mirror"),
    "mirror": ("pmos_analog", "mirror"),
    "output": ("pmos_driver", "output"),
    "sink": ("nmos_analog", "sink"),
}
PROBES = ("vprobe", "iprobe")  # voltage and current sources at the inverting input


@dataclass(frozen=True)
class Ota:
    """Sizes of the amplifier: equal devices in parallel, and its compensation.

    Args:
        reference: devices that carry the reference current.
        tail: likewise of the pair's tail.
        pair: either input.
        mirror: either load of the first stage.
        output: the second stage's PMOS, which sources.
        sink: its NMOS; it sinks `sink / reference` times the reference current at most.
        i_ref: reference current, A.
        c_c: Miller capacitance, F.
        r_z: resistance in series with it, ohm.

    Raises:
        ConfigError: a value that is not finite and above 0.
    """

    reference: int = 1
    tail: int = 4
    pair: int = 4
    mirror: int = 2
    output: int = 6
    sink: int = 12
    i_ref: float = 20e-6
    c_c: float = 0.5e-12
    r_z: float = 600.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"amplifier: {entry.name} is {value!r}; it must be finite and above 0")

    def lines(self, draft: Draft, plus: str, minus: str, out: str, ac: str = "") -> list[str]:
        """Its elements, flat, between nodes; supply at `vdd`. The netlist needs ``.param mult=1``.

        The inverting input is node `gate`, behind the probes.

        Args:
            draft: writes the transistors.
            plus: node of the non-inverting input.
            minus: node of the inverting input.
            out: output node.
            ac: the probe that has an AC amplitude of 1, if any.
        """
        nodes = {
            "reference": "bias bias 0 0",
            "tail": "tail bias 0 0",
            "minus": "first_b gate tail 0",
            "plus": f"first {plus} tail 0",
            "diode": "first_b first_b vdd vdd",
            "mirror": "first first_b vdd vdd",
            "output": f"{out} first vdd vdd",
            "sink": f"{out} bias 0 0",
        }
        counts = {name: getattr(self, count) for name, (_, count) in TRANSISTORS.items()}
        return [
            f"iref vdd bias {self.i_ref!r}",
            *(draft.transistor(role, name, nodes[name], counts[name]) for name, (role, _) in TRANSISTORS.items()),
            f"rz first zero {self.r_z!r}",
            f"cc zero {out} {self.c_c!r}",
            f"vprobe {minus} gate dc 0 ac {int(ac == 'vprobe')}",
            f"iprobe 0 gate dc 0 ac {int(ac == 'iprobe')}",
        ]

    def devices(self, technology: Technology) -> dict[str, Device]:
        """Transistors by name, each as wide as all its parallel devices: what mismatch is drawn for."""
        found = {}
        for name, (role, count) in TRANSISTORS.items():
            device = technology.device(role)
            found[name] = replace(device, w=device.w * getattr(self, count))
        return found
