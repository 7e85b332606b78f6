"""A CSV of pixels, as Kaggle has HAM10000 (hmnist_28_28_RGB.csv): columns pixel0000 ... and label, a row an image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.datasets.dataset import Dataset, dataset
from nn.datasets.ham10000 import KAGGLE_CLASSES, METADATA, read_metadata

WHAT = "a CSV with columns pixel0000, pixel0001 ... and label, of square images with 1 or 3 channels"


def reads(path: Path) -> bool:
    """Any file that ends in .csv."""
    return path.is_file() and path.suffix == ".csv"


def read(path: Path) -> Dataset:
    """Read it and split off a test part.

    Of Kaggle's hmnist_*.csv the classes are named, and where HAM10000_metadata.csv lies beside it (its rows are in the
    same order) the images of a lesion stay on one side of the split.

    Raises:
        ConfigError: a column is missing, a value is no byte, or the metadata belong to another file.
    """
    pixels, labels = _table(path)
    channels = next((c for c in (1, 3) if math.isqrt(pixels.shape[1] // c) ** 2 * c == pixels.shape[1]), 0)
    if not channels:
        raise ConfigError(f"{path}: {pixels.shape[1]} pixels are no square image of 1 or 3 channels")
    side = math.isqrt(pixels.shape[1] // channels)
    images = pixels.reshape(-1, side, side, channels)
    metadata = path.with_name(METADATA)
    named = path.name.startswith("hmnist_")
    groups, source = None, str(path)
    if named and metadata.is_file():
        found = read_metadata(metadata)
        if not np.array_equal(found.labels, labels):
            raise ConfigError(f"{metadata}: its diagnoses are not the labels of {path.name}, row by row")
        groups = found.lesions
    elif named:
        source += f" (without {METADATA} beside it: images of one lesion may be on both sides of the split)"
    return dataset(
        source,
        (images, labels),
        class_names=KAGGLE_CLASSES if named else None,
        keys=("pixel columns", "label"),
        groups=groups,
    )


def _table(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Pixels (n, pixels) uint8 and labels (n,)."""
    try:
        with path.open(encoding="utf-8") as file:
            names = [name.strip() for name in file.readline().split(",")]
            chosen = [place for place, name in enumerate(names) if name.startswith("pixel")]
            if names.count("label") != 1 or not chosen:
                raise ConfigError(f"{path}:1: columns pixel0000, pixel0001 ... and one label are needed")
            rows = np.loadtxt(file, delimiter=",", ndmin=2)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{path}: not a table of numbers ({error})") from error
    if rows.shape[1:] != (len(names),) or not np.array_equal(rows, np.rint(rows)):
        raise ConfigError(f"{path}: every row must hold {len(names)} whole numbers, as its first line names")
    pixels = rows[:, chosen]
    if pixels.size and (pixels.min() < 0 or pixels.max() > 255):
        raise ConfigError(f"{path}: pixels must be 0 to 255")
    return pixels.astype(np.uint8), rows[:, names.index("label")].astype(np.int64)
