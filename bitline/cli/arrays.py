"""From the fitted models and a study's settings to its network on arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bitline.cli.study import Study
from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import ModelFile
from circuits.technology import load_technology
from circuits.tile import TileConfig
from crossbar.costs import Process
from crossbar.tile import crossbar_factory
from nn.study import AccuracyTask
from nn.targets.reram import Target
from spice.array import Cells, spice_factory

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
    try:
        models["reram.read_iv"](settings.v_read, [settings.g_min, settings.g_max])
    except ModelRangeError as error:
        raise ModelRangeError(f"[array] v_read, g_min and g_max: {error}") from None
    offset = models["sense_amp.offset"].parameters
    reach = models["reram.read_iv"].inputs[1]
    _check_swing(study)
    return TileConfig(
        rows=settings.rows,
        cols=settings.cols,
        r_wire_wl=settings.r_wire,
        r_wire_bl=settings.r_wire,
        v_read=settings.v_read,
        t_read=settings.t_read,
        g_min=settings.g_min,
        g_max=settings.g_max,
        weight_bits=study.network.weight_bits,
        adc_bits=settings.adc_bits,
        adcs=settings.adcs,
        v_full_scale=settings.v_full_scale,
        offset_mean=offset["mean"],
        offset_sigma=offset["sigma"],
        auto_zero=settings.auto_zero,
        read_noise=settings.read_noise,
        programming_sigma=models["reram.programming_sigma"] if settings.variation else None,
        g_reach=(reach.low, reach.high),
        node=load_technology(study.conditions.technology).node,
        vdd=study.conditions.vdd,
    )


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
    config = tile_config(study, models)
    process = Process(config.node, config.vdd)
    target = Target(crossbar_factory(config), seed=study.seed, trace=study.accuracy.trace_images, process=process)
    return AccuracyTask(str(graph), study.network.data, target, study.accuracy.images, CALIBRATION)


def netlist_tasks(task: AccuracyTask, config: TileConfig, cells: Cells, images: int) -> tuple[AccuracyTask, ...]:
    """The same chips without read noise, which a netlist has not: at speed, and wholly as netlists."""
    quiet = replace(config, read_noise=0.0)
    target: Target = task.target  # type: ignore[assignment] # accuracy_task made it
    return tuple(
        replace(task, images=images, target=replace(target, arrays=arrays, trace=0))
        for arrays in (crossbar_factory(quiet), spice_factory(quiet, cells))
    )
