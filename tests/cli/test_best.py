"""What a sweep says of its points: the best, what is not surely worse, and which of that takes least energy."""

import numpy as np
import pytest
from differences import differences

from bitline.cli.best import APART, BEST, LEVEL, WORSE, best, verdict
from bitline.cli.pareto import NOT_COMPUTED
from bitline.cli.points_file import interval_json
from nn.statistics import paired_contrast


def found_of(accuracy, costs, half=0.01):
    return best(np.array(accuracy), np.array(costs, dtype=float), differences(accuracy, half))


def document(accuracy, energy, half):
    found = found_of(accuracy, [[each, 1e-6] for each in energy], half)
    points = []
    for number, (share, spent) in enumerate(zip(accuracy, energy, strict=True)):
        known = not np.isnan(share)
        costs = {"energy_per_image": {"value": spent, "unit": "J"}, "latency_per_image": {"value": 1e-6, "unit": "s"}}
        points.append(
            {
                "at": {"array.adc_bits": number},
                "figures": {"accuracy": {"value": share}, **costs} if known else {},
                "behind": interval_json(found.behind[number]),
                "against_best": found.against[number],
            }
        )
    best_of = {"point": found.point, "frugal": found.frugal}
    return {"over": {"array.adc_bits": list(range(len(points)))}, "best": best_of, "points": points}


def test_what_is_within_the_interval_of_the_best_is_not_surely_worse():
    found = found_of([0.90, 0.895, 0.88, np.nan], [[3], [2], [1], [np.nan]])
    assert found.point == 0
    assert found.against == (BEST, LEVEL, WORSE, NOT_COMPUTED)
    assert found.behind[0] is None
    assert found.behind[1].value == pytest.approx(0.005)
    assert found.frugal == 1  # the third takes less, and is surely worse


def test_an_interval_that_just_reaches_0_leaves_a_point_level():
    assert found_of([0.75, 0.5], [[1], [1]], half=0.25).against == (BEST, LEVEL)
    assert found_of([0.75, 0.5], [[1], [1]], half=0.2499).against == (BEST, WORSE)


def test_of_equal_ones_the_best_costs_least():
    assert found_of([0.9, 0.9, 0.9], [[2, 1], [1, 2], [1, 1]]).point == 2
    assert found_of([0.9, 0.895, 0.899], [[2, 1], [1, 1], [1, 1]]).frugal == 2  # of equal costs the more accurate


def test_points_without_a_cost_are_not_frugal_and_other_images_not_compared():
    assert found_of([0.9, 0.89], [[np.nan], [np.nan]]).frugal is None
    apart = best(np.array([0.9, 0.8]), np.array([[1.0], [0.5]]), lambda *_: None)
    assert apart.against == (BEST, APART)
    assert apart.frugal == 0


def test_pairing_tells_apart_what_bars_that_overlap_do_not():
    """One point loses ten images of the other's on every chip: the pair takes out the spread over images."""
    rng = np.random.default_rng(5)
    right = np.repeat((rng.random(1000) < 0.8)[None].astype(float), 4, axis=0)
    lost = right.copy()
    lost[:, np.flatnonzero(right[0])[:10]] = 0
    correct = [right, lost]

    def difference(one, other):
        return paired_contrast([(1.0, correct[one]), (-1.0, correct[other])])

    found = best(np.array([right.mean(), lost.mean()]), np.array([[2.0], [1.0]]), difference)
    assert found.against == (BEST, WORSE)


def test_a_sweep_whose_points_cannot_be_told_apart_names_no_winner():
    value, said = verdict(document([0.90, 0.895, 0.893], [3e-9, 1e-9, 2e-9], half=0.02))
    assert value == "89.30 to 90.00 %"
    assert said == (
        "no difference from the most accurate of 3 points is beyond its paired 95 % interval; of these the least "
        "energy takes adc_bits = 1, 1 nJ and 1 us an image, 89.50 %, behind by 0.50 [\N{MINUS SIGN}1.50, +2.50] points"
    )


def test_a_sweep_with_a_best_point_says_what_is_surely_worse():
    energy = [1e-9, 2e-9, 3e-9]
    value, said = verdict(document([0.90, 0.895, 0.80], energy, half=0.02))
    assert value == "90.00 %"
    assert said == (
        "most accurate: adc_bits = 0; 1 of 2 others surely worse, 1 not surely (paired 95 % interval); "
        "of these the least energy, 1 nJ and 1 us an image, takes the most accurate itself: adc_bits = 0"
    )
    _, said = verdict(document([0.90, 0.7, 0.80], energy, half=0.02))
    assert said == "most accurate: adc_bits = 0; 2 of 2 others surely worse, 0 not surely (paired 95 % interval)"
    assert verdict(document([0.90, np.nan], energy[:2], half=0.02)) == ("90.00 %", "most accurate: adc_bits = 0")
