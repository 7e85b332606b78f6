"""A technology: devices by role, and their model cards by corner.

A technology is a folder: the shipped ones lie in `circuits/technologies/<name>/`, and a user's own may lie anywhere. It
holds `technology.toml` and one file of `.model` cards per corner, all corners with the same model names:

    format = 1                        # of this file
    name = "mine"
    vdd = 1.8                         # nominal supply, V
    node = 130e-9                     # optional: of the process, m, for scaling published costs; else the least length

    [corners]                         # corner = card file, relative to this folder; the first is the nominal one
    tt = "tt.spice"
    ss = "ss.spice"

    [devices.pull_down]               # role; cells ask for devices by role
    model = "nch_w0p21"               # name of the .model in each card file
    polarity = "nmos"                 # or "pmos"; what the .model says
    w = 0.21e-6                       # drawn size, m
    l = 0.15e-6
    mismatch = { vth = 5.3e-9 }       # optional: sigma = slope / sqrt(w l), see model_card.MISMATCH

    [source]                          # optional: where the cards come from, text or numbers
    library = "..."

Optional at the top: `description`, `licence`. Optional beside it: `reference.json`, figures of single devices in the
foundry's own library, which `bitline verify` holds the cards against (spice/devices.py). A card holds for the size it
was extracted at: a device is a model and its size together. `circuits.importers` writes such folders from a foundry's
own library.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from bitline.core.errors import ConfigError, NetlistError
from bitline.core.suggest import suggestion
from circuits.model_card import MISMATCH, Card, parse_cards

_T = TypeVar("_T")

DESCRIPTION = "technology.toml"
REFERENCE = "reference.json"
SHIPPED = Path(__file__).parent / "technologies"
FORMAT = 1

_TOP_KEYS = ("format", "name", "description", "licence", "vdd", "node", "source", "corners", "devices")
_DEVICE_KEYS = ("model", "polarity", "w", "l", "mismatch")
_KINDS: dict[type, str] = {str: "a text in quotes", int: "a whole number", dict: "a table"}
_EXTRINSIC = ("ad", "as", "pd", "ps", "nrd", "nrs")


@dataclass(frozen=True)
class Device:
    """A transistor at the one size that its model card holds for.

    Attributes:
        name: name of the `.model`.
        polarity: "nmos" or "pmos".
        w: drawn width, m.
        l: drawn length, m.
        mismatch: slope of the local variation by parameter (see `model_card.MISMATCH`), SI.
    """

    name: str
    polarity: Literal["nmos", "pmos"]
    w: float
    l: float  # noqa: E741 (the field's name for a length)
    mismatch: Mapping[str, float] = field(default_factory=dict)

    def sigma(self, parameter: str) -> float:
        """Standard deviation of one device's `parameter`: slope / sqrt(w l), zero when it has no slope.

        A pair of devices differs by sqrt(2) more (Pelgrom et al., IEEE JSSC 24, 1433, 1989).

        Raises:
            ConfigError: `parameter` is not in `model_card.MISMATCH`.
        """
        if parameter not in MISMATCH:
            raise ConfigError(f"no mismatch parameter '{parameter}'{suggestion(parameter, MISMATCH)}")
        return self.mismatch.get(parameter, 0.0) / math.sqrt(self.w * self.l)

    def line(self, instance: str, drain: str, gate: str, source: str, bulk: str, **parameters: float) -> str:
        """The device as a netlist line, named `m<instance>`.

        Junction areas, perimeters and series squares are written as zero: left out, BSIM4 would derive junctions from
        the gate width and BSIM3 would add a square of diffusion at each end; neither is in the foundry's devices.

        Args:
            instance: name after the "m".
            drain: node; likewise the others.
            gate: node.
            source: node.
            bulk: node.
            parameters: further or other instance parameters in SI, for example `m=4`, `ad=1e-13` or `delvto=0.01`.
        """
        values = {"w": self.w, "l": self.l, **dict.fromkeys(_EXTRINSIC, 0.0), **parameters}
        settings = " ".join(f"{name}={value:.12g}" for name, value in values.items())
        return f"m{instance} {drain} {gate} {source} {bulk} {self.name} {settings}"


@dataclass(frozen=True)
class Technology:
    """Devices by role and model cards by corner, as read from a technology folder.

    Attributes:
        name: the technology's own name.
        vdd: nominal supply, V.
        node: of the process, m.
        corners: known corners, the nominal one first.
        devices: devices by role.
        source: where the cards come from.
        path: the folder.
    """

    name: str
    vdd: float
    node: float
    corners: tuple[str, ...]
    devices: Mapping[str, Device]
    source: Mapping[str, str | int | float]
    path: Path
    _texts: Mapping[str, str] = field(repr=False)
    _cards: Mapping[str, Mapping[str, Card]] = field(repr=False)

    def cards(self, corner: str) -> str:
        """Text of the card file of `corner`, all devices; ConfigError for an unknown corner."""
        self._check(corner)
        return self._texts[corner]

    def card(self, role: str, corner: str) -> Card:
        """The card of one device at `corner`; ConfigError for an unknown role or corner."""
        self._check(corner)
        return self._cards[corner][self.device(role).name.lower()]

    def device(self, role: str) -> Device:
        """The device of `role`; ConfigError when the technology has none."""
        if role not in self.devices:
            raise ConfigError(f"{self.path / DESCRIPTION}: no device 'devices.{role}'{suggestion(role, self.devices)}")
        return self.devices[role]

    def _check(self, corner: str) -> None:
        if corner not in self._texts:
            raise ConfigError(f"{self.path / DESCRIPTION}: no corner '{corner}'{suggestion(corner, self.corners)}")


def available() -> list[str]:
    """Names of the technologies that are shipped."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{DESCRIPTION}"))


def load_technology(name_or_path: str | Path = "sky130") -> Technology:
    """A shipped technology by name, or one's own by the path of its folder.

    Raises:
        ConfigError: no such technology, or its description has a missing, unknown or impossible entry.
        NetlistError: a card file is missing, lacks a model that the description names, or holds a bad number.
    """
    folder = SHIPPED / name_or_path if str(name_or_path) in available() else Path(name_or_path)
    file = folder / DESCRIPTION
    if file.is_file():
        return _read(file)
    if folder.is_dir():
        raise ConfigError(f"{file}: missing; a technology folder needs it")
    hint = suggestion(str(name_or_path), available())
    raise ConfigError(f"no technology '{name_or_path}'{hint} (or give the path of a folder with {DESCRIPTION})")


def _read(file: Path) -> Technology:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error
    if content.get("format") != FORMAT:
        raise ConfigError(f"{file}: 'format' is {content.get('format', 'missing')}; this version reads format {FORMAT}")
    top = _Table(file, "", content, _TOP_KEYS)
    corners, roles = top.get("corners", dict), top.get("devices", dict)
    for key, table in (("corners", corners), ("devices", roles)):
        if not table:
            raise ConfigError(f"{file}: '{key}' is empty; at least one is needed")
    devices = {role: _device(_Table(file, f"devices.{role}", table, _DEVICE_KEYS)) for role, table in roles.items()}
    texts = {corner: _card_text(file, corner, entry) for corner, entry in corners.items()}
    cards = {corner: _cards(file.parent / corners[corner], text, devices) for corner, text in texts.items()}
    return Technology(
        name=top.get("name", str),
        vdd=top.positive("vdd"),
        node=top.positive("node") if "node" in content else min(device.l for device in devices.values()),
        corners=tuple(corners),
        devices=devices,
        source=top.get("source", dict, {}),
        path=file.parent,
        _texts=texts,
        _cards=cards,
    )


def _device(table: _Table) -> Device:
    polarity = table.get("polarity", str)
    if polarity not in {"nmos", "pmos"}:
        raise ConfigError(f"{table.file}: '{table.key('polarity')}' is '{polarity}'; write nmos or pmos")
    slopes = _Table(table.file, table.key("mismatch"), table.get("mismatch", dict, {}), MISMATCH)
    return Device(
        name=table.get("model", str),
        polarity="nmos" if polarity == "nmos" else "pmos",
        w=table.positive("w"),
        l=table.positive("l"),
        mismatch={name: slopes.positive(name) for name in slopes.content},
    )


def _card_text(file: Path, corner: str, entry: object) -> str:
    if not isinstance(entry, str):
        raise ConfigError(f"{file}: 'corners.{corner}' is {entry!r}; it must be the name of a card file")
    path = file.parent / entry
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NetlistError(f"{path}: cannot be read ({error}); {file} names it in 'corners.{corner}'") from error


def _cards(path: Path, text: str, devices: Mapping[str, Device]) -> Mapping[str, Card]:
    cards = parse_cards(text, str(path))
    for role, device in devices.items():
        card = cards.get(device.name.lower())
        if card is None:
            hint = suggestion(device.name, [known.name for known in cards.values()])
            raise NetlistError(f"{path}: has no .model '{device.name}', which 'devices.{role}.model' names{hint}")
        if card.kind != device.polarity:
            what = f".model '{device.name}' is {card.kind}, but 'devices.{role}.polarity' is {device.polarity}"
            raise NetlistError(f"{path}: {what}")
    return cards


class _Table:
    """A TOML table whose entries are checked; errors name the file and the full key."""

    def __init__(self, file: Path, prefix: str, content: Any, known: Iterable[str]) -> None:
        self.file, self._prefix = file, prefix
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: '{prefix}' is {content!r}; it must be a table")
        self.content: dict[str, Any] = content
        for key in content:
            if key not in known:
                raise ConfigError(f"{file}: unknown key '{self.key(key)}'{suggestion(key, known)}")

    def key(self, name: str) -> str:
        return f"{self._prefix}.{name}" if self._prefix else name

    def get(self, name: str, kind: type[_T], default: _T | None = None) -> _T:
        value = self.content.get(name, default)
        if value is None:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is missing")
        if not isinstance(value, kind):
            raise ConfigError(f"{self.file}: '{self.key(name)}' is {value!r}; it must be {_KINDS[kind]}")
        return value

    def positive(self, name: str) -> float:
        value = self.content.get(name)
        if value is None:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is missing")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ConfigError(f"{self.file}: '{self.key(name)}' is {value!r}; it must be a positive number in SI units")
        return float(value)
