"""HAM10000 (Tschandl, Rosendahl, Kittler, "The HAM10000 dataset", Scientific Data 5, 2018): what its files share.

10,015 images of 7,470 skin lesions in seven uneven classes. A lesion with several images stays on one side of the
split: otherwise its other images leak into the test part.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError

METADATA = "HAM10000_metadata.csv"
KAGGLE_CLASSES = ("akiec", "bcc", "bkl", "df", "nv", "vasc", "mel")  # by the codes of Kaggle's hmnist_*.csv


@dataclass(frozen=True, eq=False)
class Metadata:
    """A row an image, in the file's order.

    Args:
        images: their names, as "ISIC_0027419".
        labels: (images,), indices into `KAGGLE_CLASSES`.
        lesions: (images,), the lesion of each.
    """

    images: tuple[str, ...]
    labels: IntArray
    lesions: np.ndarray[Any, Any]


def read_metadata(path: Path) -> Metadata:
    """Read HAM10000_metadata.csv.

    Raises:
        ConfigError: a column is missing, or a diagnosis is none of the seven; names the file and the line.
    """
    images, labels, lesions = [], [], []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                if row.get("dx") not in KAGGLE_CLASSES or not row.get("image_id") or not row.get("lesion_id"):
                    raise ConfigError(
                        f"{path}:{line}: lesion_id, image_id and a dx out of {', '.join(KAGGLE_CLASSES)} are needed"
                    )
                images.append(row["image_id"])
                labels.append(KAGGLE_CLASSES.index(row["dx"]))
                lesions.append(row["lesion_id"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: can't be read as CSV ({error})") from error
    if not images:
        raise ConfigError(f"{path}: it has no rows")
    return Metadata(tuple(images), np.array(labels, np.int64), np.array(lesions))
