"""Paired differences of accuracies as sweeps judge them, all with one half width."""

import numpy as np

from nn.statistics import Interval


def differences(accuracy, half):
    """The accuracy of one point minus that of another, by their numbers."""
    accuracy = np.array(accuracy)

    def difference(one, other):
        value = accuracy[one] - accuracy[other]
        return Interval(value, value - half, value + half, 0.0, half, 0.95)

    return difference
