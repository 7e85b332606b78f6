"""From the fitted models and a study's settings to its network on arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitline.cli.array_time import time_parts
from bitline.cli.cells import cells_and_lines
from bitline.cli.cim import cim_task
from bitline.cli.study import Study
from bitline.cli.voltage_mode import voltage_config
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from circuits.adc import Adc
from circuits.dac import Dac
from circuits.faults import Faults, read_map
from circuits.mapping import Layout, Mapping
from circuits.tile import TileConfig
from circuits.verify import Verify
from crossbar.costs import Process
from crossbar.tile import crossbar_factory
from crossbar.voltage_mode import voltage_factory
from nn.calibration import Calibration
from nn.study import AccuracyTask
from nn.targets.reram import Target

if TYPE_CHECKING:
    from nn.tuning.progressive import ChipTuning

CALIBRATION = 500  # images of the training part, for ranges of activations and converters


def tile_config(study: Study, models: ModelFile) -> TileConfig:
    """The tile that a study asks for, with cells and converters as characterised.

    The programming spread is the model file's, and the comparator of the converter is the sense amplifier: its offset
    is that amplifier's, mean and spread.

    Raises:
        ModelRangeError: conductances or a read voltage that the 1T1R cell was not characterised at.
        FitError: the model file lacks the ReRAM cell or the sense amplifier.
    """
    settings = study.array
    characterised = cells_and_lines(study, models)
    _check_swing(study)
    return TileConfig(
        **characterised,
        r_sink=settings.r_sink,
        adcs=settings.adcs,
        noise_way=settings.noise_way,
        precision=settings.precision,
        **tile_parts(study),
        **time_parts(
            settings.telegraph,
            settings.ageing,
            settings.timing,
            study.conditions.temperature,
            study.reram.spread,
        ),
    )


def tile_parts(study: Study) -> dict[str, Any]:
    """The parts of a tile that have sections of their own, as its configuration names them.

    Raises:
        ConfigError: a table of INL that does not fit its converter, too few bit lines, or no map of faults.
    """
    settings = study.array
    faults, shape = settings.faults, (settings.rows, settings.cols)
    if faults.map:
        read_map(faults.map, shape)  # refused now, not when the first chip is programmed
    mapping = Mapping(**settings.mapping.model_dump())
    adc = Adc(**settings.adc.model_dump(exclude={"range_share", "offset"}))
    adc.checked(settings.adc_bits, signed=mapping.signed and adc.signed)
    _ = Layout(mapping, max(study.network.weight_bits, 2), settings.cols)  # refuses too few bit lines
    return {
        "mapping": mapping,
        "dac": Dac(**settings.dac.model_dump()),
        "adc": adc,
        "faults": Faults(**faults.model_dump(exclude={"map"}), path=faults.map),
        "verify": Verify(**settings.verify.model_dump()),
        "remap": settings.remap,
    }


def _check_swing(study: Study) -> None:
    """The converter's inputs stay between the rails about the common mode that its comparator was characterised at."""
    below, swing = study.sense_amp.below_vdd, study.array.v_full_scale / 2
    if swing > min(below, study.conditions.vdd - below):
        raise ConfigError(
            f"array.v_full_scale = {2 * swing:g} V: half of it on either side of the common mode, which lies "
            f"sense_amp.below_vdd = {below:g} V below the supply, passes a rail; lower it or move the common mode"
        )


def accuracy_task(study: Study, models: ModelFile, graph: Path) -> AccuracyTask:
    """The study's chips: its integer graph on its tiles."""
    if study.target == "sram-cim":
        return replace(cim_task(study, models, graph, CALIBRATION), tuning=_chip_tuning(study))
    if study.array.sensing == "voltage":
        arrays = voltage_factory(voltage_config(study, models))
    else:
        arrays = crossbar_factory(tile_config(study, models))
    process = Process(arrays.config.node, arrays.config.vdd)
    target = Target(
        arrays,
        seed=study.seed,
        trace=study.accuracy.trace_images,
        process=process,
        range_share=study.array.adc.range_share,
        calibration=Calibration(**study.calibration.model_dump()),
    )
    tuning = _chip_tuning(study)
    return AccuracyTask(str(graph), study.network.data, target, study.accuracy.images, CALIBRATION, tuning)


def _chip_tuning(study: Study) -> ChipTuning | None:
    if not study.chip_tuning.steps:
        return None
    from nn.tuning.progressive import ChipTuning  # torch takes a while to load

    return ChipTuning(**study.chip_tuning.model_dump(), seed=study.seed)
