"""Failures of a read: at the sensing time the bit lines are less apart than the sense amplifier's offset.

`margin` (V) is the smaller of `margin_0` = swing - offset - loss, of a stored 0, and `margin_1` = swing + offset -
loss, of a stored 1 (the offset is v(br) - v(bl) at the flip, and a 0 moves them apart by +swing): below 0 the read
gives the wrong value.

Simulated in ngspice for every point: the cell's read current at either side, its six transistors drawn, and the
amplifier's offset, its nine drawn too, with the common mode of the nominal bit lines at the sensing time. Simulated
once: the swing of the nominal column of 128 cells, and what a read of the whole column needs beyond the offset
(`spice.rare.read_swing`), which is taken off both margins. Modelled: a cell with r times the nominal current swings r
times as fast (I t / C in short), and loses as much as the nominal one. Sensing times count from the word line at
vdd / 2 to the enable at vdd / 2.

The offset and every figure of the 6T cell are metrics here too, of the same cell and amplifier, so that a question may
combine them: a cell that is hard to write reads fast.

The probability is that of one cell and one amplifier. Cells of a column share their amplifier: they do not fail
independently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Executor, Record
from bitline.core.store import Store
from circuits.netlist import Netlist
from circuits.sense_amp import SenseBench
from spice.characterise import Conditions
from spice.latch import netlist
from spice.rare.limit_state import Floats
from spice.rare.part import Failure, checked_settings
from spice.rare.parts import sram
from spice.rare.read_swing import Swing, column_setting, nominal_swing
from spice.rare.simulated import Simulated
from spice.rare.varied_latch import VariedLatch, variables
from spice.sram import LOBES, SramPoints
from spice.sram_bench import Bench

METRICS = {"margin": "V", "offset": "V", **sram.METRICS}
FIELDS = {"margin": ("margin_0", "margin_1"), "offset": ("offset",), **LOBES}
UNITS = {**sram.UNITS, **dict.fromkeys(("margin_0", "margin_1", "offset"), "V")}
SETTINGS = {"sensing_time": "s"}

_CURRENT = ("read_current",)


@dataclass(frozen=True)
class ReadAccessPoints:
    """Task: cell and amplifier at given points; the record holds the fields of `UNITS`.

    Args:
        cell: conditions, variation and the wanted figures, the read current among them.
        swing: of the nominal column.
        points: scores of every sample, the cell's before the amplifier's, shape (samples, variables).
        first: index of the first of them.
    """

    cell: SramPoints
    swing: Swing
    points: Floats = field(default_factory=lambda: np.zeros((0, 0)), compare=False)
    first: int = 0

    def prepare(self) -> tuple[Bench, float, VariedLatch]:
        """The cell's bench, its nominal read current (A) and the amplifier."""
        bench = self.cell.prepare()
        nominal = float(bench.measure_at(np.zeros(len(bench.variables)), None, _CURRENT)["read_current_left"])
        return bench, nominal, VariedLatch(_conditions(self.cell), self.swing.bench, self.cell.variation)

    def run(self, context: tuple[Bench, float, VariedLatch], index: int) -> Record:
        """Measure currents and offset at point `index`, and the margins that follow."""
        bench, nominal, latch = context
        scores = self.points[index - self.first]
        own = len(bench.variables)
        cell = bench.measure_at(scores[:own], None, self.cell.wanted)
        left, right = (float(cell[f"read_current_{side}"]) for side in ("left", "right"))
        offset = latch.offset(scores[own:])
        return {
            "scores": scores,
            "margin_0": self.swing.of(left / nominal) - offset - self.swing.loss[0],
            "margin_1": self.swing.of(right / nominal) + offset - self.swing.loss[1],
            "offset": offset,
            **{name: float(cell[name]) for name in UNITS if name in cell},
        }


def netlists(failure: Failure) -> dict[str, Netlist]:
    """The cell, the closed bit lines of the column and the amplifier (at its usual common mode)."""
    return {
        **_cell(failure).netlists(),
        "bit-lines": column_setting(failure.conditions).bit_lines(),
        "latch": netlist(failure.conditions, SenseBench()),
    }


def limit_state(failure: Failure, executor: Executor, store: Store, progress: Callable[[int], None]) -> Simulated:
    """The read's failure over the standard-normal scores of the cell's mismatch and the amplifier's.

    Raises:
        ConfigError: no sensing time or one that is not above 0, an unknown technology, corner or variation, or nothing
            that varies.
        SimulationError: the nominal column does not work.
    """
    sensing = checked_settings("read_access", failure.settings)["sensing_time"]
    if sensing <= 0:
        raise ConfigError(f"sensing_time = {sensing:g} s: the amplifier is enabled after the word line, so above 0")
    cell = _cell(failure)
    amplifier = variables(failure.conditions.technology, failure.variation)
    cell.netlists()  # refuses an unknown corner before anything runs
    nominal = ReadAccessPoints(cell, nominal_swing(failure.conditions, sensing))

    def task(points: Floats, first: int) -> ReadAccessPoints:
        return replace(nominal, points=points, first=first)

    names = [variable.name for variable in (*cell.variables(), *amplifier)]
    return Simulated(names, failure.bounds(FIELDS), task, executor, store, progress)


def _cell(failure: Failure) -> SramPoints:
    at = failure.conditions
    wanted = (*_CURRENT, *(name for name in failure.metrics if name in LOBES and name not in _CURRENT))
    return SramPoints(at.technology, at.corner, at.temperature, at.vdd, variation=failure.variation, wanted=wanted)


def _conditions(cell: SramPoints) -> Conditions:
    return Conditions(cell.technology, cell.corner, cell.temperature, cell.vdd)
