"""The integer operators of attention: each against exact arithmetic written the slow way, and against floats."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bitline.core.errors import ConfigError
from nn.graph import Graph, Node
from nn.graph_file import load, save
from nn.ops._divide import divided, square_root
from nn.ops.constant import Constant
from nn.ops.exponential import Exponential, exponentials
from nn.ops.layer_norm import LayerNorm
from nn.ops.matmul import Matmul
from nn.ops.rearrange import Rearrange
from nn.ops.requantise import HALF_AWAY, HALF_EVEN
from nn.ops.share import Share

RNG = np.random.default_rng(11)
ROUNDINGS = (HALF_EVEN, HALF_AWAY)


def nearest(ratio, rounding):
    """The nearest integer of a Fraction."""
    if rounding == HALF_EVEN:
        return round(ratio)
    return math.floor(ratio + Fraction(1, 2)) if ratio >= 0 else math.ceil(ratio - Fraction(1, 2))


@given(st.integers(-(2**61), 2**61), st.integers(1, 2**61), st.sampled_from(ROUNDINGS))
def test_division_is_exact(numerator, denominator, rounding):
    found = divided(np.array([numerator]), np.array([denominator]), rounding)
    assert found.tolist() == [nearest(Fraction(numerator, denominator), rounding)]


@given(st.integers(-50, 50), st.integers(1, 6), st.sampled_from(ROUNDINGS))
def test_ties_go_where_they_are_said_to(numerator, half, rounding):
    found = divided(np.array([numerator]), 2 * half, rounding)
    assert found.tolist() == [nearest(Fraction(numerator, 2 * half), rounding)]


@given(st.integers(0, 2**31 - 1), st.integers(-1, 1))
def test_square_root_is_exact(root, off):
    x = max(root * root + off, 0)
    assert square_root(np.array([x])).tolist() == [math.isqrt(x)]


def test_matmul_is_exact_in_both_forms():
    for extra in ((), (3,)):
        a, b = (RNG.integers(-128, 128, (2, *shape, *extra)) for shape in ((4, 5), (5, 6)))
        letters = "bijh,bjkh->bikh" if extra else "bij,bjk->bik"
        expected = np.einsum(letters, a, b)
        assert (Matmul(5).run(a, b) == expected).all()
        assert (Matmul(5, transposed=1).run(a, b.swapaxes(1, 2)) == expected).all()
        assert Matmul(5).shape(a.shape[1:], b.shape[1:]) == expected.shape[1:]
    large = np.array([[[2**30 + 1, 1]]]), np.array([[[2**30 + 1], [1]]])  # no float64 holds the product
    assert Matmul(2).run(*large).item() == (2**30 + 1) ** 2 + 1


def test_matmul_refuses_shapes_that_do_not_fit_and_bounds_its_results():
    for shapes in (((4, 5), (4, 6)), ((4, 5), (5, 6, 2)), ((4, 6), (6, 4))):
        with pytest.raises(ConfigError, match="can't be multiplied over 5 terms"):
            Matmul(5).shape(*shapes)
    assert Matmul(5).bounds((-3, 2), (0, 7)) == (-105, 70)
    assert Matmul(5).operations((4, 5), (5, 6)) == {"mac": 120}


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_exponentials_and_shares_are_what_they_say(rounding):
    table = exponentials(1 / 16, 255)
    assert table.tolist() == [round(255 * math.exp(-k / 16)) for k in range(len(table))]
    assert table[-2:].tolist() == [1, 0]
    x, sums = RNG.integers(-300, 300, (20, 7)), RNG.integers(-9999, 9999, (20, 4))
    weights = Exponential(table).run(x)
    found = Share(8, 255, rounding=rounding).run(sums, weights)
    for row, gathered, entries, shares in zip(x, sums, weights, found, strict=True):
        assert entries.tolist() == [int(table[min(max(row) - value, len(table) - 1)]) for value in row]
        assert shares.tolist() == [nearest(Fraction(256 * int(g), int(sum(entries))), rounding) for g in gathered]


def test_a_softmax_of_both_is_close_to_that_of_floats_and_counts_differences_alone():
    x = RNG.integers(-600, 600, (50, 9, 3))
    for axis in (-1, -2):
        exponential, share = Exponential(exponentials(1 / 128, 2**15), axis), Share(15, 2**15, axis)
        expected = torch.softmax(torch.tensor(x / 128), dim=axis).numpy()
        weights = exponential.run(x)
        assert np.abs(share.run(weights, weights) / 2**15 - expected).max() < 1e-4
        assert (exponential.run(x + 1000) == weights).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Exponential(np.array([1])),
        lambda: Exponential(np.array([3, 4])),
        lambda: Exponential(np.array([3, -1])),
        lambda: Exponential(np.array([3, 1]), 0),
        lambda: Exponential(np.array([3, 1]), -3).shape((4, 5)),
        lambda: Share(31, 1),
        lambda: Share(8, 0),
        lambda: Share(8, 1, 0),
        lambda: Share(8, 1, -1, "down"),
        lambda: Share(8, 1).shape((4, 5), (5, 5)),
        lambda: Share(8, 1).shape((4, 5), (4, 5, 2)),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(ConfigError, match=r"exponential|share"):
        make()


def slow_layer_norm(row, gain, offset, epsilon, rounding):
    """In Python's integers, as the docstring has it."""
    n = len(row)
    mean = nearest(Fraction(sum(row), n), rounding)
    centred = [value - mean for value in row]
    deviation = max(math.isqrt((sum(c * c for c in centred) << 12) // n + epsilon), 1)
    limit = math.ceil(1024 * math.sqrt(n))
    normal = [min(max(nearest(Fraction(c << 16, deviation), rounding), -limit), limit) for c in centred]
    return [v * g + b for v, g, b in zip(normal, gain, offset, strict=True)]


@given(
    st.lists(st.integers(-(2**16), 2**16), min_size=1, max_size=9),
    st.integers(0, 2**20),
    st.sampled_from(ROUNDINGS),
    st.integers(0, 2**32),
)
def test_layer_norm_is_what_it_says(row, epsilon, rounding, seed):
    gain, offset = np.random.default_rng(seed).integers(-4095, 4096, (2, len(row)))
    operator = LayerNorm(gain, offset, epsilon, rounding)
    found = operator.run(np.array([row]))
    assert found[0].tolist() == slow_layer_norm(row, gain.tolist(), offset.tolist(), epsilon, rounding)
    low, high = operator.bounds((-(2**16), 2**16))
    assert low <= found.min() <= found.max() <= high


def test_layer_norm_is_close_to_that_of_floats_at_any_scale():
    x = RNG.normal(size=(40, 32))
    expected = torch.nn.functional.layer_norm(torch.tensor(x), (32,)).numpy()
    operator = LayerNorm(np.ones(32), np.zeros(32), 0)
    for scale in (1000, 8000):
        found = operator.run(np.rint(x * scale).astype(np.int64)) / 2**10
        assert np.abs(found - expected).max() < 3e-3
    assert (operator.run(np.full((1, 32), 7)) == 0).all()
    with pytest.raises(ConfigError, match="65537"):
        operator.run(np.full((1, 32), 65537))


def test_rearrange_takes_numbers_where_the_index_says():
    x = RNG.integers(0, 100, (3, 4, 2))
    operator = Rearrange(np.array([[7, 0, 0], [1, 2, 6]]))
    assert operator.run(x).tolist() == [[[r[7], r[0], r[0]], [r[1], r[2], r[6]]] for r in x.reshape(3, 8).tolist()]
    assert operator.shape((4, 2)) == (2, 3)
    with pytest.raises(ConfigError, match=r"number 7 of an input of shape \(7,\)"):
        operator.shape((7,))
    with pytest.raises(ConfigError, match="0 or more"):
        Rearrange(np.array([-1]))


OPERATORS = {
    "matmul": (Matmul(5, transposed=1), [(4, 5), (3, 5)]),
    "heads": (Matmul(5), [(4, 5, 2), (5, 3, 2)]),
    "exponential": (Exponential(exponentials(1 / 512, 2**18), -2), [(4, 5)]),
    "share": (Share(16, 1), [(4, 3), (4, 5)]),
    "layer norm": (LayerNorm(np.arange(1, 6), np.arange(5), 9), [(4, 5)]),
    "rearrange": (Rearrange(np.array([[3, 1], [0, 3]])), [(4, 5)]),
    "constant": (Constant(np.array([[3, 1]])), [(4, 5)]),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_differentiable_form_has_the_same_values_and_the_slopes_of_the_real_function(name):
    operator, shapes = OPERATORS[name]
    low = 30 if name == "share" else -90  # weights are positive
    values = [RNG.integers(low, 90, (6, *shape)) for shape in shapes]
    inputs = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    found = operator.differentiable(*inputs)
    assert (found.detach().numpy() == operator.run(*values)).all()
    if name == "constant":
        return
    weights = torch.tensor(RNG.normal(size=found.shape))
    gradients = torch.autograd.grad((found * weights).sum(), inputs)
    far = 20 if name == "layer norm" else 1  # beyond the rounding
    for place, gradient in enumerate(gradients):
        direction = RNG.integers(0, 2, values[place].shape) * far
        ends = [[v + s * direction if k == place else v for k, v in enumerate(values)] for s in (-1, 1)]
        low, high = (float((operator.run(*each) * weights.numpy()).sum()) for each in ends)
        slope = float((gradient.numpy() * direction).sum())
        assert slope == pytest.approx((high - low) / 2, rel=0.2, abs=2)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_saved_graph_keeps_the_operator(name, tmp_path):
    operator, shapes = OPERATORS[name]
    size = sum(math.prod(shape) for shape in shapes)
    nodes, first = [], 0
    for place, shape in enumerate(shapes):
        index = np.arange(first, first + math.prod(shape)).reshape(shape)
        nodes.append(Node(f"in{place}", Rearrange(index), ("input",)))
        first += index.size
    nodes.append(Node("out", operator, tuple(node.name for node in nodes)))
    graph = Graph((size,), 8, tuple(nodes), "out", 1.0)
    save(graph, tmp_path / "graph.npz")
    x = RNG.integers(0, 256, (4, size))
    values = graph.run(x)["out"]
    assert (load(tmp_path / "graph.npz").run(x)["out"] == values).all()
    low, high = graph.bounds["out"]
    assert low <= values.min() <= values.max() <= high
