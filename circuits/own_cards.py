"""A netlist whose transistors have a model card each, so that each can be varied alone where ngspice varies models."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bitline.core.errors import NetlistError
from circuits.model_card import parse_cards
from circuits.netlist import Netlist

_TRANSISTOR = re.compile(r"^m(\S+)((?:[ \t]+\S+){4}[ \t]+)(\S+)", re.IGNORECASE | re.MULTILINE)


def own_model(model: str, owner: str) -> str:
    """Name of the copy of `model` that belongs to the transistor `owner`."""
    return f"{model}_{owner}"


def own_cards(netlist: Netlist, owner: Callable[[str], str] = str) -> Netlist:
    """The same circuit with a copy of the model card for every transistor, and no other cards.

    Args:
        netlist: with its cards in its text.
        owner: whose card an instance (its name without the "m") takes: instances that stand for one transistor, as on
            several benches, have one owner; each its own by default.

    Raises:
        NetlistError: a transistor's card is not in the netlist.
    """
    cards = parse_cards(netlist.text, netlist.title)
    copies: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        instance, nodes, model = match.groups()
        if model.lower() not in cards:
            raise NetlistError(f"{netlist.title}: m{instance} is a {model!r}, whose .model is not in the netlist")
        card = cards[model.lower()]
        name = own_model(card.name, owner(instance))
        copies[name] = card.renamed(name).text
        return f"m{instance}{nodes}{name}"

    circuit = netlist.text
    for card in cards.values():
        circuit = circuit.replace(card.text.rstrip(), "", 1)
    circuit = _TRANSISTOR.sub(renamed, circuit)
    return replace(netlist, text="\n".join([circuit.strip(), *copies.values()]))
