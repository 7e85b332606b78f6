"""The benches of a computing column in this process's ngspice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from circuits import cells
from circuits.cim_column import EDGE, SETTLED, START, CimDesign, Rows, current, discharge
from circuits.cim_disturb import victim
from circuits.netlist import Netlist
from circuits.own_cards import own_cards
from circuits.technology import Device, Technology, load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.mismatch import Shifts, Variable, model_values, set_model, variables

Floats = np.ndarray[Any, np.dtype[np.float64]]

MIDDLE, LOW = 0.75, 0.4  # of vdd, where a row's current is measured


@dataclass(frozen=True)
class CimSetting:
    """Conditions and design.

    Args:
        conditions: technology, corner, temperature, supply and seed.
        design: of the column.
        variation: of samples, "vth" or "full" (spice/mismatch.py).
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: CimDesign = field(default_factory=CimDesign)
    variation: str = "vth"

    @property
    def technology(self) -> Technology:
        """As the conditions name it."""
        return load_technology(self.conditions.technology)

    @property
    def at(self) -> tuple[Technology, str, float, float]:
        """What every bench takes first."""
        return self.technology, self.conditions.corner, self.conditions.vdd, self.conditions.temperature

    def devices(self) -> dict[str, Device]:
        """Whose mismatch is drawn: those of a bit's current first, then, for 6T, the rest of the cell."""
        technology = self.technology
        own = self.design.transistors(technology)
        if self.design.cell == "8t":
            return own
        return own | {name: technology.device(name.rsplit("_", 1)[0]) for name in cells.DEVICES}

    def varied(self) -> tuple[Variable, ...]:
        """What is drawn."""
        return variables(self.devices(), self.variation)

    def inputs(self) -> tuple[Variable, ...]:
        """Of that, what a row's current depends on."""
        return tuple(each for each in self.varied() if each.device in self.design.roles)


def read_time(pulse: float) -> float:
    """When the bit line is read after a pulse of this width, s."""
    return START + EDGE + pulse + SETTLED


class CimBench:
    """The benches of one setting.

    Args:
        setting: conditions and design.

    Raises:
        ConfigError: an unknown technology, corner, role or variation.
    """

    def __init__(self, setting: CimSetting) -> None:
        self.setting, self.vdd, self.at = setting, setting.conditions.vdd, setting.at  # read once: it is a large file
        self.inputs, self.varied = setting.inputs(), setting.varied()
        self._ngspice = engine()
        self.row = self.varied_netlist(current(*self.at, setting.design))
        self._cards = {name: self.at[0].card(self._role(name), setting.conditions.corner) for name in setting.devices()}

    def netlists(self) -> dict[str, Netlist]:
        """By name."""
        quarter = self.setting.design.cells // 4
        found = {
            "current": self.row,
            "discharge": self._discharge(quarter, 0, 0.5e-9, read_time(0.5e-9)),
        }
        if self.setting.design.cell == "6t" and quarter:
            width = 0.5e-9
            found["disturb"] = victim(*self.at, self.setting.design, quarter, width, read_time(width))
        return found

    def varied_netlist(self, netlist: Netlist) -> Netlist:
        """The netlist whose transistors take the setting's variation."""
        return own_cards(netlist) if self.setting.variation == "full" else netlist

    def end(self, k: int, z: int, width: float) -> float:
        """Voltage (V) of the bit line after pulses on k rows with a 1 and z rows with a 0."""
        return float(self.wave(k, z, width, read_time(width))["bl"][-1])

    def wave(self, k: int, z: int, width: float, stop: float) -> Vectors:
        """Waveform of such a discharge."""
        netlist = self._discharge(k, z, width, stop)
        self._ngspice.load(netlist)
        return self._ngspice.run(netlist.analyses[0].removeprefix("."))

    def curve(self) -> tuple[Floats, Floats]:
        """Current (A) of a row with a 1 over the bit line's voltage (V)."""
        self._ngspice.load(self.row)
        swept = self._ngspice.run(self.row.analyses[0].removeprefix("."))
        return swept["bl"], -swept["vbl#branch"]

    def currents(self, shift: Shifts) -> tuple[float, float]:
        """Of a row whose transistors are shifted so, at MIDDLE and at LOW of vdd (A)."""
        if self._ngspice.netlist is not self.row:
            self._ngspice.load(self.row)
        self.apply({name: shift[name] for name in dict.fromkeys(each.device for each in self.inputs)})
        found = []
        for share in (MIDDLE, LOW):
            self._ngspice.alter("vbl", "dc", share * self.vdd)
            found.append(-float(self._ngspice.run("op")["vbl#branch"][0]))
        return found[0], found[1]

    def apply(self, shift: Shifts) -> None:
        """Set shifts of transistors in the loaded netlist, replacing earlier ones."""
        for name, own in shift.items():
            self._ngspice.alter(f"m{name}", "delvto", own.get("vth", 0.0))
            if self.setting.variation == "full":
                set_model(self._ngspice, self._cards[name], name, model_values(self._cards[name], own))

    def _role(self, transistor: str) -> str:
        return self.setting.design.port if transistor.startswith("read_") else transistor.rsplit("_", 1)[0]

    def _discharge(self, k: int, z: int, width: float, stop: float) -> Netlist:
        rows = [Rows(1, width, k), Rows(0, width, z), Rows(1, 0.0, self.setting.design.cells - k - z)]
        return discharge(*self.at, self.setting.design, rows, stop)
