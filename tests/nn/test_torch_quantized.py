"""The integer graph's reference against torch's own quantised arithmetic (qint8 weights, quint8 activations).

Activations keep to 7 bits: torch's x86 kernels add two neighbouring products in 16 bits, which saturates at more.
Weights and activations have scales that are powers of two, so that torch's float32 multiplier is exact, as ours is.
"""

import warnings

import numpy as np
import pytest
import torch

from nn.operator import channels_first, channels_last
from nn.ops.conv2d import Conv2d
from nn.ops.linear import Linear
from nn.ops.requantise import HALF_AWAY, HALF_EVEN, Requantise

X_SCALE, Y_SCALE = 2.0**-6, 2.0**-3
SHIFTS = np.array([6, 7, 8, 7])  # weight scales 2^-shift, by output


@pytest.fixture(autouse=True)
def engine():
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this torch has no quantised kernels")
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    with warnings.catch_warnings():  # newer versions name another library for making such tensors
        warnings.simplefilter("ignore")
        yield
    torch.backends.quantized.engine = before


def codes(*shape, low=0, high=127, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True)


def per_tensor(x, scale, kind=torch.quint8):
    return torch._make_per_tensor_quantized_tensor(x.to(torch.uint8 if kind is torch.quint8 else torch.int8), scale, 0)


def per_channel(weights):
    """Integers with outputs first, as torch's quantised weights."""
    scales, zeros = torch.from_numpy(2.0**-SHIFTS), torch.zeros(len(SHIFTS), dtype=torch.long)
    return torch._make_per_channel_quantized_tensor(weights.to(torch.int8), scales, zeros, 0)


def bias_of(integers):
    """In floats, as torch takes it; exact in units of one product."""
    return torch.from_numpy(integers * X_SCALE * 2.0**-SHIFTS).float()


def requantise(accumulators, rounding=HALF_EVEN):
    """To units of Y_SCALE: one product is worth X_SCALE 2^-shift."""
    return Requantise(np.ones(len(SHIFTS), int), SHIFTS + 3, 0, 255, rounding).run(accumulators)


def test_a_linear_layer_gives_torchs_codes():
    x, weights, bias = codes(20000, 20), codes(20, 4, low=-127), codes(4, low=-3000, high=3000)
    packed = torch.ops.quantized.linear_prepack(per_channel(torch.from_numpy(weights.T.copy())), bias_of(bias))
    found = torch.ops.quantized.linear(per_tensor(torch.from_numpy(x), X_SCALE), packed, Y_SCALE, 0).int_repr()
    accumulators = Linear(weights, bias).run(x)
    ours = requantise(accumulators)
    assert np.array_equal(ours, found.numpy())
    assert 0 < np.count_nonzero((ours > 0) & (ours < 255)) < ours.size  # neither all clipped nor none
    assert not np.array_equal(requantise(accumulators, HALF_AWAY), ours)  # there are ties, and torch's go to even


@pytest.mark.parametrize(
    ("inputs", "groups", "stride", "padding", "dilation", "relu"),
    [
        (3, 1, 1, 0, 1, False),
        (3, 1, 2, 1, 1, True),
        (4, 4, 1, 1, 1, True),
        (4, 2, (2, 1), (1, 2), 1, False),
        (2, 1, 1, 2, 2, True),
    ],
)
def test_a_convolution_gives_torchs_codes(inputs, groups, stride, padding, dilation, relu):
    x = codes(5, 9, 8, inputs)
    weights, bias = codes(3, 3, inputs // groups, 4, low=-127, seed=1), codes(4, low=-3000, high=3000, seed=2)
    pairs = [[each, each] if isinstance(each, int) else list(each) for each in (stride, padding, dilation)]
    kernel = per_channel(torch.from_numpy(weights.transpose(3, 2, 0, 1).copy()))
    packed = torch.ops.quantized.conv2d_prepack(kernel, bias_of(bias), *pairs, groups)
    images = per_tensor(torch.from_numpy(channels_first(x).copy()), X_SCALE)
    compute = torch.ops.quantized.conv2d_relu if relu else torch.ops.quantized.conv2d
    found = channels_last(compute(images, packed, Y_SCALE, 0).int_repr().numpy())
    top, left = pairs[1]
    operator = Conv2d(weights, bias, np.array(pairs[0]), np.array([top, top, left, left]), np.array(pairs[2]), groups)
    assert np.array_equal(requantise(operator.run(x)), found)


def test_any_scales_give_torchs_codes_up_to_its_float32_multiplier():
    """With scales as they come, both round the same accumulators; a code differs only next to a tie."""
    x, weights = codes(400, 30), codes(30, 4, low=-127)
    scales = np.array([0.0031, 0.0047, 0.0019, 0.0042])
    kernel = torch._make_per_channel_quantized_tensor(
        torch.from_numpy(weights.T.copy()).to(torch.int8), torch.from_numpy(scales), torch.zeros(4, dtype=torch.long), 0
    )
    packed = torch.ops.quantized.linear_prepack(kernel, None)
    found = torch.ops.quantized.linear(per_tensor(torch.from_numpy(x), 0.013), packed, 0.11, 0).int_repr().numpy()
    accumulators = Linear(weights, np.zeros(4, int)).run(x)
    real = accumulators * (0.013 * scales / 0.11)
    off = np.clip(np.rint(real), 0, 255) != found
    assert off.mean() < 0.002
    assert np.abs(np.abs(real[off] % 1 - 0.5)).max(initial=0.0) < 1e-4


def test_the_layers_of_ao_nn_quantized_give_the_same_codes():
    quantized = pytest.importorskip("torch.ao.nn.quantized")
    weights, bias = codes(12, 4, low=-127), codes(4, low=-3000, high=3000)
    layer = quantized.Linear(12, 4)
    layer.set_weight_bias(per_channel(torch.from_numpy(weights.T.copy())), bias_of(bias))
    layer.scale, layer.zero_point = Y_SCALE, 0
    x = codes(60, 12)
    found = layer(per_tensor(torch.from_numpy(x), X_SCALE)).int_repr().numpy()
    assert np.array_equal(requantise(Linear(weights, bias).run(x)), found)
