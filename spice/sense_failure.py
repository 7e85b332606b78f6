"""How often a decision of the sense amplifier is wrong or late, from the spread of its offset and its regeneration.

A latch regenerates exponentially: at a difference `overdrive` beyond its offset, the output decides after

    delay = start - tau ln(overdrive / 1 V)

so that by a time t it needs an overdrive of exp((start - t) / tau) (B. Wicht, T. Nirschl, D. Schmitt-Landsiedel, IEEE
J. Solid-State Circuits 39, 2004, 1148). tau and start are fitted to the nominal amplifier's delays; amplifiers differ
from that by their own offset and by a spread of their delays at equal overdrive, both normal and independent here.

A read of 1 at a difference D between the bit lines fails by time t where the offset lies below overdrive - D: it is
wrong where it lies below -D, late in between. A read of 0 leaves the output as it rests, so that it is never late.
Times count from the enable at vdd / 2. Overdrives beyond those that were fitted follow the same law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from spice.spread import VTH, count

Floats = np.ndarray[Any, np.dtype[np.float64]]

TIMES = (1.0, 1.2, 1.5, 2.0, 3.0)  # of the nominal delay at the read's difference: when failures are stated
_NODES = 31  # of the quadrature over the spread of delays
_FEWEST = 3  # samples that a spread is taken from


@dataclass(frozen=True)
class Decisions:
    """What decides about failures.

    Args:
        mean: of the offset, V.
        sigma: of the offset, V.
        start: delay at an overdrive of 1 V, s.
        tau: of the regeneration, s.
        bias: mean of the samples' delays against the law, s.
        spread: their standard deviation, s.
    """

    mean: float
    sigma: float
    start: float
    tau: float
    bias: float = 0.0
    spread: float = 0.0

    def overdrive(self, time: Floats | float) -> Floats:
        """What the amplifier without mismatch needs (V) to decide by `time` (s)."""
        return np.asarray(np.exp((self.start - np.asarray(time)) / self.tau))

    def failure(self, time: Floats | float, difference: Floats | float) -> Floats:
        """Probability that a read of 1 at `difference` (V, positive) is wrong or undecided at `time` (s); broadcast."""
        time, difference = np.asarray(time)[..., None], np.asarray(difference)[..., None]
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        late = self.bias + self.spread * nodes
        score = (self.overdrive(time - late) - difference - self.mean) / self.sigma
        return np.asarray(ndtr(score) @ weights / np.sum(weights))


def decisions(nominal: Record, samples: Samples) -> Decisions | None:
    """From the record of `SenseAmpNominal` and samples of `SenseAmpMonteCarlo`; None where nothing spreads."""
    offset = samples.valid("offset")
    if len(offset) < _FEWEST or np.ptp(offset) == 0:
        return None
    overdrive, delay = (np.asarray(nominal[name], dtype=np.float64) for name in ("overdrive", "overdrive_delay"))
    slope, start = np.polyfit(np.log(overdrive), delay, 1)
    own, found = samples.valid("checked_overdrive"), samples.valid("checked_delay")
    late = (found - start - slope * np.log(own))[np.isfinite(found)]
    bias, spread = (float(np.mean(late)), float(np.std(late, ddof=1))) if len(late) >= _FEWEST else (0.0, 0.0)
    return Decisions(float(np.mean(offset)), float(np.std(offset, ddof=1)), float(start), -float(slope), bias, spread)


def decision_figures(nominal: Record, samples: Samples, source: str = VTH) -> dict[str, Figure]:
    """Failures of a read of 1 at the nominal record's difference.

    Returns:
        `regeneration_time` (tau), and for `TIMES` as multiples <n> of the nominal `read_delay`
        `failure_probability_<n>x`, modelled, and `failed_reads_<n>x`, how many of the samples are wrong, undecided
        or could not be simulated.
    """
    found = decisions(nominal, samples)
    if found is None:
        return {}
    figures = {"regeneration_time": Figure(found.tau, "s", MODELLED)}
    delay, difference = float(nominal["read_delay"]), float(nominal["read_difference"])
    if not np.isfinite(delay):
        return figures  # even the nominal amplifier misreads there
    drawn = samples.valid("read_delay")
    for times in TIMES:
        time = times * delay
        said = f"a read of 1 at {difference * 1e3:.3g} mV, {time * 1e12:.3g} ps after the enable; {source}"
        probability = float(found.failure(time, difference))
        figures[f"failure_probability_{times:g}x"] = Figure(probability, "1", MODELLED, said)
        figures[f"failed_reads_{times:g}x"] = count(int(np.sum(~(drawn <= time))) + len(samples.failures))
    return figures
