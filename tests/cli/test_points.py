"""Sweeps and ablations: stages shared, the same chips in every point, resumed after a kill with the same bits."""

import json
import os
import re
import signal
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
from command import TINY, start

from bitline.cli.ablation import ALL_OFF, ALL_ON, configurations, costs
from bitline.cli.arrays import accuracy_task
from bitline.cli.nonidealities import NON_IDEALITIES, present, without
from bitline.cli.points import MISSING, Outcome, contrast
from bitline.cli.stages import Stages, chips_key, network_key
from bitline.cli.study import Accuracy, Study, load_study
from bitline.core.errors import ConfigError
from bitline.core.samples import read_group
from nn.study import References

OVER = ("--over", "array.adc_bits=3,8", "--over", "array.r_wire=1,20")


def table(folder):
    with h5py.File(folder / "run.h5") as file:
        return {name: values.asstr()[...] if values.dtype == object else values[...] for name, values in file.items()}


def one_folder(results):
    (folder,) = results.iterdir()  # and no .partial-*
    return folder


@pytest.fixture(scope="module")
def swept(study_file, tmp_path_factory):
    """A sweep that was killed amid its points and taken up again; its folder, and what was said in the end."""
    results = tmp_path_factory.mktemp("swept")
    command = ("sweep", study_file, *OVER, "--results", results, "--workers", 1)
    process = start(*command, cwd=results)
    deadline = time.monotonic() + 120
    while len(list(results.glob("tiny/.partial-*/journals/*/network_accuracy.journal"))) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = start(*command, "--json", cwd=results)
    out, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    return one_folder(results / "tiny"), json.loads(out), err


def test_a_killed_sweep_goes_on_and_computes_nothing_twice(swept):
    folder, document, err = swept
    assert "reram: monte carlo: 14 done, 14 of them before" in err
    assert err.count("reram: monte carlo") == err.count("sense amp: monte carlo") == 1
    assert "network: training" not in err
    assert "network: accuracy: 5 done, 5 of them before" in err
    assert err.count("network: accuracy") == 4
    assert document["folder"] == str(folder)
    assert {"run.h5", "summary.json", "sweep.png", "report.html", "config.toml"} == {p.name for p in folder.iterdir()}


def test_the_point_that_is_the_study_is_the_run_chip_for_chip(swept, finished_run):
    """The same chips in a run and in a sweep, interrupted or not."""
    folder, _, _ = swept
    found = table(folder)
    chips = read_group(finished_run / "run.h5", "network/accuracy").samples
    np.testing.assert_array_equal(found["correct"][1, 0], chips["correct"])
    with h5py.File(folder / "run.h5") as file:
        assert [scale[0].name for scale in (dim.items()[0][::-1] for dim in file["accuracy"].dims)] == [
            "/array.adc_bits",
            "/array.r_wire",
        ]
        assert file["energy_per_image"].attrs["unit"] == "J"
        assert file.attrs["reference"] == 2


def test_what_is_coarser_and_longer_is_worse_and_the_difference_is_paired(swept):
    folder, document, _ = swept
    found = table(folder)
    assert found["accuracy"][0, 1] < found["accuracy"][1, 0]
    assert np.all(np.diff(found["energy_per_image"], axis=0) > 0)  # converters of more bits
    correct = found["correct"].astype(float)
    np.testing.assert_allclose(found["change"][0, 0], (correct[0, 0] - correct[1, 0]).mean())
    assert np.isnan(found["change"][1, 0])
    assert [point["at"] for point in document["points"]][1] == {"array.adc_bits": 3, "array.r_wire": 20.0}
    assert document["points"][document["reference"]]["change"] is None


def test_how_far_each_point_is_behind_the_best_is_in_the_summary_and_the_table(swept):
    folder, document, _ = swept
    found, best = table(folder), document["best"]["point"]
    assert document["points"][best]["against_best"] == "best"
    assert best == np.argmax(found["accuracy"])
    for point, accuracy in zip(document["points"], found["accuracy"].ravel(), strict=True):
        behind = point["behind"] or {"value": 0.0, "low": 0.0}
        assert behind["value"] == pytest.approx(found["accuracy"].max() - accuracy)
        assert (point["against_best"] == "surely worse") == (behind["low"] > 0)
    assert found["against_best"].ravel().tolist() == [point["against_best"] for point in document["points"]]


def test_a_sweeps_report_is_written_again_and_is_no_run(swept, call, refused, tmp_path):
    folder, _, _ = swept
    ended = call("report", folder, "-o", "page.html")
    assert ended.code == 0, ended.err
    page = (tmp_path / "page.html").read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["array.adc_bits", "array.r_wire", "Front", "Points"]
    assert page.count('<script type="application/json">') == 8
    assert "NaN" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    (tmp_path / "page.html").unlink()
    assert "holds the sweep of a study, not a run" in refused("verify", folder)


def test_a_wrong_knob_is_refused_before_anything_runs(refused, study_file):
    assert "did you mean 'array.adc_bits'?" in refused("sweep", study_file, "--over", "array.adc_bit=3")
    assert "there twice" in refused("sweep", study_file, "--over", "seed=1", "--over", "seed=2")
    assert "depends on it" in refused("sweep", study_file, "--over", "trust.products=1,2")
    assert ".png" in refused("sweep", study_file, "--over", "seed=1", "--picture", "a.svg")


@pytest.mark.usefixtures("characterised")
def test_a_point_that_cannot_be_had_is_counted_and_the_others_stay(call, study_file, tmp_path):
    over = ("--over", "array.g_min=1u,1n", "--picture", "here.png")
    ended = call("sweep", study_file, *over, "--workers", 1, "--json")
    assert ended.code == 0, ended.err
    good, bad = json.loads(ended.out)["points"]
    assert bad["front"] == "not computed"
    assert "g_min" in bad["failure"]
    assert good["figures"]["accuracy"]["value"] > 0.5
    assert (tmp_path / "here.png").read_bytes()[:4] == b"\x89PNG"
    assert np.isnan(table(one_folder(tmp_path / "results/tiny"))["accuracy"][1])


@pytest.mark.usefixtures("characterised")
def test_an_ablation_adds_up(call, study_file, tmp_path):
    ended = call("ablate", study_file, "--workers", 1, "--json")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    names = [row["name"] for row in document["costs"]]
    assert set(names) == {"wires", "programming spread", "read noise", "converter resolution", "converter offset"}
    values = [row["alone"]["value"] for row in document["costs"]]
    assert values == sorted(values, reverse=True)
    accuracy = {each["name"]: each["figures"]["accuracy"]["value"] for each in document["configurations"]}
    assert len(accuracy) == 2 + 2 * 5
    assert document["together"]["value"] == pytest.approx(accuracy[ALL_OFF] - accuracy[ALL_ON])
    assert document["interaction"]["value"] == pytest.approx(document["together"]["value"] - sum(values))
    assert document["sum_alone"]["value"] == pytest.approx(sum(values))
    for row in document["costs"]:
        assert row["among"]["value"] == pytest.approx(accuracy[f"all but {row['name']}"] - accuracy[ALL_ON])
    folder = one_folder(tmp_path / "results/tiny")
    assert (folder / "ablation.png").stat().st_size > 10000
    assert table(folder)["on"].sum() == 5 + 0 + 5 * 1 + 5 * 4


@pytest.mark.parametrize(
    "study",
    [
        Study(
            array={
                "telegraph": {"share": 0.1, "amplitude": 0.2},
                "ageing": {"model": "wan2022"},
                "faults": {"off_rate": 0.01},
                "timing": {"c_bl": "1f"},
                "dac": {"dnl_sigma": 0.01},
                "adc": {"range": "mse", "mismatch": 0.01, "noise": "1m"},
            },
            network={"weight_bits": 4, "activation_bits": 4},
        ),
        Study(target="sram-cim", sram_cim={"range_share": 0.8}, network={"weight_bits": 4, "activation_bits": 4}),
    ],
    ids=lambda study: study.target,
)
def test_no_two_non_idealities_share_a_key_and_each_can_be_turned_off(study):
    known = [each for each in NON_IDEALITIES if each.target in ("", study.target)]
    keys = [key for each in known for key in each.off]
    assert len(keys) == len(set(keys))
    found = present(study)
    assert found == known
    for each in found:
        assert each not in present(without(study, [each]))
        assert len(present(without(study, [each]))) == len(found) - 1
    assert present(without(study, found)) == []


def test_columns_have_their_own_non_idealities_by_default():
    assert [each.name for each in present(Study(target="sram-cim"))] == [
        "cell spread",
        "column converter resolution",
        "column converter offset",
        "bit-line noise",
        "discharge curve",
        "rows of 0",
    ]


def test_a_configuration_is_there_once():
    assert list(configurations(["a"], pairs=True).values()) == [ALL_ON, ALL_OFF]
    assert list(configurations(["a", "b"], pairs=True).values()) == [ALL_ON, ALL_OFF, "a alone", "b alone"]


def outcome(correct):
    correct = np.array(correct, dtype=np.int8)
    references = References(np.zeros(correct.shape[1], dtype=np.int64), np.zeros((correct.shape[1], 2)), correct[:1])
    return Outcome(correct, references)


def test_costs_that_hide_each_other_interact():
    """Each loses the same images alone, and together no more."""
    right = np.ones((4, 100))
    lost = right.copy()
    lost[:, :10] = 0
    sets = {frozenset(): right, frozenset("a"): lost, frozenset("b"): lost, frozenset("ab"): lost}
    found = costs(["a", "b"], {on: outcome(each) for on, each in sets.items()}, pairs=True)
    assert found["together"]["value"] == pytest.approx(0.1)
    assert found["interaction"]["value"] == pytest.approx(-0.1)
    assert found["interaction"]["high"] < 0
    assert found["pairs"][0]["interaction"] == found["interaction"]


def test_a_contrast_takes_the_chips_that_all_have():
    one, other = outcome(np.ones((5, 20))), outcome(np.zeros((3, 20)))
    other.correct[1] = MISSING
    other.correct[2, :10] = 1
    found = contrast([(1.0, one), (-1.0, other)])
    assert found.value == pytest.approx(0.75)  # chips 0 and 2
    unlike = replace(other, references=replace(other.references, labels=other.references.labels + 1))
    assert contrast([(1.0, one), (-1.0, unlike)]) is None
    failed = Outcome(np.zeros((0, 0), dtype=np.int8), None, failure="it is not there")
    assert contrast([(1.0, one), (-1.0, failed)]) is None


def test_how_many_chips_are_drawn_depends_on_them_alone(stage, finished_run, tmp_path):
    study, models, network = stage
    whole = Stages(tmp_path / "whole", 1).chips(*stage)
    assert whole.count in (18, 28, 38, 48)  # neither the first look nor the last
    task, key = accuracy_task(study, models, network.graph), chips_key(study, models, network)
    Stages(tmp_path / "cut", 1).stage("network: accuracy", task, 11, key)  # cut amid the second block
    resumed = Stages(tmp_path / "cut", 1).chips(*stage)
    assert resumed.count == whole.count
    np.testing.assert_array_equal(resumed["logits"], whole["logits"])
    few = read_group(finished_run / "run.h5", "network/accuracy").samples
    np.testing.assert_array_equal(whole["logits"][:5], few["logits"])  # the same chips as without a rule


def test_chips_are_drawn_to_the_most_where_the_half_width_is_out_of_reach(stage, tmp_path):
    study, models, network = stage
    study = study.model_copy(update={"accuracy": study.accuracy.model_copy(update={"half_width": 1e-6, "chips": 12})})
    assert Stages(tmp_path, 1).chips(study, models, network).count == 12


def test_a_stages_key_is_what_it_depends_on(stage):
    study, models, network = stage

    def keys(**changes):
        other = study.model_copy(update=changes)
        return network_key(other), chips_key(other, models, network)

    here = keys()
    assert keys(name="other", accuracy=Accuracy(chips=3, images=60, trace_images=0)) == here
    finer = keys(array=study.array.model_copy(update={"adc_bits": 9}))
    assert (finer[0] == here[0], finer[1] == here[1]) == (True, False)
    other = keys(seed=99)
    assert other[0] != here[0]
    assert other[1] != here[1]


def test_studies_that_differ_in_bits_train_once(stage, tmp_path, capsys):
    study, _, network = stage
    stages = Stages(tmp_path, 1, apart=True)
    coarse = study.model_copy(update={"network": study.network.model_copy(update={"weight_bits": 3})})
    assert stages.network(study).hash == network.hash  # that of the run
    assert stages.network(coarse).hash != network.hash
    assert capsys.readouterr().err.count("network: training") == 1
    again = Stages(tmp_path, 1, apart=True).network(coarse)
    np.testing.assert_array_equal(again.references.floats, network.references.floats)


def test_a_half_width_needs_its_first_look():
    with pytest.raises(ValueError, match="the first look"):
        Accuracy(chips=9, half_width=0.01)
    assert Accuracy(chips=2).half_width is None


def test_a_study_without_non_idealities_cannot_be_ablated(refused, tmp_path):
    ideal = "r_wire = 0\nread_noise = 0.0\nvariation = false\nadc_bits = 12\n[array.adc]\noffset = false\n"
    off = f"[array]\nrows = 32\ncols = 32\n{ideal}"
    text = re.sub(r"\[array\]\nrows = 32\ncols = 32\n", off, TINY)
    (tmp_path / "ideal.toml").write_text(text)
    assert "no non-ideality" in refused("ablate", tmp_path / "ideal.toml")
    with pytest.raises(ConfigError):
        load_study(tmp_path / "none.toml")
