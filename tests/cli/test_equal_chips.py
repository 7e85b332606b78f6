"""Points have equally many chips, and one fine-tuned network where arrays alone differ."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bitline.cli import ablation
from bitline.cli.ablation import ALL_OFF, ALL_ON, run_ablation
from bitline.cli.knobs import patched
from bitline.cli.points import Outcome, contrast, goes_on
from bitline.cli.stages import Stages
from bitline.cli.variants import run_variants, variant_figures
from bitline.core.figures import MEASURED, Figure
from nn.study import References

WANTED = 0.012


@pytest.mark.usefixtures("characterised")
def test_an_ablation_until_a_half_width_adds_up(stage, tmp_path, capsys):
    """Configurations that vary less reach it earlier: what they would leave out is drawn after all."""
    study = patched(stage[0], {"accuracy.chips": 28}, "test")
    folder = run_ablation(study, tmp_path, 1)
    assert "goes on to" in capsys.readouterr().err
    document = json.loads((folder / "summary.json").read_text())
    figures = {each["name"]: each["figures"] for each in document["configurations"]}
    assert len({each["chips"]["value"] for each in figures.values()}) == 1
    accuracy = {name: each["accuracy"]["value"] for name, each in figures.items()}
    alone = {row["name"]: row["alone"]["value"] for row in document["costs"]}
    for name, cost in alone.items():
        assert cost == pytest.approx(accuracy[ALL_OFF] - accuracy[f"{name} alone"])
    together = document["together"]["value"]
    assert together == pytest.approx(accuracy[ALL_OFF] - accuracy[ALL_ON])
    assert document["interaction"]["value"] == pytest.approx(together - sum(alone.values()))
    found = [row[what] for row in document["costs"] for what in ("alone", "among")]
    assert all(each["high"] - each["value"] >= WANTED for each in [*found, document["beside"]["remaining"]])


@pytest.mark.usefixtures("characterised")
def test_a_variants_gain_is_the_difference_of_the_accuracies(stage, tmp_path):
    study, models, network = stage
    exact = {"array.variation": False, "array.read_noise": 0.0, "array.adc.offset": False}  # chips are alike
    study = study.model_copy(update={"variants": {"exact": exact}})
    stages = Stages(tmp_path, 1, apart=True)
    chips = stages.chips(study, models, network)
    (variant,) = run_variants(study, stages, chips.count)
    assert chips.count > study.accuracy.chips_min
    assert len(variant.outcome.correct) == chips.count
    main = Outcome(np.array(chips["correct"], dtype=np.int8), network.references)
    gain = variant_figures([variant], main)["exact.study_gain"].value
    assert gain == pytest.approx(chips["accuracy"].mean() - variant.outcome.figures["accuracy"].value)


def test_only_what_may_stop_early_goes_on(stage):
    study, _, _ = stage  # at most 60 chips
    assert [goes_on(study, drawn, 48) for drawn in (8, 48, 0)] == [48, 0, 0]
    assert [goes_on(study, drawn, 200) for drawn in (8, 60)] == [60, 0]
    counted = study.model_copy(update={"accuracy": study.accuracy.model_copy(update={"half_width": None})})
    assert goes_on(counted, 8, 48) == 0


def test_a_difference_has_the_half_width_that_chips_were_drawn_to():
    rng = np.random.default_rng(5)
    one = rng.random((10, 400)) < 0.9
    other = one.copy()
    other[:, :20] = False
    references = References(np.zeros(400, dtype=np.int64), np.zeros((400, 2)), np.zeros((400, 2), dtype=np.int64))
    plain = [Outcome(each.astype(np.int8), references) for each in (one, other)]
    stopped = replace(plain[0], figures={"accuracy_half_width_wanted": Figure(0.05, "1", MEASURED)})
    assert contrast([(1.0, plain[0]), (-1.0, plain[1])]).chips < 0.05
    assert contrast([(1.0, stopped), (-1.0, plain[1])]).chips == 0.05


TUNED = {"tuning.steps": 2, "accuracy.half_width": None, "accuracy.chips": 2}


@pytest.mark.usefixtures("characterised")
def test_an_ablation_tunes_once_with_all_on(stage, tmp_path, monkeypatch):
    study, _, network = stage
    study, tuned = patched(study, TUNED, "test"), []
    monkeypatch.setattr(
        "bitline.cli.stages.tuned_network", lambda study, *_: (tuned.append(study), replace(network, hash="tuned"))[1]
    )
    run_ablation(study, tmp_path, 1)
    (found,) = tuned
    assert found.array == study.array


def test_quantised_otherwise_a_network_is_tuned_with_all_on_too(stage, monkeypatch):
    study, _, _ = stage
    study = patched(study, {**TUNED, "network.weight_bits": 3}, "test")
    asked = []
    monkeypatch.setattr(ablation, "run_points", lambda _, points, *__, **___: asked.extend(points))
    run_ablation(study, None, 1)
    assert {point.study.array for point in asked} > {study.array}
    assert {point.tuned_as.array for point in asked} == {study.array}
    assert {point.study.network.weight_bits for point in asked} == {3, 8}
    assert all(point.tuned_as.network == point.study.network for point in asked)
