"""Operators that are others on moved numbers: as torch computes them, and close to that as integers."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bitline.core.errors import ConfigError
from nn.importers.torch_module import import_module
from nn.layers.layer_norm import LayerNorm
from nn.quantise import Quantisation, quantise

SHAPE = (6, 5, 4)  # height, width, channels
GENERATOR = torch.Generator().manual_seed(4)


def random(*shape):
    return torch.randn(*shape, generator=GENERATOR)


class Then(nn.Module):
    """A convolution, for values of both signs and scales by channel, then the function in question."""

    def __init__(self, function):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        with torch.no_grad():
            self.conv.weight.copy_(torch.randn(4, 4, 1, 1, generator=torch.Generator().manual_seed(5)))
            self.conv.bias.copy_(torch.tensor([0.3, -0.2, 0.1, 0.0]))
        self.function = function

    def forward(self, x):
        return self.function(self.conv(x))


class WithParameters(nn.Module):
    """A module whose parameters are random."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        with torch.no_grad():
            for each in module.parameters():
                each.copy_(random(*each.shape) * 0.5 + 0.2)

    def forward(self, x):
        return self.module(x)


def tokens(x):
    return x.flatten(2).transpose(1, 2)


def heads(x):
    """(batch, 2, 30, 2)"""
    return tokens(x).reshape(-1, 30, 2, 2).transpose(1, 2)


def spelt_out_norm(x, dim):
    centred = x - x.mean(dim, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(dim, keepdim=True) + 0.1)


def by_inverse(x):
    mean = x.mean(1, keepdim=True)
    return (x - mean) * torch.rsqrt((x - mean).square().mean(1, keepdim=True) + 0.1) * RAMP


def by_variance(x):
    return (x - x.mean((1, 2), keepdim=True)) / torch.sqrt(x.var((1, 2), keepdim=True, unbiased=False) + 0.1)


def attention(mask=None, **how):
    def attended(x):
        held = mask if mask is None or mask.dtype == torch.bool else mask.to(x.dtype)
        return functional.scaled_dot_product_attention(heads(x), heads(x.tanh()), heads(x), held, **how)

    return attended


FIRST, SUMMAND = random(7, 4), random(30, 4)
RAMP = torch.linspace(0.5, 2, 4).reshape(1, 4, 1, 1)
PICTURE, MASK = random(1, 1, 6, 5), random(30, 30)
FUNCTIONS = {
    "softmax of channels": lambda x: x.softmax(1),
    "softmax of tokens": lambda x: tokens(x).softmax(1),
    "softmax of rows": lambda x: x.softmax(2),
    "layer norm of an image": WithParameters(nn.LayerNorm((4, 6, 5))),
    "layer norm of rows": WithParameters(nn.LayerNorm((6, 5))),
    "group norm": WithParameters(nn.GroupNorm(2, 4)),
    "group norm, one group": WithParameters(nn.GroupNorm(1, 4)),
    "group norm of channels": WithParameters(nn.GroupNorm(4, 4)),
    "instance norm": nn.InstanceNorm2d(4),
    "instance norm, affine": WithParameters(nn.InstanceNorm2d(4, affine=True)),
    "spelt out norm of channels": lambda x: spelt_out_norm(x, 1),
    "spelt out norm of tokens": lambda x: spelt_out_norm(tokens(x), -1),
    "spelt out norm of an image": lambda x: spelt_out_norm(x, (1, 2, 3)),
    "spelt out norm by the inverse": by_inverse,
    "spelt out norm by a variance": by_variance,
    "variance": lambda x: x.var((2, 3)),
    "deviation of tokens": lambda x: tokens(x).std(1, unbiased=False),
    "mean of channels": lambda x: x.mean(1, keepdim=True),
    "mean of rows": lambda x: x.mean(2),
    "mean of all": lambda x: x.mean((1, 2, 3)).unsqueeze(1),
    "sum": lambda x: x.sum((2, 3)),
    "sum of channels": lambda x: x.sum(1, keepdim=True),
    "mean of a sequence": lambda x: functional.adaptive_avg_pool1d(x.flatten(2), 1),
    "maximum of channels": lambda x: x.amax(1, keepdim=True),
    "maximum of tokens": lambda x: torch.max(tokens(x), 1)[0],
    "prelu by channel": WithParameters(nn.PReLU(4)),
    "local response": nn.LocalResponseNorm(3, alpha=0.5, k=1.5),
    "power": lambda x: x.pow(3),
    "square root": lambda x: (functional.relu(x) + 0.2).sqrt(),
    "reciprocal": lambda x: 1 / (x.sigmoid() + 0.3),
    "channels over it": lambda x: RAMP / (x.sigmoid() + 0.3),
    "quotient of tensors": lambda x: x / (x.sigmoid() + x.mean((2, 3), keepdim=True).sigmoid() + 0.2),
    "factors of places": lambda x: x * PICTURE,
    "factors of channels that are last": lambda x: x.permute(0, 2, 3, 1) * RAMP.flatten(),
    "padded channels": lambda x: functional.pad(x, (0, 0, 0, 0, 1, 2)),
    "padded tokens": lambda x: functional.pad(tokens(x), (0, 0, 1, -2)),
    "padded by a constant": lambda x: functional.pad(x, (1, -1, 0, 2), value=0.7),
    "padded by reflection": lambda x: functional.pad(x, (1, 2, 0, 3), mode="reflect"),
    "padded by the edge": lambda x: functional.pad(x, (1, 2, 0, 3), mode="replicate"),
    "padded around": lambda x: functional.pad(x, (1, 2, 0, 3), mode="circular"),
    "stacked": lambda x: torch.stack([x, x.tanh()], 1).mean(1),
    "weighed branches": lambda x: (torch.stack([x, x.tanh()], 1) * x.mean((2, 3))[:, None, :, None, None]).sum(1),
    "causal attention": attention(is_causal=True),
    "attention with a mask": attention(mask=MASK, scale=0.4),
    "attention with a mask of yes and no": attention(mask=MASK > -0.5),
    "transposed convolution": nn.ConvTranspose2d(4, 3, 2, 2),
    "transposed convolution, padded": nn.ConvTranspose2d(4, 3, 4, 2, 1),
    "transposed convolution, in groups": nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2),
    "transposed convolution, uneven": nn.ConvTranspose2d(4, 3, (5, 2), (3, 1), (2, 0), bias=False),
    "transposed convolution, gaps": nn.ConvTranspose2d(4, 3, 2, 3, output_padding=1),
    "a product by letters": lambda x: torch.einsum("bhid,bhjd->bhij", heads(x), heads(x.tanh())),
    "a product by turned letters": lambda x: torch.einsum("bnc, bmc -> bmn", tokens(x), tokens(x.tanh())),
    "a product with a parameter first": lambda x: FIRST.to(x.dtype) @ x.flatten(2),
    "a product and a tensor": lambda x: torch.baddbmm(tokens(x), tokens(x), tokens(x.tanh())[:, :4]),
    "a product and a constant": lambda x: torch.baddbmm(SUMMAND.to(x.dtype), tokens(x), tokens(x.tanh())[:, :4]),
    "beside zeros of its size": lambda x: torch.cat([x, torch.zeros_like(x), x.new_zeros(x.shape[0], 1, 6, 5)], 1),
    "beside nothing of it": lambda x: torch.cat([x, x.mul(0)], 1),
    "log softmax": lambda x: functional.log_softmax(x.mean((2, 3)), dim=1),
}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).integers(0, 256, (60, *SHAPE), dtype=np.uint8)


def of_torch(module, images):
    with torch.no_grad():
        found = module.double()(torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255)
    return (found.movedim(1, -1) if found.dim() == 4 else found).numpy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_computes_what_torch_does_and_integers_come_close(name, images):
    module = Then(FUNCTIONS[name]).eval()
    network = import_module(module, SHAPE)
    floats, expected = network.logits(images), of_torch(module, images)
    assert floats.shape == expected.shape
    if name == "log softmax":  # up to what is taken off all logits of an image
        floats, expected = (each - each.mean(axis=1, keepdims=True) for each in (floats, expected))
    assert np.allclose(floats, expected, rtol=2e-5, atol=2e-6)
    graph = quantise(network, images, Quantisation(activation_range="max"))
    integers = graph.logits(images) * graph.output_scale
    error = np.abs(integers - network.logits(images)).max()
    assert error < 0.04 * np.abs(expected).max()  # two or three roundings of 1/127, the steepest function's slope 3
    assert error > 0


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.startswith("spelt out norm")])
def test_a_norm_that_is_spelt_out_is_one_layer(name):
    network = import_module(Then(FUNCTIONS[name]).eval(), SHAPE)
    assert sum(isinstance(node.layer, LayerNorm) for node in network.nodes) == 1
    assert len(network.nodes) <= 5


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x - x.mean(1, keepdim=True)) / (x.square().mean(1, keepdim=True) + 0.1).sqrt(),
        lambda x: (
            (x - x.mean(1, keepdim=True)) / ((x - x.mean(2, keepdim=True)).square().mean(1, keepdim=True) + 0.1).sqrt()
        ),
        lambda x: spelt_out_norm(x, 1) / (x.square().mean(1, keepdim=True) + 0.1).sqrt(),
    ],
)
def test_what_only_looks_like_a_norm_stays_what_it_is(function, images):
    module = Then(function).eval()
    assert np.allclose(import_module(module, SHAPE).logits(images), of_torch(module, images), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: x.softmax(0), "'softmax' at .* along the batch"),
        (lambda x: x.mean(0, keepdim=True), "'mean' at .* along the batch"),
        (lambda x: x.amax(0, keepdim=True), "'amax' at .* along the batch"),
        (lambda x: torch.max(x, 1)[1].float(), "only their values"),
        (lambda x: torch.max(x, x.tanh()), "greater of two"),
        (lambda x: functional.log_softmax(x, 1), "of logits|for logits"),
        (lambda x: functional.log_softmax(x.mean((2, 3)), 1).exp(), "'log_softmax' at .* last operation only"),
        (lambda x: functional.adaptive_avg_pool1d(x.flatten(2), 3), "to one number only"),
        (lambda x: functional.avg_pool3d(x[:, None], 2), "neighbouring channels"),
        (nn.ConvTranspose2d(4, 3, 3, dilation=2), "with dilation"),
        (lambda x: functional.conv1d(x.flatten(2), torch.ones(2, 4, 3)), "'conv1d' at 'conv1d' can't be mapped"),
        (nn.InstanceNorm2d(4, track_running_stats=True), "running statistics"),
        (attention(mask=MASK, enable_gqa=True), "enable_gqa"),
        (lambda x: functional.pad(x, (1, 1), value=float("-inf")), "with -inf"),
        (
            lambda x: torch.einsum("bchw,bdhw->bcd", x, x.exp()) + torch.einsum("bchw->b", x)[:, None, None],
            "'einsum_1'",
        ),
        (lambda x: torch.baddbmm(tokens(x), tokens(x), tokens(x)[:, :4], alpha=2), "alpha and beta"),
        (lambda x: x[:, :1, :1, :1].var((1, 2, 3)), "have no variance"),
        (lambda x: x**x, "exponent|tensors, not"),
        (lambda x: torch.div(x, x.exp(), rounding_mode="floor"), "'div'"),
        (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), "'upsample_bilinear2d'"),
    ],
)
def test_what_is_not_mapped_is_told_and_where(function, match):
    with pytest.raises(ConfigError, match=match):
        import_module(Then(function).eval(), SHAPE)
