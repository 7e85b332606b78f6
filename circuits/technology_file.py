"""The file that describes a technology (`circuits.technology`).

    format = 1                        # of this file
    name = "mine"
    vdd = 1.8                         # nominal supply, V
    node = 130e-9                     # optional: of the process, m, for scaling published costs; else the least length

    [corners]                         # corner = card file; the first is the nominal one
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

All paths are relative to the file's own folder. Optional at the top: `description`, `licence`. With `lib`, the path of
a foundry's library, a corner is one of its sections, and a model may be a subcircuit that wraps a transistor:

    lib = "pdk/models.lib"
    [corners]
    tt = "tt_mos"                     # `.lib "pdk/models.lib" tt_mos`

With `base`, a shipped technology or another such file, everything that is not given here comes from there: no corners,
and of a device only what differs. A 6T cell of one's own, with any of these:

    [cell]
    netlist = "my_cell.sp"
    subckt = "cell_6t"
    pins = { bit_line = "BL", bit_line_bar = "BR", word_line = "WL", supply = "VPWR", ground = "VGND" }
                                      # also n_well and p_well where the subcircuit has pins for them
    q = "Q"                           # optional: storage node at bit_line, for a check; likewise q_bar
    scale = 1e-6                      # optional: of lengths in the netlist, m; else as .option scale says there
    models = { nch = "nch_w0p21" }    # optional: the technology's model by what the netlist calls it

    [mismatch.nch]                    # by what the netlist calls the device, for those that no role has
    vth = 5.3e-9
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bitline.core.errors import ConfigError, NetlistError
from bitline.core.suggest import suggestion
from circuits.device import Device
from circuits.model_card import MISMATCH, Card, parse_cards
from circuits.own_cell import OwnCell
from circuits.own_cell_file import CellTable, build_cell, cell_table, expand
from circuits.spice_corners import Corner, read_corner
from circuits.spice_library import Library
from circuits.technology import Technology, load_technology
from circuits.toml_table import Table

FORMAT = 1
VARIED_LEVELS = (8, 49, 14, 54)  # BSIM3 and BSIM4: those with `delvto` in ngspice

_KEYS = (
    *("format", "name", "description", "licence", "vdd", "node", "source", "corners", "devices"),
    *("base", "lib", "cell", "mismatch"),
)
_DEVICE_KEYS = ("model", "polarity", "w", "l", "mismatch")


def read_technology(file: Path, above: tuple[Path, ...] = ()) -> Technology:
    """The technology that `file` describes; see `circuits.technology.load_technology`."""
    if file.resolve() in above:
        raise ConfigError(f"{above[-1]}: 'base' leads back to {file}; a technology cannot be its own base")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error
    if content.get("format") != FORMAT:
        raise ConfigError(f"{file}: 'format' is {content.get('format', 'missing')}; this version reads format {FORMAT}")
    top = Table(file, "", content, _KEYS)
    return _derived(top, (*above, file.resolve())) if "base" in content else _whole(top)


def _whole(top: Table) -> Technology:
    corners, roles = top.get("corners", dict), top.get("devices", dict, {} if "cell" in top.content else None)
    for key, table in (("corners", corners), ("devices", roles)):
        if not table and (key == "corners" or "cell" not in top.content):
            raise ConfigError(f"{top.file}: '{key}' is empty; at least one is needed")
    devices = {role: _device(top, role, table) for role, table in roles.items()}
    entries = {corner: _entry(top, corner, entry) for corner, entry in corners.items()}
    if "lib" in top.content:
        read = {corner: read_corner(top, entry, devices) for corner, entry in entries.items()}
        _check_alike(read)
        return _finish(top, next(iter(read.values())).devices, read)
    return _finish(top, devices, {corner: _flat(top, corner, entry) for corner, entry in entries.items()})


def _derived(top: Table, above: tuple[Path, ...]) -> Technology:
    for key in ("corners", "lib"):
        if key in top.content:
            raise ConfigError(
                f"{top.file}: '{key}' does not go with 'base', which brings its own; leave one of them out"
            )
    name = top.get("base", str)
    beside = top.file.parent / name
    base = load_technology(beside if beside.exists() else name, above)
    changed = {role: _changed(top, role, table, base) for role, table in top.get("devices", dict, {}).items()}
    read = {corner: Corner(base.cards(corner), str(base.file), base.files) for corner in base.corners}
    return _finish(top, {**base.devices, **changed}, read, base)


def _finish(
    top: Table, devices: Mapping[str, Device], read: Mapping[str, Corner], base: Technology | None = None
) -> Technology:
    """The technology of these devices and corners, with its cell."""
    cards = {corner: parse_cards(found.text, found.where) for corner, found in read.items()}
    for role, device in devices.items():
        _check_cards(read, cards, device, f"'devices.{role}.model'", f"'devices.{role}.polarity'")
    files = [top.file, *(path for found in read.values() for path in found.files)]
    cell = base.cell if base else None
    own = cell_table(top)
    if own:
        cell = _cell(top, own, devices, read, cards)
        files.append(own.netlist)
        if not devices:
            devices = {
                role.removesuffix("_left"): each for role, each in cell.devices.items() if role.endswith("_left")
            }
    return Technology(
        name=top.get("name", str, base.name if base else None),
        vdd=base.vdd if base and "vdd" not in top.content else top.positive("vdd"),
        node=top.positive("node") if "node" in top.content else base.node if base else _least(devices),
        corners=tuple(read),
        devices=dict(devices),
        source=top.get("source", dict, dict(base.source) if base else {}),
        file=top.file,
        files=tuple(dict.fromkeys(files)),
        cell=cell,
        _texts={corner: found.text for corner, found in read.items()},
        _cards=cards,
    )


def _least(devices: Mapping[str, Device]) -> float:
    return min(device.l for device in devices.values())


def _check_alike(read: Mapping[str, Corner]) -> None:
    """NetlistError when a wrapped transistor's own line differs between corners: here only cards do."""
    nominal, *others = read.values()
    for other in others:
        pairs: list[tuple[Any, Any, str]] = [
            (nominal.devices[role], device, f"'devices.{role}'") for role, device in other.devices.items()
        ]
        lines = zip((nominal.cell or ([], []))[0], (other.cell or ([], []))[0], strict=True)
        pairs += [(replace(a, card=""), replace(b, card=""), f"{b.name} ({b.where})") for a, b in lines]
        for one, two, name in pairs:
            if one != two:
                raise NetlistError(
                    f"{other.where}: {name} has another size or another parameter on its line than in {nominal.where}; "
                    "corners may differ in their cards only"
                )


def _cell(
    top: Table,
    own: CellTable,
    devices: Mapping[str, Device],
    read: Mapping[str, Corner],
    cards: Mapping[str, Mapping[str, Card]],
) -> OwnCell:
    """The cell, checked against every corner's cards."""
    nominal = next(iter(read))
    known = cards[nominal]
    lines = read[nominal].cell or expand(own, Library(), {name: card.name for name, card in known.items()})
    slopes = {device.name.lower(): device.mismatch for device in devices.values()}
    asked = top.get("devices", dict, {}).values()
    slopes |= {each["model"].lower(): each.get("mismatch", {}) for each in asked if "model" in each}
    table = top.table("mismatch", None)
    given = {model.lower(): _slopes(table, model) for model in table.content}
    cell = build_cell(own, lines, {name: card.kind for name, card in known.items()}, slopes, given)
    for device in (*cell.devices.values(), *(extra.device for extra in cell.extras)):
        _check_cards(read, cards, device, f"{own.where}", "its place")
    return cell


def _check_cards(
    read: Mapping[str, Corner], cards: Mapping[str, Mapping[str, Card]], device: Device, named: str, polarity: str
) -> None:
    """NetlistError when a corner has no card of the device, one of the other polarity, or one without `delvto`."""
    for corner, found in read.items():
        card = cards[corner].get(device.name.lower())
        if card is None:
            hint = suggestion(device.name, [known.name for known in cards[corner].values()])
            raise NetlistError(f"{found.where}: has no .model '{device.name}', which {named} names{hint}")
        what = f"{found.where}: .model '{device.name}' is"
        if card.kind != device.polarity:
            raise NetlistError(f"{what} {card.kind}, but {polarity} is {device.polarity}")
        if card.parameters.get("level", 1) not in VARIED_LEVELS:
            raise NetlistError(
                f"{what} level {card.parameters.get('level', 1):g}, in which ngspice cannot shift a transistor's "
                f"threshold (delvto); give a BSIM3 or BSIM4 card, level {', '.join(map(str, VARIED_LEVELS))}"
            )


def _device(top: Table, role: str, content: object) -> Device:
    table = Table(top.file, f"devices.{role}", content, _DEVICE_KEYS)
    polarity = table.get("polarity", str)
    if polarity not in {"nmos", "pmos"}:
        raise ConfigError(f"{table.file}: '{table.key('polarity')}' is '{polarity}'; write nmos or pmos")
    return Device(
        name=table.get("model", str),
        polarity="nmos" if polarity == "nmos" else "pmos",
        w=table.positive("w"),
        l=table.positive("l"),
        mismatch=_slopes(table, "mismatch"),
    )


def _changed(top: Table, role: str, given: object, base: Technology) -> Device:
    """The device of `base` with what `[devices.<role>]` gives anew."""
    known = base.devices.get(role)
    if known is None or not isinstance(given, dict):
        return _device(top, role, given)
    whole = {"model": known.name, "polarity": known.polarity, "w": known.w, "l": known.l, "mismatch": known.mismatch}
    return _device(top, role, whole | given)


def _slopes(table: Table, name: str) -> dict[str, float]:
    slopes = table.table(name, MISMATCH)
    return {parameter: slopes.positive(parameter) for parameter in slopes.content}


def _entry(top: Table, corner: str, entry: object) -> str:
    if not isinstance(entry, str):
        what = "section of 'lib'" if "lib" in top.content else "card file"
        raise ConfigError(f"{top.file}: 'corners.{corner}' is {entry!r}; it must be the name of a {what}")
    return entry


def _flat(top: Table, corner: str, entry: str) -> Corner:
    path = top.file.parent / entry
    try:
        return Corner(path.read_text(encoding="utf-8"), str(path), (path,))
    except (OSError, UnicodeDecodeError) as error:
        raise NetlistError(f"{path}: cannot be read ({error}); {top.file} names it in 'corners.{corner}'") from error
