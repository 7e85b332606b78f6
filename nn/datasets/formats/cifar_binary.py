"""A folder of CIFAR-10's binary files, as its authors give it out.

Each record is a byte of label and 3,072 bytes of red, green and blue, row after row (Krizhevsky, "Learning Multiple
Layers of Features from Tiny Images", 2009, "binary version").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.datasets.dataset import Dataset, dataset
from nn.datasets.sources.cifar10 import CLASSES

WHAT = "a folder with CIFAR-10's data_batch_1.bin to data_batch_5.bin and test_batch.bin"
_RECORD = 1 + 3 * 32 * 32


def reads(path: Path) -> bool:
    """A folder that holds one training file at least."""
    return path.is_dir() and any(path.glob("data_batch_*.bin"))


def read(path: Path) -> Dataset:
    """Read the folder; what training files are there are taken, and without test_batch.bin a part is split off.

    Raises:
        ConfigError: a file can't be read or is no whole number of records.
    """
    parts = [_records(file) for file in sorted(path.glob("data_batch_*.bin"))]
    train = tuple(np.concatenate(each) for each in zip(*parts, strict=True))
    test = path / "test_batch.bin"
    return dataset(
        str(path),
        (train[0], train[1]),
        _records(test) if test.is_file() else None,
        class_names=CLASSES,
        keys=("pixels", "label bytes"),
    )


def _records(file: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    try:
        held = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    if not len(held) or len(held) % _RECORD:
        raise ConfigError(f"{file}: {len(held)} bytes are no whole number of records of {_RECORD}; truncated, perhaps?")
    records = held.reshape(-1, _RECORD)
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), records[:, 0]
