"""Reading SPICE libraries: sections, includes, parameters, subcircuits and binned models, as text.

`read_section` follows one `.lib` section through its includes and further sections, `read_netlist` a whole file; either
returns a `Library`. Nothing is evaluated there, so that the cost is in the files that are read, and the caller says
which includes it wants. `pick_bin` then picks a model by drawn width and length with ngspice's own rule, and
`circuits.expression.Scope` evaluates its parameters; `circuits.flatten` does both for a whole subcircuit.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bitline.core.errors import NetlistError
from bitline.core.suggest import suggestion
from circuits.expression import Scope, strip_quotes
from circuits.library_files import Files

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)")
_SECTION = r"^\.lib[ \t]+['\"]?{}['\"]?[ \t]*$(.*?)^[ \t]*\.endl"
_SECTION_NAME = r"^\.lib[ \t]+['\"]?([\w.-]+)['\"]?[ \t]*$"
_BIN_EDGE_ULPS = 3


@dataclass(frozen=True)
class Model:
    """A `.model` statement; `text` holds its parameters, `where` is `file:line`."""

    name: str
    kind: str
    text: str
    where: str

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """Expressions by lower-case name."""
        return assignments(self.text)


@dataclass
class Subcircuit:
    """A `.subckt`, in lower case.

    Attributes:
        name: of it; "" is a library's top level.
        ports: in order.
        parameters: defaults and `.param` expressions by name; the last definition wins, as in ngspice.
        models: of its own.
        elements: statement and `file:line` of each.
        where: `file:line`.
    """

    name: str = ""
    ports: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)
    elements: list[tuple[str, str]] = field(default_factory=list)
    where: str = ""


@dataclass
class Library:
    """What one section of a library, or a netlist, defines.

    Attributes:
        top: what stands outside all subcircuits.
        subcircuits: by name.
        scale: of lengths on element lines, m (`.option scale`); None where no file says.
        common: nodes of `.global`.
        files: content of each file that was read, by path.
    """

    top: Subcircuit = field(default_factory=Subcircuit)
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    scale: float | None = None
    common: set[str] = field(default_factory=lambda: {"0", "gnd"})
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """Global `.param` expressions by lower-case name."""
        return self.top.parameters

    def model(self, subcircuit: str, size: tuple[float, float], number: Callable[[str], float]) -> Model:
        """The model of `subcircuit` (lower case) whose bin holds `size`; see `pick_bin`."""
        return pick_bin(subcircuit, self.subcircuits.get(subcircuit, Subcircuit()).models, size, number)


def pick_bin(name: str, models: list[Model], size: tuple[float, float], number: Callable[[str], float]) -> Model:
    """The model whose bin holds `size`.

    Args:
        name: of all of them, for errors.
        models: the bins; one without limits holds every size.
        size: drawn width and length, m.
        number: evaluates an expression of the library.

    Raises:
        NetlistError: no bin holds the size, or there are none.
    """
    for model in models:
        if all(
            _in_bin(value, number(model.parameters[low]), number(model.parameters[high]))
            for value, low, high in zip(size, ("wmin", "lmin"), ("wmax", "lmax"), strict=True)
            if {low, high} <= model.parameters.keys()
        ):
            return model
    why = f"none of its {len(models)} bins holds it" if models else "the library has no such subcircuit with models"
    raise NetlistError(f"{name}: no model for W = {size[0] * 1e6:g} um, L = {size[1] * 1e6:g} um: {why}")


def read_section(files: Files, path: str, section: str, wanted: Callable[[str], bool] = lambda _: True) -> Library:
    """Section `section` of the library file `path` with all includes for which `wanted(path)`.

    Raises:
        NetlistError: the section is missing, an include does not exist, or a statement cannot be read.
    """
    reader = _Reader(files, wanted)
    reader.section(path, section)
    return reader.library


def read_netlist(files: Files, path: str, library: Library | None = None) -> Library:
    """The netlist file `path` with all it includes, added to `library` where one is given.

    Raises:
        NetlistError: a file or section is missing, or a statement cannot be read.
    """
    reader = _Reader(files, lambda _: True)
    reader.library = library or reader.library
    reader.read(path, reader.load(path))
    return reader.library


class _Reader:
    def __init__(self, files: Files, wanted: Callable[[str], bool]) -> None:
        self._files, self._wanted = files, wanted
        self._sections: set[tuple[str, str]] = set()
        self.library = Library()

    def load(self, path: str, asked: str = "") -> str:
        """Text of a file; `asked` is what names it, for the error where there is none."""
        try:
            content = self._files.read(path)
        except NetlistError as error:
            raise NetlistError(f"{asked}{error}") from error
        self.library.files[path] = content
        return content.decode("utf-8", errors="replace")

    def section(self, path: str, section: str, asked: str = "") -> None:
        if (path, section.lower()) in self._sections:
            return
        self._sections.add((path, section.lower()))
        text = self.load(path, asked)
        found = re.search(_SECTION.format(re.escape(section)), text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
        if found is None:
            names = re.findall(_SECTION_NAME, text, re.MULTILINE | re.IGNORECASE)
            raise NetlistError(f"{path}: has no section '.lib {section}'{suggestion(section, names)}")
        self.read(path, found.group(1), first=text.count("\n", 0, found.start(1)))

    def read(self, path: str, text: str, first: int = 0) -> None:
        inside = [self.library.top]
        skipped = False
        for number, statement in _statements(text, first):
            word, _, rest = statement.partition(" ")
            where = f"{path}:{number}"
            match word.lower():
                case ".endl":
                    skipped = False
                case ".lib" if len(rest.split()) == 1:
                    skipped = True  # a section of a file that is read for something else
                case _ if skipped:
                    pass
                case ".subckt":
                    inside.append(_subcircuit(rest, where))
                    self.library.subcircuits[inside[-1].name] = inside[-1]
                case ".ends":
                    inside = inside[:-1] or inside
                case ".lib" | ".include" | ".inc":
                    self._file(path, word.lower(), rest, where)
                case known if known[0] == ".":
                    self._setting(known, rest, where, inside[-1])
                case known if known[0].isalpha():
                    inside[-1].elements.append((statement.lower(), where))

    def _file(self, path: str, word: str, rest: str, where: str) -> None:
        name, _, section = rest.strip().rpartition(" ") if word == ".lib" else (rest, "", "")
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), strip_quotes(name)))
        if word == ".lib":
            self.section(other, strip_quotes(section), f"{where}: ")
        elif self._wanted(other) and other not in self.library.files:
            self.read(other, self.load(other, f"{where}: "))

    def _setting(self, word: str, rest: str, where: str, inside: Subcircuit) -> None:
        match word:
            case ".param":
                inside.parameters.update(assignments(rest))
            case ".model":
                inside.models.append(_model(rest, where))
            case ".global":
                self.library.common.update(rest.lower().split())
            case ".if" | ".elseif" | ".else":
                raise NetlistError(f"{where}: {word} is not read; write out the branch that is meant")
            case ".option" | ".options" if "scale" in (given := assignments(rest)):
                self.library.scale = Scope({}).evaluate(given["scale"].split()[0])


def _subcircuit(text: str, where: str) -> Subcircuit:
    first = _ASSIGNMENT.search(text)
    head = text[: first.start()] if first else text
    name, *ports = [word for word in head.lower().split() if word != "params:"] or [""]
    if not name:
        raise NetlistError(f"{where}: .subckt needs a name and its nodes")
    return Subcircuit(name, tuple(ports), assignments(text[first.start() :]) if first else {}, where=where)


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
    return Model(words[0].lower(), words[1].lower(), words[2], where)


def assignments(text: str) -> dict[str, str]:
    """Expressions of a list of `name = expression`, by lower-case name."""
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
