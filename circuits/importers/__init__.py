"""Technologies from foundry libraries.

An importer is a module in this folder with a function `convert(source: Path) -> dict[str, str]` that returns the files
of a technology folder by name (see `circuits.technology`). A new one is a new file here, called by the file's name.
"""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from pathlib import Path

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.technology import load_technology


def importers() -> list[str]:
    """Names of the importers."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def import_technology(importer: str, source: Path, out: Path) -> Path:
    """Write the technology folder `out` from the library at `source`, whole or not at all.

    The folder is checked by loading it before it gets its name. The same source gives the same bytes.

    Args:
        importer: name of the importer, see `importers`.
        source: the foundry's library, as that importer wants it.
        out: folder to write; it must not exist.

    Returns:
        `out`.

    Raises:
        ConfigError: unknown importer, or `out` exists or cannot be written.
        NetlistError: `source` is not what the importer reads, or lacks a device, corner or parameter.
    """
    if importer not in importers():
        raise ConfigError(f"no importer '{importer}'{suggestion(importer, importers())}")
    if out.exists():
        raise ConfigError(f"{out}: exists; remove it or choose another folder")
    files: dict[str, str] = importlib.import_module(f"{__name__}.{importer}").convert(source)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            folder = Path(scratch) / out.name
            folder.mkdir()
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
            load_technology(folder)
            folder.rename(out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error}") from error
    return out
