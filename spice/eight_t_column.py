"""A column of 8T cells in ngspice: how its read bit line falls, what leaks, and what a read costs.

Times count from the read word line at vdd / 2, the near end of the bit line is sensed.

- `read_time`: until the bit line has fallen by the setting's swing, one cell read that stores 0, all others storing 1:
  their leakage helps least. `read_time_leaky`: all others storing 0.
- `droop_time`: in which `bit_line_leakage_0` takes the swing's charge from `bit_line_capacitance`, a 1 being read;
  `read_window`: that over `read_time`. A 1 must be sensed before. What the precharge leaks the other way is left out.
- `bit_line_leakage_0`, `bit_line_leakage_1`: out of the bit line into closed ports whose cells all store that value,
  junctions with their areas and ngspice's gmin at 1e-20 S.
- `bit_line_capacitance`: of the closed column storing 1, over a fall of 0.2 V from vdd.
- `read_energy_0`, `read_energy_1`: from precharge, word line and precharge line over one cycle, the word line being
  open until the swing is reached; `read_energy` is their mean.
- `drop`: the bit line's fall after that time when `rows` rows are opened together, over how many of them store 0
  (`drop_zeros`); its bend is the port's current that saturates less the lower the bit line is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits import measures
from circuits.eight_t import PORT
from circuits.eight_t_column import RAMP, RAMP_TIME, SUPPLIES, Open, PortColumn, Pulse, closed, cycle
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.mismatch import draw_vth
from spice.spread import with_spread
from spice.waves import crossing, energy

STAGE = "eight_t.column.mismatch"
FIGURES: dict[str, str] = {
    **dict.fromkeys(("read_time", "read_time_leaky", "droop_time"), "s"),
    "read_window": "1",
    **{f"bit_line_leakage_{bit}": "A" for bit in (0, 1)},
    "bit_line_capacitance": "F",
    **dict.fromkeys(("read_energy", "read_energy_0", "read_energy_1"), "J"),
}
KINDS = {"droop_time": MODELLED, "read_window": MODELLED}
SPREAD = ("read_time",)
UNITS: dict[str, str] = {
    **FIGURES,
    "drop_zeros": "1",
    "drop": "V",
    "read_t": "s",
    **{f"read_{name}": "V" for name in ("rwl", "rbl_0", "rbl_1")},
    **{f"dvth_{name}": "V" for name in PORT},
}
_START = 0.2e-9  # s, when the word line rises
_WINDOW = 1e-9  # s, of the first look at a read
_LONGEST = 1e-3  # s that a bit line may take
_SHOWN = 401  # points of a stored waveform


@dataclass(frozen=True)
class EightTColumnNominal:
    """Task: the column without mismatch; one sample, index 0.

    Args:
        conditions: technology, corner, temperature, supply and seed.
        design: the column.
        swing: of the read bit line, V.
        rows: opened together for `drop`.
    """

    conditions: Conditions = field(default_factory=Conditions)
    design: PortColumn = field(default_factory=PortColumn)
    swing: float = 0.2
    rows: int = 8

    def prepare(self) -> Column:
        """The column under the conditions.

        Raises:
            ConfigError: an unknown technology, corner or role, or an impossible swing or number of rows.
        """
        if not 0 < self.swing < self.conditions.vdd:
            raise ConfigError(f"swing = {self.swing:g} V: it lies between 0 and vdd = {self.conditions.vdd:g} V")
        if not 1 <= self.rows <= self.design.cells or self.rows != int(self.rows):
            raise ConfigError(f"rows = {self.rows}: a whole number from 1 to the column's {self.design.cells} cells")
        return Column(self)

    def run(self, context: Column, index: int) -> Record:
        """Every figure, the drops of several rows, and both reads."""
        del index
        return context.measure()


@dataclass(frozen=True)
class EightTColumnMonteCarlo(EightTColumnNominal):
    """Task: columns whose read cell's port has drawn thresholds."""

    def run(self, context: Column, index: int) -> Record:
        """Draw port `index` and read it."""
        shifts = draw_vth(context.devices, stream(self.conditions.seed, STAGE, index))
        record: Record = {"read_time": context.fall_time(Open(1, 0), 1, shifts)}
        return record | {f"dvth_{name}": shift for name, shift in shifts.items()}


class Column:
    """What the samples of one condition share.

    Args:
        task: what is asked.
    """

    def __init__(self, task: EightTColumnNominal) -> None:
        technology = load_technology(task.conditions.technology)
        self._at = (technology, task.conditions.corner, task.conditions.vdd, task.conditions.temperature, task.design)
        self._task, self._vdd, self._near = task, task.conditions.vdd, f"rbl{task.design.sections}"
        self.devices = {name: technology.device(task.design.port) for name in PORT}
        self._engine = engine()

    def netlists(self) -> dict[str, Netlist]:
        """By name, with measures: reads whose word line stays open, whole cycles, and the closed column.

        Raises:
            SimulationError: the bit line does not fall by the swing.
        """
        vdd, read_time = self._vdd, self.fall_time(Open(1, 0), 1)
        found = {f"closed-{bit}": closed(*self._at, bit) for bit in (0, 1)}
        for bit in (0, 1):
            opened = (Open(1 - bit, bit), 1 - bit)
            read, pulse = self._cycle(*opened, _long(2 * read_time + _WINDOW)), _whole(read_time)
            fallen = (f"v({self._near})", vdd - self._task.swing, "fall")
            times = (measures.delay("read_time", ("v(rwl)", vdd / 2, "rise"), fallen),) if bit == 0 else ()
            found[f"read-{bit}"] = replace(read, measures=times)
            spent = measures.energy(f"read_energy_{bit}", self._sources(), 0.0, pulse.end)
            found[f"cycle-{bit}"] = replace(self._cycle(*opened, pulse), measures=(spent,))
        return found

    def _sources(self) -> dict[str, float | str]:
        """Of a cycle's energy, by name: the voltage or the node."""
        return {f"v{name}": self._vdd if name == "precharge" else name for name in SUPPLIES}

    def measure(self) -> Record:
        """Figures of the column.

        Raises:
            SimulationError: the bit line does not fall by the swing.
        """
        record: Record = {"read_time": self.fall_time(Open(1, 0), 1), "read_time_leaky": self.fall_time(Open(1, 0), 0)}
        for bit in (0, 1):
            record[f"bit_line_leakage_{bit}"], record["bit_line_capacitance"] = self._closed(bit)
        charge = self._task.swing * float(record["bit_line_capacitance"])
        record["droop_time"] = charge / float(record["bit_line_leakage_0"])
        record["read_window"] = float(record["droop_time"]) / float(record["read_time"])
        return record | self._reads(float(record["read_time"])) | self._drops(float(record["read_time"]))

    def fall_time(self, opened: Open, others: int, shifts: Mapping[str, float] | None = None) -> float:
        """Time (s) in which the bit line falls by the swing.

        Raises:
            SimulationError: it does not.
        """
        window = _WINDOW
        while window <= _LONGEST:
            found = self._run(self._cycle(opened, others, _long(window)), shifts)
            start = crossing(found["time"], found["rwl"], self._vdd / 2, rising=True)
            end = crossing(found["time"], found[self._near], self._vdd - self._task.swing, rising=False, after=start)
            if not math.isnan(end):
                return end - start
            window *= 4
        raise SimulationError(f"the read bit line does not fall by {self._task.swing:g} V within {_LONGEST:g} s")

    def _closed(self, bit: int) -> tuple[float, float]:
        """Leakage (A) and capacitance (F) of the closed column."""
        found = self._run(closed(*self._at, bit))
        current = -found["vrbl#branch"]
        ramp = found["time"] >= RAMP_TIME
        charge = np.trapezoid((current[0] - current)[ramp], found["time"][ramp])
        return float(current[0]), float(charge / RAMP)

    def _reads(self, read_time: float) -> Record:
        """Energy and waveforms of whole cycles."""
        pulse = _whole(read_time)
        record: Record = {}
        for bit in (0, 1):
            found = self._run(self._cycle(Open(1 - bit, bit), 1 - bit, pulse))
            time = np.linspace(0.0, pulse.end, _SHOWN)
            record |= {"read_t": time, "read_rwl": np.interp(time, found["time"], found["rwl"])}
            record[f"read_rbl_{bit}"] = np.interp(time, found["time"], found[self._near])
            record[f"read_energy_{bit}"] = sum(self._given(found, name) for name in SUPPLIES)
        return record | {"read_energy": (float(record["read_energy_0"]) + float(record["read_energy_1"])) / 2}

    def _given(self, found: Vectors, name: str) -> float:
        """Energy (J) that a source gave, whose voltage may move."""
        time, current = found["time"], found[f"v{name}#branch"]
        if name == "precharge":
            return energy(time, current, self._vdd)
        return -float(np.trapezoid(current * found[name], time))

    def _drops(self, read_time: float) -> Record:
        """Fall of the bit line with several rows open, by how many of them store 0."""
        rows, drops = self._task.rows, []
        pulse = _long(read_time + _START)
        for zeros in range(rows + 1):
            found = self._run(self._cycle(Open(zeros, rows - zeros), 1, pulse))
            start = crossing(found["time"], found["rwl"], self._vdd / 2, rising=True)
            drops.append(self._vdd - float(np.interp(start + read_time, found["time"], found[self._near])))
        return {"drop_zeros": np.arange(rows + 1, dtype=np.float64), "drop": np.array(drops)}

    def _cycle(self, opened: Open, others: int, pulse: Pulse) -> Netlist:
        return cycle(*self._at, opened, others, pulse)

    def _run(self, netlist: Netlist, shifts: Mapping[str, float] | None = None) -> Vectors:
        self._engine.load(netlist)
        for name, shift in (shifts or {}).items():
            self._engine.alter(f"m.xzero.m{name}", "delvto", shift)
        return self._engine.run(netlist.analyses[0].removeprefix("."))


def _long(window: float) -> Pulse:
    """The word line stays open to the end of a look of `window` (s)."""
    end = _START + window
    return Pulse(_START / 2, _START, 2 * end, 2 * end, end)


def _whole(read_time: float) -> Pulse:
    """A cycle whose word line closes when the swing is reached, with as long again and 1 ns to precharge."""
    closes = _START + read_time
    return Pulse(_START / 2, _START, closes, closes + _START / 2, 2 * closes + 1e-9)


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures of the column.

    Args:
        nominal: record of `EightTColumnNominal`.
        samples: of `EightTColumnMonteCarlo`.

    Returns:
        The nominal ones; with samples also `read_time_mean`, `read_time_sigma`, `samples` and `failed_samples`.
    """
    return with_spread(nominal, samples, FIGURES, SPREAD, kinds=KINDS)
