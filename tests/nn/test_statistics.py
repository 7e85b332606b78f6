import numpy as np
import pytest
from scipy import stats

from bitline.core.errors import ConfigError
from nn.statistics import accuracy_interval, balanced_accuracy, confusion_matrix, paired_difference, recall


def study(rng, chips, images, chip_sigma, image_sigma, level=2.5):
    """Decisions of a probit model with a part for the chip, one for the image, and one for their meeting."""
    merit = level + chip_sigma * rng.standard_normal((chips, 1)) + image_sigma * rng.standard_normal((1, images))
    return merit + rng.standard_normal((chips, images)) > 0


def truth(chip_sigma, image_sigma, level=2.5):
    return stats.norm.cdf(level / np.sqrt(1 + chip_sigma**2 + image_sigma**2))


@pytest.mark.parametrize(
    ("chip_sigma", "image_sigma", "level"),
    [(0.02, 1.5, 2.5), (0.4, 1.5, 2.5), (0.4, 0.1, 2.5), (0.3, 0.1, 1.0)],  # images matter; both; both; chips
)
def test_the_interval_covers_the_true_accuracy(chip_sigma, image_sigma, level):
    rng = np.random.default_rng(4)
    expected = truth(chip_sigma, image_sigma, level)
    trials = 600
    hits = 0
    for _ in range(trials):
        interval = accuracy_interval(study(rng, 8, 1000, chip_sigma, image_sigma, level))
        hits += interval.low <= expected <= interval.high
    # a true coverage of 95 % gives fewer than 92.3 % of 600 trials once in 1000 times
    assert hits / trials > 0.923


def test_an_interval_of_images_alone_would_not_cover():
    """Shows that the test above can fail: without the chips' part, coverage collapses."""
    rng = np.random.default_rng(4)
    expected, hits = truth(1.0, 0.5, 1.0), 0
    for _ in range(200):
        interval = accuracy_interval(study(rng, 8, 400, 1.0, 0.5, 1.0))
        hits += abs(interval.value - expected) < interval.images
    assert hits / 200 < 0.6


def test_the_interval_is_not_much_wider_than_it_must_be():
    """Where chips fail on the same images, as networks do, what the two parts share is small."""
    rng = np.random.default_rng(5)
    values, widths = [], []
    for _ in range(300):
        interval = accuracy_interval(study(rng, 20, 500, 0.6, 6.0, 9.0))
        values.append(interval.value)
        widths.append(interval.high - interval.low)
    assert 0.95 < np.mean(widths) / (2 * 1.96 * np.std(values)) < 1.25


def test_known_limits():
    one = accuracy_interval(np.array([[1] * 98 + [0] * 2]))
    wilson = stats.binomtest(98, 100).proportion_ci(0.95, method="wilson")
    assert (one.low, one.high) == pytest.approx((wilson.low, wilson.high))
    assert np.isnan(one.chips)
    perfect = accuracy_interval(np.ones((5, 100)))
    assert perfect.high == 1.0
    assert 0.95 < perfect.low < 1.0
    chips = np.tile(np.repeat([[1], [1], [0], [0]], 1, axis=1), (1, 100_000))  # the images' part vanishes
    half = stats.t.ppf(0.975, 3) * np.std([1, 1, 0, 0], ddof=1) / 2
    assert accuracy_interval(chips).chips == pytest.approx(half)


def test_a_paired_difference_covers_and_is_narrower_than_two_intervals():
    rng = np.random.default_rng(6)
    hits, trials, widths, apart = 0, 600, [], []
    levels = (2.5, 2.3)
    expected = truth(0.2, 1.5, levels[0]) - truth(0.2, 1.5, levels[1])
    for _ in range(trials):
        shared = 0.2 * rng.standard_normal((8, 1)) + 1.5 * rng.standard_normal((1, 400))
        own = rng.standard_normal((8, 400))
        first, second = (level + shared + own > 0 for level in levels)
        interval = paired_difference(first, second)
        hits += interval.low <= expected <= interval.high
        widths.append(interval.high - interval.low)
        apart.append(accuracy_interval(first).high - accuracy_interval(first).low)
    assert hits / trials > 0.923
    assert np.mean(widths) < 0.8 * np.mean(apart)


def test_a_difference_against_one_network_without_chips():
    rng = np.random.default_rng(0)
    reference = rng.random(300) < 0.9
    chips = np.tile(reference, (4, 1))
    chips[:, :6] = ~chips[:, :6]
    interval = paired_difference(chips, reference)
    assert interval.value == pytest.approx(chips.mean() - reference.mean())
    assert interval.chips == 0.0
    assert interval.low < interval.value < interval.high
    assert np.array_equal(paired_difference(chips, chips).value, 0.0)


def test_confusion_recall_and_balanced_accuracy_of_uneven_classes():
    labels = np.array([0] * 90 + [1] * 10)
    always = np.zeros((3, 100), int)
    confusion = confusion_matrix(labels, always, 3)
    assert confusion.tolist() == [[270, 0, 0], [30, 0, 0], [0, 0, 0]]
    assert np.trace(confusion) / confusion.sum() == 0.9
    assert balanced_accuracy(confusion) == 0.5
    assert recall(confusion)[:2].tolist() == [1.0, 0.0]
    assert np.isnan(recall(confusion)[2])


def test_what_cannot_be_judged_is_told():
    with pytest.raises(ConfigError, match="chips, images"):
        accuracy_interval(np.zeros((2, 3, 4)))
    with pytest.raises(ConfigError, match="confidence"):
        accuracy_interval(np.zeros((2, 3)), 95)
    with pytest.raises(ConfigError, match="paired"):
        paired_difference(np.zeros((2, 3)), np.zeros((3, 3)))
