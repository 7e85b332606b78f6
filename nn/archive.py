"""Arrays in an .npz file: read with one clear error, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Arrays = dict[str, np.ndarray[Any, Any]]


def read_arrays(path: Path, keys: tuple[str, ...] | None = None) -> Arrays:
    """The arrays of a file by their keys.

    Args:
        path: an .npz file.
        keys: those to read, where they are there; None for all.

    Raises:
        ConfigError: it is not a readable .npz, or holds Python objects; names the file and the key.
    """
    held: Arrays = {}
    key = ""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise ValueError("it is a single array, an .npy file")  # noqa: TRY301, TRY004 - told below
            for key in file.files if keys is None else [key for key in keys if key in file.files]:
                held[key] = file[key]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        where = f", key {key!r}" if key else ""
        raise ConfigError(f"{path}{where}: not a readable .npz ({error}); truncated, perhaps?") from error
    return held


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write a compressed .npz; its folder is made.

    Raises:
        ConfigError: it can't be written.
    """
    partial = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)  # mkstemp's file is private
        Path(partial).replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: can't be written ({error.strerror})") from error
    finally:
        if partial:
            Path(partial).unlink(missing_ok=True)
