"""Accuracy over chips and images, with intervals that take both.

A study infers the same images on every sampled chip: correct[chip, image] is 0 or 1. Two things are left to chance,
which chips were drawn and which images are in the test set, so the variance of the mean accuracy p has two parts:

    Var(p) = s^2 / chips + p (1 - p) / images

with s the standard deviation of the chips' accuracies. The first part has few degrees of freedom: its half width is
Student's t_{chips - 1} times s / sqrt(chips). The second is binomial: Wilson's score interval (Wilson, J. Am. Stat.
Assoc. 22:209, 1927). Independent parts' limits are joined in quadrature (MOVER: Zou and Donner, Stat. Med. 27:1693,
2008). The chips' s holds a share of the images' variance that the second part holds as well, so the interval is
a little wide (1.1 times where chips fail on the same images). It is too narrow where few chips are drawn of a skewed
population, as when one chip in ten is bad and eight are drawn: no interval knows of chips that were not seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence limits.

    Args:
        value: the mean.
        low: lower limit.
        high: upper limit.
        chips: half width due to the chips alone; NaN where one chip says nothing of their spread, and where the
            limits are therefore those of the images alone.
        images: half width due to the images alone (the mean of both sides).
        confidence: of the limits.
    """

    value: float
    low: float
    high: float
    chips: float
    images: float
    confidence: float


def accuracy_interval(correct: np.ndarray[Any, Any], confidence: float = 0.95) -> Interval:
    """Mean accuracy with its two-way interval; see the module.

    Args:
        correct: (chips, images), 0 or 1.
        confidence: 0 to 1.
    """
    correct = _matrix("correct", correct, confidence)
    images = correct.shape[1]
    value = float(correct.mean())
    z = _normal_quantile(0.5 + confidence / 2)
    centre = (value + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z / (1 + z**2 / images) * math.sqrt(value * (1 - value) / images + z**2 / (4 * images**2))
    below, above = value - (centre - half), centre + half - value
    chips = _chips_half_width(correct.mean(axis=1), confidence)
    reach = 0.0 if math.isnan(chips) else chips
    low, high = value - math.hypot(below, reach), value + math.hypot(above, reach)
    return Interval(value, max(low, 0.0), min(high, 1.0), chips, (below + above) / 2, confidence)


def paired_difference(correct: np.ndarray[Any, Any], other: np.ndarray[Any, Any], confidence: float = 0.95) -> Interval:
    """Accuracy of the first minus that of the second, on the same chips and images, with its two-way interval.

    Pairing takes out what both share: the chips' part is t over the chips' differences, the images' part that of
    paired proportions (Wald after Agresti and Min, Stat. Med. 24:729, 2005: half a pair added to every cell).

    Args:
        correct: (chips, images), 0 or 1.
        other: the same shape, or (1, images) or (images,) for something without chips, as the integer network.
        confidence: 0 to 1.

    Raises:
        ConfigError: shapes that can't be paired.
    """
    correct, other = _matrix("correct", correct, confidence), _matrix("other", other, confidence)
    if other.shape[1] != correct.shape[1] or len(other) not in (1, len(correct)):
        raise ConfigError(f"paired difference: shapes {correct.shape} and {other.shape} are not of the same samples")
    differences = correct - other
    images = correct.shape[1]
    value = float(differences.mean())
    won, lost = float((differences > 0).mean()) * images + 0.5, float((differences < 0).mean()) * images + 0.5
    total = images + 2.0
    spread = math.sqrt(won + lost - (won - lost) ** 2 / total) / total
    half = _normal_quantile(0.5 + confidence / 2) * spread
    chips = _chips_half_width(differences.mean(axis=1), confidence)
    reach = math.hypot(half, 0.0 if math.isnan(chips) else chips)
    return Interval(value, value - reach, value + reach, chips, half, confidence)


def _chips_half_width(means: FloatArray, confidence: float) -> float:
    """Student's t over the chips' means; NaN for a single chip."""
    chips = len(means)
    if chips < 2:
        return math.nan
    from scipy.stats import t  # takes a second to import, which every worker would pay for

    return float(t.ppf(0.5 + confidence / 2, chips - 1) * means.std(ddof=1) / math.sqrt(chips))


def _normal_quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def _matrix(name: str, values: np.ndarray[Any, Any], confidence: float) -> FloatArray:
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence = {confidence} is not within 0 and 1")
    matrix = np.atleast_2d(np.asarray(values, dtype=float))
    if matrix.ndim != 2 or not matrix.size:
        raise ConfigError(f"{name} has shape {np.shape(values)}; (chips, images) is needed, with at least one of each")
    return matrix


def confusion_matrix(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """How often class i was taken for class j, counts[i, j].

    Args:
        labels: (images,).
        predicted: (images,) or (chips, images); chips add up.
        classes: how many there are.
    """
    predicted = np.atleast_2d(predicted)
    pairs = labels[None, :] * classes + predicted
    return np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes).astype(np.int64)


def recall(confusion: IntArray) -> FloatArray:
    """The share of each class that was recognised, (classes,); NaN for a class without images."""
    total = confusion.sum(axis=1)
    share: FloatArray = np.where(total > 0, np.diag(confusion) / np.maximum(total, 1), math.nan)
    return share


def balanced_accuracy(confusion: IntArray) -> float:
    """The mean recall over the classes that have images: what accuracy hides where classes are uneven."""
    return float(np.nanmean(recall(confusion)))
