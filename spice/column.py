"""A column of 6T cells in ngspice: timing, energy by component, and the same under mismatch.

Times count from the word line at vdd / 2; `_0` and `_1` say the value in (or written to) the cell.

- `bit_line_time`: until the sense lines differ by 100 mV.
- `sensing_time`: until the sense enable is at vdd / 2, so that the nominal lines differ by the setting's swing.
- `access_time`: until the output is at vdd / 2 in a read of 1. (A read of 0 leaves the output as it rests, at 0.)
- `write_time`: until the storage nodes cross.
- `precharge_time`: from the precharge's line at vdd / 2 until both sense lines are within 1 % of vdd, after the slowest
  of the four cycles; `cycle_time`: access time plus precharge time.
- `read_energy`, `write_energy`: from every supply over one cycle, precharge included, mean of both values; and
  `<name>_<component>`: cells, bit_line (precharge), sense, write (driver), control (buffers of the control lines and of
  this column's share of the word line). A write turns the cell over. With a multiplexer the other columns of the row
  count as bit_line.
- `bit_line_capacitance`, `bit_line_leakage`: of the closed column, wires and junctions; leakage out of one bit line
  into cells that all hold their 0 at its side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.column import COMPONENTS
from circuits.netlist import Netlist
from spice import mismatch
from spice.column_cycles import (
    CYCLES,
    DEVELOPED,
    NODES,
    Column,
    ColumnSetting,
    Wave,
    energies,
    read_value,
    recovery,
    word_line_time,
    write_time,
)
from spice.engine import Vectors
from spice.mismatch import Shifts
from spice.spread import VTH, count, with_spread
from spice.waves import crossing

STAGE = "column.mismatch"
SWEEP = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0)  # of the nominal sensing time

_TIMES = ("bit_line_time_0", "bit_line_time_1", "write_time_0", "write_time_1", "precharge_time", "cycle_time")
FIGURES: dict[str, str] = {
    **dict.fromkeys(("sensing_time", "access_time", *_TIMES), "s"),
    **{f"{what}_energy": "J" for what in ("read", "write")},
    **{f"{what}_energy_{name}": "J" for what in ("read", "write") for name in COMPONENTS},
    "bit_line_capacitance": "F",
    "bit_line_leakage": "A",
}
SPREAD = ("bit_line_time_0", "bit_line_time_1", "access_time")  # of mismatch samples
UNITS: dict[str, str] = {
    **FIGURES,
    "swept_sensing_time": "s",
    "swept_access_time": "s",
    **{f"{name}_{bit}": unit for name, unit in (("swing", "V"), ("reads", "1")) for bit in (0, 1)},
    **{f"swept_reads_{bit}": "1" for bit in (0, 1)},
    **{f"{cycle}_time": "s" for cycle in CYCLES},
    **{f"{cycle}_{node}": "V" for cycle in CYCLES for node in NODES},
    **mismatch.UNITS,
}
_SHOWN = 401  # points of a stored waveform


@dataclass(frozen=True)
class ColumnNominal:
    """Task: the column without mismatch; one sample, index 0.

    Args:
        setting: conditions and design.
    """

    setting: ColumnSetting = field(default_factory=ColumnSetting)

    def prepare(self) -> Column:
        """The column at its pace."""
        return Column(self.setting)

    def run(self, context: Column, index: int) -> Record:
        """Every figure, waveforms of the four cycles, and access time against sensing time.

        Raises:
            SimulationError: the nominal column misreads.
        """
        del index
        capacitance, leakage = context.bit_lines()
        record: Record = {"bit_line_capacitance": capacitance, "bit_line_leakage": leakage}
        spent: dict[str, list[dict[str, float]]] = {"read": [], "write": []}
        recovered = []
        for cycle, (what, bit) in CYCLES.items():
            access = context.pace.cycle(what, bit)
            found = context.run(access)
            recovered.append(recovery(found, context.vdd, access))
            spent[what].append(energies(found, context.vdd))
            record |= _waveform(cycle, found)
            record |= (
                _read(context, found, bit) if what == "read" else {f"write_time_{bit}": write_time(found, context.vdd)}
            )
        record["precharge_time"] = max(recovered)
        record["cycle_time"] = float(record["access_time"]) + max(recovered)
        for what, both in spent.items():
            parts = {name: float(np.mean([one[name] for one in both])) for name in COMPONENTS}
            record |= {f"{what}_energy": sum(parts.values())}
            record |= {f"{what}_energy_{name}": value for name, value in parts.items()}
        return record | _sweep(context)


@dataclass(frozen=True)
class ColumnMonteCarlo:
    """Task: the column with its accessed cell and its amplifier drawn.

    The record holds per value the bit line's time, its `swing` (V) at the nominal sensing time, whether the value
    `reads` (1 or 0), the access time (NaN where a 1 misreads) and the shifts by parameter, in the order of the devices
    that have it (`Column.variation`).

    Args:
        setting: conditions, with the study's seed, and design.
        variation: of `spice.mismatch.VARIATIONS`.
    """

    setting: ColumnSetting = field(default_factory=ColumnSetting)
    variation: str = "vth"

    def prepare(self) -> Column:
        """The nominal column, which sets the pace."""
        return Column(self.setting, self.variation)

    def run(self, context: Column, index: int) -> Record:
        """Draw column `index` and read both values from it."""
        return drawn(context, context.variation.draw(stream(self.setting.conditions.seed, STAGE, index)))


def drawn(column: Column, shifts: Shifts) -> Record:
    """What a column whose transistors are shifted so gives at the nominal sensing time."""
    record: Record = dict(column.variation.columns(shifts))
    for bit in (0, 1):
        time, apart = column.develop(bit, 3 * column.pace.sensing, shifts)
        record[f"bit_line_time_{bit}"] = crossing(time, apart, DEVELOPED, rising=True, after=0.0)
        record[f"swing_{bit}"] = float(np.interp(column.pace.sensing, time, apart))
        access = column.pace.cycle("read", bit)
        value, rises = read_value(column.run(access, shifts), column.vdd, access)
        record[f"reads_{bit}"] = int(value == bool(bit))
        if bit:
            record["access_time"] = rises if value else math.nan
    return record


def netlists(setting: ColumnSetting) -> dict[str, Netlist]:
    """The four cycles at the nominal pace and the closed bit lines, by name.

    Raises:
        ConfigError: an unknown technology or corner.
        SimulationError: the column does not work under these conditions.
    """
    pace = Column(setting).pace
    found = {cycle.replace("_", "-"): setting.netlist(pace.cycle(*how)) for cycle, how in CYCLES.items()}
    return {**found, "bit-lines": setting.bit_lines()}


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures of the column.

    Args:
        nominal: record of `ColumnNominal`.
        samples: of `ColumnMonteCarlo`.
        source: what varies.

    Returns:
        The nominal ones; with samples also `<name>_mean` and `<name>_sigma` of `SPREAD` over those that read,
        `misreads_<bit>` at the nominal sensing time, `samples` and `failed_samples`.
    """
    found = with_spread(nominal, samples, FIGURES, SPREAD, source)
    if samples is not None and samples.columns:
        for bit in (0, 1):
            found[f"misreads_{bit}"] = count(int(np.sum(samples.valid(f"reads_{bit}") == 0)))
    return found


def _read(context: Column, found: Vectors, bit: int) -> Record:
    """Times of a nominal read of `bit`."""
    access = context.pace.cycle("read", bit)
    value, rises = read_value(found, context.vdd, access)
    if value != bool(bit):
        raise SimulationError(f"the nominal column reads a {bit} as {int(value)}; give it a larger swing")
    time, apart = context.develop(bit, 3 * context.pace.sensing)
    record: Record = {f"bit_line_time_{bit}": crossing(time, apart, DEVELOPED, rising=True, after=0.0)}
    enabled = crossing(found["time"], found["en"], context.vdd / 2, rising=True)
    return record | (
        {"access_time": rises, "sensing_time": enabled - word_line_time(found, context.vdd)} if bit else {}
    )


def _sweep(context: Column) -> Record:
    """Access time against sensing time (NaN where a 1 misreads), and whether either value reads."""
    rows = []
    for share in SWEEP:
        pace = replace(context.pace, sensing=share * context.pace.sensing)
        row = []
        for bit in (0, 1):
            access = pace.cycle("read", bit)
            found = context.run(access)
            value, rises = read_value(found, context.vdd, access)
            row.append(float(value == bool(bit)))
        enabled = crossing(found["time"], found["en"], context.vdd / 2, rising=True)
        rows.append((enabled - word_line_time(found, context.vdd), rises if row[1] else math.nan, *row))
    sensing, access_time, zero, one = np.array(rows).T
    return {
        "swept_sensing_time": sensing,
        "swept_access_time": access_time,
        "swept_reads_0": zero,
        "swept_reads_1": one,
    }


def _waveform(cycle: str, found: Vectors) -> Record:
    """`<cycle>_time` and <cycle>_<node>, shape (_SHOWN,)."""
    time: Wave = np.linspace(0.0, float(found["time"][-1]), _SHOWN)
    waves: Record = {f"{cycle}_{name}": np.interp(time, found["time"], found[node]) for name, node in NODES.items()}
    return {f"{cycle}_time": time} | waves
