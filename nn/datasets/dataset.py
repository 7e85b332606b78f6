"""A data set in memory, its checks and its split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from bitline.core.seeds import stream

Images = np.ndarray[Any, np.dtype[np.uint8]]
_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split.

    Args:
        train_x: (n, height, width, channels), uint8.
        train_y: (n,), 0 to classes - 1.
        test_x: as train_x.
        test_y: as train_y.
        class_names: one a class.
        source: where it comes from, for provenance.
    """

    train_x: Images
    train_y: IntArray
    test_x: Images
    test_y: IntArray
    class_names: tuple[str, ...]
    source: str


def dataset(
    source: str,
    train: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
    test: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None,
    class_names: tuple[str, ...] | None = None,
    keys: tuple[str, str] = ("images", "labels"),
    groups: np.ndarray[Any, Any] | None = None,
) -> Dataset:
    """Check images and labels and make a data set of them; without a test part, split it off.

    Args:
        source: for provenance and for the errors, usually the file.
        train: images and labels; all of them where `test` is None.
        test: images and labels.
        class_names: one a class; the class numbers if None.
        keys: what the file calls images and labels, for the errors.
        groups: (n,), what each image shows; images of one group stay on one side where a test part is split off.

    Raises:
        ConfigError: a wrong shape or type, labels that don't match, an empty part; names the source and the key.
    """
    for images, labels in (train, test or train):
        _check(source, images, labels, keys)
    if test is not None and train[0].shape[1:] != test[0].shape[1:]:
        raise ConfigError(f"{source}: test images have shape {test[0].shape[1:]}, training images {train[0].shape[1:]}")
    highest = int(max(part[1].max() for part in (train, test or train)))
    names = class_names or tuple(str(label) for label in range(highest + 1))
    if highest >= len(names):
        raise ConfigError(f"{source}: label {highest} in {keys[1]!r}, but only {len(names)} class names")
    if test is None:
        chosen = split_off(train[1].astype(np.int64), groups)
        test = train[0][chosen], train[1][chosen]
        train = train[0][~chosen], train[1][~chosen]
        if not len(test[0]) or not len(train[0]):
            raise ConfigError(f"{source}: too few images to split off a test part")
    train, test = (_mixed(*part) for part in (train, test))
    return Dataset(train[0], train[1], test[0], test[1], names, source)


def _mixed(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> tuple[Images, IntArray]:
    """Images with channels, and labels; what comes class after class is put in another order, the same on any machine.

    Who takes the first images of a part, to calibrate or to judge on fewer, is to see all classes. Classes come in
    blocks where neighbours differ less than half as often as in a random order.
    """
    shares = np.bincount(labels) / len(labels)
    differ = np.mean(labels[1:] != labels[:-1]) if len(labels) > 1 else 1.0
    if differ < (1 - np.sum(shares**2)) / 2:
        order = stream(0, "dataset.order").permutation(len(labels))
        images, labels = images[order], labels[order]
    return images if images.ndim == 4 else images[..., None], labels.astype(np.int64)


def split_off(labels: IntArray, groups: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which images are the test part: a fifth of every class, the same ones for the same labels on any machine.

    With `groups` it is a fifth of the groups of every class, whole; a group counts to the class of its first image.
    """
    _, first, group = np.unique(
        np.arange(len(labels)) if groups is None else groups, return_index=True, return_inverse=True
    )
    chosen = np.zeros(len(first), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels[first] == label)
        shuffled = stream(0, "dataset.split", int(label)).permutation(members)
        chosen[shuffled[: round(_TEST_SHARE * len(members))]] = True
    return chosen[group]


def _check(source: str, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], keys: tuple[str, str]) -> None:
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ConfigError(f"{source}: {keys[0]!r} has shape {images.shape}; (n, h, w) or (n, h, w, channels) is needed")
    if images.dtype != np.uint8:
        raise ConfigError(f"{source}: {keys[0]!r} is {images.dtype}; uint8 (0 to 255) is needed")
    if labels.shape != (len(images),):
        raise ConfigError(f"{source}: {keys[1]!r} has shape {labels.shape} for {len(images)} images; one label each")
    if labels.dtype.kind not in "iu":
        raise ConfigError(f"{source}: {keys[1]!r} is {labels.dtype}; integers are needed, the first class being 0")
    if labels.min() < 0:
        raise ConfigError(f"{source}: {keys[1]!r} holds {labels.min()}; labels are class numbers, from 0 on")
