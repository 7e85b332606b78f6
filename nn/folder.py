"""Parts found by looking into a package's folder: adding a file adds a part, and no list has to be edited."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion


def names(package: ModuleType) -> list[str]:
    """The public modules of a package, sorted."""
    return sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_"))


def part(package: ModuleType, name: str) -> ModuleType:
    """Import one module of a package by its name; it must be in `names(package)`."""
    return importlib.import_module(f"{package.__name__}.{name}")


def unknown(what: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is not among the known ones."""
    return ConfigError(f"unknown {what} {name!r}{suggestion(name, known)}")
