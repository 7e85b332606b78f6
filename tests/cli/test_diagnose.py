import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from bitline.cli.advice import Advice
from bitline.cli.causes import causes
from bitline.cli.diagnosis import Advised
from bitline.cli.diagnosis_picture import draw
from bitline.cli.diagnosis_table import layers_table
from bitline.cli.knobs import patched
from bitline.cli.points import Outcome
from bitline.cli.remedies import Remedy
from bitline.cli.report.source import read_trial
from bitline.cli.stages import Stages
from bitline.cli.study import Study, load_study
from bitline.cli.terminal import output
from bitline.cli.trial import NOT_CHARACTERISED, Trial, Tried, try_out
from bitline.cli.variants import run_variants, variant_figures
from bitline.core.errors import ConfigError
from bitline.core.model_file import ModelFile
from bitline.core.samples import read_group
from nn.diagnose import Diagnosis, LayerFigures
from nn.statistics import Interval

LAYER = LayerFigures("conv", 0, "conv2d", 27, 8, 1, 100, 20.0, 18.0, 0.0, 0.9, 0.5, 20.0, 21.0, 22.0, {})


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
    assert first["gain_db"] >= first["own_db"]
    assert {"calibration.correction": "gain"} in [each["changes"] for each in found["advice"]]
    assert any("reram.spread = 'wan2022' is the device's" in line for line in found["given"])
    other = json.loads(call("diagnose", finished_run, "--images", 20, "--chip", 1, "--json").out)
    assert other["layers"][0]["own_db"] != layers[0]["own_db"]


def test_it_is_told_in_a_table(call, finished_run):
    ended = call("diagnose", finished_run, "--images", 20)
    assert ended.code == 0, ended.err
    assert "chip 0, 20 images" in ended.out
    assert '    calibration.correction = "gain"' in ended.out
    assert ended.out.count('calibration.correction = "gain"') == 1
    assert "fc1" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "..." not in ended.out
    assert not (finished_run / "diagnosis.json").exists()


def test_long_names_are_folded_and_none_is_cut(capsys):
    costs = {"column converter resolution": 35.5}
    layer = replace(LAYER, layer="features.12.conv.project.expanded", rows=4608, cols=1024, without_db=costs)
    output.print(layers_table(Diagnosis(0, 64, 0.9, (layer,))))
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "4608x1024" in told
    assert "".join(told.split()).count("…") == 0
    assert "15.5" in told


@pytest.fixture
def copied(finished_run, tmp_path):
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_advice_is_tried_and_kept(call, copied, monkeypatch):
    monkeypatch.setattr("bitline.cli.remedy_changes._STEPS", 4)
    ended = call("diagnose", copied, "--images", 20, "--chips", 2, "--try", "--workers", 1, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert (found["tried_on"]["chips"], found["tried_on"]["images"]) == (2, 20)
    gains = [each["gain"]["value"] for each in found["advice"] if each["gain"]]
    assert len(gains) >= 3
    assert gains == sorted(gains, reverse=True)
    for each in found["advice"]:
        assert each["accuracy"] == pytest.approx(found["tried_on"]["accuracy"] + each["gain"]["value"])
        assert each["gain"]["low"] <= each["gain"]["value"] <= each["gain"]["high"]
    assert json.loads((copied / "diagnosis.json").read_text()) == found
    page = (copied / "report.html").read_text()
    assert "Changes tried" in page
    assert "calibration.correction = &quot;gain&quot;" in page or "calibration.correction = &#34;gain&#34;" in page
    assert not list(copied.glob(".partial-*"))


def test_what_was_tried_is_read_back_or_damaged(tmp_path):
    assert read_trial(tmp_path) is None
    (tmp_path / "diagnosis.json").write_text('{"advice": [], "tried_on": {"chips": 2}, "chip": 0}')
    assert read_trial(tmp_path) == {"advice": [], "tried_on": {"chips": 2}}
    (tmp_path / "diagnosis.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"diagnosis\.json is damaged .* run bitline diagnose --try again"):
        read_trial(tmp_path)


@pytest.mark.usefixtures("characterised")
def test_what_is_tried_is_what_variants_of_the_study_give(copied, tmp_path):
    study, models = load_study(copied / "config.toml"), ModelFile.load(copied / "model.json")
    changes = [{"calibration.correction": "gain"}, {"array.read_noise": 0.0}, {"array.adc_bits": 4}]
    remedy = Remedy("made", ("wires",), lambda _: {}, "")
    advised = [
        Advice(remedy, "wires", each, patched(study, each, "x"), {"fc1": 1.0}, 1.0, characterised=True)
        for each in changes
    ]
    advised.append(replace(advised[0], characterised=False))
    trial = try_out(copied, study, models, advised, chips=5, images=1000)
    assert (trial.chips, trial.images) == (5, 60)  # all that the run has
    varied = study.model_copy(update={"variants": {f"v{k}": each for k, each in enumerate(changes)}})
    stages = Stages(tmp_path / "stages", 1, apart=True)
    network = stages.network(study)
    correct = read_group(copied / "run.h5", "network/accuracy").samples["correct"]
    figures = variant_figures(run_variants(varied, stages, 5), Outcome(correct, network.references))
    assert trial.accuracy == pytest.approx(correct.mean())
    by_change = {str(each.advice.changes): each for each in trial.tried if each.gain}
    for k, each in enumerate(changes):
        gain = by_change[str(each)].gain
        ends = [-figures[f"v{k}.study_gain{end}"].value for end in ("", "_high", "_low")]
        assert [gain.value, gain.low, gain.high] == pytest.approx(ends)
        assert by_change[str(each)].accuracy == figures[f"v{k}.accuracy"].value
    assert trial.tried[-1].failure == NOT_CHARACTERISED
    assert len({each.gain.value for each in by_change.values()}) > 1


def test_what_is_no_run_is_refused(refused, tmp_path):
    assert "holds no finished run" in refused("diagnose", tmp_path)


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
        drawn(tmp_path, tuple(layers * many))
    drawn(tmp_path, (LAYER,))
    remedy = Remedy("made", ("wires",), lambda _: {}, "")
    advice = Advice(remedy, "wires", {"array.r_wire": 0.5}, Study(), {"conv": 1.0}, 1.0, characterised=True)
    tried = (Tried(advice, 0.7, Interval(0.1, 0.05, 0.15, 0.03, 0.03, 0.95)), Tried(advice, None, None, "refused"))
    before = drawn(tmp_path, (LAYER,)).shape
    after = drawn(tmp_path, (LAYER,), Trial(4, 64, 0.6, tried)).shape
    assert after[0] > before[0]
    assert after[1] == before[1]


def drawn(tmp_path, layers, trial=None):
    draw(tmp_path / "picture.png", Advised(Diagnosis(0, 64, 0.9, layers), (), (), (), trial))
    found = imread(tmp_path / "picture.png")
    assert found.std() > 0.05
    return found
