"""A successive-approximation converter: whole conversions in ngspice, and its linearity from drawn capacitors.

- Simulated: conversions of a few inputs by the netlist of `circuits.sar_adc`, their codes and energy, from the end of
  the sampling to the end of the next one, so that recharging the array counts; the offset of the comparator, nominal
  and under mismatch, its inputs held by the array's capacitance.
- Modelled: transitions of the output from capacitors that are drawn with the matching of `circuits.sar_array` (an
  input), and with them INL and DNL; sampling noise sqrt(k T / C); effective bits from these, quantisation and the
  comparator's noise (`spice.sar_noise`). The comparator's offset shifts all transitions alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from circuits.netlist import Netlist
from circuits.sar_adc import Given, SarAdc, bit_nodes, sar_adc
from circuits.sar_array import DENSITY, SOURCE, Floats, convert, levels, nonlinearity, transitions
from circuits.sar_comparator import ComparatorBench
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.clocked import Clocked
from spice.engine import Vectors, engine
from spice.mismatch import UNITS as SHIFT_UNITS
from spice.mismatch import variation_source
from spice.sar_comparator import Comparator, drawn_offset
from spice.sar_noise import BOLTZMANN, bench_lines, noise
from spice.spread import with_spread

STAGE = "sar_adc.capacitors"
SHARES = (0.02, 0.27, 0.49, 0.74, 0.97)  # of the range: inputs that are converted in ngspice
NODES = ("clk", "top", "outp", "outn")  # of the stored waveforms, beside the register
UNITS: dict[str, str] = {
    "offset": "V",
    "delay": "s",
    "lsb": "V",
    "comparator_noise": "V",
    "sampling_noise": "V",
    "energy": "J",
    "energy_comparator": "J",
    "energy_array": "J",
    "energy_sampling": "J",
    "converted_input": "V",
    "converted_code": "1",
    "expected_code": "1",
    "converted_energy": "J",
    "sampled": "V",
    "offset_error": "V",
    "gain_error": "1",
    "inl": "1",
    "dnl": "1",
    "capacitors": "F",
    "transitions": "1",
    "time": "s",
    **{f"conversion_{node}": "V" for node in NODES},
    "conversion_code": "1",
    **SHIFT_UNITS,
}
_SHOWN = 1201  # points of a stored waveform
_WAVEFORM = 1  # of SHARES


@dataclass(frozen=True)
class Converter:
    """What is characterised.

    Args:
        adc: the converter.
        variation: of `spice.mismatch.VARIATIONS`, in the comparator.
    """

    adc: SarAdc = field(default_factory=SarAdc)
    variation: str = "vth"

    def netlist(self, conditions: Conditions, share: float) -> Netlist:
        """A conversion of an input at a share of the range.

        Raises:
            ConfigError: unknown technology or corner.
        """
        technology = load_technology(conditions.technology)
        v_in = conditions.vdd / 2 * (1 + share)
        return sar_adc(technology, conditions.corner, conditions.vdd, conditions.temperature, self.adc, v_in)

    def comparator(self, conditions: Conditions) -> Comparator:
        """The comparator as the array drives it."""
        bench = ComparatorBench(common=conditions.vdd / 2, c_source=self.adc.array.total)
        return Comparator(self.adc.comparator, bench, self.variation)


@dataclass(frozen=True)
class SarAdcNominal:
    """Task: the converter without mismatch: conversions, waveforms, noise. One sample, index 0.

    Args:
        conditions: corner, temperature, supply.
        what: the converter.
    """

    conditions: Conditions = field(default_factory=Conditions)
    what: Converter = field(default_factory=Converter)

    def prepare(self) -> Clocked:
        """The loaded comparator."""
        return self.what.comparator(self.conditions).loaded(self.conditions)

    def run(self, context: Clocked, index: int) -> Record:
        """Offset and noise of the comparator, and conversions at SHARES of the range."""
        del index
        context.straighten()
        comparator = self.what.comparator(self.conditions)
        delay = context.delay(context.flip + 0.01)
        bench = comparator.netlist(self.conditions, extra=bench_lines())
        noisy = noise(bench, comparator.bench.inputs, self.conditions.temperature, context.flip, 2 * context.window)
        capacitors = self.what.adc.array.nominal()
        kt = BOLTZMANN * (self.conditions.temperature + 273.15)
        return {
            "offset": context.flip,
            "delay": delay,
            "lsb": self.conditions.vdd / 2 / 2**self.what.adc.array.bits,
            "comparator_noise": noisy["noise"],
            "sampling_noise": math.sqrt(kt / self.what.adc.array.total),
            **_linearity(capacitors),
            "transitions": transitions(capacitors),
            **self._conversions(),
        }

    def _conversions(self) -> Record:
        """Codes, energies and the waveform of one; what the array held, from the residue that is left on it."""
        v_ref = self.conditions.vdd / 2
        capacitors = self.what.adc.array.nominal()
        level, steps = levels(capacitors), transitions(capacitors)
        codes, sampled, spent = [], [], []
        shown: Record = {}
        netlist = self.what.netlist(self.conditions, 0.0)
        engine().load(netlist)
        for number, share in enumerate(SHARES):
            engine().alter("vin", "dc", v_ref * (1 + share))
            run = engine().run(netlist.analyses[0].removeprefix("."))
            codes.append(self._code(run))
            residue = np.interp(self.what.adc.duration, run["time"], run["top"])
            sampled.append(float(residue) + v_ref * float(level[codes[-1]]))
            spent.append(self._energies(run))
            if number == _WAVEFORM:
                shown = self._waveform(run)
        inputs = v_ref * (1 + np.array(SHARES))
        slope, start = np.polyfit(inputs - v_ref, np.array(sampled) - v_ref, 1)
        energies = {name: float(np.mean([one[name] for one in spent])) for name in spent[0]}
        return {
            "converted_input": inputs,
            "converted_code": np.array(codes, dtype=np.int64),
            "expected_code": convert(np.array(sampled) / v_ref - 1, steps),
            "converted_energy": np.array([sum(one.values()) for one in spent]),
            "sampled": np.array(sampled),
            "offset_error": float(start),
            "gain_error": float(slope) - 1,
            **energies,
            "energy": sum(energies.values()),
            **shown,
        }

    def _code(self, run: Vectors) -> int:
        levels = [
            np.interp(self.what.adc.duration, run["time"], run[node]) for node in bit_nodes(self.what.adc.array.bits)
        ]
        return sum(int(level > self.conditions.vdd / 2) << bit for bit, level in enumerate(levels))

    def _energies(self, run: Vectors) -> dict[str, float]:
        """Energy (J) of a cycle by source; the register is ideal, and what the input gives is its own."""

        def joules(given: Given) -> float:
            within = (run["time"] >= given.start) & (run["time"] <= given.stop)
            voltage = run[given.at] if isinstance(given.at, str) else given.at
            power = -voltage * run[f"{given.source}#branch"]
            return float(np.trapezoid(power[within], run["time"][within]))

        given = self.what.adc.given(self.conditions.vdd)
        return {name: sum(joules(part) for part in parts) for name, parts in given.items()}

    def _waveform(self, run: Vectors) -> Record:
        time = np.linspace(0.0, self.what.adc.duration, _SHOWN)
        at = np.minimum(np.searchsorted(run["time"], time), len(run["time"]) - 1)
        bits = bit_nodes(self.what.adc.array.bits)
        register = sum((run[node][at] > self.conditions.vdd / 2) * 2**bit for bit, node in enumerate(bits))
        waves = {f"conversion_{node}": np.interp(time, run["time"], run[node]) for node in NODES}
        return {"time": time, **waves, "conversion_code": np.asarray(register, dtype=np.float64)}


@dataclass(frozen=True)
class SarAdcMonteCarlo(SarAdcNominal):
    """Task: a converter with drawn capacitors and comparator; sample i has that of `ComparatorMonteCarlo`."""

    def run(self, context: Clocked, index: int) -> Record:
        """Draw converter `index`: offset of its comparator, INL and DNL of its array."""
        seed = self.conditions.seed
        capacitors = self.what.adc.array.drawn(stream(seed, STAGE, index))
        return {
            **drawn_offset(context, seed, index),
            **_linearity(capacitors),
            "capacitors": capacitors,
            "transitions": transitions(capacitors),
        }


def _linearity(capacitors: Floats) -> Record:
    """Greatest INL and DNL, in LSB."""
    inl, dnl = nonlinearity(transitions(capacitors))
    return {"inl": float(np.max(np.abs(inl))), "dnl": float(np.max(np.abs(dnl)))}


def figures(nominal: Record, samples: Samples | None, converter: Converter) -> dict[str, Figure]:
    """Figures of the converter.

    Args:
        nominal: record of `SarAdcNominal`.
        samples: of `SarAdcMonteCarlo`.
        converter: what they are of.

    Returns:
        Simulated: `offset` of the comparator, energies of a conversion, `offset_error`, `gain_error` and `code_error`.
        Modelled: noises, `enob`, and over samples `inl` and `dnl`; by the settings alone `lsb`, `conversion_time` and
        `total_capacitance`.
    """
    array, lsb = converter.adc.array, float(nominal["lsb"])
    energies = ("energy", "energy_comparator", "energy_array", "energy_sampling")
    shown = {name: UNITS[name] for name in ("offset", "lsb", *energies, "offset_error", "gain_error")}
    source = variation_source(converter.variation)
    found = with_spread(nominal, samples, shown, ("offset",), source, {"lsb": MODELLED})
    off = np.abs(np.asarray(nominal["converted_code"]) - np.asarray(nominal["expected_code"]))
    found["code_error"] = Figure(float(off.max()), "1")
    found["conversion_time"] = Figure(converter.adc.duration, "s", MODELLED, "t_sample + bits t_bit")
    found["total_capacitance"] = Figure(array.total, "F", MODELLED, DENSITY)
    found["comparator_noise"] = Figure(float(nominal["comparator_noise"]), "V", MODELLED)
    sampling = float(nominal["sampling_noise"])
    found["sampling_noise"] = Figure(sampling, "V", MODELLED, "sqrt(k T / C)")
    distortion = 0.0
    if samples is not None and samples.columns:
        for name in ("inl", "dnl"):
            values = samples.valid(name)
            found[f"{name}_mean"] = Figure(float(np.mean(values)), "1", MODELLED, SOURCE)
            found[f"{name}_95"] = Figure(float(np.quantile(values, 0.95)), "1", MODELLED, SOURCE)
        curves = [nonlinearity(steps)[0] for steps in samples.valid("transitions")]
        distortion = lsb**2 * float(np.mean([np.var(curve) for curve in curves]))
    power = lsb**2 / 12 + sampling**2 + float(nominal["comparator_noise"]) ** 2 + distortion
    said = "quantisation, noise" + (" and mean-square INL of the samples" if distortion else "")
    found["enob"] = Figure(array.bits - math.log2(math.sqrt(12 * power) / lsb), "1", MODELLED, said)
    return found
