"""Levels of a 1T1R ReRAM cell over time and cycles: retention, read noise, endurance, and how many levels stay apart.

Relaxation, drift, read noise (`circuits.reram_ageing`) and endurance (`circuits.reram_endurance`) are inputs. ngspice
gives the window of the new cell and how an aged device reads through its own transistor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, PUBLISHED, SIMULATED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.reram_ageing import CMO_HFOX
from circuits.reram_endurance import Endurance, load_endurance
from spice.characterise import Conditions
from spice.reram_read import ReadBench
from spice.spread import count, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

TIMES = {"1s": 1.0, "1h": 3600.0, "1day": 86400.0, "1year": 365.25 * 86400, "10years": 3652.5 * 86400}  # s
POINTS = 60  # of the curves over time and over cycles
AGEING = "reram_reliability.ageing"

UNITS: dict[str, str] = {
    "level": "S",
    "time": "s",
    "g_on": "S",
    "g_off": "S",
    "retained_mean": "S",
    "retained_sigma": "S",
    "relaxation_sigma": "S",
    "read_sigma": "S",
    "usable_by_time": "1",
    "usable_levels": "1",
    "retention_time": "s",
    "cycle": "1",
    "window_on": "S",
    "window_off": "S",
    "usable_by_cycle": "1",
    "cycles_asked": "1",
    "lifetime_cycles": "1",
    "lifetime": "s",
    "update_rate": "1/s",
    "apart": "1",
    "least_levels": "1",
    "target": "S",
    "programmed": "S",
    "access_vth": "V",
    "aged_g": "S",
    "read_g": "S",
    "out_of_reach": "1",
}


@dataclass(frozen=True)
class Life:
    """What a cell is asked for; all inputs.

    Args:
        tolerance: of programming, relative, uniform within.
        levels: evenly spaced ones that a cell should keep.
        apart: between two levels, in the sum of their standard deviations.
        cycles: at which the window is asked for.
        update_rate: programming cycles a second.
        endurance: "law", or the path of a CSV file.

    Raises:
        ConfigError: an impossible value.
    """

    tolerance: float = 0.02
    levels: int = 8
    apart: float = 3.0
    cycles: float = 1e5
    update_rate: float = 1e-2
    endurance: str = "law"

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance = {self.tolerance}: it is relative to the level, between 0 and 1")
        if self.levels < 2:
            raise ConfigError(f"levels = {self.levels}: a cell that holds anything has two")
        for name in ("apart", "cycles", "update_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} = {value}: it is above 0")
        found = load_endurance(self.endurance)
        if not found.least <= self.cycles <= found.most:
            raise ConfigError(
                f"cycles = {self.cycles:g}: the endurance is known for {found.least:g} to {found.most:g} cycles"
            )

    def sigma(self, g: Floats | float, time: float) -> Floats:
        """Standard deviation (S) of a read of a cell that was programmed to `g` (S), `time` (s) later."""
        programmed = np.asarray(g) * self.tolerance / math.sqrt(3)
        aged = np.hypot(programmed, CMO_HFOX.relaxation_sigma(time))
        return np.asarray(np.hypot(aged, CMO_HFOX.read_sigma(g, time)))

    def usable(self, low: float, high: float, time: float) -> int:
        """How many levels in a window (S) lie `apart` sums of their standard deviations at `time` (s)."""
        low, high = room(low, high)
        if low >= high:
            return 0
        found, g = 1, low
        while True:
            above = g
            for _ in range(20):  # the sigma of the level above depends on where it lies
                above = g + self.apart * float(self.sigma(g, time) + self.sigma(min(above, high), time))
            if above > high:
                return found
            found, g = found + 1, above


def room(low: float, high: float) -> tuple[float, float]:
    """Lowest and highest level (S) in a window, of what the publication on ageing covers.

    The highest stays below the window's end: its cells scatter, and still need to be reached.
    """
    low, high = max(low, CMO_HFOX.low), min(high, CMO_HFOX.high)
    return low, low + _ROOM * (high - low)


@dataclass(frozen=True)
class ReliabilityNominal:
    """Task: the window of the new cell, and what time and cycles leave of it. One sample, index 0.

    Args:
        conditions: corner, temperature; the gate is at the supply in a read.
        device: name of the device model.
        v_read: V.
        life: what is asked for.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2
    life: Life = field(default_factory=Life)

    def prepare(self) -> ReadBench:
        """The loaded read circuit."""
        return ReadBench(self.conditions, self.device, self.v_read)

    def run(self, context: ReadBench, index: int) -> Record:
        """Curves over time (rows by level) and over cycles, and the figures."""
        del index
        g_on, g_off = context.high, context.point(context.device.fresh)[0] / self.v_read
        levels, times = self.levels(context), np.geomspace(1.0, CMO_HFOX.last, POINTS)

        def usable(time: float) -> int:
            return self.life.usable(context.low, context.high, time)

        return {
            "level": levels,
            "time": times,
            "g_on": g_on,
            "g_off": g_off,
            "retained_mean": levels[:, None] + np.array([CMO_HFOX.mean_shift(float(time)) for time in times]),
            "retained_sigma": np.array([self.life.sigma(levels, float(time)) for time in times]).T,
            "relaxation_sigma": np.array([CMO_HFOX.relaxation_sigma(float(time)) for time in times]),
            "read_sigma": np.array([CMO_HFOX.read_sigma(levels, float(time)) for time in times]).T,
            "usable_by_time": np.array([usable(float(time)) for time in times]),
            "usable_levels": np.array([usable(time) for time in TIMES.values()]),
            "retention_time": last_with(usable, self.life.levels, times),
            **self._cycles(load_endurance(self.life.endurance), g_on, g_off),
        }

    def levels(self, bench: ReadBench) -> Floats:
        """The levels (S), evenly spaced over what both the cell and the publication cover.

        Raises:
            ConfigError: nothing is covered by both.
        """
        low, high = room(bench.low, bench.high)
        if low >= high:
            raise ConfigError(
                f"{bench.device.name} reaches {bench.low * 1e6:.3g} to {bench.high * 1e6:.3g} uS, and ageing is known "
                f"for {CMO_HFOX.low * 1e6:g} to {CMO_HFOX.high * 1e6:g} uS: no level lies in both"
            )
        return np.linspace(low, high, self.life.levels)

    def _cycles(self, endurance: Endurance, g_on: float, g_off: float) -> Record:
        """The window against cycles, the levels usable in it after a second, and when they become too few."""
        cycles = np.geomspace(endurance.least, endurance.most, POINTS)
        on, off = endurance.window(cycles, g_on, g_off)

        def usable(number: float) -> int:
            high, low = endurance.window(number, g_on, g_off)
            return self.life.usable(float(low), float(high), 1.0)

        last = last_with(usable, self.life.levels, cycles)
        return {
            "cycle": cycles,
            "window_on": on,
            "window_off": off,
            "usable_by_cycle": np.array([usable(float(number)) for number in cycles]),
            "cycles_asked": self.life.cycles,
            "lifetime_cycles": last,
            "lifetime": last / self.life.update_rate,
            "update_rate": self.life.update_rate,
            "apart": self.life.apart,
            "least_levels": self.life.levels,
        }


_ROOM = 0.92  # of a window
_BISECTIONS = 50


def last_with(usable: Callable[[float], int], levels: int, grid: Floats) -> float:
    """The last value at which `levels` are still usable, to a millionth; 0 where they are not at the first.

    Args:
        usable: levels at a value; fewer at a later one.
        levels: that are wanted.
        grid: values from the first to the last that are known, ascending, shape (points,). The last of them is a bound.
    """
    short = next((k for k, value in enumerate(grid) if usable(float(value)) < levels), None)
    if short is None:
        return float(grid[-1])
    if short == 0:
        return 0.0
    low, high = float(grid[short - 1]), float(grid[short])
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if usable(middle) >= levels else (low, middle)
    return low


@dataclass(frozen=True)
class ReliabilityMonteCarlo(ReliabilityNominal):
    """Task: one cell, programmed to a level and read at each of `TIMES`; sample `index` takes the levels in turn."""

    def run(self, context: ReadBench, index: int) -> Record:
        """What was drawn, and conductances (S) by time, shape (times,): of the device's own, and as read.

        A cell keeps its rank: what it drew for its relaxation holds at every time. Read noise is drawn for each read.
        `out_of_reach` counts times at which the device could not reach what was drawn, and is at its limit.
        """
        rng = stream(self.conditions.seed, AGEING, index)
        levels = self.levels(context)
        target = float(levels[index % len(levels)])
        programmed = target * (1 + self.life.tolerance * float(rng.uniform(-1, 1)))
        access_vth = float(context.access.sigma("vth") * rng.standard_normal())
        relaxed = float(rng.standard_normal())
        aged, read, beyond = [], [], 0
        for time in TIMES.values():
            g = programmed + CMO_HFOX.mean_shift(time) + CMO_HFOX.relaxation_sigma(time) * relaxed
            noisy = g + float(CMO_HFOX.read_sigma(target, time)) * float(rng.standard_normal())
            reached = min(max(noisy, context.low), context.high)
            beyond += reached != noisy
            aged.append(g)
            read.append(context.point(context.state_for(reached), access_vth)[0] / self.v_read)
        found = {"target": target, "programmed": programmed, "access_vth": access_vth, "out_of_reach": beyond}
        return {**found, "aged_g": np.array(aged), "read_g": np.array(read)}


def figures(nominal: Record, samples: Samples | None, life: Life) -> dict[str, Figure]:
    """Figures of reliability.

    Args:
        nominal: record of `ReliabilityNominal`.
        samples: of `ReliabilityMonteCarlo`.
        life: of both.

    Returns:
        `g_on`, `g_off` of the new cell; `relaxation_sigma_<time>`, `mean_shift_<time>`, `read_noise_<time>` (of the
        middle level), inputs; `usable_levels_<time>`; `retention_time`, until fewer than the levels asked for lie
        apart; `window_on`, `window_off` and `usable_levels_after_cycles` at the cycles asked for; `lifetime_cycles` and
        `lifetime` at the rate given. With samples `level_sigma_<time>` (rms over levels), `level_errors_<time>` (share
        of reads that lie nearer another level), `out_of_reach`, `samples`, `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), "S") for name in ("g_on", "g_off")}
    endurance, levels = load_endurance(life.endurance), np.asarray(nominal["level"], dtype=np.float64)
    given, said = CMO_HFOX.source, f"of inputs: {CMO_HFOX.source}"
    retention = float(nominal["retention_time"])
    found["retention_time"] = Figure(retention, "s", MODELLED, _at_least(retention, CMO_HFOX.last) + said)
    for (name, time), usable in zip(TIMES.items(), np.asarray(nominal["usable_levels"]), strict=True):
        found[f"mean_shift_{name}"] = Figure(CMO_HFOX.mean_shift(time), "S", PUBLISHED, given)
        found[f"relaxation_sigma_{name}"] = Figure(CMO_HFOX.relaxation_sigma(time), "S", PUBLISHED, given)
        noise = float(CMO_HFOX.read_sigma(levels[len(levels) // 2], time))
        found[f"read_noise_{name}"] = Figure(noise, "S", PUBLISHED, given)
        found[f"usable_levels_{name}"] = Figure(float(usable), "1", MODELLED, said)
    on, off = (float(g) for g in endurance.window(life.cycles, found["g_on"].value, found["g_off"].value))
    found["window_on"] = Figure(on, "S", endurance.kind, endurance.source)
    found["window_off"] = Figure(off, "S", endurance.kind, endurance.source)
    by = f"window as given: {endurance.source}; {CMO_HFOX.source}"
    found["usable_levels_after_cycles"] = Figure(life.usable(off, on, 1.0), "1", MODELLED, by)
    cycles = float(nominal["lifetime_cycles"])
    by = _at_least(cycles, endurance.most) + by
    found["lifetime_cycles"] = Figure(cycles, "1", MODELLED, by)
    rate = f"{life.update_rate:g} cycles a second, a setting"
    found["lifetime"] = Figure(float(nominal["lifetime"]), "s", MODELLED, f"{by}; {rate}")
    if samples is None or samples.count == 0:
        return found
    if samples.columns:
        found |= _sampled(samples, levels)
        found["out_of_reach"] = count(int(samples.valid("out_of_reach").sum()))
    return found | counts(samples)


def _at_least(value: float, known: float) -> str:
    """What to say before the source of a value that the last known one bounds."""
    return "at least this, nothing later is known; " if value >= known else ""


def _sampled(samples: Samples, levels: Floats) -> dict[str, Figure]:
    target, read = samples.valid("target"), samples.valid("read_g")
    nearest = np.argmin(np.abs(read[:, :, None] - levels), axis=2)
    wrong = levels[nearest] != target[:, None]
    found: dict[str, Figure] = {}
    groups = [read[target == level] for level in levels]
    groups = [group for group in groups if len(group) > 1]
    for column, name in enumerate(TIMES):
        if groups:
            freedom = sum(len(group) - 1 for group in groups)
            squares = sum(float(np.sum((group[:, column] - np.mean(group[:, column])) ** 2)) for group in groups)
            said = f"of cells aged with this: {CMO_HFOX.source}"
            found[f"level_sigma_{name}"] = Figure(math.sqrt(squares / freedom), "S", SIMULATED, said)
        found[f"level_errors_{name}"] = Figure(float(np.mean(wrong[:, column])), "1", SIMULATED, CMO_HFOX.source)
    return found
