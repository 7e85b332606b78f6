"""The SRAM macro's critical path in ngspice: access and cycle time, energy by component, leakage.

Times count from the clock at vdd / 2 unless said otherwise.

- `access_time`: until the farthest output rises past vdd / 2 in a read of 1.
- `word_line_time`: until the far end of the open word line is at vdd / 2; `sensing_time`: from there until the sense
  enable is; `swing`: how far the far sense lines have moved apart by then, V.
- `decoder_time`: from the address at vdd / 2 until the row is selected; `address_setup`: by how much the address must
  lead the clock so that the row is selected when the word-line enable reaches it (negative: it may follow).
- `write_time`: until the storage nodes of the farthest cell cross, the slower of both values.
- `precharge_time`: from the clock's fall until the far sense lines are within 1 % of vdd and stay, after the slowest of
  the cycles; `cycle_time`: the longer of access and write time, plus the precharge time.
- `read_energy`, `write_energy`: of a word, from every supply over one cycle, precharge included, all address bits
  changing; half the bits are ones, and half of them turn over in a write; mean over both values of the far bit. And
  `<name>_<component>`: decoder, word_line (its enable too), cells, bit_line (precharge), sense, write (drivers),
  control (clock, precharge line, replica).
- `leakage`: out of all supplies, clock low; and `leakage_<component>`. The model cards have no gate leakage.

A mismatch sample draws the transistors of the far column's open cell and amplifier, and reads a 1 from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.macro import COMPONENTS, MacroAccess
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice import mismatch
from spice.column_cycles import CYCLES, varied_roles
from spice.engine import Vectors
from spice.macro_cycles import MacroSetting, component_energy, nominal_cycles, rise, simulate, swing, times
from spice.mismatch import Variation
from spice.spread import VTH, count, with_spread
from spice.waves import energy

STAGE = "macro.mismatch"
NODES = (
    "clk",
    "wl_far",
    "pre_b",
    "en",
    "rbl",
    "sl",
    "slb",
    "dout",
    "q",
    "qb",
)  # of the far column, as records name them
_TIMES = (
    *("access_time", "word_line_time", "sensing_time", "decoder_time", "address_setup"),
    *("write_time", "precharge_time", "cycle_time"),
)
FIGURES: dict[str, str] = {
    **dict.fromkeys(_TIMES, "s"),
    "swing": "V",
    **{f"{what}_energy": "J" for what in ("read", "write")},
    **{f"{what}_energy_{name}": "J" for what in ("read", "write") for name in COMPONENTS},
    "leakage": "A",
    **{f"leakage_{name}": "A" for name in COMPONENTS},
}
SPREAD = ("access_time", "swing")
UNITS: dict[str, str] = {
    **FIGURES,
    **{f"{cycle}_time": "s" for cycle in CYCLES},
    **{f"{cycle}_{node}": "V" for cycle in CYCLES for node in NODES},
    "reads_1": "1",
    **mismatch.UNITS,
}

_IDLE = 1e-6  # s of rest; the latter half of it gives the leakage
_SHOWN = 401  # points of a stored waveform


@dataclass(frozen=True)
class MacroNominal:
    """Task: the macro without mismatch; one sample, index 0.

    Args:
        setting: conditions and design.
    """

    setting: MacroSetting = field(default_factory=MacroSetting)

    def prepare(self) -> tuple[float, dict[str, Vectors]]:
        """The pace and the four cycles."""
        return nominal_cycles(self.setting)

    def run(self, context: tuple[float, dict[str, Vectors]], index: int) -> Record:
        """Every figure, and waveforms of the four cycles."""
        del index
        _, cycles = context
        vdd = self.setting.conditions.vdd
        record: Record = dict(times(self.setting, cycles))
        for what in ("read", "write"):
            parts = {
                name: float(np.mean([component_energy(cycles[f"{what}_{bit}"], name, vdd) for bit in (0, 1)]))
                for name in COMPONENTS
            }
            record |= {f"{what}_energy": sum(parts.values())}
            record |= {f"{what}_energy_{name}": value for name, value in parts.items()}
        leakage = leakages(self.setting)
        record |= {"leakage": sum(leakage.values())} | {f"leakage_{name}": value for name, value in leakage.items()}
        for cycle, found in cycles.items():
            time = np.linspace(0.0, float(found["time"][-1]), _SHOWN)
            record[f"{cycle}_time"] = time
            for name in NODES:
                record[f"{cycle}_{name}"] = np.interp(time, found["time"], found[self.setting.node(name)])
        return record


@dataclass(frozen=True)
class MacroMonteCarlo:
    """Task: the macro with the far column's open cell and amplifier drawn, reading a 1.

    The record holds `access_time` (s, NaN where it misreads), `swing` (V), `reads_1` (1 or 0) and the shifts.

    Args:
        setting: conditions, with the study's seed, and design.
        variation: of `spice.mismatch.VARIATIONS`.
    """

    setting: MacroSetting = field(default_factory=MacroSetting)
    variation: str = "vth"

    def prepare(self) -> tuple[float, Variation]:
        """The pace and the transistors that are drawn."""
        last, at = self.setting.design.word_bits - 1, self.setting.conditions
        roles = varied_roles(f"xcolumn{last}.xcell", f"xsensing{last}.xsense")
        varied = Variation.of(load_technology(at.technology), at.corner, roles, self.variation)
        return nominal_cycles(self.setting)[0], varied

    def run(self, context: tuple[float, Variation], index: int) -> Record:
        """Draw the column of macro `index` and read it."""
        unit, varied = context
        shifts = varied.draw(stream(self.setting.conditions.seed, STAGE, index))
        found = simulate(self.setting.netlist(self.setting.cycle("read", 1, unit)), varied, shifts)
        access_time = rise(self.setting, found, "dout") - rise(self.setting, found, "clk")
        return {
            "access_time": access_time,
            "swing": swing(self.setting, found, 1),
            "reads_1": int(not math.isnan(access_time)),
            **varied.columns(shifts),
        }


def leakages(setting: MacroSetting) -> dict[str, float]:
    """Mean current (A) of each component's supply over the latter half of a long rest, the clock low."""
    word = [i % 2 for i in range(setting.design.word_bits)]
    rest = MacroAccess(word, None, 2 * _IDLE, 2 * _IDLE, 3 * _IDLE, _IDLE)
    found = simulate(setting.netlist(rest))
    late = found["time"] >= _IDLE / 2
    time = found["time"][late]
    return {name: energy(time, found[f"v{name}#branch"][late], 1.0) / float(time[-1] - time[0]) for name in COMPONENTS}


def netlists(setting: MacroSetting) -> dict[str, Netlist]:
    """The critical path's four cycles at their pace, and the whole macro reading, by name.

    Raises:
        ConfigError: an unknown technology or corner.
        SimulationError: the macro does not work under these conditions.
    """
    unit, _ = nominal_cycles(setting)
    found = {cycle.replace("_", "-"): setting.netlist(setting.cycle(*how, unit)) for cycle, how in CYCLES.items()}
    return {**found, "whole": setting.netlist(setting.cycle("read", 1, unit), full=True)}


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures of the macro.

    Args:
        nominal: record of `MacroNominal`.
        samples: of `MacroMonteCarlo`.
        source: what varies.

    Returns:
        The nominal ones; with samples also `<name>_mean` and `<name>_sigma` of `SPREAD` over those that read,
        `misreads_1`, `samples` and `failed_samples`.
    """
    found = with_spread(nominal, samples, FIGURES, SPREAD, source)
    if samples is not None and samples.columns:
        found["misreads_1"] = count(int(np.sum(samples.valid("reads_1") == 0)))
    return found
