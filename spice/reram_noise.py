"""Random telegraph noise of a read 1T1R ReRAM cell in ngspice, against two-state Markov theory.

Amplitude and time constants of the trap are inputs. What ngspice gives is the cell's current as the trap fills and
empties, transistor included; from it follow the times, the spectrum and what a read that integrates for a time sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.signal import welch

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Record
from bitline.core.figures import ESTIMATED, MODELLED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.reram import load_device
from circuits.reram.telegraph import Trap, telegraph
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.reram_read import ReadBench
from spice.spread import counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

STEPS = 15  # points of the trace in the shorter of the trap's two times
CYCLES, SAMPLE_CYCLES = 800, 100  # captures and emissions in the nominal trace, and in a sample's
READS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # integration times, in the trap's relaxation time
SEGMENTS = 24  # of the trace, for its spectrum
SHOWN = 12  # captures and emissions in the waveform
_MOST_POINTS = 1e6  # of a trace: a minute of ngspice
SEED = "reram_noise.trap"
_HALF, _FEWEST = 0.5, 4  # of a full trap's voltage; switches that a trace needs

FIGURES = {
    "step": "1",
    "occupied": "1",
    "capture_time": "s",
    "emission_time": "s",
    "corner_frequency": "Hz",
    "read_sigma": "1",
    "current_empty": "A",
    "current_full": "A",
}
SAMPLED = ("occupied", "capture_time", "emission_time", "last_read")
UNITS: dict[str, str] = {
    **FIGURES,
    "last_read": "1",
    "level": "S",
    "expected_occupied": "1",
    "expected_corner": "Hz",
    "expected_read_sigma": "1",
    "amplitude": "1",
    "t_read": "s",
    "switches": "1",
    "integrated": "s",
    "integrated_sigma": "1",
    "integrated_expected": "1",
    "psd_frequency": "Hz",
    "psd": "A^2/Hz",
    "psd_fit": "A^2/Hz",
    "trace_time": "s",
    "trace_i": "A",
}
_SOURCE = (
    "setting; chosen here. Amplitudes run from percents in LRS to tens of percent in HRS: Ambrogio et al., "
    "IEEE TED 61, 2920 (2014)"
)


@dataclass(frozen=True)
class NoiseNominal:
    """Task: one long read. One sample, index 0.

    Args:
        conditions: corner and temperature; the gate is at the supply.
        device: name of the device model.
        v_read: V.
        level: conductance of the cell while the trap is empty, S.
        trap: next to its filament.
        t_read: that a read integrates, s.
    """

    conditions: Conditions = field(default_factory=Conditions)
    device: str = "stanford_pku"
    v_read: float = 0.2
    level: float = 20e-6
    trap: Trap = field(default_factory=Trap)
    t_read: float = 10e-6

    def __post_init__(self) -> None:
        longest = SAMPLE_CYCLES * (self.trap.capture + self.trap.emission) / 4
        if not (math.isfinite(self.t_read) and 0 < self.t_read <= longest):
            raise ConfigError(f"t_read = {self.t_read} s: a read integrates for up to {longest:.3g} s of this trap")
        points = CYCLES * (self.trap.capture + self.trap.emission) / min(self.trap.capture, self.trap.emission) * STEPS
        if points > _MOST_POINTS:
            raise ConfigError(
                f"capture = {self.trap.capture:g} s and emission = {self.trap.emission:g} s: a trace of {CYCLES} of "
                f"both would take {points:.1e} points; choose times that are nearer each other"
            )

    def prepare(self) -> float:
        """The state that has the level."""
        return ReadBench(self.conditions, self.device, self.v_read).state_for(self.level)

    def run(self, context: float, index: int) -> Record:
        """The figures, the spectrum, reads of several lengths, and the start of the trace."""
        run = self._simulate(context, index, CYCLES)
        time, current, full = self._even(run)
        frequency, psd, fitted, corner = _spectrum(time, current)
        empty, loaded = float(np.median(current[full == 0])), float(np.median(current[full == 1]))
        lengths = np.array(READS) * self.trap.relaxation
        shown = run["time"] <= SHOWN * (self.trap.capture + self.trap.emission)
        step = 1 - loaded / empty
        scale = step / (1 - step * self.trap.occupied)  # of the mean current
        return {
            **_times(run["time"], run["trap"]),
            "current_empty": empty,
            "current_full": loaded,
            "step": step,
            "corner_frequency": corner,
            "read_sigma": _integrated_sigma(time, current, self.t_read),
            "expected_occupied": self.trap.occupied,
            "expected_corner": self.trap.corner,
            "expected_read_sigma": scale * self.trap.mean_sigma(self.t_read),
            "amplitude": self.trap.amplitude,
            "t_read": self.t_read,
            "level": self.level,
            "integrated": lengths,
            "integrated_sigma": np.array([_integrated_sigma(time, current, float(each)) for each in lengths]),
            "integrated_expected": np.array([scale * self.trap.mean_sigma(float(each)) for each in lengths]),
            "psd_frequency": frequency,
            "psd": psd,
            "psd_fit": fitted,
            "trace_time": run["time"][shown],
            "trace_i": -run["vread#branch"][shown],
        }

    def netlist(self, state: float, index: int, cycles: int) -> Netlist:
        """The circuit of sample `index`, whose seed is its own."""
        period = self.trap.capture + self.trap.emission
        return telegraph(
            load_device(self.device),
            load_technology(self.conditions.technology),
            self.conditions.corner,
            self.conditions.temperature,
            self.trap,
            v_gate=self.conditions.vdd,
            v_read=self.v_read,
            state=state,
            seed=int(stream(self.conditions.seed, SEED, index, cycles).integers(1, 2**31 - 1)),
            step=min(self.trap.capture, self.trap.emission) / STEPS,
            length=cycles * period,
        )

    def _simulate(self, state: float, index: int, cycles: int) -> Vectors:
        netlist = self.netlist(state, index, cycles)
        ngspice = engine()
        ngspice.load(netlist)
        return ngspice.run(netlist.analyses[0].removeprefix("."))

    def _even(self, run: Vectors) -> tuple[Floats, Floats, Floats]:
        """Even times (s), the cell's current (A), and 1 where the trap is full."""
        step = min(self.trap.capture, self.trap.emission) / STEPS
        time = np.arange(0.0, run["time"][-1], step)
        full = np.interp(time, run["time"], run["trap"]) > _HALF
        return time, np.interp(time, run["time"], -run["vread#branch"]), full.astype(np.float64)


@dataclass(frozen=True)
class NoiseMonteCarlo(NoiseNominal):
    """Task: a shorter read with a seed of its own."""

    def run(self, context: float, index: int) -> Record:
        """Times of the trap in this trace, and one integrated read, over the current while empty."""
        run = self._simulate(context, index, SAMPLE_CYCLES)
        time, current, _ = self._even(run)
        last = time > time[-1] - self.t_read
        return {**_times(run["time"], run["trap"]), "last_read": float(np.mean(current[last]) / np.max(current))}


def figures(nominal: Record, samples: Samples | None = None) -> dict[str, Figure]:
    """Figures of telegraph noise.

    Returns:
        The keys of `FIGURES`; `amplitude`, an input; `occupied_expected`, `corner_frequency_expected`,
        `read_sigma_expected`, which theory gives for the inputs; with samples `<name>_mean` and `<name>_sigma` of
        `SAMPLED`, over traces of other seeds, `samples` and `failed_samples`.
    """
    found = {name: Figure(float(nominal[name]), unit) for name, unit in FIGURES.items()}
    found["amplitude"] = Figure(float(nominal["amplitude"]), "1", ESTIMATED, _SOURCE)
    theory = "two-state Markov process with the given times"
    for name, key in (("occupied", "occupied"), ("corner_frequency", "corner"), ("read_sigma", "read_sigma")):
        value = float(nominal[f"expected_{key}"])
        found[f"{name}_expected"] = Figure(value, UNITS[name], MODELLED, theory)
    if samples is None or samples.count == 0:
        return found
    for name in SAMPLED if samples.columns else ():
        values = samples.valid(name)
        values = values[np.isfinite(values)]
        if len(values) > 1:
            said = "traces of other seeds"
            found[f"{name}_mean"] = Figure(float(np.mean(values)), UNITS[name], source=said)
            found[f"{name}_sigma"] = Figure(float(np.std(values, ddof=1)), UNITS[name], source=said)
    return found | counts(samples)


def _times(time: Floats, trap: Floats) -> dict[str, float]:
    """Share of the time that the trap is full, and its mean times, from the whole stays between ngspice's own steps."""
    full = trap > _HALF
    switches = np.flatnonzero(full[1:] != full[:-1]) + 1
    if len(switches) < _FEWEST:
        raise SimulationError(f"the trap switched {len(switches)} times in {time[-1]:.3g} s; its times are too unequal")
    stays, after = np.diff(time[switches]), full[switches[:-1]]
    return {
        "occupied": float(np.trapezoid(trap, time) / time[-1]),
        "capture_time": float(np.mean(stays[~after])),
        "emission_time": float(np.mean(stays[after])),
        "switches": float(len(switches)),
    }


def _integrated_sigma(time: Floats, current: Floats, length: float) -> float:
    """Standard deviation over mean of the current's average over reads of `length` (s), one after another."""
    points = max(round(length / float(time[1] - time[0])), 1)
    reads = current[: len(current) // points * points].reshape(-1, points).mean(axis=1)
    return float(np.std(reads) / np.mean(current))


def _spectrum(time: Floats, current: Floats) -> tuple[Floats, Floats, Floats, float]:
    """One-sided power spectral density (A^2 / Hz), the Lorentzian fitted to it, and its corner (Hz).

    The fit is Whittle's, of greatest likelihood, to the spectrum that a sampled exponential autocorrelation has
    (1 - a^2) / (1 - 2 a cos(w dt) + a^2), a = exp(-dt / tau): a Lorentzian with what sampling folds back.
    """
    step = float(time[1] - time[0])
    frequency, psd = welch(current, 1 / step, nperseg=len(current) // SEGMENTS, detrend="constant")
    frequency, psd = frequency[1:-1], psd[1:-1]

    def shape(corner: float) -> Floats:
        a = math.exp(-2 * math.pi * corner * step)
        return np.asarray((1 - a**2) / (1 - 2 * a * np.cos(2 * np.pi * frequency * step) + a**2))

    def unlikely(log_corner: float) -> float:
        found = shape(math.exp(log_corner))
        return float(np.mean(np.log(found)) + math.log(float(np.mean(psd / found))))

    bounds = (math.log(frequency[0]), math.log(frequency[-1]))
    corner = math.exp(float(minimize_scalar(unlikely, bounds=bounds, method="bounded").x))
    found = shape(corner)
    return frequency, psd, found * float(np.mean(psd / found)), corner
