from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.graph_file import graph_hash, load, save
from nn.ops.add import Add
from nn.ops.clamp import Clamp
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import Requantise


@pytest.fixture
def residual():
    """An image twice: through a layer, and around it."""
    rng = np.random.default_rng(3)
    return Graph(
        (2, 3),
        4,
        (
            Node("flat", Flatten(), ("input",)),
            Node("fc", Linear(rng.integers(-3, 4, (6, 6)), rng.integers(-9, 9, 6)), ("flat",)),
            Node("codes", Requantise(np.array([3]), np.array([2]), -127, 127), ("fc",)),
            Node("sum", Add(), ("codes", "flat")),
            Node("relu", Clamp(0, 255), ("sum",)),
            Node("out", Linear(rng.integers(-3, 4, (6, 2)), np.array([1, 2])), ("relu",)),
        ),
        "out",
        0.5,
    )


def test_a_residual_graph_computes_what_numpy_does(residual):
    x = np.random.default_rng(1).integers(0, 16, (50, 2, 3))
    flat = x.reshape(50, 6)
    fc, out = residual.node("fc").operator, residual.node("out").operator
    branch = np.clip(np.rint((flat @ fc.weights + fc.bias) * 0.75), -127, 127)  # rint is half to even
    expected = np.clip(branch + flat, 0, 255) @ out.weights + out.bias
    assert np.array_equal(residual.run(x)["out"], expected)
    assert np.array_equal(residual.logits(x, batch=7), expected)


def test_every_value_is_within_the_graphs_bounds(residual):
    values = residual.run(np.random.default_rng(1).integers(0, 16, (500, 2, 3)))
    for name, (low, high) in residual.bounds.items():
        assert low <= values[name].min()
        assert values[name].max() <= high


def test_operations_are_counted(residual):
    assert residual.operations() == {"mac": 36 + 12, "multiply": 6, "add": 6 + 6}


def test_a_node_can_be_computed_by_something_else(residual):
    x = np.zeros((1, 2, 3), int)
    assert residual.run(x, {"fc": lambda flat: flat + 4})["sum"].tolist() == [[3] * 6]


@pytest.mark.parametrize(
    ("nodes", "output", "match"),
    [
        ([Node("a", Clamp(0, 1), ("input",)), Node("a", Clamp(0, 1), ("a",))], "a", "'a' is used twice"),
        ([Node("a", Clamp(0, 1), ("b",)), Node("b", Clamp(0, 1), ("input",))], "a", "'a' takes 'b'"),
        ([Node("a", Add(), ("input",))], "a", "1 inputs, not 2"),
        ([Node("a", Clamp(0, 1), ("input",))], "b", "output 'b'"),
        ([Node("a", Flatten(), ("input",)), Node("s", Add(), ("a", "input"))], "s", "'s': add.*shapes"),
        ([Node("a", Linear(np.ones((5, 1), int), np.ones(1, int)), ("input",))], "a", "'a': linear"),
    ],
)
def test_a_graph_that_does_not_hang_together_is_refused(nodes, output, match):
    with pytest.raises(ConfigError, match=match):
        Graph((2, 2), 8, tuple(nodes), output, 1.0)


@pytest.mark.parametrize(
    "x", [np.full((1, 2, 3), 16), np.full((1, 2, 3), -1), np.zeros((1, 2, 3)), np.zeros((1, 6), int)]
)
def test_images_of_another_range_type_or_shape_are_refused(residual, x):
    with pytest.raises(ConfigError, match="images"):
        residual.run(x)


def test_a_graph_survives_its_file(residual, tmp_path):
    digest = save(residual, tmp_path / "new" / "graph.npz")
    again = load(tmp_path / "new" / "graph.npz")
    x = np.random.default_rng(2).integers(0, 16, (20, 2, 3))
    assert digest == graph_hash(residual) == graph_hash(again)
    assert np.array_equal(again.logits(x), residual.logits(x))
    assert again.output_scale == residual.output_scale
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["graph.npz"]


def test_the_hash_tells_any_change(residual):
    fc = residual.node("fc")
    weights = fc.operator.weights.copy()
    weights[2, 3] += 1
    other = residual.rewired([replace(fc, operator=Linear(weights, fc.operator.bias))])
    fields = ({"output_scale": 0.25}, {"output": "relu"}, {"input_bits": 8})
    changed = [other, *(replace(residual, **field) for field in fields)]
    assert len({graph_hash(graph) for graph in [residual, *changed]}) == 5


def test_a_damaged_graph_file_is_told(residual, tmp_path):
    path = tmp_path / "graph.npz"
    with pytest.raises(ConfigError, match="no such file"):
        load(path)
    save(residual, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"graph\.npz: not a readable"):
        load(path)
    path.write_bytes(whole)
    with np.load(path) as file:
        held = dict(file)
    held["fc.weights"] = held["fc.weights"] + 1
    np.savez(path, **held)
    with pytest.raises(ConfigError, match="hash"):
        load(path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(ConfigError, match="no integer graph"):
        load(path)
