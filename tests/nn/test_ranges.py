import numpy as np
import pytest
from scipy import optimize, stats

from nn.float_graph import FloatGraph, FloatNode
from nn.layers.affine import Affine
from nn.ranges import Observed, observe


def observed(values, batches=1):
    found = Observed()
    for k, part in enumerate(np.array_split(values, batches)):
        found.add(part, len(values), np.random.default_rng(k))
    return found


def test_all_values_are_kept_while_they_are_few():
    values = np.random.default_rng(0).standard_normal((50, 4, 3))
    for batches in (1, 7):
        found = observed(values, batches)
        assert found.limit("max", 99.0, 127) == np.abs(values).max()
        assert found.limit("percentile", 99.0, 127) == np.percentile(np.abs(values), 99)


def test_many_values_are_sampled_and_their_maximum_is_not():
    values = np.random.default_rng(0).standard_normal((64, 40, 40, 8))
    values[3, 1, 2, 4] = 50.0
    found = observed(values, 4)
    kept = sum(part.size for part in found.parts)
    assert kept <= 2**18 < values.size
    assert found.limit("max", 99.0, 127) == 50.0
    spread = np.sqrt(0.01 * 0.99 / kept) / (2 * stats.norm.pdf(stats.norm.ppf(0.995)))  # of a sampled quantile
    assert found.limit("percentile", 99.0, 127) == pytest.approx(np.percentile(np.abs(values), 99), abs=4 * spread)


@pytest.mark.parametrize("levels", [3, 7, 127])
def test_the_clipping_point_is_that_of_least_error(levels):
    values = np.random.default_rng(0).laplace(size=(20, 5000))

    def loss(limit):
        step = limit / levels
        return np.sum((np.clip(np.rint(values / step), -levels, levels) * step - values) ** 2)

    chosen = observed(values).limit("mse", 100.0, levels)
    best = optimize.minimize_scalar(loss, bounds=(0.1, np.abs(values).max()), method="bounded")
    assert loss(chosen) < 1.02 * min(best.fun, loss(best.x))
    assert levels > 100 or loss(chosen) < 0.5 * loss(np.abs(values).max())


def test_laplace_activations_are_clipped_where_the_paper_says():
    """Banner et al., NeurIPS 2019, section 3.1: 2.83, 3.89 and 5.03 b for 2, 3 and 4 bits, with 2^bits even steps.

    With 2^(bits-1) - 1 codes to either side of 0 there are fewer steps, and clipping pays a little sooner.
    """
    values = np.random.default_rng(1).laplace(size=(20, 10_000))
    for bits, expected in ((3, 3.89), (4, 5.03)):
        assert observed(values).limit("mse", 100.0, 2 ** (bits - 1) - 1) == pytest.approx(expected, rel=0.12)


def test_zeros_say_nothing_of_a_range():
    values = np.concatenate([np.zeros(900), np.linspace(0.5, 1.0, 100)])[None]
    assert observed(values).limit("percentile", 50.0, 255) == pytest.approx(0.75, abs=0.01)
    assert observed(np.zeros((3, 4))).limit("mse", 100.0, 255) == 1.0


def test_images_in_batches_give_the_ranges_of_all_at_once(monkeypatch):
    network = FloatGraph((FloatNode("twice", Affine(np.array([2.0]), np.array([-0.5])), ("input",)),), "twice")
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 5, 2), dtype=np.uint8)
    whole = observe(network, images)
    monkeypatch.setattr("nn.float_graph._VALUES", 50 * 7)
    parts = observe(network, images)
    assert len(parts["twice"].parts) == 5
    for name in ("input", "twice"):
        assert np.array_equal(np.concatenate(parts[name].parts), np.concatenate(whole[name].parts))
        assert parts[name].most == whole[name].most
