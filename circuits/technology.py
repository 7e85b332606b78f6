"""A technology: devices by role, their model cards by corner, and perhaps a 6T cell of one's own.

It is described by a TOML file: that of a shipped one lies in `circuits/technologies/<name>/technology.toml`, a user's
own anywhere. `circuits.technology_file` says what the file holds. A card holds for the size it was extracted at: a
device is a model and its size together. Beside the file there may be `reference.json`, figures of single devices in the
foundry's own library, which `bitline verify` holds the cards against (spice/devices.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion
from circuits.device import Device
from circuits.model_card import Card
from circuits.own_cell import OwnCell

__all__ = ["DESCRIPTION", "REFERENCE", "SHIPPED", "Device", "Technology", "available", "load_technology"]

DESCRIPTION = "technology.toml"
REFERENCE = "reference.json"
SHIPPED = Path(__file__).parent / "technologies"


@dataclass(frozen=True)
class Technology:
    """Devices by role and model cards by corner, as read from a technology file.

    Attributes:
        name: the technology's own name.
        vdd: nominal supply, V.
        node: of the process, m.
        corners: known corners, the nominal one first.
        devices: devices by role.
        source: where the cards come from.
        file: the description.
        files: every file that it was read from.
        cell: the 6T cell that is not made of the roles' devices, if there is one.
    """

    name: str
    vdd: float
    node: float
    corners: tuple[str, ...]
    devices: Mapping[str, Device]
    source: Mapping[str, str | int | float]
    file: Path
    files: tuple[Path, ...]
    cell: OwnCell | None
    _texts: Mapping[str, str] = field(repr=False)
    _cards: Mapping[str, Mapping[str, Card]] = field(repr=False)

    @property
    def path(self) -> Path:
        """The folder of the description."""
        return self.file.parent

    def cards(self, corner: str) -> str:
        """Text of all cards of `corner`; ConfigError for an unknown corner."""
        self._check(corner)
        return self._texts[corner]

    def card(self, role: str, corner: str) -> Card:
        """The card of one device at `corner`; ConfigError for an unknown role or corner."""
        self._check(corner)
        return self._cards[corner][self.device(role).name.lower()]

    def device(self, role: str) -> Device:
        """The device of a role, or of one of the 6T cell's transistors ("pull_down_left").

        Raises:
            ConfigError: the technology has none.
        """
        if self.cell and role in self.cell.devices:
            return self.cell.devices[role]
        base, _, side = role.rpartition("_")
        found = self.devices.get(base if side in {"left", "right"} else role)
        if found is None:
            raise ConfigError(f"{self.file}: no device 'devices.{role}'{suggestion(role, self.devices)}")
        return found

    def _check(self, corner: str) -> None:
        if corner not in self._texts:
            raise ConfigError(f"{self.file}: no corner '{corner}'{suggestion(corner, self.corners)}")


def available() -> list[str]:
    """Names of the technologies that are shipped."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def load_technology(name_or_path: str | Path = "sky130", above: tuple[Path, ...] = ()) -> Technology:
    """A shipped technology by name, or one's own by its folder or its TOML file.

    Args:
        name_or_path: of either.
        above: files that are being read, each of which has the next as its base.

    Raises:
        ConfigError: no such technology, or its description has a missing, unknown or impossible entry.
        NetlistError: a file that it names is missing, cannot be read or lacks what is asked of it, or the cell is none.
    """
    from circuits.technology_file import read_technology

    path = SHIPPED / name_or_path if str(name_or_path) in available() else Path(name_or_path)
    if path.is_file():
        return read_technology(path, above)
    if (path / DESCRIPTION).is_file():
        return read_technology(path / DESCRIPTION, above)
    if path.is_dir():
        raise ConfigError(f"{path / DESCRIPTION}: missing; a technology folder needs it")
    hint = suggestion(str(name_or_path), available())
    raise ConfigError(f"no technology '{name_or_path}'{hint} (or give the path of a TOML file or of its folder)")
