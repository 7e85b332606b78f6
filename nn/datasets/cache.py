"""Where fetched data sets lie."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """$BITLINE_DATA, else $XDG_CACHE_HOME/bitline, else ~/.cache/bitline; it need not exist yet."""
    if chosen := os.environ.get("BITLINE_DATA"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "bitline"
