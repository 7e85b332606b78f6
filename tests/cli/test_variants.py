"""Variants of a study, fine-tuning and networks of one's own, on the digits."""

import json

import numpy as np
import pytest

from bitline.cli.knobs import patched, variant_studies
from bitline.cli.points import Outcome
from bitline.cli.stages import chips_key, network_key, study_key, training_key, tuned_key
from bitline.cli.study import Study, checked, load_study
from bitline.cli.study_toml import to_toml
from bitline.cli.variants import Variant, variant_figures, variant_groups
from bitline.core.errors import ConfigError
from bitline.core.samples import read_group
from nn.graph_file import load as load_graph
from nn.graph_file import save as save_graph
from nn.study import References


def study(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text)
    return load_study(path)


VARIANTS = """
[calibration]
correction = "gain"
[tuning]
steps = 4
batch = 16
[variants.plain]
calibration.correction = "none"
tuning.steps = 0
"array.adc_bits" = 6
[variants.coarse.network]
weight_bits = 3
arguments.hidden = [8]
"""


def test_a_variants_keys_are_dotted_however_they_are_written(tmp_path):
    found = study(tmp_path, VARIANTS)
    assert found.variants["plain"] == {"calibration.correction": "none", "tuning.steps": 0, "array.adc_bits": 6}
    plain, coarse = variant_studies(found).values()
    assert (plain.calibration.correction, plain.tuning.steps, plain.array.adc_bits) == ("none", 0, 6)
    assert (coarse.network.weight_bits, coarse.network.arguments) == (3, {"hidden": [8]})
    assert coarse.calibration.correction == "gain"
    assert not plain.variants


def test_a_study_written_out_is_the_same_study(tmp_path):
    found = study(tmp_path, VARIANTS)
    again = tmp_path / "again.toml"
    again.write_text(to_toml(found))
    assert load_study(again).hash() == found.hash()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "[variants.a]\narray.adcbits = 3",
            r"variants\.a: unknown key 'array\.adcbits'; did you mean 'array\.adc_bits'",
        ),
        ("[variants.a]\narray.adc_bits = 99", r"variants\.a: array\.adc_bits"),
        ("[variants]\na = 3", "a table of a study's keys"),
        ('[variants."a.b"]', r"variants: a variant's name has letters, digits, _ and - in it.*\(it is 'a\.b'\)"),
    ],
)
def test_a_variant_that_no_study_is_is_refused(tmp_path, text, match):
    with pytest.raises(ConfigError, match=match):
        variant_studies(study(tmp_path, text))


def test_what_a_stage_depends_on_is_in_its_key(finished_run):
    from bitline.cli.network import graph_of, prepare_network
    from bitline.core.model_file import ModelFile

    base = load_study(finished_run / "config.toml")
    models = ModelFile.load(finished_run / "model.json")
    network = prepare_network(base, finished_run / "network")
    assert graph_of(finished_run) == network.graph

    def changed(**keys):
        return patched(base, {name.replace("__", "."): value for name, value in keys.items()}, "test")

    for other in (changed(tuning__steps=3), changed(calibration__correction="gain")):
        assert network_key(other) == network_key(base)
        assert chips_key(other, models, network) != chips_key(base, models, network)
        assert tuned_key(other, models, network) != tuned_key(base, models, network)
    fewer = changed(network__weight_bits=4, network__weight_range="max")
    assert network_key(fewer) != network_key(base)
    assert training_key(fewer) == training_key(base)
    assert training_key(changed(network__epochs=1)) != training_key(base)
    assert chips_key(changed(trust__products=0), models, network) == chips_key(base, models, network)


OWN = """import torch
def build(width, classes=10):
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, width, 3, stride=2, padding=1), torch.nn.ReLU6(), torch.nn.Flatten(),
        torch.nn.Linear(width * 16, classes),
    )
"""


def test_a_run_with_variants_a_network_of_ones_own_and_tuning(call, study_file, tmp_path):
    """The whole way: net.py trained, quantised, tuned with chips in the loop, calibrated, beside what is not."""
    (tmp_path / "net.py").write_text(OWN)
    text = study_file.read_text().partition("[trace]")[0]  # which names layers of the mlp
    start, end = text.index("arguments"), text.index("\n", text.index("arguments"))
    own = f'model = "net.py:build"\narguments = {{ width = 4 }}{text[end:]}'
    path = tmp_path / "own.toml"
    alike = "[chip_tuning]\nsteps = 2\nrate = 0.3\nimages = 64\n[variants.alike]\nchip_tuning.steps = 0\n"
    path.write_text(text[:start] + own + VARIANTS.replace("arguments.hidden = [8]", "") + alike)
    ended = call("run", path, "--results", tmp_path / "results", "--workers", 1)
    assert ended.code == 0, ended.err
    assert "plain: " in ended.out
    (folder,) = (tmp_path / "results" / "own").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    variants, main = summary["figures"]["variants"], summary["figures"]["network"]
    for name in ("plain", "coarse", "alike"):
        assert 0 < variants[f"{name}.accuracy"]["value"] <= 1
        gain = main["accuracy"]["value"] - variants[f"{name}.accuracy"]["value"]
        assert variants[f"{name}.study_gain"]["value"] == pytest.approx(gain)
        correct = read_group(folder / "run.h5", f"variants/{name}").samples["correct"]
        assert correct.mean() == pytest.approx(variants[f"{name}.accuracy"]["value"])
    decided = [
        read_group(folder / "run.h5", name).samples["correct"] for name in ("network/accuracy", "variants/alike")
    ]
    assert not np.array_equal(*decided)
    kept = (folder / "network" / "tuned" / "graph.npz", folder / "network" / "graph.npz")
    weights = [load_graph(file).node("0").operator.weights for file in kept]
    assert weights[0].shape == (3, 3, 1, 4)
    assert not np.array_equal(*weights)
    report = (folder / "report.html").read_text()
    assert "Variants" in report
    assert "fine-tuned by itself as it was programmed, 2 steps after every layer" in report
    ended = call("verify", folder, "--samples", 3, "--products", 1, "--images", 0)
    assert "rung 2" in ended.out + ended.err


def test_a_network_that_cannot_be_had_is_one_error(tmp_path):
    from bitline.cli.network import prepare_network

    with pytest.raises(ConfigError, match="unknown network 'mpl'; did you mean 'mlp'"):
        prepare_network(checked({"network": {"model": "mpl"}}, "x"), tmp_path / "a")
    with pytest.raises(ConfigError, match="hiden"):
        prepare_network(checked({"network": {"arguments": {"hiden": [3]}}}, "x"), tmp_path / "b")
    damaged = tmp_path / "w.npz"
    save_graph(load_graph_of_nothing(), damaged)
    with pytest.raises(ConfigError, match=r"w\.npz"):
        prepare_network(checked({"network": {"checkpoint": str(damaged)}}, "x"), tmp_path / "c")


def load_graph_of_nothing():
    from nn.graph import Graph, Node
    from nn.ops.flatten import Flatten

    return Graph((2, 2, 1), 8, (Node("flat", Flatten(), ("input",)),), "flat", 1.0)


def test_defaults_have_neither_variants_nor_tuning():
    assert Study().variants == {}
    assert Study().tuning.steps == 0
    assert Study().calibration.correction == "none"


def test_keys_of_the_run_are_not_for_variants(tmp_path):
    with pytest.raises(ConfigError, match=r"variants\.a: seed is the run's"):
        variant_studies(study(tmp_path, "[variants.a]\nseed = 9"))


def test_an_empty_table_in_a_variant_is_a_sections_defaults(tmp_path):
    found = study(tmp_path, "[array.adc]\nkind = 'flash'\n[variants.a]\narray.adc = {}")
    assert found.variants == {"a": {"array.adc": {}}}
    assert variant_studies(found)["a"].array.adc.kind == "sar"


def test_paths_in_variants_are_the_study_files_too(tmp_path):
    (tmp_path / "w.npz").write_bytes(b"1")
    found = study(tmp_path, "[variants.a]\nnetwork.checkpoint = 'w.npz'")
    assert found.variants["a"]["network.checkpoint"] == str(tmp_path / "w.npz")


def test_contents_of_every_file_are_in_the_key(tmp_path):
    for name in ("map.npy", "w.npz"):
        (tmp_path / name).write_bytes(b"1")
    found = study(tmp_path, "[array.faults]\nmap = 'map.npy'\n[variants.a]\nnetwork.checkpoint = 'w.npz'")
    keys = [study_key(found)]
    for name in ("map.npy", "w.npz"):
        (tmp_path / name).write_bytes(b"2")
        keys.append(study_key(found))
    assert len(set(keys)) == 3


def test_a_failed_variant_says_so():
    failed = Variant("bad", {}, Outcome(np.zeros((0, 0), np.int8), None, failure="no such thing"))
    main = Outcome(np.ones((2, 3), np.int8), References(np.zeros(3, int), np.zeros((3, 2)), np.zeros((3, 2), int)))
    found = variant_figures([failed], main)
    assert found["bad.failed"].source == "no such thing"
    assert not variant_groups([failed])
