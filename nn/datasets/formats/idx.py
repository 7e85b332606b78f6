"""A folder of idx files, plain or gzipped, as MNIST and Fashion-MNIST are given out.

The format is described with the MNIST data (LeCun, Cortes, Burges): a big-endian magic number 0x000008NN of unsigned
bytes with NN axes, one 32-bit length an axis, then the bytes.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.datasets.dataset import Dataset, dataset

WHAT = "a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, each perhaps .gz"
_UNSIGNED_BYTES = 0x08


def _file(folder: Path, part: str, axes: int) -> Path | None:
    """The idx file of a part ("train-images"), as -idx3-ubyte or .idx3-ubyte, perhaps gzipped."""
    names = (f"{part}{dot}idx{axes}-ubyte{end}" for dot in "-." for end in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def reads(path: Path) -> bool:
    """A folder that holds the training images at least."""
    return path.is_dir() and _file(path, "train-images", 3) is not None


def read(path: Path) -> Dataset:
    """Read the folder; where there is no test part, one is split off.

    Raises:
        ConfigError: a file is missing, truncated or no idx file of bytes.
    """
    train = _part(path, "train")
    test = _part(path, "t10k") if _file(path, "t10k-images", 3) or _file(path, "t10k-labels", 1) else None
    return dataset(str(path), train, test, keys=("images-idx3-ubyte", "labels-idx1-ubyte"))


def _part(folder: Path, part: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    images, labels = _file(folder, f"{part}-images", 3), _file(folder, f"{part}-labels", 1)
    if images is None or labels is None:
        missing = f"{part}-images-idx3-ubyte" if images is None else f"{part}-labels-idx1-ubyte"
        raise ConfigError(f"{folder}: {missing} (or .gz) is missing")
    return read_file(images, 3), read_file(labels, 1)


def read_file(path: Path, axes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """One idx file of unsigned bytes with this many axes.

    Raises:
        ConfigError: it is something else, or shorter or longer than its header says.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: can't be read ({error}); truncated, perhaps?") from error
    start = 4 + 4 * axes
    if len(raw) < start or raw[:4] != bytes((0, 0, _UNSIGNED_BYTES, axes)):
        raise ConfigError(f"{path}: not an idx file of unsigned bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", raw[4:start])
    wanted = int(np.prod(shape, dtype=np.int64))
    if len(raw) - start != wanted:
        raise ConfigError(f"{path}: holds {len(raw) - start} bytes where its header says {wanted}; truncated, perhaps?")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
