"""A table of a TOML file whose entries are checked on the way out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion

_T = TypeVar("_T")
_KINDS: dict[type, str] = {str: "a text in quotes", int: "a whole number", dict: "a table"}


class Table:
    """A TOML table whose entries are checked; errors name the file and the full key."""

    def __init__(self, file: Path, prefix: str, content: Any, known: Iterable[str] | None) -> None:
        self.file, self._prefix = file, prefix
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: '{prefix}' is {content!r}; it must be a table")
        self.content: dict[str, Any] = content
        for key in content:
            if known is not None and key not in known:
                raise ConfigError(f"{file}: unknown key '{self.key(key)}'{suggestion(key, known)}")

    def key(self, name: str) -> str:
        """The full key of one entry, as errors name it."""
        return f"{self._prefix}.{name}" if self._prefix else name

    def get(self, name: str, kind: type[_T], default: _T | None = None) -> _T:
        """An entry of this type; ConfigError when it is missing without a default, or of another type."""
        value = self.content.get(name, default)
        if value is None:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is missing")
        if not isinstance(value, kind):
            raise ConfigError(f"{self.file}: '{self.key(name)}' is {value!r}; it must be {_KINDS[kind]}")
        return value

    def table(self, name: str, known: Iterable[str] | None) -> Table:
        """A table within this one, empty where it is missing; `known` keys are allowed, None allows any."""
        return Table(self.file, self.key(name), self.get(name, dict, {}), known)

    def positive(self, name: str) -> float:
        """A number above 0; ConfigError for anything else."""
        value = self.content.get(name)
        if value is None:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is missing")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is {value!r}; it must be a positive number in SI units")
        return float(value)
