"""``python -m nn.datasets.fetch NAME``: get a data set that does not come along, and cache it."""

from __future__ import annotations

import sys
from pathlib import Path

from bitline.core.errors import BitlineError
from nn import folder
from nn.datasets import sources


def fetch(name: str) -> Path:
    """Fetch a source's data into the cache and return the file; quick when it is there.

    Raises:
        ConfigError: no such source, one that needs no fetching, or the download failed.
    """
    fetchable = [known for known in folder.names(sources) if hasattr(folder.part(sources, known), "fetch")]
    if name not in fetchable:
        raise folder.unknown("data set to fetch", name, fetchable)
    path: Path = folder.part(sources, name).fetch()
    return path


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 with the file's path, or 1 with one line that says what went wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m nn.datasets.fetch NAME (as mnist)\n")
        return 1
    try:
        sys.stdout.write(f"{arguments[0]}: {fetch(arguments[0])}\n")
    except BitlineError as error:
        sys.stderr.write(f"{arguments[0]}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
