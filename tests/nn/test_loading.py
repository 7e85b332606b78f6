"""A user's own network: from a Python file, an exported program, a name; with weights of a file."""

import logging

import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.archive import write_arrays
from nn.float_graph import FloatGraph, FloatNode
from nn.importers.checked import check_logits
from nn.importers.checkpoint import load_checkpoint, save_checkpoint
from nn.importers.known import candidates, known_layers
from nn.importers.loading import load_network
from nn.importers.torch_module import import_module
from nn.layers.flatten import Flatten
from nn.layers.linear import Linear
from nn.layers.relu import Relu
from nn.train import logits

SHAPE = (4, 6, 1)
X = np.random.default_rng(8).integers(0, 256, (20, *SHAPE), dtype=np.uint8)
FILE = """
import torch
from neighbour import WIDTH

class Net(torch.nn.Module):
    def __init__(self, hidden=WIDTH, classes=3):
        super().__init__()
        self.fc1 = torch.nn.Linear(24, hidden)
        self.bn1 = torch.nn.BatchNorm1d(hidden)
        self.fc2 = torch.nn.Linear(hidden, classes)

    def forward(self, x):
        return self.fc2(torch.relu(self.bn1(self.fc1(x.flatten(1)))))

def small():
    return Net(hidden=2)

def fails():
    raise RuntimeError("out of luck")

def text():
    return "no module"

ready = Net()
number = 4
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    path = tmp_path / "own.py"
    path.write_text(FILE)
    return path


def test_a_function_a_class_and_a_module_of_a_file(file):
    for name, arguments, hidden in (("Net", {}, 5), ("Net", {"hidden": 7}, 7), ("small", {}, 2), ("ready", {}, 5)):
        loaded = load_network(f"{file}:{name}", SHAPE, arguments=arguments)
        assert loaded.module.fc1.out_features == hidden
        assert loaded.graph.logits(X).shape == (20, 3)
        assert np.abs(loaded.graph.logits(X) - logits(loaded.module.eval(), X)).max() < 1e-5


def test_a_network_that_comes_along():
    loaded = load_network("mlp", SHAPE, arguments={"classes": 3, "hidden": [7]})
    assert loaded.graph.logits(X).shape == (20, 3)


@pytest.mark.parametrize(
    ("spec", "arguments", "match"),
    [
        ("{}", {}, "which function gives the network.*own.py:FUNCTION"),
        ("{}:Nett", {}, "no 'Nett'; did you mean 'Net'"),
        ("{}:fails", {}, "RuntimeError: out of luck"),
        ("{}:text", {}, "a str, not a torch.nn.Module"),
        ("{}:number", {}, "a int, not a function or class"),
        ("{}:Net", {"hiden": 3}, r"arguments \{'hiden': 3\}.*unexpected keyword"),
        ("missing.py:Net", {}, "missing.py: no such file"),
        ("mlpp", {}, "did you mean 'mlp'"),
        ("mlp", {}, "'classes'"),
        ("missing.pt2", {}, "missing.pt2: no such file"),
        ("missing.onnx", {}, "missing.onnx: no such file"),
        ("missing.onnx", {"classes": 3}, "neither checkpoint nor arguments"),
    ],
)
def test_what_is_no_network_is_told(file, spec, arguments, match):
    with pytest.raises(ConfigError, match=match):
        load_network(spec.format(file), SHAPE, arguments=arguments)


def test_a_file_that_can_not_be_run_is_told(tmp_path):
    (tmp_path / "broken.py").write_text("import torch\nx = (\n")
    with pytest.raises(ConfigError, match=r"broken.py: it can't be run \(SyntaxError"):
        load_network(f"{tmp_path / 'broken.py'}:x", SHAPE)


@pytest.mark.parametrize("batch", [1, 11, torch.export.Dim("batch")])
def test_an_exported_program(tmp_path, file, batch):
    module = load_network(f"{file}:Net", SHAPE).module.eval()
    size, dynamic = (batch, None) if isinstance(batch, int) else (4, {"x": {0: batch}})
    program = torch.export.export(module, (torch.zeros(size, 1, 4, 6),), dynamic_shapes=dynamic)
    torch.export.save(program, tmp_path / "net.pt2")
    loaded = load_network(str(tmp_path / "net.pt2"), SHAPE)
    assert np.abs(loaded.graph.logits(X) - logits(module, X)).max() < 1e-5
    with pytest.raises(ConfigError, match=r"\(1, 4, 6\)|can't be exported"):
        load_network(str(tmp_path / "net.pt2"), (6, 4, 1))
    (tmp_path / "net.pt2").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="not a program of torch"):
        load_network(str(tmp_path / "net.pt2"), SHAPE)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.npz"])
def test_weights_come_back_from_a_file(tmp_path, file, name):
    first = load_network(f"{file}:Net", SHAPE)
    save_checkpoint(first.module, tmp_path / "made" / name)
    other = load_network(f"{file}:Net", SHAPE, checkpoint=tmp_path / "made" / name)
    assert (other.graph.logits(X) == first.graph.logits(X)).all()
    fresh = load_network(f"{file}:Net", SHAPE)
    assert (fresh.graph.logits(X) != first.graph.logits(X)).any()
    assert [path.name for path in (tmp_path / "made").iterdir()] == [name]


@pytest.mark.parametrize("wrap", ["state_dict", "model"])
def test_weights_among_what_a_training_script_keeps(tmp_path, file, wrap):
    module = load_network(f"{file}:Net", SHAPE).module
    weights = {f"module.{name}": value for name, value in module.state_dict().items() if "num_batches" not in name}
    torch.save({wrap: weights, "epoch": 4}, tmp_path / "w.pt")
    other = load_network(f"{file}:Net", SHAPE).module
    load_checkpoint(other, tmp_path / "w.pt")
    assert torch.equal(other.fc1.weight, module.fc1.weight)


def test_weights_that_do_not_fit_are_named(tmp_path, file):
    module = load_network(f"{file}:Net", SHAPE).module
    weights = module.state_dict()
    weights["fc9.weight"] = weights.pop("fc2.weight")
    weights["fc1.bias"] = torch.zeros(9)
    torch.save(weights, tmp_path / "w.pt")
    said = r"missing: fc2.weight; not the network's: fc9.weight; of another shape: fc1.bias \(9,\), not \(5,\)"
    with pytest.raises(ConfigError, match=said):
        load_network(f"{file}:Net", SHAPE, checkpoint=tmp_path / "w.pt")
    write_arrays(tmp_path / "w.npz", {f"layer{k}": np.zeros(1) for k in range(9)})
    with pytest.raises(ConfigError, match="layer4 and 4 more"):
        load_checkpoint(module, tmp_path / "w.npz")


class Trap:
    def __reduce__(self):
        return (print, ("code of the file was run",))


def test_files_that_hold_no_weights_are_told(tmp_path, file, capsys):
    module = load_network(f"{file}:Net", SHAPE).module
    torch.save({"fc1.weight": Trap()}, tmp_path / "trap.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "bytes.pt").write_bytes(b"nonsense")
    torch.save(module.state_dict(), tmp_path / "short.pt")
    whole = (tmp_path / "short.pt").read_bytes()
    (tmp_path / "short.pt").write_bytes(whole[: len(whole) // 2])
    for name, match in (
        ("trap.pt", "not a readable state dict"),
        ("list.pt", "no state dict"),
        ("bytes.pt", "not a readable state dict"),
        ("short.pt", "it is cut short"),
        ("missing.pt", "no such file"),
        ("weights.txt", ".pt, .pth or .npz"),
    ):
        with pytest.raises(ConfigError, match=match):
            load_checkpoint(module, tmp_path / name)
    assert "was run" not in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"\.pt, \.pth or \.npz"):
        save_checkpoint(module, tmp_path / "weights.txt")
    with pytest.raises(ConfigError, match="can't be written"):
        save_checkpoint(module, tmp_path / "bytes.pt" / "weights.pt")


def test_a_loaded_module_is_in_evaluation_mode(tmp_path):
    """Batch norms of their running statistics, no dropout: what the float reference of a study is computed with."""
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "def build():\n"
        "    return torch.nn.Sequential(\n"
        "        torch.nn.Flatten(), torch.nn.Linear(16, 12), torch.nn.BatchNorm1d(12), torch.nn.Dropout(0.5),\n"
        "        torch.nn.ReLU(), torch.nn.Linear(12, 4))\n"
    )
    loaded = load_network(f"{tmp_path / 'net.py'}:build", (4, 4, 1))
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 1), dtype=np.uint8)
    assert not loaded.module.training
    assert np.abs(logits(loaded.module, images) - loaded.graph.logits(images)).max() < 1e-5
    assert np.abs(logits(loaded.module.train(), images) - loaded.graph.logits(images)).max() < 1e-5


def branching(x):
    return x.flatten(1) * 2 if x.sum() > 0 else x.flatten(1)


def test_what_depends_on_the_image_is_told_in_one_line_and_nothing_else(capfd, caplog):
    class Branching(torch.nn.Module):
        def forward(self, x):
            return branching(x)

    with pytest.raises(ConfigError, match=r"depends on values of the image \(test_loading.py:\d+\)") as told:
        import_module(Branching(), SHAPE)
    assert "\n" not in str(told.value)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    line = branching.__code__.co_firstlineno + 1
    assert f":{line})" in str(told.value)
    logging.getLogger("any").warning("as before")
    assert "as before" in caplog.text


class Odd(torch.nn.Module):
    def forward(self, x):
        return torch.cumsum(x.flatten(1), 1)


def test_an_unmapped_operator_is_named_with_the_nearest_and_where_all_are():
    with pytest.raises(ConfigError, match="'cumsum' at 'cumsum'") as told:
        import_module(Odd(), SHAPE)
    assert "docs/networks.md" in str(told.value)
    assert len(str(told.value)) < 200
    known = known_layers("torch_names")
    with pytest.raises(ConfigError, match="'conv9d' at 'a' can't be mapped; the nearest that can: conv2d"):
        candidates(known, "conv9d", "the network's 'conv9d' at 'a'")


def graph_of(weights):
    layers = (FloatNode("flat", Flatten(), ("input",)), FloatNode("fc", Linear(weights, np.zeros(5)), ("flat",)))
    return FloatGraph(layers, "fc")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_told_with_their_layer(bad):
    weights = np.ones((24, 5))
    check_logits(graph_of(weights), X[:1], 5)
    weights[3, 2] = bad
    with pytest.raises(ConfigError, match="layer 'fc': its weights are not all finite"):
        check_logits(graph_of(weights), X[:1], 5)


def test_a_network_has_a_logit_for_every_class_and_may_have_more():
    graph = graph_of(np.ones((24, 5)))
    check_logits(graph, X[:1], 4)
    with pytest.raises(ConfigError, match="5 outputs, the data 6 classes"):
        check_logits(graph, X[:1], 6)
    pixels = FloatGraph((FloatNode("relu", Relu(), ("input",)),), "relu")
    with pytest.raises(ConfigError, match="one logit a class"):
        check_logits(pixels, X[:1], 5)
