"""A run's folder: unfinished under a hidden name that resumes, complete under its time and hash."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bitline.core.errors import ConfigError, StoreError

SHORT = 12  # characters of the hash in a folder's name


def partial_folder(results: Path, study: str, key: str) -> Path:
    """Where an unfinished run of this study lies."""
    return results / study / f".partial-{key[:SHORT]}"


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Make the folder and hold it for this process.

    Raises:
        StoreError: another process holds it.
        ConfigError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError:
        raise StoreError(f"{folder}: another process is running this study; wait for it or stop it") from None
    finally:
        os.close(lock)


def finish(folder: Path) -> Path:
    """Give a complete run its final name, ``<UTC>-<hash>``."""
    (folder / ".lock").unlink(missing_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    final = folder.with_name(f"{stamp}-{folder.name.removeprefix('.partial-')}")
    folder.rename(final)
    return final


def require_run(folder: Path) -> Path:
    """A finished run's folder.

    Raises:
        ConfigError: there is no such folder, or no finished run in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; bitline run STUDY.toml makes one under results/")
    if not (folder / "summary.json").is_file():
        raise ConfigError(f"{folder} holds no finished run (no summary.json); bitline run resumes an unfinished one")
    return folder
