"""A folder of HAM10000's images with its metadata, as it is given out: JPEGs, in sub-folders or not.

The images are shrunk to 28 x 28 (bicubic, as Kaggle's table is), which takes a minute and is kept in the cache.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.archive import read_arrays, write_arrays
from nn.datasets import cache
from nn.datasets.dataset import Dataset, dataset
from nn.datasets.ham10000 import KAGGLE_CLASSES, METADATA, read_metadata

WHAT = f"a folder with {METADATA} and the images that it names, as ISIC_0027419.jpg, there or in sub-folders"
_SIDE = 28


def reads(path: Path) -> bool:
    """A folder that holds the metadata."""
    return path.is_dir() and (path / METADATA).is_file()


def read(path: Path) -> Dataset:
    """Read, shrink and split by lesion.

    Raises:
        ConfigError: an image is missing or can't be read, or the metadata are not HAM10000's; names the file.
    """
    found = read_metadata(path / METADATA)
    files = {file.stem: file for file in sorted(path.rglob("*.jpg"))}
    missing = [name for name in found.images if name not in files]
    if missing:
        raise ConfigError(f"{path}: {len(missing)} of {len(found.images)} images are missing, as {missing[0]}.jpg")
    images = _shrunk([files[name] for name in found.images])
    return dataset(
        str(path), (images, found.labels), class_names=KAGGLE_CLASSES, keys=("images", "dx"), groups=found.lesions
    )


def _shrunk(files: list[Path]) -> np.ndarray[Any, Any]:
    """(images, 28, 28, 3) uint8, from the cache where these very files were shrunk before."""
    digest = hashlib.sha256()
    for file in files:
        about = file.stat()
        digest.update(f"{file.resolve()} {about.st_size} {about.st_mtime_ns} {_SIDE}\n".encode())
    kept = cache.folder() / f"ham10000-{digest.hexdigest()[:16]}.npz"
    if kept.is_file():
        return read_arrays(kept)["images"]
    images = np.stack([_image(file) for file in files])
    write_arrays(kept, {"images": images})
    return images


def _image(file: Path) -> np.ndarray[Any, Any]:
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.draft("RGB", (4 * _SIDE, 4 * _SIDE))  # a JPEG's own shrinking: four times faster
            return np.asarray(image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
    except OSError as error:
        raise ConfigError(f"{file}: not a readable image ({error})") from error
