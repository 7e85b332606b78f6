"""The Liberty format (Liberty Reference Manual, Synopsys/IEEE-ISTO): groups of attributes, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Value = str | int | float


@dataclass(frozen=True)
class Attribute:
    """``name : value;``, or ``name (value, ...);`` where the value is a tuple.

    Args:
        name: as the manual spells it.
        value: numbers and words are written as they are; a text that holds more than a word is quoted.
        comment: on the line before.
    """

    name: str
    value: Value | tuple[Value, ...]
    comment: str = ""

    def lines(self) -> Iterator[str]:
        """As the file holds it."""
        if self.comment:
            yield _comment(self.comment)
        if isinstance(self.value, tuple):
            yield f"{self.name} ({', '.join(map(_written, self.value))});"
        else:
            yield f"{self.name} : {_written(self.value)};"


@dataclass(frozen=True)
class Group:
    """``kind (name) { ... }``.

    Args:
        kind: as "cell".
        name: in its brackets; may be empty.
        entries: attributes and groups in order.
        comment: on the line before.
    """

    kind: str
    name: str
    entries: tuple[Attribute | Group, ...]
    comment: str = ""

    def lines(self) -> Iterator[str]:
        """As the file holds it."""
        if self.comment:
            yield _comment(self.comment)
        yield f"{self.kind} ({self.name}) {{"
        for entry in self.entries:
            yield from (f"  {line}" for line in entry.lines())
        yield "}"


def quoted(text: str) -> str:
    """A string in quotes, for values such as "1ns" that a tool would read as a number with a rest."""
    return f'"{text}"'


def scalar(kind: str, value: float, comment: str = "") -> Group:
    """A look-up table of one number, which holds for every slew and load: ``kind (scalar) { values ("value"); }``."""
    return Group(kind, "scalar", (Attribute("values", (quoted(repr(value)),)),), comment)


def table(kind: str, template: str, rows: Sequence[Sequence[float]], comment: str = "") -> Group:
    """A look-up table over a template's two indices: a row a value of the first."""
    values = tuple(quoted(", ".join(repr(value) for value in row)) for row in rows)
    return Group(kind, template, (Attribute("values", values),), comment)


def indices(name: str, values: Sequence[float]) -> Attribute:
    """`index_1` or `index_2` of a template, values rising."""
    return Attribute(name, (quoted(", ".join(repr(value) for value in values)),))


def _comment(text: str) -> str:
    return f"/* {text.replace('*/', '* /')} */"


def _written(value: Value) -> str:
    if isinstance(value, str):
        bare = value.startswith('"') or value.replace("_", "").replace(".", "").isalnum()
        return value if bare else quoted(value)
    return repr(value)
