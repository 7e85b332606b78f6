"""What remedies change: values by key of a study, computed from it and from what its layers showed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.cli.arrays import CALIBRATION
from bitline.cli.knobs import value_of
from bitline.cli.study import Study
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from circuits.mapping import Layout, Mapping
from circuits.reram_measured_spread import is_measured
from circuits.variation import load_spread
from nn.diagnose import LayerFigures

_UNUSED = 0.7  # use of the range below which it is too wide
_HEADROOM = 1.1  # the least that a range is widened by
_WORTH = 0.95  # of a spread over its window, from which on a wider window is none
_INSIDE = 0.99  # of what a model covers
_STEPS = 100  # of fine-tuning

Changes = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What a remedy is computed from.

    Args:
        study: as it was run.
        models: of its arrays.
        layers: those that the cause costs something.
        every: all layers.
    """

    study: Study
    models: ModelFile
    layers: tuple[LayerFigures, ...]
    every: tuple[LayerFigures, ...]

    def at(self, key: str) -> Any:
        """The study's value of a key."""
        return value_of(self.study, key)


def sets(changes: Changes) -> Callable[[Case], Changes]:
    """The same values in every study."""
    return lambda _case: changes


def times(factor: float, *keys: str) -> Callable[[Case], Changes]:
    """Those of the keys that are set and not 0, times a factor."""
    return lambda case: {key: rounded(factor * case.at(key)) for key in keys if case.at(key)}


def rounded(value: float) -> float:
    """To three digits, so that what is said is what is tried."""
    return float(f"{value:.3g}")


def more_calibration(case: Case) -> Changes:
    """All that a study has, where it calibrates."""
    return {} if case.study.calibration.correction == "none" else {"calibration.images": CALIBRATION}


def offsets(case: Case) -> Changes:
    """Of studies that do not calibrate: gains have offsets with them."""
    return {"calibration.correction": "offset"} if case.study.calibration.correction == "none" else {}


def before_activation(case: Case) -> Changes:
    """Where it calibrates."""
    return {} if case.study.calibration.correction == "none" else {"calibration.targets": "pre_activation"}


def wider_lines(case: Case) -> Changes:
    """Half the resistance of a segment, by the keys that the study gives it with."""
    array = case.study.array
    own = [key for key in ("array.r_wire_wl", "array.r_wire_bl") if case.at(key) is not None]
    shared = ["array.r_wire"] if array.r_wire_wl is None or array.r_wire_bl is None else []
    return times(0.5, *shared, *own)(case)


def shorter(key: str) -> Callable[[Case], Changes]:
    """Half the lines of a tile, where the layers' matrices fill more than that."""

    def change(case: Case) -> Changes:
        fewer = case.at(key) // 4 * 2  # even: pairs of bit lines
        used = max(layer.rows if key.endswith("rows") else 2 * layer.cols for layer in case.layers)
        return {key: fewer} if used > fewer else {}

    return change


def one_bit(case: Case) -> Changes:
    """A cell with one bit uses its whole range, whatever its slice is worth; a partly filled top slice does not.

    Only with converters without offset: what auto-zero leaves of it, a part of a code, is added up over all slices.
    """
    array, bits = case.study.array, max(case.study.network.weight_bits, 2)
    try:
        each = Layout(Mapping(**array.mapping.model_dump()), bits, array.cols).slice_bits
    except ConfigError:
        return {}
    return {"array.mapping.slice_bits": 1} if each > 1 and not array.adc.offset else {}


def wider_window(case: Case) -> Changes:
    """The largest conductance of the spread and of the characterised cell, where it spreads less over the window."""
    array, spread = case.study.array, load_spread(case.study.reram.spread)
    top = rounded(min(spread.high, case.models["reram.read_iv"].inputs[1].high) * _INSIDE)
    if not array.variation or top <= array.g_max:
        return {}

    def relative(most: float) -> float:
        sigma = spread.sigma(np.linspace(array.g_min, most, 64))
        return float(np.sqrt(np.mean(sigma**2)) / (most - array.g_min))

    return {"array.g_max": top} if relative(top) < _WORTH * relative(array.g_max) else {}


def verify(case: Case) -> Changes:
    """Only of spreads that may be of single attempts: the published ones hold their own verify."""
    array, name = case.study.array, case.study.reram.spread
    if array.verify.tolerance is not None or not is_measured(name):
        return {}
    return {"array.verify.tolerance": rounded(float(load_spread(name).sigma((array.g_min + array.g_max) / 2)))}


def smaller_currents(case: Case) -> Changes:
    """Half of them, where no spread takes a larger share of a smaller window."""
    array = case.study.array
    return {} if array.variation or array.g_max < 4 * array.g_min else {"array.g_max": rounded(array.g_max / 2)}


def to_the_rails(case: Case) -> Changes:
    """Twice what the comparators' common mode is from the nearer rail."""
    below = case.study.sense_amp.below_vdd
    most = 2 * min(below, case.study.conditions.vdd - below)
    return {"array.v_full_scale": rounded(most)} if most > 1.05 * case.study.array.v_full_scale else {}


def finer(section: str) -> Callable[[Case], Changes]:
    """A bit more; beyond the most there are the study refuses it."""
    return lambda case: {f"{section}.adc_bits": case.at(f"{section}.adc_bits") + 1}


def narrower(key: str) -> Callable[[Case], Changes]:
    """To what the layer that needs most of its range needs."""

    def change(case: Case) -> Changes:
        use = max(layer.range_use for layer in case.every)
        return {key: rounded(case.at(key) * use)} if 0 < use < _UNUSED else {}

    return change


def wider(key: str) -> Callable[[Case], Changes]:
    """To what the layer that saturates most needs."""
    return lambda case: {key: rounded(case.at(key) * max(_HEADROOM, *(layer.range_use for layer in case.layers)))}


def longer_read(case: Case) -> Changes:
    """White noise falls as the square root of the time."""
    array = case.study.array
    return {"array.read_noise": rounded(array.read_noise / 2), "array.t_read": rounded(4 * array.t_read)}


def refresh(case: Case) -> Changes:
    """Ten times as often; models of ageing begin at a second."""
    return {"array.ageing.t_elapsed": max(1.0, rounded(case.study.array.ageing.t_elapsed / 10))}


def serial(case: Case) -> Changes:
    """One bit a plane: a straight line goes through two levels."""
    return {"array.dac.bits": 1, "array.dac.inl": []} if case.study.array.dac.bits > 1 else {}


def swing(factor: float) -> Callable[[Case], Changes]:
    """The bit line at full scale, by the swing from the supply; as deep as its discharge was characterised."""

    def change(case: Case) -> Changes:
        vdd, own = case.study.conditions.vdd, case.study.sram_cim.v_low
        deepest = float(case.models["cim.discharge"].parameters["y"][-1])
        wanted = max(vdd - factor * (vdd - own), vdd - _INSIDE * (vdd - deepest))
        return {"sram_cim.v_low": rounded(wanted)} if (wanted < own) == (factor > 1) else {}

    return change


def more_capacitance(case: Case) -> Changes:
    """As much again as the bit line has."""
    own = float(case.models["cim.lost"].parameters["capacitance"])
    return {"sram_cim.extra": rounded(case.study.sram_cim.extra + own)}


def higher_word_line(case: Case) -> Changes:
    """A tenth of a volt, up to the supply."""
    own = case.study.sram_cim.word_line
    return {"sram_cim.word_line": rounded(min(own + 0.1, case.study.conditions.vdd))}


def tune(case: Case) -> Changes:
    """Of studies that are not tuned."""
    return {"tuning.steps": _STEPS, "tuning.hardware": True} if not case.study.tuning.steps else {}
