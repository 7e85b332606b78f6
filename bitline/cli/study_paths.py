"""The files and folders that a study names, where they are taken from, and what is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any


def _keys() -> dict[str, Collection[str]]:
    """The keys that may hold a path, and what else each may hold: names of what comes along."""
    from circuits.technology import available as technologies
    from circuits.variation import SPREADS
    from nn.datasets import available as data_sets
    from nn.networks import available as networks

    return {
        "conditions.technology": technologies(),
        "network.data": data_sets(),
        "network.model": networks(),
        "network.checkpoint": (),
        "reram.spread": SPREADS,
        "array.faults.map": (),
    }


def anchor(document: dict[str, Any], folder: Path) -> None:
    """Take relative paths from a folder where they lead to something; absolute, they outlive a move.

    Args:
        document: a study's sections and keys, or a table of dotted keys; changed in place.
        folder: that paths are relative to.
    """
    if not isinstance(document, dict):
        return  # which the study's own check tells
    for key, names in _keys().items():
        *sections, last = key.split(".")
        table: Any = document
        for part in sections:
            table = table.get(part) if isinstance(table, dict) else None
        for holder, name in ((table, last), (document, key)):
            value = holder.get(name) if isinstance(holder, dict) else None
            if isinstance(value, str) and value not in names:
                holder[name] = _anchored(value, folder)


def _anchored(value: str, folder: Path) -> str:
    file = _file_of(value, folder)
    return str((folder / file).resolve()) + value.removeprefix(file) if file and (folder / file).exists() else value


def _file_of(value: str, folder: Path) -> str:
    """The path in a value: "cells.csv@1" is reads about 1 s, "net.py:build" a function of a file."""
    return value if (folder / value).exists() else value.partition("@")[0].partition(":")[0]


def files(document: dict[str, Any], *sections: str) -> Iterator[Path]:
    """Every file that a study names by path in these sections, those of its folders one by one in order.

    Args:
        document: of the study, with its sections nested.
        sections: as "network" or "array.faults".
    """
    for key, names in _keys().items():
        section, _, last = key.rpartition(".")
        if section not in sections:
            continue
        table: Any = document
        for part in section.split("."):
            table = table[part]
        value = table[last]
        if value and value not in names:
            given = Path(_file_of(value, Path())).expanduser()
            yield from (path for path in (sorted(given.rglob("*")) if given.is_dir() else [given]) if path.is_file())
