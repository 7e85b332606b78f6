"""Corners of a technology: each the cards of one corner, as a file gives them or flattened from a foundry's library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bitline.core.errors import ConfigError
from circuits.device import Device
from circuits.flatten import Flattener
from circuits.library_files import Folder
from circuits.own_cell_file import Lines, cell_table, device_of, expand
from circuits.spice_library import read_section
from circuits.toml_table import Table


@dataclass(frozen=True)
class Corner:
    """What one corner of a technology was read as.

    Attributes:
        text: of its cards.
        where: their file, for errors.
        files: that were read.
        devices: by role, where a library says what they are.
        cell: the cell's lines, where they are the library's too.
    """

    text: str
    where: str
    files: tuple[Path, ...]
    devices: Mapping[str, Device] = field(default_factory=dict)
    cell: Lines | None = None


def read_corner(top: Table, section: str, devices: Mapping[str, Device]) -> Corner:
    """A section of the foundry's library that `lib` names, with the cards of the devices and of the cell made flat.

    Args:
        top: of the technology file.
        section: of the library.
        devices: as the file gives them: a name is that of a model or of a subcircuit that wraps it.

    Raises:
        ConfigError: no such library.
        NetlistError: no such section, model or subcircuit, or one that cannot be made flat; names file and line.
    """
    path = top.file.parent / top.get("lib", str)
    if not path.is_file():
        raise ConfigError(f"{top.file}: 'lib' is '{top.get('lib', str)}', but there is no {path}")
    library = read_section(Folder(Path()), str(path), section)
    flattener = Flattener(library, scale=library.scale or 1.0)
    cards: dict[str, str] = {}
    flat: dict[str, Device] = {}
    for role, device in devices.items():
        size = {"w": device.w / flattener.scale, "l": device.l / flattener.scale}
        line = flattener.device(device.name, size, f"{top.file}: 'devices.{role}.model'")
        cards[line.model] = line.card
        flat[role] = device_of(line, device.mismatch, device.polarity)
    cell, lines = cell_table(top), None
    if cell:
        lines = expand(cell, library, {})
        cards |= {line.model: line.card for line in lines[0]}
    return Corner("".join(cards.values()), f"{path} ({section})", tuple(map(Path, library.files)), flat, lines)
