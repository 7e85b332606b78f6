"""Float layers of convolution networks: imported as torch computes them, and close to that as integers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from convolution_blocks import BLOCKS, made
from torch import nn
from torch.nn import functional

from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph, fold_batch_norms
from nn.importers.torch_module import import_module
from nn.layers.affine import Affine
from nn.layers.clamp import Clamp
from nn.layers.flatten import Flatten
from nn.ops.affine import Affine as IntegerAffine
from nn.ops.concat import Concat
from nn.ops.lookup import Lookup
from nn.ops.requantise import Requantise
from nn.product import Product
from nn.quantise import Quantisation, quantise
from nn.train import logits

SHAPE = (6, 5, 4)


class Then(nn.Module):
    """A convolution, for values of both signs and scales by channel, then the function in question."""

    def __init__(self, function, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(4, 4, 1)
            with torch.no_grad():
                self.conv.weight.mul_(3)
            self.function = function

    def forward(self, x):
        return self.function(self.conv(x))


def images(count, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


class All(nn.Module):
    """Every function of one convolution's result; exporting once is faster than once a function."""

    def __init__(self, functions):
        super().__init__()
        self.first = Then(nn.Identity())
        self.functions = functions
        self.owned = nn.ModuleList([each for each in functions.values() if isinstance(each, nn.Module)])

    def branches(self, x):
        x = self.first(x)
        return {name: function(x) for name, function in self.functions.items()}

    def forward(self, x):
        return torch.cat([each.flatten(1) for each in self.branches(x).values()], 1)


RAMP = torch.linspace(-1, 1, 4).reshape(4, 1, 1)
PICTURE = torch.linspace(-2, 2, 120).reshape(4, 6, 5)

FUNCTIONS = {
    "relu6": functional.relu6,
    "hardtanh": lambda x: functional.hardtanh(x, -0.5, 0.7),
    "clamp": lambda x: x.clamp(0.1, 0.8),
    "clamp_min": lambda x: x.clamp_min(-0.2),
    "clamp_max": lambda x: x.clamp_max(0.2),
    "silu": functional.silu,
    "sigmoid": torch.sigmoid,
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "gelu": functional.gelu,
    "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "tanh": torch.tanh,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "elu": lambda x: functional.elu(x, 0.7),
    "selu": functional.selu,
    "celu": lambda x: functional.celu(x, 0.6),
    "softplus": lambda x: functional.softplus(x, 2.0),
    "mish": functional.mish,
    "log_sigmoid": functional.logsigmoid,
    "exp": torch.exp,
    "abs": torch.abs,
    "square": torch.square,
    "prelu": nn.PReLU(),
    "max_pool2d": lambda x: functional.max_pool2d(x, 3, 2, 1),
    "max_pool2d ceil": nn.MaxPool2d(2, ceil_mode=True),
    "adaptive_max_pool2d": nn.AdaptiveMaxPool2d((3, 1)),
    "amax": lambda x: x.amax((2, 3), keepdim=True),
    "avg_pool2d": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d((4, 3)),
    "mean": lambda x: x.mean((2, 3)),
    "mean of rows": lambda x: x.mean(2, keepdim=True),
    "cat": lambda x: torch.cat([x, functional.relu(x), x.sigmoid()], 1),
    "cat of rows": lambda x: torch.cat([x, functional.relu(x)], 2),
    "add": lambda x: x + functional.relu(x),
    "sub": lambda x: functional.silu(x) - x,
    "mul": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "expand_as": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid().expand_as(x),
    "add constant": lambda x: x + 0.3,
    "add channels": lambda x: x + RAMP,
    "add picture": lambda x: x + PICTURE,
    "sub constant": lambda x: x - RAMP,
    "rsub": lambda x: 1 - x,
    "constant minus": lambda x: RAMP - x,
    "mul constant": lambda x: x * 2.5,
    "mul channels": lambda x: x * RAMP,
    "div": lambda x: x / -3,
    "neg": lambda x: -x,
    "pad": lambda x: functional.pad(x, (0, 1, 2, -1)),
    "zero_pad2d": nn.ZeroPad2d(1),
    "upsample": lambda x: functional.interpolate(x, scale_factor=(2, 3)),
    "batch_norm": nn.BatchNorm2d(4),
}


@pytest.fixture(scope="module")
def branches():
    """By function, the imported network up to it and torch's result in double precision, as bitline has its axes."""
    module, x = All(FUNCTIONS).eval(), images(60, *SHAPE)
    network = import_module(module, SHAPE)
    with torch.no_grad():
        results = module.double().branches(torch.from_numpy(x).permute(0, 3, 1, 2).double() / 255)
    nodes = {node.name: node for node in network.nodes}
    found = {}
    for name, source in zip(FUNCTIONS, nodes[network.output].inputs, strict=True):
        output = nodes[source].inputs[0] if isinstance(nodes[source].layer, Flatten) else source
        needed = {output}
        for node in reversed(network.nodes):
            needed |= set(node.inputs) if node.name in needed else set()
        kept = tuple(node for node in network.nodes if node.name in needed)
        expected = results[name].movedim(1, -1) if results[name].dim() == 4 else results[name]
        found[name] = FloatGraph(kept, output), expected.numpy()
    return x, found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_layer_computes_what_torch_does_and_integers_come_close(branches, name):
    x, (network, expected) = branches[0], branches[1][name]
    assert np.allclose(network.logits(x), expected, rtol=1e-5, atol=1e-6)  # an exported constant is a float32
    graph = quantise(network, x, Quantisation(activation_range="max"))
    integers = graph.logits(x) * graph.output_scale
    # a code of the input of a function, weights' rounding, a code of the result; exp has the steepest slope
    assert np.abs(integers - expected).max() < 0.03 * np.abs(expected).max()
    low, high = graph.bounds[graph.output]
    assert low <= graph.logits(x).min() <= graph.logits(x).max() <= high


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: x.add(torch.relu(x), alpha=2), "alpha"),
        (lambda x: functional.interpolate(x, size=(7, 9)), "whole factors"),
        (lambda x: functional.pad(x, (1, 1), value=float("inf")), "with inf"),
        (nn.AdaptiveMaxPool2d(4), "several sizes|unequal"),
        (lambda x: torch.cumsum(x, 1), "'cumsum'"),
    ],
)
def test_what_has_no_integers_is_told(function, match):
    with pytest.raises(ConfigError, match=match):
        import_module(Then(function).eval(), SHAPE)


@pytest.fixture(scope="module")
def scenes():
    """Images with large parts, so that networks without training tell them apart."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (240, 4, 4, 3)).repeat(3, axis=1).repeat(3, axis=2)
    return np.clip(coarse + rng.integers(-30, 31, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_known_networks_import_and_quantise(name, scenes):
    module = made(name)
    network = import_module(module, scenes.shape[1:])
    floats = network.logits(scenes)
    assert np.abs(floats - logits(module, scenes)).max() < 1e-5
    graph = quantise(network, scenes[:160], Quantisation(percentile=100))
    spread = (floats[160:] - floats[160:].mean(axis=0)).std()  # of an untrained network, a small part of the logits
    error = graph.logits(scenes[160:]) * graph.output_scale - floats[160:]
    assert np.sqrt(np.mean(error**2)) < 0.35 * spread
    assert not any(isinstance(node.layer, Affine) for node in fold_batch_norms(network).nodes if "3.norm" in node.name)


def test_a_relu6_after_a_convolution_is_one_requantisation(scenes):
    network = import_module(made("mobilenet"), scenes.shape[1:])
    graph = quantise(network, scenes, Quantisation(activation_range="max"))
    limited = [node.name for node in network.nodes if isinstance(node.layer, Clamp)]
    assert len(limited) == 5
    for node in (graph.node(name) for name in limited):
        assert isinstance(node.operator, Requantise)
        assert isinstance(graph.node(node.inputs[0]).operator, Product)


def test_a_clamp_limits_codes_where_it_limits_numbers():
    x = images(60, *SHAPE)
    network = import_module(Then(lambda x: functional.hardtanh(x, -0.25, 0.5)).eval(), SHAPE)
    graph = quantise(network, x, Quantisation(activation_range="max"))
    operator = graph.node(graph.output).operator
    assert (operator.low, operator.high) == (-85, 170)  # a third of the codes for a third of the range
    assert graph.output_scale == pytest.approx(0.5 / 170)


def test_a_table_has_an_entry_for_each_of_8_bits_however_few_the_activations_have():
    x = images(60, *SHAPE)
    network = import_module(Then(torch.sigmoid).eval(), SHAPE)
    for bits in (8, 4):
        graph = quantise(network, x, Quantisation(activation_bits=bits))
        (table,) = [node.operator for node in graph.nodes if isinstance(node.operator, Lookup)]
        assert table.table.size == 2**8
        assert graph.bounds[graph.output][1] <= 2**bits - 1
        assert (np.diff(table.table) >= 0).all()


@pytest.mark.parametrize("function", [torch.sigmoid, lambda x: torch.tanh(functional.silu(x))])
def test_a_table_serves_whatever_weights_and_arrays_make_of_its_input(function):
    """Weights of one sign give results of one sign, but tuned ones, or a noisy chip, need not."""
    module = Then(function).eval()
    with torch.no_grad():
        module.conv.weight.abs_()
        module.conv.bias.zero_()
    x = images(40, *SHAPE)
    graph = quantise(import_module(module, SHAPE), x)
    (conv,) = [node for node in graph.nodes if isinstance(node.operator, Product)]
    assert graph.bounds[conv.name][0] >= 0
    negated = replace(conv, operator=replace(conv.operator, weights=-conv.operator.weights))
    found = graph.rewired([negated]).logits(x) * graph.output_scale
    expected = float(function(torch.zeros(())))  # no code below 0 was asked for
    assert np.abs(found - expected).max() < 0.01
    noise = np.random.default_rng(1).integers(-(2**14), 2**14, (len(x), *graph.shapes[conv.name]))
    values = graph.run(x, {conv.name: lambda inputs: -conv.operator.run(inputs) + noise})
    assert np.isfinite(values[graph.output]).all()


def test_channels_of_both_signs_and_one_scale_are_no_codes_yet():
    """Signed and unsigned codes of 8 bits together need 9."""
    module = nn.Sequential(SideBySide(), nn.Conv2d(8, 2, 1)).eval()
    x = images(40, *SHAPE)
    graph = quantise(import_module(module, SHAPE), x, Quantisation(activation_range="max"))
    (joined,) = [node for node in graph.nodes if isinstance(node.operator, Concat)]
    assert graph.bounds[joined.name] == (-127, 255)
    products = [node for node in graph.nodes if isinstance(node.operator, Product)]
    low, high = graph.bounds[products[-1].inputs[0]]
    assert low < 0 < high <= low + 255
    error = graph.logits(x) * graph.output_scale - import_module(module, SHAPE).logits(x)
    assert np.abs(error).max() < 0.03


class SideBySide(nn.Module):
    """The image and a tensor of both signs, whose codes have the same scale, 1/255."""

    def __init__(self):
        super().__init__()
        self.signed = Then(lambda x: functional.hardtanh(x, -127 / 255, 128 / 255))

    def forward(self, x):
        return torch.cat([x, self.signed(x)], 1)


def test_channels_side_by_side_keep_their_scales_and_lose_nothing():
    x = images(30, *SHAPE)
    network = import_module(Then(lambda x: torch.cat([x, x.sigmoid()], 1)).eval(), SHAPE)
    graph = quantise(network, x)
    joined = graph.run(x)
    cat = graph.node("cat")
    assert np.array_equal(joined["cat"], np.concatenate([joined[name] for name in cat.inputs], axis=-1))


def test_a_channel_that_a_norm_switched_off_is_exactly_its_constant():
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.weight[1] = 1e-30
        norm.weight[2] = 0.0
        norm.bias.copy_(torch.tensor([0.1, 0.7, -0.4, 0.2]))
    for module in (Then(norm), nn.Sequential(nn.ReLU(), norm)):
        network = import_module(module.eval(), SHAPE)
        x = images(60, *SHAPE)
        graph = quantise(network, x, Quantisation(activation_range="max"))
        found = graph.logits(x) * graph.output_scale
        assert np.abs(found - network.logits(x)).max() < 0.02
        assert np.abs(found[..., 1:3] - [0.7, -0.4]).max() < 0.005


class Norms(nn.Module):
    """Two norms on one convolution: the second must not be merged past the first, whose result is used as well."""

    def __init__(self):
        super().__init__()
        self.conv, self.first, self.second = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        with torch.no_grad():
            self.first.weight.uniform_(0.5, 2)
            self.second.weight.uniform_(0.5, 2)

    def forward(self, x):
        x = self.first(self.conv(x))
        return self.second(x) + torch.relu(x)


@pytest.mark.parametrize(
    ("module", "left"),
    [
        (Norms(), 1),
        (nn.Sequential(nn.Conv2d(4, 8, 3, groups=4), nn.BatchNorm2d(8)), 0),  # depthwise, two outputs a channel
        (nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, groups=2)), 0),  # into the product after it
        (nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, padding=1)), 1),  # its constant would miss the padding
        (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(120), nn.Linear(120, 3)), 0),
        (Then(lambda x: functional.conv2d(x / 3, torch.ones(2, 4, 2, 2)) * 2 + 1), 0),
    ],
)
def test_norms_and_constants_fold_into_the_products_beside_them(module, left):
    with torch.no_grad():
        for each in module.modules():
            if isinstance(each, (nn.BatchNorm1d, nn.BatchNorm2d)):
                each.running_mean.normal_(generator=torch.Generator().manual_seed(1))
                each.running_var.uniform_(0.5, 2, generator=torch.Generator().manual_seed(2))
                each.bias.normal_(generator=torch.Generator().manual_seed(3))
    network = import_module(module.eval(), SHAPE)
    folded = fold_batch_norms(network)
    x = images(20, *SHAPE)
    assert sum(isinstance(node.layer, Affine) for node in folded.nodes) == left
    assert np.allclose(folded.logits(x), network.logits(x), rtol=1e-10, atol=1e-10)


def test_a_norm_that_stays_is_a_shift_and_a_constant():
    norm = nn.BatchNorm2d(4)
    norm.bias.data.fill_(-0.3)
    module = nn.Sequential(nn.ReLU(), norm, nn.ReLU())
    network = import_module(module.eval(), SHAPE)
    graph = quantise(network, images(60, *SHAPE))
    (operator,) = [node.operator for node in graph.nodes if isinstance(node.operator, IntegerAffine)]
    assert "multiply" not in {kind for kind, count in operator.operations(SHAPE).items() if count}
    assert np.abs(operator.bias).max() < 2**28
