"""A registry's package that is downloaded, checked and read, and never installed."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class Package(ABC):
    """One file of a registry.

    Args:
        name: the package's.
        version: exactly this one.
        sha256: of the file, hex.
    """

    name: str
    version: str
    sha256: str
    tool: ClassVar[str]  # that downloads it

    @property
    @abstractmethod
    def requirement(self) -> str:
        """The package as the tool that downloads it takes it."""

    @abstractmethod
    def _command(self, folder: Path) -> tuple[list[str], str]:
        """What downloads it into a folder, and how the file's name ends."""

    def download(self, folder: Path) -> Path:
        """Download it into a folder that has no such file yet.

        Raises:
            ConfigError: the tool is not there or failed (its last line is told), or the file has another hash.
        """
        command, ending = self._command(folder)
        done = subprocess.run(  # noqa: S603 - the user's own tool and arguments
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        found = sorted(folder.glob(f"*{ending}"))
        if done.returncode or len(found) != 1:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            why = said[-1] if said else "it gave no reason"
            raise ConfigError(f"{self.tool} could not download {self.requirement}: {why}")
        digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ConfigError(f"{found[0].name}: its SHA-256 is {digest}, not {self.sha256}; it is not used")
        return found[0]


class Wheel(Package):
    """A wheel; downloaded by this interpreter's pip, under the user's pip configuration and $PIP_ARGS."""

    tool = "pip"

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.name}=={self.version}"

    def _command(self, folder: Path) -> tuple[list[str], str]:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        more = shlex.split(os.environ.get("PIP_ARGS", ""))
        return [sys.executable, "-m", "pip", "download", *options, *more, self.requirement], ".whl"


class NpmPackage(Package):
    """An npm package, its .tgz; downloaded by ``npm pack``, under the user's npm configuration."""

    tool = "npm"

    @property
    def requirement(self) -> str:
        """As npm takes it."""
        return f"{self.name}@{self.version}"

    def _command(self, folder: Path) -> tuple[list[str], str]:
        npm = shutil.which("npm")
        if npm is None:
            raise ConfigError(f"npm, which downloads {self.requirement}, is not installed (Debian: apt install npm)")
        return [npm, "pack", "--silent", "--pack-destination", str(folder), self.requirement], ".tgz"
