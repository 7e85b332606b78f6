"""The latch sense amplifier's tasks and figures: input-referred offset, delay and energy; nominal and under mismatch.

Offset and delay are as `spice.latch` defines them; over samples, the decisions at the mean offset are half and half.
How often a decision is wrong or late is `spice.sense_failure`'s, what the offset hangs on `spice.sense_sweep`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.figures import Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.sense_amp import INSTANCE, SenseBench
from spice import mismatch
from spice.characterise import Conditions
from spice.latch import Latch
from spice.sense_failure import decision_figures
from spice.sense_sweep import SWEEP_UNITS, sweep, sweep_figures
from spice.spread import VTH, count, with_spread

STAGE = "sense_amp.mismatch"
SPREAD = ("offset", "delay")  # figures that samples have too
DELAY_DIFFERENCE = -0.2  # V at which the delay is stated: beyond the systematic offset and five sigma of its spread
READ_DIFFERENCE = 0.1  # V between the bit lines in the read whose failures are counted, unless told otherwise
OVERDRIVES = (0.01, 0.015, 0.02, 0.03, 0.045, 0.07, 0.1, 0.14, 0.2)  # V beyond the offset, for the delay's fit
NODES = ("bl", "br", "en", "dint", "dint_bar", "dout")  # of the stored waveforms
UNITS: dict[str, str] = {
    "offset": "V",
    "delay": "s",
    "delay_difference": "V",
    "common_mode": "V",
    "checked_overdrive": "V",
    "checked_delay": "s",
    "energy": "J",
    "read_difference": "V",
    "read_delay": "s",
    **mismatch.UNITS,
    **SWEEP_UNITS,
    "overdrive": "V",
    "overdrive_delay": "s",
    "time": "s",
    **{f"read{bit}_{node}": "V" for bit in (0, 1) for node in NODES},
}

_SHOWN = 401  # points of a stored waveform


@dataclass(frozen=True)
class SenseAmpNominal:
    """Task: the amplifier without mismatch, with waveforms. One sample, index 0.

    Args:
        conditions: corner, temperature, supply.
        bench: common mode, slew, loads.
        difference: between the bit lines in a read of 1 whose failures are counted, V.
        variation: that the sweep's spreads are given for, of `spice.mismatch.VARIATIONS`.
        sweep: points along each axis of `spice.sense_sweep`; 0 leaves it out.
    """

    conditions: Conditions = field(default_factory=Conditions)
    bench: SenseBench = field(default_factory=SenseBench)
    difference: float = READ_DIFFERENCE
    variation: str = "vth"
    sweep: int = 0

    def prepare(self) -> Latch:
        """The loaded amplifier."""
        return Latch(self.conditions, self.bench)

    def run(self, context: Latch, index: int) -> Record:
        """Offset, delay, energy, delay against overdrive, and waveforms of a read of 0 and of 1."""
        del index
        context.load()
        offset = context.offset()
        overdrive = np.array(OVERDRIVES)
        differences = (-DELAY_DIFFERENCE, DELAY_DIFFERENCE)
        return {
            "offset": offset,
            "delay": context.delay(DELAY_DIFFERENCE),
            "delay_difference": DELAY_DIFFERENCE,
            "common_mode": context.vdd - context.bench.below_vdd,
            "energy": float(np.mean([context.energy(difference) for difference in differences])),
            "read_difference": self.difference,
            "read_delay": _or_nan(context, -self.difference),
            "overdrive": overdrive,
            "overdrive_delay": np.array([context.delay(offset - beyond) for beyond in overdrive]),
            **_waveforms(context, differences),
            **sweep(self.conditions, self.bench, self.variation, self.sweep),
        }


@dataclass(frozen=True)
class SenseAmpMonteCarlo:
    """Task: the amplifier with each transistor drawn from the technology's mismatch.

    Args:
        conditions: corner, temperature, supply and the study's seed.
        bench: common mode, slew, loads.
        difference: as of `SenseAmpNominal`.
        variation: of `spice.mismatch.VARIATIONS`.
    """

    conditions: Conditions = field(default_factory=Conditions)
    bench: SenseBench = field(default_factory=SenseBench)
    difference: float = READ_DIFFERENCE
    variation: str = "vth"

    def prepare(self) -> tuple[Latch, float]:
        """The loaded amplifier and its nominal offset."""
        latch = Latch(self.conditions, self.bench, self.variation)
        return latch, latch.offset()

    def run(self, context: tuple[Latch, float], index: int) -> Record:
        """Offset and delays of sample `index`, and its shifts by parameter in the order of TRANSISTORS.

        Its delay is also measured at an overdrive drawn for it alone, which the model of the delay is checked with. A
        delay is NaN where the amplifier does not read a 1.
        """
        latch, nominal = context
        rng = stream(self.conditions.seed, STAGE, index)
        shifts = latch.variation.draw(rng)
        overdrive = float(np.exp(rng.uniform(math.log(OVERDRIVES[0]), math.log(OVERDRIVES[-1]))))
        latch.vary(shifts)
        offset = latch.offset(nominal)
        return {
            "offset": offset,
            "delay": _or_nan(latch, DELAY_DIFFERENCE),
            "checked_overdrive": overdrive,
            "checked_delay": _or_nan(latch, offset - overdrive),
            "read_delay": _or_nan(latch, -self.difference),
            **latch.variation.columns(shifts),
        }


def _or_nan(latch: Latch, difference: float) -> float:
    try:
        return latch.delay(difference)
    except SimulationError:
        return math.nan


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures of the amplifier.

    Args:
        nominal: record of `SenseAmpNominal`.
        samples: of `SenseAmpMonteCarlo`.
        source: what varies.

    Returns:
        `offset`, `delay`, `energy` of the nominal amplifier; with samples also `<name>_mean` and `<name>_sigma` of
        offset and delay over those that have one, `delay_undecided` (how many do not read a 1 there), what
        `decision_figures` gives, `samples` and `failed_samples`. With a sweep, what `sweep_figures` gives.
    """
    units = {name: UNITS[name] for name in ("offset", "delay", "energy")}
    found = with_spread(nominal, samples, units, SPREAD, source) | sweep_figures(nominal, source)
    if samples is not None and samples.columns:
        found["delay_undecided"] = count(int(np.isnan(samples.valid("delay")).sum()))
        found |= decision_figures(nominal, samples, source)
    return found


def _waveforms(latch: Latch, differences: tuple[float, float]) -> Record:
    """`time` and read<bit>_<node>, shape (_SHOWN,), of a read of 0 and of 1."""
    time = np.linspace(0.0, latch.window, _SHOWN)
    waves: Record = {"time": time}
    for bit, difference in enumerate(differences):
        run = latch.transient(difference, latch.window)
        for node in NODES:
            vector = run[f"{INSTANCE}.{node}" if node.startswith("dint") else node]
            waves[f"read{bit}_{node}"] = np.interp(time, run["time"], vector)
    return waves
