"""A netlist whose transistors have a model card each, so that each can be varied alone where ngspice varies models."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace

from bitline.core.errors import NetlistError
from circuits.model_card import parse_cards
from circuits.netlist import Netlist

_TRANSISTOR = re.compile(r"^m(\S+)((?:[ \t]+\S+){4}[ \t]+)(\S+)", re.IGNORECASE | re.MULTILINE)


def own_model(model: str, owner: str) -> str:
    """Name of the copy of `model` that belongs to the transistor `owner`."""
    return f"{model}_{owner}"


def own_cards(netlist: Netlist, owner: Callable[[str], str] = str, within: Collection[str] | None = None) -> Netlist:
    """The same circuit with a copy of the model card for every transistor.

    Copies in a subcircuit are every instance's own: ngspice calls them "<path of the instance>:<model>". So the
    transistors of one of several equal instances can be varied alone.

    Args:
        netlist: with its cards in its text.
        owner: whose card an instance (its name without the "m") takes: instances that stand for one transistor, as on
            several benches, have one owner; each its own by default.
        within: names of the subcircuits whose transistors get cards, within them; all others keep the common ones. If
            None, all transistors get one, outside of subcircuits, and the common cards are left out.

    Raises:
        NetlistError: a transistor's card is not in the netlist.
    """
    cards = parse_cards(netlist.text, netlist.title)
    circuit = netlist.text
    if within is None:
        for card in cards.values():
            circuit = circuit.replace(card.text.rstrip(), "", 1)
    lines: list[str] = []
    scopes: list[tuple[str, dict[str, str]]] = [("", {})]  # subcircuits that the line lies in, and copies by name

    def renamed(match: re.Match[str]) -> str:
        instance, nodes, model = match.groups()
        if model.lower() not in cards:
            raise NetlistError(f"{netlist.title}: m{instance} is a {model!r}, whose .model is not in the netlist")
        card = cards[model.lower()]
        name = own_model(card.name, owner(instance))
        scopes[0 if within is None else -1][1][name] = card.renamed(name).text
        return f"m{instance}{nodes}{name}"

    for line in circuit.strip().splitlines():
        words = line.split(None, 2)
        if words and words[0].lower() == ".ends":
            lines += scopes.pop()[1].values()
        lines.append(_TRANSISTOR.sub(renamed, line) if within is None or scopes[-1][0] in within else line)
        if words and words[0].lower() == ".subckt":
            scopes.append((words[1], {}))
    return replace(netlist, text="\n".join([*lines, *scopes[0][1].values()]))
