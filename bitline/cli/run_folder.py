"""A run's folder: unfinished under a hidden name that resumes, complete under its time and hash."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bitline.core.errors import ConfigError, StoreError

SHORT = 12  # characters of the hash in a folder's name
STAGES = ".stages"  # sub-folder of a folder of results, with what studies have in common
JOURNALS = "journals"  # sub-folder of an unfinished run
JOURNAL = ".journal"  # suffix of a stage's samples
SUMMARY = "summary.json"  # what makes a folder that of a finished run
VERIFICATION = "verification.json"  # what verifying the run adds
DIAGNOSIS = "diagnosis.json"  # what trying the advice of a diagnosis adds
_LOCK = ".lock"
_PARTIAL = ".partial-"


def partial_folder(folder: Path, key: str) -> Path:
    """Where in a folder of results what is unfinished lies, by its hash or name."""
    return folder / f"{_PARTIAL}{key[:SHORT]}"


@contextmanager
def writing(folder: Path, *, anew: bool = False) -> Iterator[Path]:
    """Make a `partial_folder` and hold it for this process; if nothing worth keeping got into it, it goes afterwards.

    Args:
        folder: as `partial_folder` names it.
        anew: without what is in it already.

    Raises:
        StoreError: another process holds it.
        ConfigError: it cannot be made.
    """
    if not folder.name.startswith(_PARTIAL):
        raise ValueError(f"{folder} may hold what is not ours to remove")
    made: list[Path] = []
    try:
        made += [path for path in folder.parents if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        _remove_empty(made)
        raise ConfigError(f"{folder} cannot be written: {error.strerror}; choose another folder") from error
    try:
        _hold(lock, folder)
        try:
            if anew:
                _empty(folder)
            yield folder
        finally:
            if folder.is_dir() and not any(folder.rglob(f"*{JOURNAL}")):  # an error before the first sample
                shutil.rmtree(folder)
                _remove_empty(made)
    finally:
        os.close(lock)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != _LOCK:
            path.unlink()


def abandoned(folder: Path, key: str, days: float = 7.0) -> list[Path]:
    """Unfinished runs in a study's folder, of another key, that nothing was written to for so many days."""
    found = []
    for path in sorted(folder.glob(f"{_PARTIAL}*")):
        written = max((file.stat().st_mtime for file in path.rglob("*")), default=path.stat().st_mtime)
        if path != partial_folder(folder, key) and time.time() - written > 86400 * days:
            found.append(path)
    return found


def _hold(lock: int, folder: Path) -> None:
    taken = f"{folder}: another process is running this study; wait for it or stop it"
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(taken) from None
    try:
        same = os.path.samestat(os.fstat(lock), (folder / _LOCK).stat())
    except FileNotFoundError:
        same = False
    if not same:  # it finished between our opening the lock and holding it
        raise StoreError(taken)


def _remove_empty(folders: Iterable[Path]) -> None:
    """Remove these folders, the innermost first, as far as they are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def finish(folder: Path) -> Path:
    """Give a complete run its final name, ``<UTC>-<hash>``; its journals and lock, of no more use, go last."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    final = folder.with_name(f"{stamp}-{folder.name.removeprefix(_PARTIAL)}")
    folder.rename(final)
    shutil.rmtree(final / JOURNALS, ignore_errors=True)
    (final / _LOCK).unlink(missing_ok=True)
    return final


def require_run(folder: Path) -> Path:
    """A finished run's folder.

    Raises:
        ConfigError: there is no such folder, or no finished run in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; bitline run STUDY.toml makes one under results/")
    if not (folder / SUMMARY).is_file():
        raise ConfigError(f"{folder} holds no finished run (no {SUMMARY}); bitline run resumes an unfinished one")
    kind = kind_of(folder)
    if kind:
        raise ConfigError(f"{folder} holds the {kind} of a study, not a run; bitline run STUDY.toml makes one")
    return folder


def kind_of(folder: Path) -> str:
    """What a finished folder holds that is no run, as "sweep"; empty for a run, or where that can't be read."""
    try:
        document = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(document.get("kind", "")) if isinstance(document, dict) else ""


def finished_runs(folder: Path, key: str) -> list[Path]:
    """The finished runs of this key in a study's folder, the newest first; a partial one is none, whatever it holds."""
    found = [path for path in folder.glob(f"*-{key[:SHORT]}") if not path.name.startswith(_PARTIAL)]
    return sorted((path for path in found if (path / SUMMARY).is_file()), reverse=True)
