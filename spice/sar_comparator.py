"""The StrongARM comparator of a successive-approximation converter: offset, delay, noise, energy and kickback.

Offset and delay are as `spice.clocked` defines them; `spice.sar_noise` says how the noise is found.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.sar_comparator import INSTANCE, ROLES, ComparatorBench, StrongArm, comparator
from circuits.technology import Technology, load_technology
from spice.characterise import Conditions
from spice.clocked import Clocked, Scale, run_once
from spice.mismatch import UNITS as SHIFT_UNITS
from spice.mismatch import Variation, variables
from spice.sar_noise import GAMMA, bench_lines, noise
from spice.spread import with_spread
from spice.waves import energy

STAGE = "sar_comparator.mismatch"
DELAY_DIFFERENCE = 0.01  # V beyond the offset at which the delay is stated
OVERDRIVES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)  # V beyond the offset
NODES = ("clk", "inp", "inn", "outp", "outn")  # of the stored waveforms
UNITS: dict[str, str] = {
    "offset": "V",
    "delay": "s",
    "regeneration": "s",
    "noise": "V",
    "energy": "J",
    "kickback": "V",
    "kickback_difference": "V",
    "overdrive": "V",
    "overdrive_delay": "s",
    "noise_time": "s",
    **{f"noise_{source}": "V^2/s" for source in ("input", "latch_n", "latch_p")},
    "time": "s",
    **{f"decision{bit}_{node}": "V" for bit in (0, 1) for node in NODES},
    **SHIFT_UNITS,
}
SCALE = Scale(
    unit="V", span=0.3, near=0.1, tie=1e-3, tolerance=2e-6, remedy="raise the supply or the inputs' common mode"
)
STEP = 4e-12  # s; 1e-12 moves an offset by less than 0.1 uV
_WINDOW = 1e-9  # s of the first look
_SHOWN = 401  # points of a stored waveform
_REGENERATING = (0.02, 0.2)  # of the supply: between them the outputs part exponentially


@dataclass(frozen=True)
class Comparator:
    """What is characterised.

    Args:
        sizes: of the comparator.
        bench: around it.
        variation: of `spice.mismatch.VARIATIONS`.
    """

    sizes: StrongArm = field(default_factory=StrongArm)
    bench: ComparatorBench = field(default_factory=ComparatorBench)
    variation: str = "vth"

    def netlist(
        self,
        conditions: Conditions,
        difference: float = 0.0,
        clock_width: float = 1.0,
        extra: tuple[str, ...] = (),
    ) -> Netlist:
        """Its bench under `conditions`, its inputs apart by `difference` (V).

        Raises:
            ConfigError: unknown technology or corner, or a common mode outside the supply.
        """
        if not 0 < self.bench.common < conditions.vdd:
            raise ConfigError(
                f"common = {self.bench.common:g} V: the inputs' common mode lies between 0 and {conditions.vdd:g} V"
            )
        technology = load_technology(conditions.technology)
        return comparator(
            technology,
            conditions.corner,
            conditions.vdd,
            conditions.temperature,
            self.sizes,
            self.bench,
            difference,
            clock_width,
            extra,
        )

    def loaded(self, conditions: Conditions) -> Clocked:
        """It, ready to decide.

        Raises:
            ConfigError: as of `netlist`, or an unknown variation.
            SimulationError: it does not decide.
        """
        return Clocked(
            self.netlist(conditions),
            self.bench.inputs,
            conditions.vdd,
            self.bench.enabled,
            SCALE,
            STEP,
            _WINDOW,
            strong_arm_variation(load_technology(conditions.technology), conditions.corner, self.sizes, self.variation),
            f"m.{INSTANCE}.m{{}}".format,
        )


def strong_arm_variation(technology: Technology, corner: str, sizes: StrongArm, kind: str) -> Variation:
    """What varies in the comparator: every transistor as one of the width of its parallel devices.

    Raises:
        ConfigError: unknown corner or variation.
    """
    found = Variation.of(technology, corner, ROLES, kind)
    devices = sizes.devices(technology)
    return Variation(devices, variables(devices, kind), found.cards)


@dataclass(frozen=True)
class ComparatorNominal:
    """Task: the comparator without mismatch, with waveforms. One sample, index 0.

    Args:
        conditions: corner, temperature, supply.
        what: sizes and bench.
    """

    conditions: Conditions = field(default_factory=Conditions)
    what: Comparator = field(default_factory=Comparator)

    def prepare(self) -> Clocked:
        """The loaded comparator."""
        return self.what.loaded(self.conditions)

    def run(self, context: Clocked, index: int) -> Record:
        """Offset, delay against overdrive, noise, energy, kickback and waveforms."""
        del index
        context.straighten()
        offset = context.flip
        decided = context.transient(offset + DELAY_DIFFERENCE)
        bench = self.what.netlist(self.conditions, extra=bench_lines())
        found = noise(bench, self.what.bench.inputs, self.conditions.temperature, offset, 2 * context.window)
        apart = decided["inp"] - decided["inn"]
        return {
            "offset": offset,
            "delay": context.delay(offset + DELAY_DIFFERENCE),
            "regeneration": regeneration(context, offset),
            "energy": float(np.mean([self._energy(context, sign * 0.1) for sign in (-1, 1)])),
            "kickback": float(max(np.max(np.abs(decided[node] - decided[node][0])) for node in ("inp", "inn"))),
            "kickback_difference": float(np.max(np.abs(apart - apart[0]))),
            "overdrive": np.array(OVERDRIVES),
            "overdrive_delay": np.array([context.delay(offset + beyond, 2 * context.window) for beyond in OVERDRIVES]),
            **found,
            **_waveforms(context, offset),
        }

    def _energy(self, context: Clocked, difference: float) -> float:
        """Energy (J) from supply and clock over one cycle: clock up, decision, clock down, everything back at rest."""
        width = context.window - self.what.bench.start
        netlist = self.what.netlist(self.conditions, clock_width=width)
        cycle = run_once(netlist, self.what.bench.inputs(difference), STEP, 2 * context.window)
        return energy(cycle["time"], cycle["vsupply#branch"], self.conditions.vdd) + float(
            -np.trapezoid(cycle["clk"] * cycle["vclk#branch"], cycle["time"])
        )


@dataclass(frozen=True)
class ComparatorMonteCarlo(ComparatorNominal):
    """Task: the comparator with drawn mismatch: offset and the delay DELAY_DIFFERENCE beyond it."""

    def run(self, context: Clocked, index: int) -> Record:
        """Draw comparator `index` and measure it."""
        return drawn_offset(context, self.conditions.seed, index)


def drawn_offset(context: Clocked, seed: int, index: int) -> Record:
    """Offset, delay and shifts of comparator `index` of the study `seed`."""
    drawn = context.variation.draw(stream(seed, STAGE, index))
    context.vary(drawn)
    offset = context.find_flip(context.flip)
    return {
        "offset": offset,
        "delay": context.delay(offset + DELAY_DIFFERENCE),
        **context.variation.columns(drawn),
    }


def figures(
    nominal: Record, samples: Samples | None, variation: str, decision_time: float, full_scale: float
) -> dict[str, Figure]:
    """Figures of the comparator.

    Args:
        nominal: record of `ComparatorNominal`.
        samples: of `ComparatorMonteCarlo`.
        variation: what they vary.
        decision_time: that a decision may take, s.
        full_scale: over which the inputs spread evenly, V.

    Returns:
        The nominal figures, `metastability` (modelled), and with samples the spread of offset and delay.
    """
    shown = {
        name: UNITS[name] for name in ("offset", "delay", "regeneration", "energy", "kickback", "kickback_difference")
    }
    found = with_spread(nominal, samples, shown, ("offset", "delay"), f"variation: {variation}")
    said = f"channel noise 4kT {GAMMA:g} gm along the simulated decision (Kim et al., IEEE TCAS-I 56, 1844, 2009)"
    found["noise"] = Figure(float(nominal["noise"]), "V", MODELLED, said)
    missed = metastability(nominal, decision_time, full_scale)
    found["metastability"] = Figure(
        missed, "1", MODELLED, f"longer than {decision_time:g} s, inputs even over {full_scale:g} V"
    )
    return found


def metastability(nominal: Record, decision_time: float, full_scale: float) -> float:
    """Probability that a decision takes longer than `decision_time` (s), inputs even over `full_scale` (V).

    The delay grows by the regeneration time constant for each factor e that the overdrive is smaller.
    """
    later = decision_time - float(np.asarray(nominal["overdrive_delay"])[0])
    within = OVERDRIVES[0] * float(np.exp(-later / float(nominal["regeneration"])))
    return min(2 * within / full_scale, 1.0)


def regeneration(context: Clocked, offset: float) -> float:
    """Time constant (s) at which the outputs part while they are close, just beyond a tie."""
    found = context.transient(offset + SCALE.tie / 10, 2 * context.window)
    apart = np.abs(found["outp"] - found["outn"]) / context.vdd
    last = int(np.flatnonzero(apart < _REGENERATING[1])[-1])
    first = int(np.flatnonzero(apart[:last] < _REGENERATING[0])[-1])
    if last - first < 4:
        raise SimulationError("the comparator regenerates faster than its transients resolve")
    slope, _ = np.polyfit(found["time"][first:last], np.log(apart[first:last]), 1)
    return float(1 / slope)


def _waveforms(context: Clocked, offset: float) -> Record:
    """`time` and decision<bit>_<node>, shape (_SHOWN,), DELAY_DIFFERENCE to either side of the offset."""
    time = np.linspace(0.0, context.window, _SHOWN)
    waves: Record = {"time": time}
    for bit, sign in enumerate((-1, 1)):
        run = context.transient(offset + sign * DELAY_DIFFERENCE)
        waves |= {f"decision{bit}_{node}": np.interp(time, run["time"], run[node]) for node in NODES}
    return waves
