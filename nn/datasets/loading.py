"""A data set by name or path."""

from __future__ import annotations

from pathlib import Path

from bitline.core.errors import ConfigError
from nn import folder
from nn.datasets import formats, sources
from nn.datasets.dataset import Dataset


def available() -> list[str]:
    """The names that `load` knows beside paths."""
    return folder.names(sources)


def load(name_or_path: str | Path) -> Dataset:
    """Load a data set.

    Args:
        name_or_path: a source's name, as "digits" or "mnist", or a path to an .npz file or to a folder of idx files.

    Raises:
        ConfigError: there is no such source or file, or it can't be read; names the file and the key.
    """
    if str(name_or_path) in available():
        found: Dataset = folder.part(sources, str(name_or_path)).load()
        return found
    path = Path(name_or_path).expanduser()
    if not path.exists():
        known = ", ".join(available())
        raise ConfigError(f"data {str(name_or_path)!r} is neither a file or folder, nor one of the names {known}")
    for name in folder.names(formats):
        module = folder.part(formats, name)
        if module.reads(path):
            read: Dataset = module.read(path)
            return read
    kinds = ", ".join(str(folder.part(formats, name).WHAT) for name in folder.names(formats))
    raise ConfigError(f"{path}: no known kind of data set; known are {kinds}")
