"""An npm package that is read and never installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bitline.core.errors import ConfigError


@dataclass(frozen=True)
class NpmPackage:
    """A package on the registry that the user's npm is configured for.

    Args:
        name: the package's.
        version: exactly this one.
        sha256: of the .tgz file, hex.
    """

    name: str
    version: str
    sha256: str

    def download(self, folder: Path) -> Path:
        """Download the .tgz into a folder by ``npm pack``, under the user's npm configuration.

        Raises:
            ConfigError: there is no npm, it failed (its last line is told), or the file has another hash.
        """
        npm = shutil.which("npm")
        if npm is None:
            raise ConfigError(
                f"npm, which downloads {self.name}@{self.version}, is not installed (Debian: apt install npm)"
            )
        done = subprocess.run(  # noqa: S603 - the user's own npm
            [npm, "pack", "--silent", f"{self.name}@{self.version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        found = sorted(folder.glob("*.tgz"))
        if done.returncode or len(found) != 1:
            said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise ConfigError(
                f"npm could not download {self.name}@{self.version}: {said[-1] if said else 'no reason given'}"
            )
        digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ConfigError(f"{found[0].name}: its SHA-256 is {digest}, not {self.sha256}; it is not used")
        return found[0]
