import json

import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.archive import read_arrays, write_arrays
from nn.float_file import load_floats, save_floats
from nn.importers.torch_module import import_module
from nn.networks import find


class Various(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.pool = torch.nn.MaxPool2d(2)
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        x = self.conv(x)
        x = self.pool(torch.nn.functional.leaky_relu(x * torch.sigmoid(x), 0.3).clamp(min=-0.5))
        return self.fc(x.mean(dim=(2, 3)))


@pytest.mark.parametrize("name", ["various", "transformer"])
def test_every_number_comes_back(name, tmp_path):
    module = Various() if name == "various" else find("transformer")((8, 8, 1), 10)
    graph = import_module(module, (8, 8, 1))
    save_floats(graph, tmp_path / "net.npz")
    found = load_floats(tmp_path / "net.npz")
    x = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    assert (found.logits(x) == graph.logits(x)).all()
    assert [(n.name, type(n.layer), n.inputs) for n in found.nodes] == [
        (n.name, type(n.layer), n.inputs) for n in graph.nodes
    ]


def test_what_is_no_float_graph_is_told(tmp_path):
    path = tmp_path / "net.npz"
    with pytest.raises(ConfigError, match="no such file"):
        load_floats(path)
    write_arrays(path, {"a": np.zeros(2)})
    with pytest.raises(ConfigError, match="the key 'float graph' is missing"):
        load_floats(path)
    save_floats(import_module(Various(), (8, 8, 1)), path)
    held = read_arrays(path)
    header = json.loads(str(held["float graph"]))
    for change, match in (
        ({"schema": "bitline float graph 0"}, "its schema is 'bitline float graph 0'"),
        (
            {
                "graph": {
                    "nodes": [{"name": "a", "inputs": [], "layer": {"kind": "os.path", "held": {}}}],
                    "output": "a",
                }
            },
            "unknown layer 'os'",
        ),
        (
            {
                "graph": {
                    "nodes": [{"name": "a", "inputs": [], "layer": {"kind": "relu.np", "held": {}}}],
                    "output": "a",
                }
            },
            "'relu.np' is not known",
        ),
    ):
        write_arrays(path, {**held, "float graph": np.array(json.dumps(header | change))})
        with pytest.raises(ConfigError, match=match):
            load_floats(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigError, match="not a readable"):
        load_floats(path)
