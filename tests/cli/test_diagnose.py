import json
import math
from dataclasses import replace

import pytest
from matplotlib.image import imread

from bitline.cli.causes import Causes, advice, causes
from bitline.cli.diagnosis_picture import draw
from bitline.cli.study import load_study
from bitline.core.model_file import ModelFile
from nn.diagnose import Diagnosis, LayerFigures

LAYER = LayerFigures("conv", 0, "conv2d", 27, 8, 1, 100, 20.0, 18.0, 0.0, 0.9, 0.5, 20.0, {})
KNOWN = Causes({}, None, "array", 1.0, 8)


def test_a_run_is_taken_apart_layer_by_layer(call, finished_run):
    ended = call("diagnose", finished_run, "--images", 20, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert (found["chip"], found["images"], found["not_told"]) == (0, 20, [])
    layers = found["layers"]
    assert {layer["layer"] for layer in layers} == {"fc1", "fc2"}
    assert layers[0]["own_db"] <= layers[1]["own_db"]
    for layer in layers:
        assert {"wires", "programming spread", "read noise", "converter resolution", "saturation"} <= set(
            layer["without_db"]
        )
        assert "weight quantisation" not in layer["without_db"]
        assert 0 < layer["wire_loss"] < 0.1
    first = next(layer for layer in layers if layer["number"] == 0)
    assert first["without_db"]["programming spread"] > first["own_db"] + 3  # the spread of wan2022 is what costs most
    assert "program and verify" in first["advice"][0]
    other = json.loads(call("diagnose", finished_run, "--images", 20, "--chip", 1, "--json").out)
    assert other["layers"][0]["own_db"] != layers[0]["own_db"]


def test_it_is_told_in_a_table(call, finished_run):
    ended = call("diagnose", finished_run, "--images", 20)
    assert ended.code == 0, ended.err
    assert "chip 0, 20 images" in ended.out
    assert "fc1: program and verify (array.verify.tolerance)" in ended.out
    assert not (finished_run / "diagnosis.png").exists()


def test_what_is_no_run_is_refused(refused, tmp_path):
    assert "holds no finished run" in refused("diagnose", tmp_path)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (
            {"without_db": {"saturation": 24.0}, "saturated": 0.031, "range_use": 1.4},
            "widen array.adc.range_share from 1 to 1.4 (3.10% of conversions saturate): saturation costs 4.0 dB",
        ),
        (
            {"without_db": {"converter resolution": 26.0}, "range_use": 0.25},
            (
                "narrow array.adc.range_share from 1 to 0.25 (inputs use 25% of the range, 2.0 bits are wasted): the "
                "converters' resolution, against 12 bits, costs 6.0 dB"
            ),
        ),
        (
            {"without_db": {"converter resolution": 26.0}},
            "set array.adc_bits to 9: the converters' resolution, against 12 bits, costs 6.0 dB",
        ),
        (
            {"without_db": {"wires": 32.0}, "wire_loss": 0.31, "worst_tile": (2, 0)},
            (
                "shorten the tiles (array.rows, array.cols), widen the lines (array.r_wire) or lower array.g_max: the "
                "wires' resistance costs 12.0 dB, they take 31.0% of the current of the tile in row 2, column 0"
            ),
        ),
        ({"without_db": {"read noise": math.inf}}, "read noise is all that is wrong with it"),
        ({"saturated": 0.02}, "widen array.adc.range_share from 1 to 1.1 (2.00% of conversions saturate)"),
    ],
)
def test_advice_has_the_numbers(figures, said):
    (line,) = advice(replace(LAYER, **figures), KNOWN)
    assert line.endswith(said)


def test_what_is_worth_nothing_is_not_said_and_the_costliest_comes_first():
    assert advice(replace(LAYER, without_db={"wires": 20.5, "read noise": 19.0}), KNOWN) == []
    lines = advice(replace(LAYER, without_db={"read noise": 22.0, "programming spread": 30.0}), KNOWN)
    assert [line.split(":")[1].split(" costs")[0].strip() for line in lines] == ["programming spread", "read noise"]
    columns = replace(KNOWN, section="sram_cim")
    (line,) = advice(replace(LAYER, saturated=0.02), columns)
    assert "sram_cim.range_share" in line


def test_what_cannot_be_left_out_is_told(finished_run, tmp_path):
    path = tmp_path / "inl.toml"
    text = (finished_run / "config.toml").read_text()
    before, section, after = text.partition("[array.adc]")
    path.write_text(before + section + after.replace("inl = []", f"inl = {[0.1] * 254}", 1))
    models = ModelFile.load(finished_run / "model.json")
    found = causes(load_study(path), models, finished_run / "network" / "graph.npz")
    assert "saturation" not in found.without
    assert any(line.startswith("converter resolution: ") for line in found.missing)


def test_the_picture_has_every_layer(tmp_path):
    layers = [
        replace(LAYER, layer=f"conv{k}", number=k, own_db=own, without_db={"wires": wires, "read noise": 20.0})
        for k, (own, wires) in enumerate([(20.0, 31.0), (math.inf, math.inf), (-3.0, math.inf)])
    ]
    for many in (1, 30):
        draw(tmp_path / "picture.png", Diagnosis(0, 64, 0.9, tuple(layers * many)))
        assert imread(tmp_path / "picture.png").std() > 0.05
    draw(tmp_path / "picture.png", Diagnosis(0, 64, 0.9, (LAYER,)))
