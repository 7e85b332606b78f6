"""Integer operators of convolution networks against torch's own, in exact arithmetic."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.graph_file import graph_hash, load, save
from nn.layers.average_pool import AveragePool
from nn.operator import channels_first, channels_last
from nn.ops.add import Add
from nn.ops.affine import Affine
from nn.ops.concat import Concat
from nn.ops.flatten import Flatten
from nn.ops.lookup import Lookup
from nn.ops.max_pool2d import MaxPool2d
from nn.ops.multiply import Multiply
from nn.ops.sum_pixels import SumPixels
from nn.patches import pooled_size

SIZES = st.integers(1, 4)


def integers(*shape, low=-128, high=127, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape, endpoint=True)


def as_torch(x):
    return torch.from_numpy(np.ascontiguousarray(channels_first(x))).double()


def as_bitline(x):
    return channels_last(x.numpy())


@st.composite
def pooling(draw):
    """Sizes of images and of a window that torch takes."""
    kernel = draw(st.tuples(SIZES, SIZES))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(max(k - p, 1), 9)) for k, p in zip(kernel, padding, strict=True))
    return size, kernel, draw(st.tuples(SIZES, SIZES)), padding, draw(st.booleans())


@given(pooling())
def test_max_pooling_equals_torchs(case):
    size, kernel, stride, padding, ceil = case
    x = integers(2, *size, 3)
    ends = []
    for n, k, s, p in zip(size, kernel, stride, padding, strict=True):
        count = pooled_size(n, k, s, (p, p), ceil=ceil)
        ends.append(max((count - 1) * s + k - n - p, p))
    operator = MaxPool2d(*(np.array(v) for v in (kernel, stride, (padding[0], ends[0], padding[1], ends[1]), (1, 1))))
    expected = as_bitline(functional.max_pool2d(as_torch(x), kernel, stride, padding, ceil_mode=ceil))
    assert np.array_equal(operator.run(x), expected)
    assert operator.shape(x.shape[1:]) == expected.shape[1:]


def test_dilated_max_pooling_equals_torchs():
    x = integers(2, 9, 8, 3)
    operator = MaxPool2d(np.array([2, 3]), np.array([1, 2]), np.array([1, 1, 1, 1]), np.array([3, 2]))
    expected = functional.max_pool2d(as_torch(x), (2, 3), (1, 2), 1, (3, 2))
    assert np.array_equal(operator.run(x), as_bitline(expected))


@pytest.mark.parametrize("padding", [[2, 0, 0, 0], [0, 4, 0, 0]])
def test_a_window_beside_the_image_is_refused(padding):
    operator = MaxPool2d(np.array([2, 2]), np.array([2, 2]), np.array(padding), np.array([1, 1]))
    with pytest.raises(ConfigError, match="misses the image"):
        operator.shape((4, 4, 1))


def averaged(x, layer):
    """The average by exact integers; divided in the end."""
    operator = SumPixels(layer.down, layer.across)
    sums = operator.run(x)
    assert sums.dtype == np.int64
    low, high = operator.bounds((-128, 127))
    assert low <= sums.min() <= sums.max() <= high
    return sums / layer.divisor


class OnlyPool(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def layer_of(function, shape):
    from nn.importers.torch_module import import_module

    node = import_module(OnlyPool(function), shape).nodes[0]
    assert isinstance(node.layer, AveragePool)
    return node.layer


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "ceil"),
    [
        ((6, 8), 2, 2, 0, False),
        ((7, 5), 3, 2, 1, False),
        ((7, 6), 3, 2, 1, True),
        ((5, 7), (3, 2), (1, 3), (1, 0), True),
        ((9, 9), 4, 3, 2, True),
    ],
)
def test_average_pooling_equals_torchs(include, size, kernel, stride, padding, ceil):
    def pool(x):
        return functional.avg_pool2d(x, kernel, stride, padding, ceil, include)

    x = integers(2, *size, 3)
    assert np.allclose(averaged(x, layer_of(pool, (*size, 3))), as_bitline(pool(as_torch(x))), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: functional.adaptive_avg_pool2d(x, 1),
        lambda x: functional.adaptive_avg_pool2d(x, (3, 4)),
        lambda x: functional.adaptive_avg_pool2d(x, (9, 2)),
        lambda x: functional.avg_pool2d(x, 2, divisor_override=3),
        lambda x: x.mean((2, 3), keepdim=True),
        lambda x: x.mean(-1, keepdim=True),
    ],
)
def test_adaptive_pooling_and_means_equal_torchs(pool):
    x = integers(2, 7, 6, 3)
    assert np.allclose(averaged(x, layer_of(pool, (7, 6, 3))), as_bitline(pool(as_torch(x))), rtol=0, atol=1e-12)


def test_sums_of_tokens():
    operator = SumPixels(np.ones((1, 5), int), np.ones((1, 1), int))
    x = integers(2, 5, 3)
    assert operator.shape((5, 3)) == (1, 3)
    assert np.array_equal(operator.run(x), x.sum(axis=1, keepdims=True))
    assert operator.operations((5, 3)) == {"add": 4 * 3, "multiply": 0}


@given(st.tuples(SIZES, SIZES, SIZES), st.lists(SIZES, min_size=1, max_size=3), st.integers(0, 2))
def test_concatenation_equals_torchs(shape, lengths, axis):
    parts = [integers(2, *shape[:axis], n, *shape[axis + 1 :], seed=k) for k, n in enumerate(lengths)]
    found = Concat(axis).run(*parts)
    assert np.array_equal(found, torch.cat([torch.from_numpy(part) for part in parts], axis + 1).numpy())
    assert Concat(axis).shape(*(part.shape[1:] for part in parts)) == found.shape[1:]


@given(st.tuples(SIZES, SIZES, SIZES), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_sums_and_products_repeat_axes_of_length_one(shape, short):
    a = integers(2, *shape)
    b = integers(2, *(1 if one else n for n, one in zip(shape, short, strict=True)), seed=1)
    for operator, exact in ((Multiply(), torch.mul), (Add(), torch.add)):
        found = operator.run(a, b)
        assert np.array_equal(found, exact(torch.from_numpy(a), torch.from_numpy(b)).numpy())
        assert operator.shape(a.shape[1:], b.shape[1:]) == found.shape[1:]
        low, high = operator.bounds((a.min(), a.max()), (b.min(), b.max()))
        assert low <= found.min() <= found.max() <= high


def test_an_affine_operator_is_exact_to_the_last_bit():
    x = integers(2, 3, 3, 4, low=-(2**22), high=2**22)
    factor, bias = integers(4, low=-8, high=8), integers(3, 3, 4, low=-(2**28), high=2**28)
    operator = Affine(factor, bias)
    assert np.array_equal(operator.run(x), (torch.from_numpy(x) * torch.tensor(factor) + torch.tensor(bias)).numpy())
    low, high = operator.bounds((-(2**22), 2**22))
    assert low <= operator.run(x).min() <= operator.run(x).max() <= high
    assert Affine(np.array([4, -8]), np.array([0])).operations((3, 2)) == {"add": 6, "multiply": 0}
    assert Affine(np.array([4, 3]), np.array([0])).operations((3, 2)) == {"add": 6, "multiply": 6}


def test_a_table_gives_its_entry_for_every_code():
    table = np.rint(100 * np.tanh(np.arange(-8, 8) / 4)).astype(int)
    operator = Lookup(table, -8)
    assert operator.run(np.arange(-8, 8)[None])[0].tolist() == table.tolist()
    assert operator.bounds((-2, 3)) == (table[6], table[11])
    with pytest.raises(ConfigError, match="-8 to 7"):
        operator.bounds((-9, 3))
    for beyond in (-9, 8):  # an index below 0 would count from the table's end
        x = np.array([[0, beyond]])
        with pytest.raises(ConfigError, match=r"inputs of .* for a table of -8 to 7"):
            operator.run(x)
        with pytest.raises(ConfigError, match=r"inputs of .* for a table of -8 to 7"):
            operator.differentiable(torch.from_numpy(x).double())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Lookup(np.ones((2, 2), int), 0), "entry a code"),
        (lambda: Affine(np.ones((2, 2), int), np.ones(2, int)), "one axis"),
        (lambda: Affine(np.ones(2, int), np.ones(2, int)).shape((3,)), "does not fit"),
        (lambda: Affine(np.ones(1, int), np.ones((3, 2), int)).shape((2,)), "does not fit"),
        (lambda: Concat(0).shape((2, 3), (2, 4)), "axis 0 alone"),
        (lambda: Concat(2).shape((2, 3), (2, 4)), "axis 2"),
        (lambda: Multiply().shape((2, 3), (2, 4)), "equal or 1"),
        (lambda: Add().shape((2, 3), (3,)), "equally many"),
        (lambda: SumPixels(np.full((1, 2), -1), np.ones((1, 1), int)), "0 or more"),
        (lambda: SumPixels(np.full((1, 2), 2**12), np.full((1, 1), 2**10)), "2\\^22"),
        (lambda: SumPixels(np.ones((1, 2), int), np.ones((1, 2), int)).shape((2, 3, 1)), r"\(2, 2, channels\)"),
        (lambda: MaxPool2d(*np.ones((4, 2), int)), "must be"),
        (lambda: MaxPool2d(np.array([2, 2]), np.array([0, 1]), np.zeros(4, int), np.array([1, 1])), "1 or more"),
    ],
)
def test_an_operator_refuses_what_it_cannot_be(make, match):
    with pytest.raises(ConfigError, match=match):
        make()


EXAMPLES = {
    "affine": (Affine(np.array([2, -3]), np.array([5, 7])), 1),
    "concat": (Concat(2), 3),
    "lookup": (Lookup(np.arange(256)[::-1] ** 2 // 256, 0), 1),
    "max_pool2d": (MaxPool2d(np.array([3, 2]), np.array([2, 1]), np.array([1, 1, 0, 1]), np.array([1, 2])), 1),
    "multiply": (Multiply(), 2),
    "sum_pixels": (SumPixels(integers(3, 6, low=0, high=2), integers(2, 6, low=0, high=2)), 1),
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_torch_twin_gives_the_same_integers_and_a_gradient(kind):
    operator, arity = EXAMPLES[kind]
    inputs = [integers(2, 6, 6, 2, low=0, high=255, seed=k) for k in range(arity)]
    tensors = [torch.from_numpy(x).double().requires_grad_() for x in inputs]
    found = operator.differentiable(*tensors)
    assert np.array_equal(found.detach().numpy(), operator.run(*inputs))
    found.sum().backward()
    assert all(torch.isfinite(x.grad).all() and x.grad.any() for x in tensors)


def test_the_slope_of_a_table_is_its_gradient():
    x = torch.tensor([[1.0, 3.0]], dtype=torch.float64, requires_grad=True)
    Lookup(np.array([0, 1, 4, 9, 16]), 0).differentiable(x).sum().backward()
    assert x.grad.tolist() == [[2.0, 6.0]]  # half the step over both neighbours; that of x^2 is the same


def test_a_graph_of_all_operators_comes_back_from_its_file(tmp_path):
    nodes = [Node("codes", EXAMPLES["lookup"][0], ("input",))]
    for kind, (operator, arity) in EXAMPLES.items():
        nodes.append(Node(kind, operator, ("codes",) * arity))
        nodes.append(Node(f"{kind}.flat", Flatten(), (kind,)))
    nodes.append(Node("all", Concat(0), tuple(f"{kind}.flat" for kind in EXAMPLES)))
    graph = Graph((6, 6, 2), 8, tuple(nodes), "all", 0.5)
    digest = save(graph, tmp_path / "graph.npz")
    again = load(tmp_path / "graph.npz")
    x = integers(3, 6, 6, 2, low=0, high=255)
    assert digest == graph_hash(again)
    assert np.array_equal(again.logits(x), graph.logits(x))
    assert again.bounds == graph.bounds
