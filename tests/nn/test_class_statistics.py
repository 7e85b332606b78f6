"""Balanced accuracy and recalls over uneven classes, and sums of accuracies on the same chips."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.statistics import (
    accuracy_interval,
    balanced_interval,
    class_intervals,
    paired_contrast,
    paired_difference,
    uneven,
)

LABELS = np.repeat([0, 1, 2], [600, 120, 30])
RECALL = np.array([0.97, 0.8, 0.6])


def study(rng, chips=10, chip_sigma=0.02):
    """Decisions whose recall differs by class, and by chip."""
    share = RECALL[LABELS] + chip_sigma * rng.standard_normal((chips, 1))
    return rng.random(LABELS.size)[None, :] < share  # every chip sees the same images


def test_the_balanced_interval_covers_where_the_accuracys_own_does_not():
    rng = np.random.default_rng(8)
    trials, hits, plain = 500, 0, 0
    for _ in range(trials):
        correct = study(rng)
        found = balanced_interval(correct, LABELS)
        hits += found.low <= RECALL.mean() <= found.high
        accuracy = accuracy_interval(correct)
        plain += accuracy.low <= RECALL.mean() <= accuracy.high
    # a true coverage of 95 % gives fewer than 92 % of 500 trials once in 1000 times
    assert hits / trials > 0.92
    assert plain / trials < 0.05


def test_the_rare_class_sets_the_width():
    rng = np.random.default_rng(1)
    correct = study(rng)
    recalls = class_intervals(correct, LABELS)
    widths = [recalls[each].images for each in range(3)]
    assert widths == sorted(widths)
    assert balanced_interval(correct, LABELS).images == pytest.approx(np.sqrt(np.sum(np.square(widths))) / 3, rel=0.05)
    assert recalls[2].value == pytest.approx(correct[:, LABELS == 2].mean())


def test_even_classes_have_the_accuracys_interval():
    rng = np.random.default_rng(2)
    labels = np.arange(1000) % 10
    correct = rng.random((6, 1000)) < 0.9
    balanced, accuracy = balanced_interval(correct, labels), accuracy_interval(correct)
    assert balanced.value == pytest.approx(accuracy.value)
    assert balanced.chips == pytest.approx(accuracy.chips)
    assert balanced.images == pytest.approx(accuracy.images, rel=0.05)
    assert not uneven(labels)
    assert uneven(LABELS)


def test_a_contrast_of_two_is_their_difference():
    rng = np.random.default_rng(3)
    one, other = (rng.random((5, 200)) < share for share in (0.9, 0.8))
    assert paired_contrast([(1.0, one), (-1.0, other)]) == paired_difference(one, other)


def test_an_interaction_is_taken_on_the_same_chips():
    """Costs of 3 % and 4 % alone, 9 % together, on chips that differ by far more than that."""
    rng = np.random.default_rng(4)
    trials, hits, unpaired = 300, 0, 0
    for _ in range(trials):
        level = 0.85 + 0.05 * rng.standard_normal((8, 1))
        draw = rng.random((1, 2000))
        nothing, one, other, both = (draw < level - loss for loss in (0, 0.03, 0.04, 0.09))
        found = paired_contrast([(-1.0, nothing), (1.0, one), (1.0, other), (-1.0, both)])
        hits += found.low <= 0.02 <= found.high
        unpaired += accuracy_interval(both).chips > 2 * (found.high - found.low) / 2
    assert hits / trials > 0.9
    assert unpaired / trials > 0.9  # pairing has taken the chips out


def test_what_cannot_be_paired_is_refused():
    with pytest.raises(ConfigError, match="not of the same samples"):
        paired_contrast([(1.0, np.ones((3, 5))), (1.0, np.ones((2, 5)))])
    with pytest.raises(ConfigError, match="nothing"):
        paired_contrast([])
