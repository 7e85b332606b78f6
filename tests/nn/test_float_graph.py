import gc
import weakref

import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.float_graph import fold_batch_norms
from nn.importers.torch_module import import_module
from nn.layers.batch_norm import BatchNorm
from nn.quantise import Quantisation, quantise
from nn.train import logits


class Residual(torch.nn.Module):
    """A block with a way around it, and a batch norm whose input is used twice."""

    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(6, 6)
        self.bn1 = torch.nn.BatchNorm1d(6)
        self.fc2 = torch.nn.Linear(6, 3)

    def forward(self, x):
        flat = torch.flatten(x, 1)
        return self.fc2(torch.relu(self.bn1(self.fc1(flat)) + flat))


@pytest.fixture
def residual():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        module = Residual()
        with torch.no_grad():
            module.bn1.running_mean.uniform_(-1, 1)
            module.bn1.running_var.uniform_(0.5, 2)
            module.bn1.weight.uniform_(-1, 2)
            module.bn1.bias.uniform_(-1, 1)
        return module.eval()


def images(count, *shape):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def test_an_imported_network_computes_what_torch_does(module, network, digits):
    assert np.abs(network.logits(digits.test_x) - logits(module, digits.test_x)).max() < 1e-4  # torch is in float32


def test_a_residual_network_is_imported_as_a_graph(residual):
    x = images(40, 2, 3, 1)
    network = import_module(residual, (2, 3, 1))
    assert np.abs(network.logits(x) - logits(residual, x)).max() < 1e-5
    assert [node.inputs for node in network.nodes if len(node.inputs) == 2] == [("bn1", "flatten")]


def test_folding_changes_nothing_but_rounding(residual, network, digits):
    for graph, x in ((import_module(residual, (2, 3, 1)), images(40, 2, 3, 1)), (network, digits.test_x)):
        folded = fold_batch_norms(graph)
        assert not any(isinstance(node.layer, BatchNorm) for node in folded.nodes)
        assert len(folded.nodes) == len(graph.nodes) - 1
        assert np.allclose(folded.logits(x), graph.logits(x), rtol=1e-12, atol=1e-12)


def test_values_are_let_go_of_after_their_last_use(residual):
    network = import_module(residual, (2, 3, 1))
    x = images(40, 2, 3, 1) / 255.0
    kept = {name: weakref.ref(values) for name, values in network.each(x) if name != "input"}
    gc.collect()
    assert [name for name, values in kept.items() if values() is not None] == []
    live = []
    for name, values in network.each(x):
        kept[name] = weakref.ref(values)
        del values
        live.append(sum(kept[node.name]() is not None for node in network.nodes if node.name in kept))
    assert max(live[2:]) <= 4  # of 6 nodes: the longest way around holds two, and one is computed
    assert network.run(x).keys() == {"input", *(node.name for node in network.nodes)}


def test_logits_do_not_depend_on_the_batch_but_for_rounding(residual):
    network = import_module(residual, (2, 3, 1))
    x = images(40, 2, 3, 1)
    assert np.allclose(network.logits(x, batch=7), network.logits(x), rtol=1e-12, atol=1e-12)
    assert network.batch(x[:1], 1000) == 1000
    assert network.batch(np.zeros((1, 2, 3, 1), np.uint8), 10**9) == 2**23 // 6  # the widest node has 6 values
    with pytest.raises(ConfigError, match="no images"):
        network.logits(x[:0])


def test_a_residual_network_quantises_closely(residual):
    x = images(400, 2, 3, 1)
    network = import_module(residual, (2, 3, 1))
    graph = quantise(network, x, Quantisation(percentile=100))
    floats = network.logits(x)
    error = np.abs(graph.logits(x) * graph.output_scale - floats).max()
    assert error < 0.02 * np.abs(floats).max()
    assert graph.node("add.in1").inputs == ("flatten",)


@pytest.mark.parametrize(
    ("module", "match"),
    [
        (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Hardshrink()), "'hardshrink' at '0.1'"),
        (torch.nn.Sequential(torch.nn.Flatten(0), torch.nn.Linear(44, 2)), "the batch"),
        (
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(4, track_running_stats=False)),
            "batch_norm.*running",
        ),
    ],
)
def test_the_first_operator_that_cannot_be_mapped_is_named(module, match):
    with pytest.raises(ConfigError, match=match):
        import_module(torch.nn.Sequential(module), (2, 2, 1))


def test_a_network_that_cannot_be_exported_is_told():
    class Branching(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ConfigError, match="exported"):
        import_module(Branching(), (2, 2, 1))
