"""What takes accuracy from the layers of a study: each cause left out in turn, and what to change where it costs much.

Causes are the study's non-idealities (bitline.cli.nonidealities) as far as they act within a layer, and what the
range of the converters cuts off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bitline.cli.arrays import accuracy_task
from bitline.cli.nonidealities import NonIdeality, present, without
from bitline.cli.study import Study
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from circuits.converters import largest_code
from circuits.tile import TileConfig
from circuits.voltage_mode import VoltageModeConfig
from crossbar.tile import crossbar_factory
from nn.diagnose import LayerFigures, Without
from nn.target import ArrayFactory

MATTERS = 1.0  # dB of a layer's own error that a change is worth
_MOST_BITS = 12  # of a converter
_SATURATES = 1e-3  # share of conversions from which on the range is too narrow
_UNUSED = 0.7  # use of the range below which it is too wide
_NOT_OF_LAYERS = ("network.", "array.adc.range")  # keys: of the exact network too, and of calibration

SATURATION = "saturation"
_REMEDIES = {
    "wires": "shorten the tiles (array.rows, array.cols), widen the lines (array.r_wire) or lower array.g_max",
    "programming spread": "program and verify (array.verify.tolerance) or slice weights (array.mapping.slice_bits)",
    "read noise": "average over a longer read (a lower array.read_noise) or widen array.g_max - array.g_min",
    "telegraph noise": "average over the traps' time constants (array.t_read)",
    "ageing": "refresh sooner (array.ageing.t_elapsed) or set array.ageing.drift_compensation",
    "faults": "set array.remap, which places weights around stuck cells",
    "settling": "lengthen array.t_read or speed up the front end (array.timing)",
    "drivers' steps": "match the drivers better (array.dac) or lower array.dac.bits",
    "converter offset": "set array.auto_zero or raise array.v_full_scale",
    "converter steps": "match the converters better (array.adc)",
    "converter noise": "raise array.v_full_scale",
    "cell spread": "raise sram_cim.word_line or enlarge the cell's transistors",
}
_RESOLUTIONS = ("converter resolution", "column converter resolution")


@dataclass(frozen=True)
class Causes:
    """Of one study.

    Args:
        without: arrays without each cause, by its name.
        probe: arrays whose range is that of all but a thousandth of the levels; None where the range is the largest.
        section: of the arrays in the study, "array" or "sram_cim".
        range_share: of the study.
        bits: of its converters.
        missing: what is not told, and why.
    """

    without: Mapping[str, Without]
    probe: ArrayFactory | None
    section: str
    range_share: float
    bits: int
    missing: tuple[str, ...] = ()

    @property
    def range_key(self) -> str:
        """Of the study, that widens and narrows the converters' range."""
        return f"{self.section}.adc.range_share" if self.section == "array" else f"{self.section}.range_share"


def causes(study: Study, models: ModelFile, graph: Path) -> Causes:
    """Those that a study has."""
    found: dict[str, Without] = {}
    missing: list[str] = []
    for each in present(study):
        if all(key.startswith(_NOT_OF_LAYERS) for key in each.off):
            continue
        try:
            found[each.name] = Without(_arrays(study, [each], models, graph))
        except ConfigError as error:
            missing.append(f"{each.name}: {error}")
    config = _arrays(study, [], models, graph).config
    if isinstance(config, VoltageModeConfig):
        missing.append(f"{SATURATION}: of tiles that are read by current")
        return Causes(found, None, "array", study.array.adc.range_share, config.adc_bits, tuple(missing))
    if not isinstance(config, TileConfig):
        missing += ["wires: the model of a column has none", f"{SATURATION}: a wider range is another pulse"]
        return Causes(found, None, "sram_cim", study.sram_cim.range_share, config.adc_bits, tuple(missing))
    adc, bits = config.adc, config.adc_bits
    if bits <= _MOST_BITS - 2 and not adc.inl:  # four times the range in steps of the same size
        wide = replace(config, adc_bits=bits + 2, v_full_scale=4 * config.v_full_scale)
        signed = config.signed
        larger, large = (largest_code(each) if signed else 2**each - 1 for each in (bits + 2, bits))
        found[SATURATION] = Without(crossbar_factory(wide), larger / large)
    probe = crossbar_factory(replace(config, adc=replace(adc, range="percentile", percentile=99.9)))
    return Causes(found, probe, "array", study.array.adc.range_share, bits, tuple(missing))


def _arrays(study: Study, off: list[NonIdeality], models: ModelFile, graph: Path) -> Any:
    target: Any = accuracy_task(without(study, off), models, graph).target
    return target.arrays


def advice(layer: LayerFigures, known: Causes) -> list[str]:
    """What to change for a layer, what costs most first; nothing where no single change is worth `MATTERS`."""
    said: list[tuple[float, str]] = []
    for cause in layer.without_db:
        cost = layer.cost(cause)
        make: Callable[[LayerFigures, Causes], str] | None = _OF_CONVERTERS.get(cause)
        change = make(layer, known) if make else _REMEDIES.get(cause, f"look into {cause}")
        if cost >= MATTERS and change:
            taken = _taken(layer) if cause == "wires" else ""
            said.append((cost, f"{change}: {_NAMES.get(cause, cause)} {_costs(cost)}{taken}"))
    if SATURATION not in layer.without_db and layer.saturated > _SATURATES:
        said.append((0.0, _widen(layer, known)))
    return [text for _, text in sorted(said, key=lambda each: -each[0])]


def _costs(cost: float) -> str:
    return f"costs {cost:.1f} dB" if math.isfinite(cost) else "is all that is wrong with it"


def _taken(layer: LayerFigures) -> str:
    if layer.wire_loss is None or layer.worst_tile is None:
        return ""
    row, column = layer.worst_tile
    return f", they take {layer.wire_loss:.1%} of the current of the tile in row {row}, column {column}"


def _widen(layer: LayerFigures, known: Causes) -> str:
    if layer.saturated <= _SATURATES:
        return ""
    wider = known.range_share * max(layer.range_use, 1.1)
    share = f"{layer.saturated:.2%} of conversions saturate"
    return f"widen {known.range_key} from {known.range_share:.3g} to {wider:.3g} ({share})"


def _finer(layer: LayerFigures, known: Causes) -> str:
    if layer.range_use < _UNUSED:
        narrower = known.range_share * layer.range_use
        bits = math.log2(1 / layer.range_use)
        used = f"inputs use {layer.range_use:.0%} of the range, {bits:.1f} bits are wasted"
        return f"narrow {known.range_key} from {known.range_share:.3g} to {narrower:.3g} ({used})"
    return f"set {known.section}.adc_bits to {known.bits + 1}"


_OF_CONVERTERS: Mapping[str, Callable[[LayerFigures, Causes], str]] = {
    SATURATION: _widen,
    **dict.fromkeys(_RESOLUTIONS, _finer),
}
_NAMES = {
    "wires": "the wires' resistance",
    **dict.fromkeys(_RESOLUTIONS, f"the converters' resolution, against {_MOST_BITS} bits,"),
}
