"""One `.model` card: its text, its numbers, and copies of it under another name.

ngspice keeps oxide thickness and subthreshold parameters on the model, so two transistors of one card cannot differ in
them. Give each transistor a card of its own (`Card.renamed`), and `altermod` then varies it alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bitline.core.errors import NetlistError
from circuits.expression import Scope

MISMATCH: Mapping[str, str] = MappingProxyType(
    {
        "vth": "threshold voltage with its sign: slope in V m; on an instance, `delvto`",
        "toxe": "gate oxide thickness relative to its nominal value: slope in m; on the model, `toxe` or `tox`",
        "voff": "subthreshold offset voltage: slope in V m; on the model, `voff`",
        "nfactor": "subthreshold swing factor: slope in m; on the model, `nfactor`",
    }
)
"""What varies from one device to the next, by name; a positive `vth` weakens an NMOS and strengthens a PMOS."""

# Oxide thickness is `toxe` in BSIM4 and `tox` in BSIM3.
_ON_THE_CARD: dict[str, tuple[str, ...]] = {"toxe": ("toxe", "tox"), "voff": ("voff",), "nfactor": ("nfactor",)}

_CARD = re.compile(r"^\.model[ \t]+(\S+)[ \t]+(\w+)(.*(?:\n(?:[+*].*|[ \t]*(?=\n)))*)", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(r"([a-z_]\w*)[ \t]*=[ \t]*('[^']*'|\{[^}]*\}|\S+)", re.IGNORECASE)
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?")
_TEXT_PARAMETERS = frozenset({"version"})  # "3.3.0" is no number


@dataclass(frozen=True)
class Card:
    """A `.model` card of numbers.

    Attributes:
        name: name of the model.
        kind: its type in lower case, "nmos" for example.
        text: the card as ngspice reads it.
        parameters: numbers by lower-case name, SI as the model defines them.
    """

    name: str
    kind: str
    text: str
    parameters: Mapping[str, float]

    def renamed(self, name: str) -> Card:
        """The same card as a model called `name`."""
        return replace(self, name=name, text=re.sub(r"(?<=\s)\S+", name, self.text, count=1))

    def parameter(self, mismatch: str) -> str:
        """The model parameter that carries `mismatch` (see `MISMATCH`) on this card, for `altermod`.

        Raises:
            NetlistError: it is not a model parameter (`vth` is `delvto` of the instance), or the card does not give it.
        """
        for name in _ON_THE_CARD.get(mismatch, ()):
            if name in self.parameters:
                return name
        raise NetlistError(f".model {self.name} has no parameter for the mismatch '{mismatch}'")


def parse_cards(text: str, where: str) -> dict[str, Card]:
    """Cards in a file's text, by lower-case name.

    Args:
        text: the file.
        where: its name, for errors.

    Raises:
        NetlistError: a model is defined twice, or a parameter is not a number; names the line.
    """
    cards: dict[str, Card] = {}
    for match in _CARD.finditer(text):
        name, kind, _ = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if name.lower() in cards:
            raise NetlistError(f"{where}:{line}: .model '{name}' is defined a second time")
        cards[name.lower()] = Card(name, kind.lower(), match.group().rstrip() + "\n", _numbers(match, line, where))
    return cards


def _numbers(match: re.Match[str], first: int, where: str) -> Mapping[str, float]:
    numbers: dict[str, float] = {}
    for offset, line in enumerate(match.group(3).split("\n")):
        if line.startswith("*"):
            continue
        for name, value in _PARAMETER.findall(line):
            if name.lower() not in _TEXT_PARAMETERS:
                numbers[name.lower()] = _number(name, value.rstrip(")"), f"{where}:{first + offset}")
    return numbers


def _number(name: str, value: str, where: str) -> float:
    if _PLAIN.fullmatch(value):
        return float(value)
    try:
        return Scope({}).evaluate(value)
    except NetlistError as error:
        raise NetlistError(f"{where}: '{name} = {value}' is not a number: {error}") from error
