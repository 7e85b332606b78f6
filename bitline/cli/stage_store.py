"""Finished stages of a folder of results: what an earlier study there has computed, another takes.

``results/.stages/<key>/`` holds the files of one stage under the hash of all that they depend on, and a manifest with
the hash of each file and the study that they were computed for. An entry appears whole, by a rename, and never changes;
whatever in it is not as the manifest says makes it no entry. So any number of processes may use a store at once, and
removing it loses time alone.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bitline.cli.run_folder import SHORT, STAGES
from bitline.core.errors import ConfigError

_MANIFEST = "manifest.json"
_MARK = ".origin"  # suffix of what says that a stage in a run's folder is whole, and where it comes from


@dataclass(frozen=True)
class StageStore:
    """The stages of a folder of results, as one study uses them.

    Args:
        folder: of the store; made when there is something to keep.
        study: that uses it, as others are told of it.
        fresh: take nothing from it, and replace what it holds.
    """

    folder: Path
    study: str
    fresh: bool = False

    def take(self, key: str, name: str, into: Path, marks: Path) -> str:
        """Put a stage's files where a study resumes from, if they are here.

        Args:
            key: hash of all that the stage depends on.
            name: of the stage among those of its folder.
            into: folder that the files go to.
            marks: folder of an unfinished run that notes which of its stages are whole; it may be `into`.

        Returns:
            The study that they were computed for, and when; empty if this one computes them, or has.
        """
        mark = marks / f"{name}{_MARK}"
        if mark.is_file():
            return mark.read_text(encoding="utf-8")
        found = None if self.fresh else self._read(key)
        if found is None:
            return ""
        origin, files = found
        for folder in (into, marks):
            folder.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            _write(into / Path(file).name, data)
        _write(mark, origin.encode())
        return origin

    def keep(self, key: str, name: str, files: Sequence[Path], marks: Path) -> None:
        """Keep the files of a stage that this study has computed; a store that can't be written keeps nothing.

        Args:
            key: hash of all that the stage depends on.
            name: of the stage.
            files: of it.
            marks: as of `take`.
        """
        mark = marks / f"{name}{_MARK}"
        if mark.is_file():
            return  # before it was stopped
        held = {file.name: file.read_bytes() for file in files}
        manifest = {
            "key": key,
            "origin": f"{self.study}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "files": {file: hashlib.sha256(data).hexdigest() for file, data in held.items()},
        }
        if self.fresh:
            self._drop(key)
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=self.folder, prefix=".new-"))
            try:
                for file, data in {**held, _MANIFEST: json.dumps(manifest, indent=1).encode()}.items():
                    (made / file).write_bytes(data)
                made.chmod(0o755)  # mkdtemp's folder is private
                with suppress(OSError):  # another process was faster: its entry stays
                    made.rename(self.folder / key)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        marks.mkdir(parents=True, exist_ok=True)
        _write(mark, b"")

    def _read(self, key: str) -> tuple[str, Mapping[str, bytes]] | None:
        """An entry's origin and files; one that is damaged is taken away, so that it is made anew."""
        entry = self.folder / key
        try:
            manifest = json.loads((entry / _MANIFEST).read_bytes())
            origin, hashes = str(manifest["origin"]), dict(manifest["files"])
            files = {file: (entry / Path(file).name).read_bytes() for file in hashes}
        except FileNotFoundError:
            if entry.is_dir():
                self._drop(key)
            return None
        except (OSError, ValueError, TypeError, KeyError):
            self._drop(key)
            return None
        whole = all(hashlib.sha256(data).hexdigest() == hashes[file] for file, data in files.items())
        if not (whole and origin and manifest["key"] == key):
            self._drop(key)
            return None
        return origin, files

    def _drop(self, key: str) -> None:
        """Take an entry away at once: under another name first, so that nobody finds half of it."""
        with suppress(OSError):
            away = Path(tempfile.mkdtemp(dir=self.folder, prefix=".old-"))
            try:
                (self.folder / key).rename(away / key)
            finally:
                shutil.rmtree(away, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        ConfigError: it can't be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; choose another folder") from error


@cache
def code(packages: tuple[str, ...], distributions: tuple[str, ...]) -> str:
    """The hash (hex) of modules as they stand, which differ in one version of bitline where somebody works on it.

    Args:
        packages: whose modules count, those of sub-packages too.
        distributions: whose versions count.
    """
    digest = hashlib.sha256()
    for home in map(_home, packages):
        for path in sorted(home.rglob("*.py")):
            digest.update(f"{path.relative_to(home)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for name in distributions:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    return digest.hexdigest()


def _home(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigError(f"the package {package!r} has no files; install bitline again")
    return Path(spec.origin).parent


def store_of(results: Path, name: str, key: str, *, fresh: bool = False) -> StageStore:
    """The store of a folder of results.

    Args:
        results: the folder.
        name: of the study that uses it.
        key: the hash of its run.
        fresh: as of `StageStore`.
    """
    return StageStore(results / STAGES, f"{name} ({key[:SHORT]})", fresh)


def key_of(parts: Iterable[str]) -> str:
    """One hash (hex) of all of these."""
    digest = hashlib.sha256()
    for each in parts:
        digest.update(hashlib.sha256(each.encode()).digest())
    return digest.hexdigest()
