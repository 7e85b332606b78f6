"""The front of accuracy against costs: what no other point is better than, and what of it is certain."""

import numpy as np
from differences import differences

from bitline.cli.pareto import NOT_COMPUTED, OFF, OFF_OPEN, ON, ON_OPEN, front


def standing(accuracy, costs, half=0.01):
    return front(np.array(accuracy), np.array(costs, dtype=float), differences(accuracy, half))


def test_dearer_and_less_accurate_is_off():
    assert standing([0.9, 0.8], [[1, 1], [2, 1]]) == [ON, OFF]


def test_each_is_on_that_is_best_at_something():
    assert standing([0.9, 0.8, 0.7], [[3, 3], [2, 4], [4, 2]]) == [ON, ON, ON]


def test_what_the_interval_leaves_open_is_said():
    assert standing([0.9, 0.895], [[2, 1], [1, 1]]) == [ON_OPEN, ON]  # hardly better, and dearer
    assert standing([0.9, 0.895], [[1, 1], [2, 1]]) == [ON, OFF_OPEN]
    assert standing([0.9, 0.895], [[1, 1], [2, 1]], half=0.001) == [ON, OFF]


def test_ties_are_both_on():
    assert standing([0.9, 0.9], [[1, 1], [1, 1]]) == [ON, ON]
    assert standing([0.9, 0.895], [[1, 1], [1, 1]]) == [ON_OPEN, OFF_OPEN]


def test_a_point_that_was_not_computed_stands_nowhere():
    assert standing([0.9, np.nan], [[1, 1], [np.nan, np.nan]]) == [ON, NOT_COMPUTED]


def test_the_front_is_what_brute_force_finds():
    rng = np.random.default_rng(1)
    accuracy, costs = rng.integers(5, size=40) / 5, rng.integers(4, size=(40, 2))
    table = np.column_stack([-accuracy, costs])
    worse = (table[:, None] >= table).all(axis=2) & (table[:, None] > table).any(axis=2)
    found = [place in (ON, ON_OPEN) for place in standing(accuracy, costs)]
    assert found == (~worse.any(axis=1)).tolist()
