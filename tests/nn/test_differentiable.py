import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.operator import Operator
from nn.ops.add import Add
from nn.ops.clamp import Clamp
from nn.ops.conv2d import Conv2d
from nn.ops.flatten import Flatten
from nn.ops.linear import Linear
from nn.ops.requantise import HALF_AWAY, HALF_EVEN, Requantise

RNG = np.random.default_rng(3)
TIES = np.array([[-7, -5, -3, -1, 1, 3, 5, 7, 2**31 - 1, -(2**31)]])


def conv(channels, outputs, groups):
    weights = RNG.integers(-127, 128, (3, 2, channels // groups, outputs))
    stride, padding, dilation = np.array([2, 1]), np.array([1, 0, 2, 1]), np.array([1, 2])
    return Conv2d(weights, RNG.integers(-(2**20), 2**20, outputs), stride, padding, dilation, groups)


def linear(rows):
    return Linear(RNG.integers(-127, 128, (rows, 5)), RNG.integers(-(2**20), 2**20, 5))


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        (linear(12), [RNG.integers(-128, 128, (7, 3, 12))]),
        (linear(900), [RNG.integers(0, 2**14, (4, 900))]),  # sums that single precision can't hold
        (conv(6, 4, 1), [RNG.integers(0, 256, (2, 9, 8, 6))]),
        (conv(6, 6, 6), [RNG.integers(0, 256, (2, 9, 8, 6))]),
        (conv(6, 4, 2), [RNG.integers(0, 2**16, (2, 9, 8, 6))]),
        (Requantise(np.array([1]), np.array([1]), -(2**31), 2**31 - 1, HALF_EVEN), [TIES]),
        (Requantise(np.array([1]), np.array([1]), -(2**31), 2**31 - 1, HALF_AWAY), [TIES]),
        (
            Requantise(np.array([2**31 - 1, 40503]), np.array([40, 22]), -90, 200),
            [RNG.integers(-(2**17), 2**17, (9, 2))],
        ),
        (Add(), [RNG.integers(-(2**30), 2**30, (3, 4)), RNG.integers(-(2**30), 2**30, (3, 4))]),
        (Clamp(-7, 9), [RNG.integers(-20, 20, (3, 4))]),
        (Flatten(), [RNG.integers(0, 99, (2, 3, 4, 5))]),
    ],
)
def test_tensors_give_the_integers_bit_for_bit(operator, inputs):
    found = operator.differentiable(*(torch.tensor(x, dtype=torch.float64) for x in inputs))
    assert found.dtype == torch.float64
    expected = operator.run(*inputs)
    assert np.array_equal(found.numpy(), expected)
    assert np.ptp(expected) > 0


def test_a_convolutions_gradient_is_what_its_result_changes_by():
    operator = conv(4, 6, 2)
    x = torch.tensor(RNG.integers(0, 9, (2, 6, 6, 4)), dtype=torch.float64, requires_grad=True)
    weights = torch.tensor(operator.weights, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(operator.bias, dtype=torch.float64, requires_grad=True)
    shape = operator.shape((6, 6, 4))
    towards = torch.tensor(RNG.integers(-3, 4, (2, *shape)), dtype=torch.float64)
    (operator.torch_product(x, weights, bias) * towards).sum().backward()
    change = RNG.integers(-3, 4, operator.weights.shape)
    moved = operator.with_matrices(operator.matrices, operator.bias)
    pixels = x.detach().numpy().astype(np.int64)
    for step, gradient in ((change, weights.grad), (0 * change, None)):
        other = Conv2d(moved.weights + step, moved.bias, moved.stride, moved.padding, moved.dilation, moved.groups)
        difference = ((other.run(pixels) - operator.run(pixels)) * towards.numpy()).sum()
        assert difference == (0 if gradient is None else (gradient.numpy() * step).sum())
    assert np.array_equal(bias.grad, towards.sum(dim=(0, 1, 2)))
    nudge = np.zeros(pixels.shape, np.int64)
    nudge[1, 2, 3, 1] = 1
    difference = ((operator.run(pixels + nudge) - operator.run(pixels)) * towards.numpy()).sum()
    assert x.grad[1, 2, 3, 1] == difference != 0


def test_rounding_passes_gradients_and_limits_stop_them():
    operator = Requantise(np.array([3]), np.array([3]), 0, 10)
    x = torch.tensor([[-4.0, 1.0, 5.0, 26.0, 28.0]], dtype=torch.float64, requires_grad=True)
    operator.differentiable(x).sum().backward()
    assert x.grad.tolist() == [[0, 0.375, 0.375, 0.375, 0]]


def test_an_operator_without_gradient_says_so():
    class Table(Operator):
        def shape(self, *shapes):
            return shapes[0]

        def bounds(self, *bounds):
            return bounds[0]

        def run(self, *inputs):
            return inputs[0]

    with pytest.raises(ConfigError, match="table: the operator has no gradient"):
        Table().differentiable(torch.zeros(1))
