"""Advice is never what a study has, always what it can have, and names keys and values that follow from the figures."""

import functools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitline.cli.advice import advise, assignment, costs_told, given
from bitline.cli.arrays import accuracy_task
from bitline.cli.knobs import patched, value_of
from bitline.cli.nonidealities import NON_IDEALITIES
from bitline.cli.remedies import GIVEN, REMEDIES
from bitline.cli.study import Study, load_study
from bitline.core.model_file import ModelFile
from circuits.technology import load_technology
from nn.diagnose import Diagnosis, LayerFigures

COLUMNS = Path(__file__).parents[1] / "spice" / "golden_cim" / "8t_16.json"
CAUSES = [each.name for each in NON_IDEALITIES if each.target and not each.name.endswith("range")]
LAYER = LayerFigures(
    layer="conv",
    number=0,
    kind="conv2d",
    rows=200,
    cols=80,
    tiles=1,
    vectors=100,
    own_db=20.0,
    accumulated_db=18.0,
    saturated=0.02,
    range_use=0.5,
    negative=0.5,
    fitted_db=20.0,
    offset_db=24.0,
    gain_db=26.0,
    without_db={**dict.fromkeys(CAUSES, 30.0), "saturation": 30.0},
)
BAD = {
    "array.r_wire_wl": 3.0,
    "array.r_driver": 10.0,
    "array.r_sink": 10.0,
    "array.g_max": 20e-6,
    "array.v_full_scale": 0.5,
    "array.auto_zero": False,
    "array.dac.bits": 2,
    "array.dac.inl": [0.0, 0.1, 0.1, 0.0],
    "array.dac.dnl_sigma": 0.02,
    "array.adc.mismatch": 0.01,
    "array.adc.signed": False,
    "array.ageing.model": "wan2022",
    "array.ageing.t_elapsed": 80000.0,
    "array.faults.off_rate": 0.01,
    "array.timing.f_front": 1e8,
    "array.timing.c_sample": 1e-13,
}
STUDIES = {
    "bad": BAD,
    "exact cells": {"array.variation": False, "array.adc.offset": False},
    "calibrated": {"calibration.correction": "gain", "calibration.targets": "post_activation", "tuning.steps": 9},
    "good": {
        "array.r_wire": 0.0,
        "array.ageing.model": "wan2022",
        "array.ageing.t_elapsed": 1.0,
        "array.ageing.drift_compensation": True,
        "array.remap": True,
        "array.adc.range": "mse",
        "array.adc_bits": 12,
        "array.v_full_scale": 1.0,
        "array.g_max": 39e-6,
        "array.read_noise": 0.0,
        "calibration.correction": "gain",
        "calibration.images": 500,
        "tuning.steps": 9,
    },
    "by voltage": {"array.sensing": "voltage"},
    "columns": {
        "target": "sram-cim",
        "sram_cim.auto_zero": False,
        "sram_cim.linearise": False,
        "sram_cim.sign": "offset",
    },
}


@pytest.fixture(scope="module", autouse=True)
def technology_once():
    """The technology is read once, not for each of some hundred studies."""
    once = functools.cache(load_technology)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bitline.cli.cells.load_technology", once)
        patch.setattr("circuits.technology.load_technology", once)
        yield


@pytest.fixture(scope="module")
def bench(finished_run, tmp_path_factory):
    """A study by its name here, the models of any, and a graph."""
    base = load_study(finished_run / "config.toml")
    own, columns = ModelFile.load(finished_run / "model.json"), ModelFile.load(COLUMNS)
    models = ModelFile(own.provenance, {**own.models, **columns.models})
    cells = tmp_path_factory.mktemp("cells") / "cells.csv"
    rng = np.random.default_rng(0)
    rows = [f"{g:g},{g + 2 * rng.standard_normal():g}" for g in np.repeat([1, 10, 20, 30, 39], 40)]
    cells.write_text("target (uS),g (uS)\n" + "\n".join(rows) + "\n")
    studies = {**STUDIES, "measured": {"reram.spread": str(cells)}}
    found = {
        name: patched(base, {"array.rows": 64, "array.cols": 64, "sram_cim.rows": 16, **changes}, name)
        for name, changes in studies.items()
    }
    return found, models, finished_run / "network" / "graph.npz"


def advised(bench, name, layer=LAYER):
    studies, models, graph = bench
    return advise(studies[name], models, graph, Diagnosis(0, 9, 0.9, (layer,)))


@pytest.mark.parametrize("name", [*STUDIES, "measured"])
def test_advice_is_no_key_that_is_in_force_and_every_change_is_a_study(bench, name):
    studies, models, graph = bench
    found = advised(bench, name)
    assert found
    for each in found:
        for key, value in each.changes.items():
            taken = value_of(each.study, key)
            assert taken != value_of(studies[name], key), (each.remedy.name, key)
            assert taken == (tuple(value) if isinstance(value, list) else value)
        if each.characterised:
            accuracy_task(each.study, models, graph)
        assert each.study.hash() != studies[name].hash()


@pytest.mark.parametrize("name", [*STUDIES, "measured"])
def test_advice_that_is_taken_is_not_given_again(bench, name, monkeypatch):
    monkeypatch.setattr("bitline.cli.advice.check", lambda *_: None)  # which the test above has asked
    _, models, graph = bench
    for each in advised(bench, name):
        if not each.characterised:
            continue
        again = advise(each.study, models, graph, Diagnosis(0, 9, 0.9, (LAYER,)))
        assert each.changes not in [other.changes for other in again], each.remedy.name


def test_every_remedy_is_for_some_study(bench, monkeypatch):
    monkeypatch.setattr("bitline.cli.advice.check", lambda *_: None)
    wide = replace(LAYER, range_use=1.4)
    given_to = {id(each.remedy) for name in bench[0] for layer in (LAYER, wide) for each in advised(bench, name, layer)}
    assert [remedy.name for remedy in REMEDIES if id(remedy) not in given_to] == []


def test_every_cause_has_a_remedy_or_is_the_technologys():
    answered = {cause for remedy in REMEDIES for cause in remedy.causes} | set(GIVEN)
    assert set(LAYER.without_db) <= answered


def test_what_a_study_has_or_cannot_have_is_not_said(bench):
    """Of a published spread its verify; four bits a slice; auto-zero that is on; a full scale that passes a rail."""
    changes = {key: value for each in advised(bench, "exact cells") for key, value in each.changes.items()}
    assert changes["array.mapping.slice_bits"] == 1
    assert changes["array.v_full_scale"] == pytest.approx(1.0)  # 0.5 V below the supply: half of it on either side
    assert "array.auto_zero" not in changes
    plain = {key for each in advised(bench, "calibrated") for key in each.changes}
    assert not plain & {"array.verify.tolerance", "array.mapping.slice_bits", "array.auto_zero"}
    measured = {key: value for each in advised(bench, "measured") for key, value in each.changes.items()}
    assert measured["array.verify.tolerance"] == pytest.approx(2e-6, rel=0.3)  # the reads' own sigma


@pytest.mark.parametrize(
    ("figures", "key", "value"),
    [
        ({"range_use": 1.4}, "array.adc.range_share", 1.4),
        ({"range_use": 0.9}, "array.adc.range_share", 1.1),
        (
            {"range_use": 0.25, "saturated": 0.0, "without_db": {"converter resolution": 26.0}},
            "array.adc.range_share",
            0.25,
        ),
        ({}, "array.adc_bits", 9),
        ({}, "array.r_wire", 0.5),
        ({}, "array.rows", 32),
        ({}, "array.read_noise", 0.005),
        ({}, "tuning.steps", 100),
    ],
)
def test_values_follow_from_the_study_and_the_figures(bench, figures, key, value):
    studies, models, graph = bench
    plain = patched(studies["measured"], {"reram.spread": "wan2022"}, "test")
    found = advise(plain, models, graph, Diagnosis(0, 9, 0.9, (replace(LAYER, **figures),)))
    assert [each.changes[key] for each in found if key in each.changes] == [value]


def test_the_range_is_narrowed_for_the_layer_that_needs_most(bench):
    studies, models, graph = bench
    layers = tuple(replace(LAYER, layer=f"fc{k}", range_use=use, saturated=0.0) for k, use in enumerate((0.2, 0.6)))
    found = advise(studies["exact cells"], models, graph, Diagnosis(0, 9, 0.9, layers))
    (narrow,) = [each for each in found if each.remedy.name == "a narrower range"]
    assert narrow.changes == {"array.adc.range_share": 0.6}


def test_the_costliest_cause_comes_first_and_calibration_where_it_is_off_and_would_take_back_half(bench):
    layer = replace(LAYER, saturated=0.0, without_db={"wires": 22.0, "read noise": 40.0, "programming spread": 20.5})
    order = [each.cause for each in advised(bench, "measured", layer)]
    assert order[:2] == ["gains and offsets of outputs", "offsets of outputs"]
    assert order[2] == "read noise"
    assert order[-1] == "wires"
    assert "programming spread" not in order
    weak = replace(layer, gain_db=22.9, offset_db=20.5)
    assert [each.cause for each in advised(bench, "measured", weak)][:3] == [
        "read noise",
        "read noise",
        "gains and offsets of outputs",
    ]


def test_a_cause_is_told_once_with_the_layers_it_concerns(bench):
    layers = [replace(LAYER, layer=f"fc{k}", without_db={"wires": 20.0 + k}) for k in range(6)]
    layers.append(replace(LAYER, layer="fc6", without_db={"wires": math.inf}))
    studies, models, graph = bench
    found = advise(studies["bad"], models, graph, Diagnosis(0, 9, 0.9, tuple(layers)))
    wires = [each for each in found if each.cause == "wires"]
    assert len({costs_told(each) for each in wires}) == 1
    assert costs_told(wires[0]) == "wires: all the error in fc6, 5.0 dB in fc5, 4.0 dB in fc4, 1 dB or more in 3 others"
    assert "fc0" not in wires[0].costs


def test_what_is_the_technologys_is_named_as_such(bench):
    studies, *_ = bench
    found = given(studies["good"], Diagnosis(0, 9, 0.9, (LAYER,)))
    assert any("less spread is another device; it holds its verify" in line for line in found)
    assert given(Study(), Diagnosis(0, 9, 0.9, (replace(LAYER, without_db={"wires": 30.0}),))) == []


def test_a_change_is_written_as_a_study_file_has_it():
    assert assignment("calibration.correction", "gain") == 'calibration.correction = "gain"'
    assert assignment("array.remap", value=True) == "array.remap = true"
    assert assignment("array.dac.inl", []) == "array.dac.inl = []"
    assert assignment("array.t_read", 4e-07) == "array.t_read = 4e-07"
