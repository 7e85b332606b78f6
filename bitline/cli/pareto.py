"""Which points no other is better than: the front of accuracy against costs, with what of it is certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn.statistics import Interval

Floats = np.ndarray[Any, np.dtype[np.float64]]

ON = "on"
ON_OPEN = "on, open"  # the accuracies that decide it are not apart beyond their interval
OFF_OPEN = "off, open"
OFF = "off"
NOT_COMPUTED = "not computed"

Difference = Callable[[int, int], Interval | None]


def front(accuracy: Floats, costs: Floats, difference: Difference) -> list[str]:
    """Where each point stands.

    A point dominates another if its accuracy is no lower, none of its costs is higher, and one of these is better.
    Points that no other dominates are on the front; two that are equal in everything are both. Accuracies are means
    over chips and images, so that some of it is chance: a point on the front is *open* if another, at costs that are
    nowhere higher, has an accuracy that is not surely lower; one off it is open if none of those that dominate it is
    surely more accurate. Costs are taken as they are, and intervals are of each pair alone, without correction for how
    many pairs there are.

    Args:
        accuracy: (points,), to be high; NaN where a point was not computed.
        costs: (points, costs), to be low.
        difference: the accuracy of one point minus that of another with its paired interval, by their numbers.

    Returns:
        ON, ON_OPEN, OFF_OPEN, OFF or NOT_COMPUTED of each.
    """

    def alike(one: int, other: int) -> bool:
        return bool(np.all(costs[one] == costs[other]))

    every: Sequence[int] = np.flatnonzero(~np.isnan(accuracy)).tolist()
    found = [NOT_COMPUTED] * len(accuracy)
    for one in every:
        cheaper = [other for other in every if other != one and bool(np.all(costs[other] <= costs[one]))]
        dominating = [
            other
            for other in cheaper
            if accuracy[other] >= accuracy[one] and (accuracy[other] > accuracy[one] or not alike(other, one))
        ]
        if dominating:
            found[one] = OFF if any(surely(difference(other, one)) for other in dominating) else OFF_OPEN
        else:
            rivals = [other for other in cheaper if not (accuracy[other] == accuracy[one] and alike(other, one))]
            found[one] = ON if all(surely(difference(one, other)) for other in rivals) else ON_OPEN
    return found


def surely(found: Interval | None) -> bool:
    """Whether a difference is above 0 with all of its interval; one that cannot be had is not."""
    return found is not None and found.low > 0
