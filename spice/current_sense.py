"""The current sense amplifier on 1T1R cells: clamped bit lines, decision threshold, delay, energy and read margin.

- The *difference* is the cell's current less the reference cell's; in the offset's search both cells are at the
  reference's state and a current source on the cell's bit line makes it. The *offset* is the difference at which
  decisions flip, bit lines settled, the comparator clocked `t_sense` after the precharge ends.
- The *delay* counts from the comparator's clock at vdd / 2 until its outputs are vdd / 2 apart.
- The spread of a level's conductance is an input from a publication; with it and the offset, the *read margin* is how
  many standard deviations lie between the level's current and the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits import measures
from circuits.current_sense import AMPLIFIER_ROLES, DRIVEN, Access, CurrentSense, current_sense
from circuits.netlist import Netlist
from circuits.reram import load_device
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.clocked import Clocked, Scale, run_once
from spice.engine import Vectors, engine
from spice.mismatch import UNITS as SHIFT_UNITS
from spice.mismatch import Variation, variables
from spice.reram_read import ReadBench
from spice.waves import settling

STAGE = "current_sense.mismatch"
DIFFERENCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of the reference's current: of the delay's curve
SENSING = (1 / 6, 1 / 3, 2 / 3, 1.0, 5 / 3)  # of t_sense: where the offset's spread is modelled
ONE_SIDE = ("clamp_cell", "in_p", "n_p", "p_p")  # of the pairs that decide; the other side adds as much
NODES = ("wl", "pre_b", "clk", "bl", "br", "sa", "sb", "outp", "outn")  # of the stored waveforms
LEVELS = ("lrs", "hrs")
_LEVEL_UNITS = {"clamp_error": "V", "current": "A", "difference": "A", "settling_time": "s", "delay": "s"}
UNITS: dict[str, str] = {
    "offset": "A",
    "clamp_voltage": "V",
    "clamp_drift": "V",
    "v_clamp": "V",
    "reference_current": "A",
    "energy": "J",
    **{f"{name}_{level}": unit for level in LEVELS for name, unit in _LEVEL_UNITS.items()},
    "curve_difference": "A",
    "curve_delay": "s",
    "sensing_time": "s",
    "sensing_offset": "A",
    "sensing_sigma": "A",
    "time": "s",
    **{f"{level}_{node}": "V" for level in LEVELS for node in NODES},
    **SHIFT_UNITS,
}
STEP = 20e-12  # s; 5e-12 moves an offset by less than 0.1 % of the reference's current
_START = 100e-12  # s: when the precharge ends in a decision, the word line rises in a whole access
_AFTER = 1e-9  # s of the first look at a decision, and that an access goes on after it
_NEAR_FINAL = 0.025  # of v_read: within this a bit line has settled
_CLAMP_RANGE = (0.2, 1.2)  # of the supply: where the clamps' gate voltage is looked for
_REMEDY = "raise the supply, or shorten t_sense so that the sense nodes do not fall below the comparator's reach"
_SHOWN = 601  # points of a stored waveform


@dataclass(frozen=True)
class Sensing:
    """What is characterised.

    Args:
        device: name of the ReRAM device model.
        v_read: that the clamp holds a bit line at with the reference's current, V.
        g_lrs: conductance of the cell that is to read as 1, S.
        g_hrs: of that to read as 0, S.
        g_ref: of the reference cell, S.
        sizes: of the amplifier.
        variation: of `spice.mismatch.VARIATIONS`.

    Raises:
        ConfigError: conductances out of order.
    """

    device: str = "stanford_pku"
    v_read: float = 0.2
    g_lrs: float = 30e-6
    g_hrs: float = 5e-6
    g_ref: float = 17.5e-6
    sizes: CurrentSense = field(default_factory=CurrentSense)
    variation: str = "vth"

    def __post_init__(self) -> None:
        if not 0 < self.g_hrs < self.g_ref < self.g_lrs:
            raise ConfigError(
                f"g_hrs = {self.g_hrs:g}, g_ref = {self.g_ref:g}, g_lrs = {self.g_lrs:g} S: the reference lies between"
            )

    def netlist(
        self, conditions: Conditions, bias: Bias, access: Access, states: tuple[float, float] | None = None
    ) -> Netlist:
        """The amplifier under `conditions`; both cells at the reference's state unless `states` says otherwise."""
        return current_sense(
            load_technology(conditions.technology),
            conditions.corner,
            conditions.vdd,
            conditions.temperature,
            load_device(self.device),
            self.sizes,
            bias.v_clamp,
            states or (bias.ref, bias.ref),
            access,
        )

    def decision(self, t_sense: float) -> Access:
        """A decision from settled bit lines."""
        return Access(None, _START, _START + t_sense)

    def access(self, decided: float) -> Access:
        """A whole access whose comparator needs `decided` (s)."""
        released = _START + self.sizes.t_settle
        strobe = released + self.sizes.t_sense
        return Access(_START, released, strobe, strobe + decided)

    def bias(self, conditions: Conditions) -> Bias:
        """States and clamp voltage.

        Raises:
            ModelRangeError: the cell does not reach a conductance.
            SimulationError: no gate voltage puts the bit line at v_read.
        """
        bench = ReadBench(conditions, self.device, self.v_read)
        lrs, ref, hrs = (bench.state_for(g) for g in (self.g_lrs, self.g_ref, self.g_hrs))
        found = Bias(conditions.vdd / 2, lrs, ref, hrs)
        ngspice = engine()
        ngspice.load(self.netlist(conditions, found, self.decision(self.sizes.t_sense)))

        def error(v_clamp: float) -> float:
            ngspice.alter("vclamp", "dc", v_clamp)
            return float(ngspice.run("op")["br"][0]) - self.v_read

        low, high = (share * conditions.vdd for share in _CLAMP_RANGE)
        if error(low) > 0 or error(high) < 0:
            raise SimulationError(
                f"no clamp voltage from {low:g} to {high:g} V holds the bit line at v_read = {self.v_read:g} V; "
                "raise the supply, lower v_read or widen the clamp"
            )
        return replace(found, v_clamp=float(brentq(error, low, high, xtol=1e-6)))


@dataclass(frozen=True)
class Bias:
    """What holds the amplifier's cells and clamps.

    Args:
        v_clamp: gates of the clamps, V.
        lrs: state of a cell of g_lrs.
        ref: of the reference cell.
        hrs: of a cell of g_hrs.
    """

    v_clamp: float
    lrs: float
    ref: float
    hrs: float


class SensingBench:
    """The amplifier of one condition, loaded in this process's ngspice.

    Args:
        conditions: corner, temperature, supply.
        what: the amplifier and its cells.

    Raises:
        BitlineError: as of `Sensing.bias` and `spice.clocked.Clocked`.
    """

    def __init__(self, conditions: Conditions, what: Sensing) -> None:
        self.conditions, self.what = conditions, what
        self.bias = what.bias(conditions)
        technology = load_technology(conditions.technology)
        devices = what.sizes.devices(technology)
        found = Variation.of(technology, conditions.corner, AMPLIFIER_ROLES, what.variation)
        self.variation = Variation(devices, variables(devices, what.variation), found.cards)
        self.reference_current = what.g_ref * what.v_read
        self.clocked = self.at(what.sizes.t_sense)

    def at(self, t_sense: float) -> Clocked:
        """The amplifier with another sensing time (s)."""
        access, current = self.what.decision(t_sense), self.reference_current
        return Clocked(
            self.what.netlist(self.conditions, self.bias, access),
            lambda difference: {"idiff": difference},
            self.conditions.vdd,
            access.strobe,
            Scale("A", 0.95 * current, 0.3 * current, 0.01 * current, 1e-4 * current, _REMEDY),
            STEP,
            _AFTER,
            self.variation,
            CurrentSense.place,
            within=("", "strongarm"),
        )

    def levels(self) -> Record:
        """Figures of a settled cell of each level."""
        record: Record = {}
        _, _, reference = self._point(self.bias.ref)
        for level, state in zip(LEVELS, (self.bias.lrs, self.bias.hrs), strict=True):
            voltage, current, _ = self._point(state)
            record |= {
                f"clamp_error_{level}": voltage - self.what.v_read,
                f"current_{level}": current,
                f"difference_{level}": current - reference,
                f"delay_{level}": self.clocked.delay(0.0),
            }
        self.clocked.alter("vstate_cell", self.bias.ref)
        return record | {"reference_current": reference}

    def clamp_voltage(self) -> float:
        """Of the cell's bit line with the cell at the reference's state, V."""
        return self._point(self.bias.ref)[0]

    def _point(self, state: float) -> tuple[float, float, float]:
        """Settled bit-line voltage (V), the cell's and the reference cell's current (A) with the cell at a state."""
        self.clocked.alter("vstate_cell", state)
        self.clocked.alter("idiff", 0.0)
        solved = engine().run("op")
        return float(solved["bl"][0]), float(solved["vcell#branch"][0]), float(solved["vref#branch"][0])

    def netlists(self) -> dict[str, Netlist]:
        """An access to a cell of each level, and a decision from settled bit lines, with measures.

        `energy` is that of one access, the figure is the mean of both; `current` and `delay` are those of the level.
        """
        vdd, found = self.conditions.vdd, {}
        access, decision = self.what.access(_AFTER), self.what.decision(self.what.sizes.t_sense)
        for level, apart in zip(LEVELS, ("v(outp)-v(outn)", "v(outn)-v(outp)"), strict=True):
            spent = measures.energy("energy", {"vsupply": vdd, **DRIVEN}, 0.0, access.over)
            found[f"read-{level}"] = replace(self._held(level, access), measures=(spent,))
            clock, decided = ("v(clk)", vdd / 2, "rise"), (f"par('{apart}')", vdd / 2, "rise")
            of_level = (measures.value("current", "i(vcell)", 0.0), measures.delay("delay", clock, decided))
            found[f"decision-{level}"] = replace(self._held(level, decision), measures=of_level)
        return found

    def _held(self, level: str, access: Access) -> Netlist:
        return self.what.netlist(self.conditions, self.bias, access, (getattr(self.bias, level), self.bias.ref))

    def accessed(self, level: str) -> Vectors:
        """Waveforms of an access to a cell of a level."""
        access = self.what.access(_AFTER)
        return run_once(self._held(level, access), {}, STEP, access.over)

    def energy(self, run: Vectors) -> float:
        """Energy (J) from all sources over an access."""
        power = -self.conditions.vdd * run["vsupply#branch"]
        for source, node in DRIVEN.items():
            power = power - run[node] * run[f"{source}#branch"]
        return float(np.trapezoid(power, run["time"]))

    def settling_time(self, run: Vectors, settled: float) -> float:
        """From the word line until the bit line stays near `settled` (V), s; NaN: not before the precharge ends."""
        held = run["time"] <= self.what.access(_AFTER).released - self.what.sizes.slew
        apart = np.abs(run["bl"][held] - settled)
        return settling(run["time"][held], apart, _NEAR_FINAL * self.what.v_read, after=_START) - _START

    def spread(self, t_sense: float) -> tuple[float, float]:
        """Offset and its standard deviation (A) at a sensing time (s), linear in what varies: shifts of one sigma.

        Resets, precharges and the clock's transistor, which hardly count, are left out.
        """
        bench = self.at(t_sense)
        variance = 0.0
        for number, variable in enumerate(self.variation.variables):
            if variable.device in ONE_SIDE:
                scores = np.zeros(len(self.variation.variables))
                scores[number] = 1.0
                bench.vary(self.variation.at(scores))
                variance += 2 * (bench.find_flip(bench.flip) - bench.flip) ** 2
        return bench.flip, float(np.sqrt(variance))


@dataclass(frozen=True)
class CurrentSenseNominal:
    """Task: the amplifier without mismatch, with waveforms. One sample, index 0.

    Args:
        conditions: corner, temperature, supply.
        what: the amplifier and its cells.
    """

    conditions: Conditions = field(default_factory=Conditions)
    what: Sensing = field(default_factory=Sensing)

    def prepare(self) -> SensingBench:
        """The loaded amplifier."""
        return SensingBench(self.conditions, self.what)

    def run(self, context: SensingBench, index: int) -> Record:
        """Clamp, threshold, delay, energy, the offset's spread against sensing time, and waveforms."""
        del index
        clocked, current = context.clocked, context.reference_current
        clocked.straighten()
        differences = current * np.array(DIFFERENCES)
        sensing = context.what.sizes.t_sense * np.array(SENSING)
        settled = clocked.transient(0.0, clocked.enabled)
        record: Record = {
            "offset": clocked.flip,
            "clamp_voltage": context.clamp_voltage(),
            "clamp_drift": float(settled["bl"][-1] - settled["bl"][0]),
            "v_clamp": context.bias.v_clamp,
            **context.levels(),
            "curve_difference": differences,
            "curve_delay": np.array([clocked.delay(clocked.flip + by, 2 * clocked.window) for by in differences]),
        }
        runs = {level: context.accessed(level) for level in LEVELS}
        for level in LEVELS:
            final = context.what.v_read + float(record[f"clamp_error_{level}"])
            record[f"settling_time_{level}"] = context.settling_time(runs[level], final)
        record["energy"] = float(np.mean([context.energy(run) for run in runs.values()]))
        record |= _waveforms(runs)
        offsets, sigmas = zip(*(context.spread(float(time)) for time in sensing), strict=True)
        return record | {
            "sensing_time": sensing,
            "sensing_offset": np.array(offsets),
            "sensing_sigma": np.array(sigmas),
        }


@dataclass(frozen=True)
class CurrentSenseMonteCarlo(CurrentSenseNominal):
    """Task: the amplifier with drawn mismatch: offset and bit-line voltage; the cells are those of the nominal one."""

    def run(self, context: SensingBench, index: int) -> Record:
        """Draw amplifier `index` and measure it."""
        drawn = context.variation.draw(stream(self.conditions.seed, STAGE, index))
        context.clocked.vary(drawn)
        return {
            "offset": context.clocked.find_flip(context.clocked.flip),
            "clamp_voltage": context.clamp_voltage(),
            **context.variation.columns(drawn),
        }


def _waveforms(runs: dict[str, Vectors]) -> Record:
    """`time` and <level>_<node>, shape (_SHOWN,), of an access to a cell of each level."""
    time = np.linspace(0.0, min(float(run["time"][-1]) for run in runs.values()), _SHOWN)
    waves: Record = {"time": time}
    for level, run in runs.items():
        waves |= {f"{level}_{node}": np.interp(time, run["time"], run[node]) for node in NODES}
    return waves
