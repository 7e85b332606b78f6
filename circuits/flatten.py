"""A subcircuit as its transistors and capacitors: calls expanded, expressions evaluated, bins picked.

What a foundry wraps into subcircuits (a transistor that computes its own size and card from `w` and `l`) comes out as a
plain transistor line and a card of numbers, which loads in milliseconds. Statistical functions give their mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bitline.core.errors import NetlistError
from bitline.core.suggest import suggestion
from circuits.expression import Scope
from circuits.spice_library import Library, Model, Subcircuit, assignments, pick_bin

STATISTICAL = {name: lambda mean, *_: mean for name in ("agauss", "gauss", "aunif", "unif", "limit")}
_LENGTHS, _AREAS = frozenset({"w", "l", "pd", "ps", "sa", "sb", "sd"}), frozenset({"ad", "as"})
_LIMITS = frozenset({"lmin", "lmax", "wmin", "wmax"})
_KEYS = _LENGTHS | _AREAS | {"m", "nf", "nrd", "nrs", "delvto", "mulu0"}
_SIZES = (5e-9, 1e-3)  # m: what a transistor may measure
_FIRST = re.compile(r"\w+\s*=")
_DEEPEST = 20


@dataclass(frozen=True)
class Transistor:
    """A transistor line.

    Attributes:
        name: with its path, as "x1.m0".
        nodes: drain, gate, source and bulk.
        called: what the netlist calls it: the outermost subcircuit that is this transistor alone, else its model.
        model: name of its card.
        card: text of that card; empty where the netlist and its library do not hold it.
        parameters: of the line, by name, SI; `w` and `l` among them.
        where: `file:line`.
    """

    name: str
    nodes: tuple[str, str, str, str]
    called: str
    model: str
    card: str
    parameters: Mapping[str, float]
    where: str


@dataclass(frozen=True)
class Capacitor:
    """A capacitor line: its two nodes and its value, F."""

    name: str
    nodes: tuple[str, str]
    value: float


@dataclass(frozen=True)
class _Place:
    """Where an element stands: its path, the nodes of its subcircuit's ports, what is known there."""

    path: str
    nodes: Mapping[str, str]
    scope: Scope
    inside: Subcircuit
    given: tuple[float, ...]
    called: str
    m: float
    depth: int = 0


@dataclass
class Flattener:
    """Expands subcircuits of one library.

    Args:
        library: with every subcircuit, and the cards where it has them.
        external: name by lower-case name: models whose cards are elsewhere; a subcircuit that the library does not
            define may be one of them.
        aliases: of models and subcircuits, by what element lines call them; lower case.
        scale: of lengths on element lines, m.
        called: gets every model and subcircuit that element lines name.
    """

    library: Library
    external: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0
    called: set[str] = field(default_factory=set)
    _names: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)

    def subcircuit(self, name: str) -> tuple[list[Transistor], list[Capacitor]]:
        """What the subcircuit `name` (lower case) is made of; its ports keep their names.

        Raises:
            NetlistError: no such subcircuit, or it holds what is no transistor, capacitor or known subcircuit, or an
                expression that cannot be evaluated; names file and line.
        """
        found = self.library.subcircuits[name]
        place = _Place("", {port: port for port in found.ports}, self._scope(found, {}), found, (), "", 1.0)
        return self._expand(place)

    def device(self, name: str, parameters: Mapping[str, float], where: str) -> Transistor:
        """One transistor by the name of its model or of the subcircuit that wraps it.

        Args:
            name: of either.
            parameters: as an element line gives them, lengths in `scale`.
            where: what asks for it, for errors.

        Raises:
            NetlistError: there is no such model or subcircuit, or the subcircuit is more than one transistor.
        """
        kind = "x" if name.lower() in self.library.subcircuits else "m"
        line = " ".join([f"{kind}1 d g s b {name.lower()}", *(f"{key}={value!r}" for key, value in parameters.items())])
        top = Subcircuit(ports=("d", "g", "s", "b"), elements=[(line, where)])
        nodes = {port: port for port in top.ports}
        transistors, capacitors = self._expand(_Place("", nodes, self._scope(top, {}), top, (), "", 1.0))
        if len(transistors) != 1 or capacitors or not transistors[0].card:
            models = {model.name.partition(".")[0] for model in self.library.top.models} | set(self.library.subcircuits)
            what = "is more than one transistor" if transistors[1:] or capacitors else "is not in the library"
            raise NetlistError(f"{where}: '{name}' {what}{suggestion(name.lower(), models)}")
        return transistors[0]

    def _scope(self, inside: Subcircuit, values: Mapping[str, float]) -> Scope:
        return Scope(self.library.parameters | inside.parameters, values, STATISTICAL)

    def _expand(self, place: _Place) -> tuple[list[Transistor], list[Capacitor]]:
        transistors: list[Transistor] = []
        capacitors: list[Capacitor] = []
        for statement, where in place.inside.elements:
            match statement[0]:
                case "m":
                    transistors.append(self._transistor(statement, where, place))
                case "c":
                    capacitors.append(self._capacitor(statement, where, place))
                case "x":
                    inner = self._call(statement, where, place)
                    transistors += inner[0]
                    capacitors += inner[1]
                case _:
                    raise NetlistError(
                        f"{where}: '{statement.split()[0]}': only transistors (M), capacitors (C) and subcircuits (X) "
                        "are read; extract the cell without resistances, or give a flat card"
                    )
        return transistors, capacitors

    def _call(self, statement: str, where: str, place: _Place) -> tuple[list[Transistor], list[Capacitor]]:
        head, given = _split(statement)
        name, *nodes, callee = head
        self.called.add(callee)
        named, callee = callee, self.aliases.get(callee, callee)
        found = self.library.subcircuits.get(callee)
        if found is None and callee in self.external and len(nodes) == 4:
            return [self._transistor(statement, where, place)], []
        if found is None:
            known = {*self.library.subcircuits, *self.external} - {place.inside.name}
            raise NetlistError(f"{where}: {name} is a '{named}', which no file defines{suggestion(callee, known)}")
        if len(nodes) != len(found.ports):
            raise NetlistError(
                f"{where}: {name} has {len(nodes)} nodes, but {callee} ({found.where}) has {len(found.ports)}: "
                f"{' '.join(found.ports)}"
            )
        if place.depth > _DEEPEST:
            raise NetlistError(f"{where}: {callee} calls itself")
        values = {key: self._value(place.scope, text, f"{where}: {key}") for key, text in given.items()}
        m = 1.0 if "m" in found.parameters else values.pop("m", 1.0)
        own = _Place(
            path=f"{place.path}{name}.",
            nodes=dict(zip(found.ports, (self._node(node, place) for node in nodes), strict=True)),
            scope=self._scope(found, values),
            inside=found,
            given=(*place.given, *values.values()),
            called=place.called or (named if len(found.elements) == 1 else ""),
            m=m * place.m,
            depth=place.depth + 1,
        )
        return self._expand(own)

    def _transistor(self, statement: str, where: str, place: _Place) -> Transistor:
        head, given = _split(statement)
        if len(head) != 6:
            raise NetlistError(f"{where}: '{statement}': a transistor has four nodes and a model")
        name, *nodes, named = head
        self.called.add(named)
        model = self.aliases.get(named, named)
        values = {key: self._value(place.scope, text, f"{where}: {key}") for key, text in given.items()}
        for key in ("w", "l"):
            if values.get(key, 0.0) <= 0:
                raise NetlistError(f"{where}: {name}: '{key}' is {values.get(key, 'missing')}; give it above 0")
        sized = self._sized(values, name, where)
        sized["m"] = sized.get("m", 1.0) * place.m
        card_name, card = self._card(model, (sized["w"], sized["l"]), place, where)
        drain, gate, source, bulk = (self._node(node, place) for node in nodes)
        path = f"{place.path}{name}"
        return Transistor(path, (drain, gate, source, bulk), place.called or named, card_name, card, sized, where)

    def _sized(self, values: Mapping[str, float], name: str, where: str) -> dict[str, float]:
        """Parameters of a transistor line in SI."""
        for key in values:
            if key not in _KEYS:
                known = ", ".join(sorted(_KEYS))
                raise NetlistError(f"{where}: {name}: '{key}' is not read; a transistor line may have {known}")
        if values.get("nf", 1.0) != 1.0:
            raise NetlistError(f"{where}: {name} has nf={values['nf']:g}; write fingers as m, each with its own w")
        sized = {key: value * _unit(key, self.scale) for key, value in values.items() if key != "nf"}
        low, high = _SIZES
        if not all(low <= sized[key] <= high for key in ("w", "l")):
            raise NetlistError(
                f"{where}: {name} would be {sized['w']:g} m wide and {sized['l']:g} m long; a length on this line "
                f"counts as {self.scale:g} m: set 'scale' (1e-6 for micrometres)"
            )
        return sized

    def _card(self, model: str, size: tuple[float, float], place: _Place, where: str) -> tuple[str, str]:
        """Name and text of the card of `model` at this place."""
        for inside in (place.inside, self.library.top):
            bins = [found for found in inside.models if found.name == model or _is_bin(found.name, model)]
            if bins:
                scope = place.scope if inside is place.inside else self._scope(inside, {})
                chosen = pick_bin(model, bins, size, scope.evaluate)
                name = self._unique(model, size, place.given)
                return name, _text(name, chosen, scope)
        if model in self.external:
            return self.external[model], ""
        known = {found.name.partition(".")[0] for found in self.library.top.models}
        known |= {*self.external, *self.library.subcircuits}
        raise NetlistError(f"{where}: no file defines a .model '{model}'{suggestion(model, known)}")

    def _unique(self, model: str, size: tuple[float, float], given: tuple[float, ...]) -> str:
        """A name that tells apart the cards of one model at other sizes or other parameters of its subcircuit."""
        name = f"{model}_w{size[0] * 1e6:g}_l{size[1] * 1e6:g}".replace(".", "p").replace("-", "m")
        asked = self._names.setdefault(name, [])
        if given not in asked:
            asked.append(given)
        number = asked.index(given)
        return f"{name}_{number}" if number else name

    def _capacitor(self, statement: str, where: str, place: _Place) -> Capacitor:
        head, given = _split(statement)
        text = given.get("c") or (head[3] if len(head) > 3 else "")
        if len(head) < 3 or not text:
            raise NetlistError(f"{where}: '{statement}': a capacitor has two nodes and a value")
        if unknown := given.keys() - {"c", "m"}:
            raise NetlistError(f"{where}: {head[0]}: '{min(unknown)}' is not read; a capacitor line may have c and m")
        value = self._value(place.scope, text, where) * self._value(place.scope, given.get("m", "1"), where) * place.m
        return Capacitor(f"{place.path}{head[0]}", (self._node(head[1], place), self._node(head[2], place)), value)

    def _node(self, node: str, place: _Place) -> str:
        return place.nodes.get(node) or (node if node in self.library.common else f"{place.path}{node}")

    @staticmethod
    def _value(scope: Scope, text: str, where: str) -> float:
        try:
            return scope.evaluate(text)
        except NetlistError as error:
            raise NetlistError(f"{where}: {error}") from error


def _split(statement: str) -> tuple[list[str], dict[str, str]]:
    """Words of an element line before its parameters, and those."""
    first = _FIRST.search(statement)
    head = statement[: first.start()] if first else statement
    words = [word for word in head.split() if word != "params:"]
    return words, assignments(statement[first.start() :]) if first else {}


def _unit(key: str, scale: float) -> float:
    return scale if key in _LENGTHS else scale * scale if key in _AREAS else 1.0


def _is_bin(name: str, model: str) -> bool:
    base, dot, number = name.rpartition(".")
    return bool(dot) and base == model and number.isdigit()


def _text(name: str, model: Model, scope: Scope) -> str:
    lines = [f".model {name} {model.kind}"]
    for key, expression in model.parameters.items():
        if key in _LIMITS:
            continue
        if key == "version":
            lines.append(f"+ version = {expression}")
            continue
        try:
            lines.append(f"+ {key} = {scope.evaluate(expression):.12g}")
        except NetlistError as error:
            raise NetlistError(f"{model.where}: {model.name}, parameter '{key}': {error}") from error
    return "\n".join(lines) + "\n"
