"""What a designer can change about each cause of errors: keys of the study and their values, computed from it.

One entry each: a new remedy is a new entry of `REMEDIES`. A remedy whose change is no change of a study is in force
there or not for it; whether the study takes a change is asked of the study (bitline.cli.advice). What is none of the
designer's is an input of the technology, and `GIVEN` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bitline.cli import remedy_changes as to
from bitline.cli.causes import SATURATION
from bitline.cli.remedy_changes import Case, Changes
from bitline.cli.study import Study
from circuits.reram_measured_spread import is_measured

OFFSETS, GAINS = "offsets of outputs", "gains and offsets of outputs"  # that calibration takes back
RESOLUTION, COLUMN_RESOLUTION = "converter resolution", "column converter resolution"
_TUNED_AWAY = (
    *("wires", "programming spread", "read noise", "faults", "settling", "converter offset", "cell spread"),
    *(RESOLUTION, COLUMN_RESOLUTION),
)  # that a network learns to bear with them in the loop


@dataclass(frozen=True)
class Remedy:
    """One of them.

    Args:
        name: its own.
        causes: it answers.
        change: values by key; none where it is not for the case. What changes nothing is none either.
        basis: why it helps, and what it takes.
        target: what the network runs on; "" for any.
    """

    name: str
    causes: tuple[str, ...]
    change: Callable[[Case], Changes]
    basis: str
    target: str = ""


_FITTED = "fitted to each chip once it is programmed; free in digital"
_AREA = "four times the area of what has to match (Pelgrom)"
_RAILS = "more volts for the same current, as far as the comparator's common mode lets it between the rails"

REMEDIES = (
    Remedy("calibration of gains and offsets", (GAINS,), to.sets({"calibration.correction": "gain"}), _FITTED),
    Remedy("calibration of offsets", (OFFSETS,), to.offsets, _FITTED),
    Remedy(
        "calibration before the activation",
        (GAINS, OFFSETS),
        to.before_activation,
        "an array's outputs have both signs, targets after a ReLU one",
    ),
    Remedy("more images to calibrate on", (GAINS, OFFSETS), to.more_calibration, "what is fitted is noisy with few"),
    Remedy(
        "wider lines",
        ("wires",),
        to.wider_lines,
        "twice as wide, or in two layers of metal",
        "reram",
    ),
    Remedy("fewer rows a tile", ("wires",), to.shorter("array.rows"), "shorter bit lines, half their current", "reram"),
    Remedy(
        "fewer columns a tile", ("wires",), to.shorter("array.cols"), "shorter word lines, half their current", "reram"
    ),
    Remedy(
        "stronger drivers and sinks",
        ("wires",),
        to.times(0.5, "array.r_driver", "array.r_sink"),
        "twice as wide",
        "reram",
    ),
    Remedy(
        "smaller conductances",
        ("wires",),
        to.smaller_currents,
        "half the current in the lines, where cells don't spread",
        "reram",
    ),
    Remedy(
        "one bit a cell",
        ("programming spread",),
        to.one_bit,
        "slices that use the whole range of their cells; as many more cells",
        "reram",
    ),
    Remedy(
        "a wider window",
        ("programming spread",),
        to.wider_window,
        "the spread is smaller over the window; more current in the lines",
        "reram",
    ),
    Remedy(
        "program and verify",
        ("programming spread",),
        to.verify,
        "if the measured reads are of single attempts; within one sigma",
        "reram",
    ),
    Remedy(
        "a longer read", ("read noise",), to.longer_read, "four times as long halves noise, if that is white", "reram"
    ),
    Remedy(
        "drift compensation",
        ("ageing",),
        to.sets({"array.ageing.drift_compensation": True}),
        "full scale follows the mean drift",
        "reram",
    ),
    Remedy("a sooner refresh", ("ageing",), to.refresh, "cells are programmed again ten times as often", "reram"),
    Remedy(
        "placement around faults",
        ("faults",),
        to.sets({"array.remap": True}),
        "rows, outputs and polarities go where stuck cells harm least; needs each chip's map",
        "reram",
    ),
    Remedy("more time to settle", ("settling",), to.times(2, "array.t_read"), "planes take twice as long", "reram"),
    Remedy(
        "a faster front end",
        ("settling",),
        to.times(2, "array.timing.f_driver", "array.timing.f_front"),
        "twice the bandwidth, about twice its power",
        "reram",
    ),
    Remedy(
        "a larger sampling capacitor",
        ("settling",),
        to.times(4, "array.timing.c_sample"),
        "half the kT/C noise",
        "reram",
    ),
    Remedy(
        "bit-serial inputs",
        ("drivers' steps",),
        to.serial,
        "a driver of two levels has no unequal steps; more planes",
        "reram",
    ),
    Remedy("drivers that match", ("drivers' steps",), to.times(0.5, "array.dac.dnl_sigma"), _AREA, "reram"),
    Remedy(
        "auto-zero", ("converter offset",), to.sets({"array.auto_zero": True}), "one more conversion a read", "reram"
    ),
    Remedy("a larger swing", ("converter offset", "converter noise"), to.to_the_rails, _RAILS, "reram"),
    Remedy(
        "converters that match",
        ("converter steps",),
        to.times(0.5, "array.adc.mismatch", "array.adc.gain_sigma"),
        _AREA,
        "reram",
    ),
    Remedy(
        "a narrower range",
        (RESOLUTION,),
        to.narrower("array.adc.range_share"),
        "no layer uses more of the converters' range",
        "reram",
    ),
    Remedy(
        "the range of least error",
        (RESOLUTION,),
        to.sets({"array.adc.range": "mse"}),
        "clips rare levels for finer steps",
        "reram",
    ),
    Remedy("one bit more", (RESOLUTION,), to.finer("array"), "of every converter", "reram"),
    Remedy(
        "a wider range",
        (SATURATION,),
        to.wider("array.adc.range_share"),
        "as the layer that saturates most needs",
        "reram",
    ),
    Remedy("a signed range", (SATURATION,), to.sets({"array.adc.signed": True}), "nothing below 0 is clipped", "reram"),
    Remedy(
        "a larger word-line pulse", ("cell spread",), to.higher_word_line, "a larger overdrive spreads less", "sram-cim"
    ),
    Remedy(
        "signs on lines of their own",
        ("cell spread",),
        to.sets({"sram_cim.sign": "differential"}),
        "small weights of either sign have no top bit; 2 (b - 1) bit lines for b",
        "sram-cim",
    ),
    Remedy(
        "auto-zero",
        ("column converter offset",),
        to.sets({"sram_cim.auto_zero": True}),
        "one more conversion a read",
        "sram-cim",
    ),
    Remedy(
        "a deeper discharge",
        ("column converter offset", "bit-line noise"),
        to.swing(1.25),
        "a quarter more volts for the same count; the curve bends more",
        "sram-cim",
    ),
    Remedy(
        "codes taken back to counts",
        ("discharge curve",),
        to.sets({"sram_cim.linearise": True}),
        "by the nominal curve, in digital",
        "sram-cim",
    ),
    Remedy(
        "a shallower discharge",
        ("discharge curve",),
        to.swing(0.75),
        "the curve is straighter; a quarter fewer volts for the same count",
        "sram-cim",
    ),
    Remedy(
        "more capacitance",
        ("bit-line noise", "rows of 0"),
        to.more_capacitance,
        "twice that of the bit line: less kT/C and longer pulses, twice the energy",
        "sram-cim",
    ),
    Remedy(
        "a narrower range",
        (COLUMN_RESOLUTION,),
        to.narrower("sram_cim.range_share"),
        "no layer uses more of the converters' range",
        "sram-cim",
    ),
    Remedy(
        "one bit more", (COLUMN_RESOLUTION, "discharge curve"), to.finer("sram_cim"), "of every converter", "sram-cim"
    ),
    Remedy(
        "a wider range",
        (SATURATION,),
        to.wider("sram_cim.range_share"),
        "as the layer that saturates most needs",
        "sram-cim",
    ),
    Remedy(
        "fine-tuning with chips in the loop",
        _TUNED_AWAY,
        to.tune,
        "the network learns to bear what arrays do; some minutes, once for all chips",
    ),
)

GIVEN: Mapping[str, Callable[[Study], str]] = {
    "programming spread": lambda study: (
        f"reram.spread = {study.reram.spread!r} is the device's: less spread is another device"
        + ("" if is_measured(study.reram.spread) else "; it holds its verify, so array.verify would count twice")
    ),
    "read noise": lambda study: f"array.read_noise = {study.array.read_noise:g} is the cell's in the time of a read",
    "telegraph noise": lambda _: "array.telegraph is the device's: another device or another conductance window",
    "ageing": lambda study: f"array.ageing.model = {study.array.ageing.model!r} is the device's",
    "faults": lambda _: "array.faults is the process's",
}
"""By cause: what about it is an input of the technology, that no key of the design changes."""
