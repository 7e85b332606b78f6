"""A study whose network runs on computing SRAM columns: its section, and its arrays from the fitted models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from bitline.cli.fields import Farads, Seconds, Section, Volts

if TYPE_CHECKING:
    from bitline.cli.study import Study
    from bitline.core.model_file import ModelFile
    from circuits.cim import CimConfig
    from nn.study import AccuracyTask


class SramCim(Section):
    """The columns that compute; see circuits.cim."""

    samples: Annotated[int, Field(ge=0)] = 120  # mismatch samples of a row
    rows: Annotated[int, Field(ge=4, le=1024)] = 256
    cols: Annotated[int, Field(ge=2, le=4096)] = 448  # bit lines
    cell: Literal["8t", "6t"] = "8t"
    word_line: Annotated[Volts, Field(gt=0)] = 0.8  # of a row that is on
    v_low: Annotated[Volts, Field(gt=0)] = 0.7  # bit line at full scale
    extra: Farads = 0.0  # added to a bit line
    sign: Literal["differential", "offset"] = "differential"
    dac_bits: Annotated[int, Field(ge=1, le=8)] = 1  # of a pulse; 1 is bit-serial
    adc_bits: Annotated[int, Field(ge=2, le=12)] = 8
    linearise: bool = True  # codes go back to counts by the nominal discharge
    auto_zero: bool = True
    offset: bool = True  # of a converter: the sense amplifier's spread
    noise: bool = True  # kT/C of the bit line
    curved: bool = True  # the bit line falls along the characterised curve; else on a straight line
    zero_rows: bool = True  # rows that hold a 0 take charge
    variation: Literal["none", "vth", "full"] = "vth"
    t_precharge: Seconds = 1e-9
    disturb_limit: Annotated[float, Field(gt=0, lt=1)] = 1e-12  # 6T: of a cell, a read
    range_share: Annotated[float, Field(gt=0)] = 1.0  # of the range that calibration chose


def part_settings(study: Study) -> dict[str, Any]:
    """Settings of the part `cim-column` that a study characterises."""
    own = study.sram_cim
    variation = "vth" if own.variation == "none" else own.variation
    return {
        "cells": own.rows,
        "cell": own.cell,
        "word_line": own.word_line,
        "extra": own.extra,
        "variation": variation,
    }


def cim_config(study: Study, models: ModelFile) -> CimConfig:
    """The array that a study asks for, as characterised; the converters' offset is the sense amplifier's spread.

    Its mean is the same for all converters and is taken out with the code of a read without input.

    Raises:
        ConfigError: a value that no array can have.
        FitError: the model file lacks the column or the sense amplifier.
    """
    from circuits.cim import CimConfig
    from circuits.cim_model import ColumnModel
    from circuits.technology import load_technology

    own, offset = study.sram_cim, models["sense_amp.offset"].parameters
    return CimConfig(
        column=ColumnModel.of(models, variation=own.variation != "none"),
        rows=own.rows,
        cols=own.cols,
        sign=own.sign,
        weight_bits=max(study.network.weight_bits, 2),  # the sign alone takes the cells of ternary weights
        dac_bits=own.dac_bits,
        adc_bits=own.adc_bits,
        vdd=study.conditions.vdd,
        v_low=own.v_low,
        word_line=own.word_line,
        linearise=own.linearise,
        offset_mean=0.0,
        offset_sigma=offset["sigma"] if own.offset else 0.0,
        auto_zero=own.auto_zero,
        noise=own.noise,
        curved=own.curved,
        zero_rows=own.zero_rows,
        temperature=study.conditions.temperature,
        t_precharge=own.t_precharge,
        disturb_limit=own.disturb_limit,
        node=load_technology(study.conditions.technology).node,
    )


def cim_task(study: Study, models: ModelFile, graph: Path, calibration: int) -> AccuracyTask:
    """The study's chips: its integer graph on its arrays."""
    from crossbar.costs import Process
    from crossbar.sram_cim import cim_factory
    from nn.calibration import Calibration
    from nn.study import AccuracyTask
    from nn.targets.sram_cim import Target

    config = cim_config(study, models)
    target = Target(
        cim_factory(config),
        seed=study.seed,
        trace=study.accuracy.trace_images,
        process=Process(config.node, config.vdd),
        range_share=study.sram_cim.range_share,
        calibration=Calibration(**study.calibration.model_dump()),
    )
    return AccuracyTask(str(graph), study.network.data, target, study.accuracy.images, calibration)
