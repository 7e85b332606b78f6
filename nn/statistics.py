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

A balanced accuracy, the mean recall over classes, is a mean over images with a weight for each class: its images' part
joins the Wilson limits of the classes in quadrature, as independent proportions (Zou and Donner), its chips' part is t
over the chips' balanced accuracies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def accuracy_interval(correct: np.ndarray[Any, Any], confidence: float = 0.95, at_least: float = 0.0) -> Interval:
    """Mean accuracy with its two-way interval; see the module.

    Args:
        correct: (chips, images), 0 or 1.
        confidence: 0 to 1.
        at_least: the chips' half width is no smaller, as where chips were added until it was reached (nn.sequential).
    """
    correct = _matrix("correct", correct, confidence)
    value = float(correct.mean())
    return _joined(value, correct.mean(axis=1), _wilson(value, correct.shape[1], confidence), confidence, at_least)


def balanced_interval(
    correct: np.ndarray[Any, Any], labels: IntArray, confidence: float = 0.95, at_least: float = 0.0
) -> Interval:
    """Balanced accuracy with its two-way interval: the mean recall over the classes that have images.

    Args:
        correct: (chips, images), 0 or 1.
        labels: (images,).
        confidence: 0 to 1.
        at_least: as of `accuracy_interval`.
    """
    correct = _matrix("correct", correct, confidence)
    members = [labels == each for each in np.unique(labels)]
    recalls = np.stack([correct[:, each].mean(axis=1) for each in members], axis=1)
    shares = zip(recalls.mean(axis=0), members, strict=True)
    limits = np.array([_wilson(float(share), int(each.sum()), confidence) for share, each in shares])
    below, above = np.sqrt(np.sum(limits**2, axis=0)) / len(members)
    means = recalls.mean(axis=1)
    return _joined(float(means.mean()), means, (float(below), float(above)), confidence, at_least)


def class_intervals(
    correct: np.ndarray[Any, Any], labels: IntArray, confidence: float = 0.95, at_least: float = 0.0
) -> dict[int, Interval]:
    """The recall of every class that has images, with its two-way interval.

    Args:
        correct: (chips, images), 0 or 1.
        labels: (images,).
        confidence: 0 to 1.
        at_least: as of `accuracy_interval`.
    """
    correct = _matrix("correct", correct, confidence)
    members = {int(each): labels == each for each in np.unique(labels)}
    return {each: accuracy_interval(correct[:, of], confidence, at_least) for each, of in members.items()}


def uneven(labels: IntArray) -> bool:
    """Whether some class has more than twice the images of another, so that accuracy hides the rarer ones."""
    counts = np.unique(labels, return_counts=True)[1]
    return bool(counts.max() > 2 * counts.min())


def _joined(
    value: float, means: FloatArray, images: tuple[float, float], confidence: float, at_least: float
) -> Interval:
    """A share with the part of the chips, by their means, and that of the images, (below, above)."""
    chips = _stated(means, confidence, at_least)
    below, above = images
    reach = 0.0 if math.isnan(chips) else chips
    low, high = value - math.hypot(below, reach), value + math.hypot(above, reach)
    return Interval(value, max(low, 0.0), min(high, 1.0), chips, (below + above) / 2, confidence)


def _wilson(share: float, images: int, confidence: float) -> tuple[float, float]:
    """How far Wilson's limits lie below and above a share of so many images."""
    z = _normal_quantile(0.5 + confidence / 2)
    centre = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z / (1 + z**2 / images) * math.sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    return share - (centre - half), centre + half - share


def paired_difference(
    correct: np.ndarray[Any, Any], other: np.ndarray[Any, Any], confidence: float = 0.95, at_least: float = 0.0
) -> Interval:
    """Accuracy of the first minus that of the second, on the same chips and images, with its two-way interval.

    Pairing takes out what both share: the chips' part is t over the chips' differences, the images' part that of
    paired proportions (Wald after Agresti and Min, Stat. Med. 24:729, 2005: half a pair added to every cell).

    Args:
        correct: (chips, images), 0 or 1.
        other: the same shape, or (1, images) or (images,) for something without chips, as the integer network.
        confidence: 0 to 1.
        at_least: as of `accuracy_interval`.

    Raises:
        ConfigError: shapes that can't be paired.
    """
    return paired_contrast([(1.0, correct), (-1.0, other)], confidence, at_least)


def paired_contrast(
    terms: Sequence[tuple[float, np.ndarray[Any, Any]]], confidence: float = 0.95, at_least: float = 0.0
) -> Interval:
    """A sum of accuracies with weights, on the same chips and images, with its two-way interval.

    The images' part takes the variance of one decision's contrast over all chips and images, with two images added of
    which half a decision each is won and lost: for weights 1 and -1 that is `paired_difference`.

    Args:
        terms: weight and correct (chips, images) of each, 0 or 1; (1, images) or (images,) for something without chips.
        confidence: 0 to 1.
        at_least: as of `accuracy_interval`.

    Raises:
        ConfigError: shapes that can't be paired, or no terms.
    """
    if not terms:
        raise ConfigError("paired contrast: there is nothing to compare")
    shapes = [np.shape(correct) for _, correct in terms]
    matrices = [_matrix("correct", correct, confidence) for _, correct in terms]
    most, images = max(map(len, matrices)), matrices[0].shape[1]
    if any(each.shape[1] != images or len(each) not in (1, most) for each in matrices):
        said = " and ".join(map(str, shapes))
        raise ConfigError(f"paired difference: shapes {said} are not of the same samples")
    differences = np.zeros((most, images))
    for (weight, _), each in zip(terms, matrices, strict=True):
        differences += weight * each
    value, total = float(differences.mean()), images + 2.0
    squares = float(np.mean(differences**2)) * images + 1.0
    spread = math.sqrt(squares - (value * images) ** 2 / total) / total
    half = _normal_quantile(0.5 + confidence / 2) * spread
    chips = _stated(differences.mean(axis=1), confidence, at_least)
    reach = math.hypot(half, 0.0 if math.isnan(chips) else chips)
    return Interval(value, value - reach, value + reach, chips, half, confidence)


def _stated(means: FloatArray, confidence: float, at_least: float) -> float:
    """The chips' half width as an interval has it; see `accuracy_interval`."""
    chips = chips_half_width(means, confidence)
    return chips if math.isnan(chips) else max(chips, at_least)


def chips_half_width(means: FloatArray, confidence: float) -> float:
    """Half width of the mean of the chips' means, by Student's t; NaN for fewer than two chips."""
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
