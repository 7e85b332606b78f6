import numpy as np
import pytest

from crossbar.quadratic import Form, few_squares


def forms(channels=3, inputs=20, rank=2, seed=0):
    """A positive diagonal, and squares of either sign."""
    rng = np.random.default_rng(seed)
    along = rng.standard_normal((channels, inputs, rank)) + 0.5
    weights = np.array([1.0, -0.3, 0.1, -0.05])[:rank]
    return np.einsum("cir,cjr,r->cij", along, along, weights) + np.stack(
        [np.diag(each) for each in rng.uniform(50, 90, (channels, inputs))]
    )


def form_of(matrices):
    return Form(lambda x: np.einsum("cij,jc->ic", matrices, x), np.einsum("cii->ic", matrices))


def values(squares, x):
    along = np.einsum("bi,ric->brc", x, squares.along)
    return x**2 @ squares.own + np.einsum("brc,rc->bc", along**2, squares.weights)


def test_squares_have_the_diagonal_of_the_form_and_leave_less_the_more_there_are():
    matrices = forms(rank=4)
    form = form_of(matrices)
    x = (np.random.default_rng(1).random((200, 20)) < 0.5).astype(float)
    exact = np.einsum("bi,cij,bj->bc", x, matrices, x)
    left = []
    for rank in range(5):
        found = few_squares(form, rank, 0.25 + 0.25 * np.eye(20))
        assert found.along.shape == (rank, 20, 3)
        np.testing.assert_allclose(values(found, np.eye(20)), form.diagonal, rtol=1e-9)
        left.append(np.std(values(found, x) - exact))
    assert left == sorted(left, reverse=True)
    assert left[4] < 0.15 * left[0]


def test_a_form_that_is_diagonal_needs_no_squares():
    form = form_of(forms(rank=0))
    found = few_squares(form, 2, np.eye(20))
    np.testing.assert_allclose(found.own, form.diagonal, rtol=1e-12)
    np.testing.assert_allclose(found.weights, 0, atol=1e-12)


def test_a_single_input_is_its_diagonal():
    form = form_of(np.full((2, 1, 1), 3.0))
    found = few_squares(form, 3, np.eye(1))
    np.testing.assert_allclose(values(found, np.full((1, 1), 2.0)), 12.0)


def test_the_diagonal_for_a_mean_is_right_for_inputs_on_that_often():
    matrices = forms()
    rng = np.random.default_rng(4)
    x = (rng.random((20000, 20)) < 0.4).astype(float)
    exact = np.einsum("bi,cij,bj->bc", x, matrices, x).mean(axis=0)
    found = (x @ form_of(matrices).at(0.4)).mean(axis=0)
    # 20,000 draws of values that spread by less than a third of their mean: 4 sigma
    assert found == pytest.approx(exact, rel=0.01)
    assert (x @ form_of(matrices).diagonal).mean(axis=0) != pytest.approx(exact, rel=0.05)
