"""What only moves numbers, as torch spells it: folded, and right whatever the batch does on the way."""

import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.importers.torch_module import import_module
from nn.layers.attention import Attention
from nn.layers.composed import Composed
from nn.layers.rearrange import Rearrange
from nn.quantise import Quantisation, quantise
from nn.train import logits

SHAPE = (6, 4, 2)  # height, width, channels
X = np.random.default_rng(5).integers(0, 256, (60, *SHAPE), dtype=np.uint8)


class Net(torch.nn.Module):
    """A part that is tried, between convolutions that give channels scales of their own."""

    def __init__(self, part):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 8, 1)
        self.linear = torch.nn.Linear(8, 8)
        self.norm = torch.nn.LayerNorm(8)
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.token = torch.nn.Parameter(torch.randn(1, 1, 8))
        self.position = torch.nn.Parameter(torch.randn(1, 25, 8))
        self.out = torch.nn.LazyLinear(5)
        self.part = part

    def forward(self, x):
        return self.out(self.part(self, self.conv(x)).flatten(1))


def made(part):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        module = Net(part)
        module(torch.zeros(1, 2, 6, 4))
    return module.eval()


def tokens(x):
    return x.flatten(2).transpose(1, 2)


def vit(net, x):
    x = torch.cat([net.token.expand(len(x), -1, -1), tokens(x)], dim=1) + net.position
    y = net.norm(x)
    return (x + net.attention(y, y, y, need_weights=False)[0])[:, 0]


def fused(net, x):
    b, n, w = tokens(x).shape
    q, k, v = net.linear(tokens(x)).repeat(1, 1, 3).reshape(b, n, 3, 2, w // 2).permute(2, 0, 3, 1, 4).unbind(0)
    return ((q * 0.5) @ k.transpose(-2, -1)).softmax(-1) @ v


PARTS = {
    "permute": lambda _, x: x.permute(0, 2, 3, 1),
    "slice": lambda _, x: x[:, 1:7:2, :, 1:],
    "select": lambda _, x: x[:, :, 2],
    "index": lambda _, x: x[:, [3, 0, 3]],
    "chunk": lambda _, x: torch.add(*x.chunk(2, dim=1)),
    "split": lambda _, x: x.split([3, 5], dim=1)[1],
    "pixel shuffle": lambda _, x: torch.nn.functional.pixel_shuffle(x, 2),
    "channel shuffle": lambda _, x: x.unflatten(1, (2, 4)).transpose(1, 2).flatten(1, 2),
    "roll": lambda _, x: torch.roll(x, (1, -2), (2, 3)),
    "squeeze": lambda _, x: x.unsqueeze(1).squeeze(1),
    "linear over channels last": lambda net, x: net.linear(x.permute(0, 2, 3, 1)).relu(),
    "layer norm over channels last": lambda net, x: net.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
    "batch second": lambda net, x: net.norm(net.linear(tokens(x).transpose(0, 1)).relu()).transpose(0, 1),
    "batch within an axis": lambda net, x: net.linear(tokens(x).flatten(0, 1)).reshape(len(x), -1),
    "windows": lambda net, x: net.linear(x.reshape(len(x), 8, 2, 3, 4).permute(0, 2, 3, 4, 1)).sigmoid(),
    "mean of tokens": lambda _, x: tokens(x).mean(1),
    "attention": lambda _, x: torch.nn.functional.scaled_dot_product_attention(*(tokens(x),) * 3, scale=0.3),
    "multi-head attention": lambda net, x: net.attention(*(tokens(x),) * 3, need_weights=False)[0],
    "fused projections": fused,
    "class token": vit,
}


@pytest.mark.parametrize("name", PARTS)
def test_numbers_end_where_torch_puts_them(name):
    module = made(PARTS[name])
    network = import_module(module, SHAPE)
    floats = logits(module, X)
    assert np.abs(network.logits(X) - floats).max() < 2e-6 * np.abs(floats).max() + 2e-6
    integers = quantise(network, X, Quantisation(percentile=100))
    assert np.abs(integers.logits(X) * integers.output_scale - floats).max() < 0.04 * np.abs(floats).max()
    values = integers.run(X)
    for node in integers.nodes:
        low, high = integers.bounds[node.name]
        assert low <= values[node.name].min() <= values[node.name].max() <= high


def test_a_chain_of_movements_is_one_node_and_one_that_goes_back_none():
    def there_and_back(_, x):
        return x.permute(0, 2, 3, 1).reshape(len(x), 24, 8).transpose(1, 2).unflatten(2, (6, 4))

    kinds = [type(node.layer).__name__ for node in import_module(made(there_and_back), SHAPE).nodes]
    assert kinds == ["Conv2d", "Flatten", "Linear"]
    graph = import_module(made(PARTS["multi-head attention"]), SHAPE)
    (attention,) = (node for node in graph.nodes if isinstance(node.layer, Attention))
    by_name = {node.name: node for node in graph.nodes}
    assert all(isinstance(by_name[name].layer, Rearrange) for name in attention.inputs)


def test_what_is_not_needed_is_left_out():
    def idle(net, x):
        net.norm(x.permute(0, 2, 3, 1))
        return x

    assert [node.name for node in import_module(made(idle), SHAPE).nodes] == ["conv", "flatten", "out"]


def test_a_function_that_is_spelt_out_is_one_table():
    def swish(_, x):
        return x * torch.sigmoid(x)

    graph = import_module(made(swish), SHAPE)
    assert sum(isinstance(node.layer, Composed) for node in graph.nodes) == 1
    operators = [type(node.operator).__name__ for node in quantise(graph, X).nodes]
    assert operators.count("Lookup") == 1
    assert "Multiply" not in operators


def test_a_sum_of_a_tensor_and_its_multiple_is_no_table():
    graph = import_module(made(lambda _, x: x + 2 * x), SHAPE)
    assert not any(isinstance(node.layer, Composed) for node in graph.nodes)


@pytest.mark.parametrize(
    ("part", "match"),
    [
        (lambda _, x: x.roll(1, 0), "batch"),
        (lambda _, x: x.transpose(0, 1).mean(0), "batch"),
    ],
)
def test_what_can_not_be_mapped_is_told(part, match):
    with pytest.raises(ConfigError, match=match):
        import_module(made(part), SHAPE)
