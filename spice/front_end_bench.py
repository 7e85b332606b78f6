"""An amplifier's bench in ngspice: loaded once, its transistors varied, its bias point and loop gain read.

Driver, transimpedance stage and integrator are all one `circuits.ota.Ota` with something around it; they differ in the
circuit (`Design`) and in what is measured (a subclass of `AmplifierBench`). Their tasks are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.ota import TRANSISTORS, Ota
from circuits.own_cards import own_cards
from circuits.technology import Technology, load_technology
from spice import mismatch
from spice.characterise import Conditions
from spice.engine import Vectors, engine
from spice.front_end_loop import Complexes, Floats, loop_gain, unity

BIAS = ("id", "vgs", "vds", "vdsat")  # read of every transistor
BIAS_UNITS: dict[str, str] = {"bias_id": "A", "bias_vgs": "V", "bias_vds": "V", "bias_vdsat": "V"}
LOOP_UNITS: dict[str, str] = {
    "loop_frequency": "Hz",
    "loop_magnitude": "1",
    "loop_phase": "deg",
    "loop_gain": "1",
    "unity_frequency": "Hz",
    "phase_margin": "deg",
    "saturation_margin": "V",
}


class Design(Protocol):
    """A circuit around an amplifier."""

    @property
    def ota(self) -> Ota:
        """The amplifier."""
        ...

    @property
    def analyses(self) -> Mapping[str, str]:
        """Analyses by name, without their leading dot."""
        ...

    def netlist(
        self, technology: Technology, corner: str, vdd: float, temperature: float, analysis: str = ...
    ) -> Netlist:
        """The circuit with one of the analyses."""
        ...


def netlists(design: Design, conditions: Conditions) -> dict[str, Netlist]:
    """The circuit with each of its analyses, by name.

    Raises:
        ConfigError: an unknown technology, corner or device.
    """
    technology = load_technology(conditions.technology)
    where = (technology, conditions.corner, conditions.vdd, conditions.temperature)
    return {name: design.netlist(*where, name) for name in design.analyses}


class AmplifierBench(ABC):
    """The circuit of a design in this process's ngspice.

    Args:
        conditions: corner, temperature and supply.
        design: the circuit.
        variation: of the amplifier's transistors (`spice.mismatch.VARIATIONS`).

    Raises:
        ConfigError: unknown variation, technology, corner or device.
    """

    def __init__(self, conditions: Conditions, design: Any, variation: str = "none") -> None:
        technology = load_technology(conditions.technology)
        self.conditions, self.design, self.vdd = conditions, design, conditions.vdd
        self.variables = mismatch.variables(design.ota.devices(technology), variation)
        self._own = variation == "full"
        self._cards = {name: technology.card(role, conditions.corner) for name, (role, _) in TRANSISTORS.items()}
        self._netlists = {name: self._prepared(one) for name, one in netlists(design, conditions).items()}
        self._shifts: Mapping[str, Mapping[str, float]] = {}
        self._ngspice = engine()

    @abstractmethod
    def nominal(self) -> Record:
        """Everything that is measured of the circuit without mismatch."""

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Record:
        """What is measured of a mismatch sample; `rng` draws what else varies."""

    @property
    def rests(self) -> tuple[Mapping[str, float], ...]:
        """Where the amplifier rests: DC values of sources of the first netlist."""
        return ({},)

    def vary(self, scores: Floats) -> None:
        """Shift the amplifier's transistors to standard-normal scores, shape (variables,), from now on."""
        self._shifts = mismatch.shifts(self.variables, scores)
        if any(self._ngspice.netlist is one for one in self._netlists.values()):
            self._apply()

    def run(self, name: str, sources: Mapping[str, float] | None = None) -> Vectors:
        """The vectors of one of the design's analyses, with DC values of some sources or resistances set first."""
        self._load(self._netlists[name])
        for source, value in (sources or {}).items():
            self._ngspice.alter(source, "resistance" if source.startswith("r") else "dc", value)
        return self._ngspice.run(self.design.analyses[name])

    def noise(self, name: str = "noise") -> tuple[Floats, Floats, float]:
        """Frequencies (Hz), noise density at the output (V / sqrt(Hz)), and its integral over them (V rms).

        The integral is ours: ngspice's own total is now and then no number.
        """
        found = self.run(name)
        frequency, density = np.real(found["frequency"]), np.real(found["onoise_spectrum"])
        return frequency, density, float(np.sqrt(np.trapezoid(density**2, frequency)))

    def loop(self, driven: str) -> tuple[Floats, Complexes]:
        """Frequencies (Hz) and loop gain, with node `driven` in front of the amplifier's inverting input."""
        voltage, current = (self.run(name) for name in ("loop-voltage", "loop-current"))
        frequency = np.real(voltage["frequency"])
        seen = (voltage[driven], voltage["gate"], current["vprobe#branch"])
        before, gate, probe = (np.asarray(wave, dtype=np.complex128) for wave in seen)
        return frequency, loop_gain(before, gate, probe)

    def stability(self, driven: str) -> Record:
        """`LOOP_UNITS` and `BIAS_UNITS`: loop gain over frequency, its margin, and the bias point."""
        frequency, gain = self.loop(driven)
        crossing, margin = unity(frequency, gain)
        bias = self.bias()
        return {
            "loop_frequency": frequency,
            "loop_magnitude": np.abs(gain),
            "loop_phase": np.degrees(np.unwrap(np.angle(gain))),
            "loop_gain": float(np.abs(gain[0])),
            "unity_frequency": crossing,
            "phase_margin": margin,
            "saturation_margin": float(np.min(bias["vds"] - bias["vdsat"])),
            **{f"bias_{name}": values for name, values in bias.items()},
        }

    def bias(self) -> dict[str, Floats]:
        """Drain currents and voltages' magnitudes by `BIAS`, each in the order of `TRANSISTORS`.

        Where the amplifier may rest at more than one point, they are of the one with the least margin of saturation.
        """
        netlist = next(iter(self._netlists.values()))
        self._load(netlist)
        wanted = {(name, what): f"@m{name}[{what}]" for name in TRANSISTORS for what in BIAS}
        self._ngspice.command("save all " + " ".join(wanted.values()))
        try:
            points = [self._rest(sources) for sources in self.rests]
        finally:
            self._ngspice.load(netlist)  # the list of what is saved goes with the circuit
            self._apply()
        found = [
            {what: np.array([abs(point[wanted[name, what]][0]) for name in TRANSISTORS]) for what in BIAS}
            for point in points
        ]
        return min(found, key=lambda bias: float(np.min(bias["vds"] - bias["vdsat"])))

    def _rest(self, sources: Mapping[str, float]) -> Vectors:
        """The operating point with DC values of some sources set."""
        for source, value in sources.items():
            self._ngspice.alter(source, "dc", value)
        return self._ngspice.run("op")

    def _prepared(self, netlist: Netlist) -> Netlist:
        return own_cards(netlist) if self._own else netlist

    def _load(self, netlist: Netlist) -> None:
        if self._ngspice.netlist is not netlist:
            self._ngspice.load(netlist)
            self._apply()

    def _apply(self) -> None:
        for name, shift in self._shifts.items():
            self._ngspice.alter(f"m{name}", "delvto", shift.get("vth", 0.0))
            if self._own:
                mismatch.set_model(
                    self._ngspice, self._cards[name], name, mismatch.model_values(self._cards[name], shift)
                )


@dataclass(frozen=True)
class Nominal:
    """Task: the circuit without mismatch; one sample, index 0.

    Args:
        bench: what measures it.
        conditions: corner, temperature, supply and the study's seed.
        design: the circuit.
    """

    bench: type[AmplifierBench]
    conditions: Conditions
    design: Design

    def prepare(self) -> AmplifierBench:
        """The bench."""
        return self.bench(self.conditions, self.design)

    def run(self, context: AmplifierBench, index: int) -> Record:
        """All that is measured of it."""
        del index
        return context.nominal()


@dataclass(frozen=True)
class MonteCarlo:
    """Task: the circuit with the amplifier's transistors drawn; the record also holds their `scores`.

    Args:
        bench: what measures it.
        conditions: corner, temperature, supply and the study's seed.
        design: the circuit.
        stage: of the draws.
        variation: "vth" or "full".
    """

    bench: type[AmplifierBench]
    conditions: Conditions
    design: Design
    stage: str
    variation: str = "vth"

    def prepare(self) -> AmplifierBench:
        """The bench, with a card a transistor for full variation."""
        return self.bench(self.conditions, self.design, self.variation)

    def run(self, context: AmplifierBench, index: int) -> Record:
        """Draw sample `index` and measure it."""
        rng = stream(self.conditions.seed, self.stage, index)
        scores = rng.standard_normal(len(context.variables))
        context.vary(scores)
        return {"scores": scores, **context.sample(rng)}
