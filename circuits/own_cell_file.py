"""The `[cell]` table of a technology file, and the netlist that it names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bitline.core.errors import ConfigError, NetlistError
from bitline.core.suggest import suggestion
from circuits.device import Device
from circuits.flatten import Capacitor, Flattener, Transistor
from circuits.library_files import Folder
from circuits.own_cell import PINS, Described, OwnCell, own_cell
from circuits.spice_library import Library, read_netlist
from circuits.toml_table import Table

Lines = tuple[list[Transistor], list[Capacitor]]

_KEYS = ("netlist", "subckt", "pins", "q", "q_bar", "scale", "models")
_OPTIONAL_PINS = ("n_well", "p_well")
_OWN = frozenset({"w", "l", "m"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CellTable:
    """What `[cell]` says.

    Attributes:
        file: the technology file.
        netlist: path of the netlist.
        subckt: name of the subcircuit, lower case.
        pins: what the pin map calls a pin (of `own_cell.PINS`), by the subcircuit's own node in lower case.
        storage: storage nodes at bit_line and bit_line_bar, if given.
        scale: of lengths in the netlist, m, if given.
        models: the technology's model or subcircuit by what the netlist calls it, lower case.
    """

    file: Path
    netlist: Path
    subckt: str
    pins: Mapping[str, str]
    storage: tuple[str, str] | None
    scale: float | None
    models: Mapping[str, str]

    @property
    def where(self) -> str:
        """The subcircuit and its file, for errors."""
        return f"{self.netlist}: .subckt {self.subckt}"


def cell_table(top: Table) -> CellTable | None:
    """The `[cell]` of a technology file, None where it has none.

    Raises:
        ConfigError: a missing, unknown or impossible entry, or no such netlist.
    """
    if "cell" not in top.content:
        return None
    table = top.table("cell", _KEYS)
    netlist = top.file.parent / table.get("netlist", str)
    if not netlist.is_file():
        raise ConfigError(f"{top.file}: 'cell.netlist' is '{table.get('netlist', str)}', but there is no {netlist}")
    if ("q" in table.content) != ("q_bar" in table.content):
        raise ConfigError(f"{top.file}: 'cell.q' and 'cell.q_bar' go together; give both or neither")
    models = table.table("models", None)
    return CellTable(
        file=top.file,
        netlist=netlist,
        subckt=table.get("subckt", str).lower(),
        pins=_pins(table),
        storage=(table.get("q", str).lower(), table.get("q_bar", str).lower()) if "q" in table.content else None,
        scale=table.positive("scale") if "scale" in table.content else None,
        models={name.lower(): models.get(name, str).lower() for name in models.content},
    )


def _pins(table: Table) -> dict[str, str]:
    if "pins" not in table.content:
        raise ConfigError(f"{table.file}: 'cell.pins' is missing; map {', '.join(PINS)} to nodes of the subcircuit")
    pins = table.table("pins", PINS)
    found: dict[str, str] = {}
    for pin in PINS:
        if pin in _OPTIONAL_PINS and pin not in pins.content:
            continue
        node = pins.get(pin, str).lower()
        if node in found:
            raise ConfigError(f"{table.file}: '{pins.key(pin)}' and '{pins.key(found[node])}' are both '{node}'")
        found[node] = pin
    return found


def expand(cell: CellTable, library: Library, external: Mapping[str, str]) -> Lines:
    """The cell's transistors and capacitors.

    Args:
        cell: of the technology file.
        library: what the netlist may use; the netlist is read into it.
        external: models whose cards are elsewhere, name by lower-case name.

    Raises:
        ConfigError: the subcircuit or a pin is not in the netlist, or a pin is not mapped.
        NetlistError: the netlist cannot be read or expanded; names file and line.
    """
    read_netlist(Folder(Path()), str(cell.netlist), library)
    found = library.subcircuits.get(cell.subckt)
    if found is None:
        hint = suggestion(cell.subckt, library.subcircuits)
        raise ConfigError(f"{cell.file}: 'cell.subckt' is '{cell.subckt}', which {cell.netlist} does not define{hint}")
    for node, pin in cell.pins.items():
        if node not in found.ports:
            raise ConfigError(
                f"{cell.file}: 'cell.pins.{pin}' is '{node}', no pin of {cell.subckt} "
                f"(its pins: {' '.join(found.ports)}){suggestion(node, found.ports)}"
            )
    if left := [port for port in found.ports if port not in cell.pins]:
        raise ConfigError(
            f"{cell.file}: 'cell.pins' leaves out {', '.join(left)} of {cell.subckt} (its pins: "
            f"{' '.join(found.ports)}); map each to one of {', '.join(PINS)}"
        )
    for name, model in cell.models.items():
        if model not in external and model not in library.subcircuits and model not in _models(library):
            known = {*external, *library.subcircuits, *_models(library)}
            raise ConfigError(
                f"{cell.file}: 'cell.models.{name}' is '{model}', no known model{suggestion(model, known)}"
            )
    scale = cell.scale or library.scale or 1.0
    flattener = Flattener(library, external, cell.models, scale)
    lines = flattener.subcircuit(cell.subckt)
    for name in cell.models.keys() - flattener.called:
        hint = suggestion(name, flattener.called)
        raise ConfigError(f"{cell.file}: 'cell.models.{name}': {cell.netlist} names no such model{hint}")
    return lines


def _models(library: Library) -> set[str]:
    return {model.name.partition(".")[0] for model in library.top.models}


def build_cell(
    cell: CellTable,
    lines: Lines,
    kinds: Mapping[str, str],
    known: Mapping[str, Mapping[str, float]],
    given: Mapping[str, Mapping[str, float]],
) -> OwnCell:
    """The cell of these lines.

    Args:
        cell: of the technology file.
        lines: of `expand`.
        kinds: type of each model, by lower-case name.
        known: slopes of the technology's own devices, by lower-case name of a model or of what wraps it.
        given: slopes that the file gives for the cell's, which come first.

    Raises:
        ConfigError: slopes are given for a model that the cell has not.
        NetlistError: it is no 6T cell.
    """
    transistors, capacitors = lines
    names = {name for line in transistors for name in _names(cell, line)}
    for model in given:
        if model not in names:
            raise ConfigError(f"{cell.file}: 'mismatch.{model}' is no model of the cell{suggestion(model, names)}")
    described = [Described(line, _device(cell, line, kinds, {**known, **given})) for line in transistors]
    return own_cell(cell.where, described, capacitors, cell.pins, cell.storage)


def _device(
    cell: CellTable, line: Transistor, kinds: Mapping[str, str], slopes: Mapping[str, Mapping[str, float]]
) -> Device:
    mismatch = next((slopes[name] for name in _names(cell, line) if name in slopes), None)
    if mismatch is None:
        _log.warning("%s: no [mismatch.%s] in %s: %s does not vary", line.where, line.called, cell.file, line.name)
    polarity = kinds[line.model.lower()]
    if polarity not in {"nmos", "pmos"}:
        raise NetlistError(f"{line.where}: .model '{line.model}' is a '{polarity}', neither nmos nor pmos")
    return device_of(line, mismatch or {}, polarity)


def _names(cell: CellTable, line: Transistor) -> tuple[str, ...]:
    """What slopes of a transistor may be given under."""
    return line.called, cell.models.get(line.called, line.called), line.model.lower()


def device_of(line: Transistor, mismatch: Mapping[str, float], polarity: str) -> Device:
    """The device of a transistor line.

    Raises:
        NetlistError: the line shifts its own threshold, which is for mismatch to do.
    """
    if line.parameters.get("delvto"):
        raise NetlistError(f"{line.where}: {line.name} has a delvto; put the shift into the card's vth0")
    return Device(
        name=line.model,
        polarity="nmos" if polarity == "nmos" else "pmos",
        w=line.parameters["w"],
        l=line.parameters["l"],
        mismatch=mismatch,
        m=line.parameters["m"],
        parameters={key: value for key, value in line.parameters.items() if key not in _OWN and value},
    )
