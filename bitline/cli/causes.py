"""What takes accuracy from the layers of a study: each cause left out in turn.

Causes are the study's non-idealities (bitline.cli.nonidealities) as far as they act within a layer, and what the
range of the converters cuts off.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from nn.diagnose import Without
from nn.target import ArrayFactory

SATURATION = "saturation"
_MOST_BITS = 12  # of a converter
_NOT_OF_LAYERS = ("network.", "array.adc.range", "sram_cim.range_share")  # of the exact network, of calibration


@dataclass(frozen=True)
class Causes:
    """Of one study.

    Args:
        without: arrays without each cause, by its name.
        probe: arrays whose range is that of all but a thousandth of the levels; None where the range is the largest.
        missing: what is not told, and why.
    """

    without: Mapping[str, Without]
    probe: ArrayFactory | None
    missing: tuple[str, ...] = ()


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
        return Causes(found, None, tuple(missing))
    if not isinstance(config, TileConfig):
        missing += ["wires: the model of a column has none", f"{SATURATION}: a wider range is another pulse"]
        return Causes(found, None, tuple(missing))
    adc, bits = config.adc, config.adc_bits
    if bits <= _MOST_BITS - 2 and not adc.inl:  # four times the range in steps of the same size
        wide = replace(config, adc_bits=bits + 2, v_full_scale=4 * config.v_full_scale)
        signed = config.signed
        larger, large = (largest_code(each) if signed else 2**each - 1 for each in (bits + 2, bits))
        found[SATURATION] = Without(crossbar_factory(wide), larger / large)
    probe = crossbar_factory(replace(config, adc=replace(adc, range="percentile", percentile=99.9)))
    return Causes(found, probe, tuple(missing))


def _arrays(study: Study, off: list[NonIdeality], models: ModelFile, graph: Path) -> Any:
    target: Any = accuracy_task(without(study, off), models, graph).target
    return target.arrays
