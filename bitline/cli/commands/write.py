"""``bitline write``: one cell of a crossbar from a file is written, and what the others see meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bitline.cli.commands.solve import FILE, Both, Drive, Driver, Iv, OfBitLines, OfWordLines, Sense, Sink, all_wires
from bitline.cli.terminal import print_figures, print_json

if TYPE_CHECKING:
    from bitline.core.figures import Figure
    from circuits.terminals import Scheme
    from crossbar.writing import Write

UNITS = {
    "v_cell": "V",
    "ir_loss": "V",
    "i_cell": "A",
    "i_word": "A",
    "v_half": "V",
    "v_unselected": "V",
    "v_disturb": "V",
    "margin": "V",
    "power": "W",
}
"""What is told, as `crossbar.writing.Write` has it."""


def write(
    g: Annotated[Path, typer.Option("--g", help=f"conductances g[word_line, bit_line] (m, n), S: {FILE}")],
    v_write: Annotated[str, typer.Option(help="from the cell's word line to its bit line, V; negative to reset")],
    *,
    cell: Annotated[str, typer.Option(help="WORD_LINE,BIT_LINE from 0; the farthest from drivers and sinks")] = "",
    scheme: Annotated[str, typer.Option(help="of the other lines: half, third, ground or float")] = "half",
    r_wire: Both = None,
    r_wire_wl: OfWordLines = None,
    r_wire_bl: OfBitLines = None,
    r_driver: Driver = "0",
    r_sink: Sink = "0",
    iv: Iv = "",
    drive: Drive = "first",
    sense: Sense = "last",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Write one cell of a passive crossbar: its voltage and current, half-selected cells, margin."""
    from bitline.cli.crossbar import CellOptions, cells_of, read_conductances
    from bitline.core.figures import to_json
    from bitline.core.units import parse_quantity
    from crossbar.writing import worst_cell, write_cell

    options = CellOptions(iv, drive=drive, sense=sense)
    ends, found = options.ends, read_conductances(g)
    place = _place(cell) if cell else worst_cell((found.shape[0], found.shape[1]), *ends)
    wires = all_wires(r_wire, r_wire_wl, r_wire_bl, r_driver, r_sink)
    volts, law = parse_quantity(v_write, "V"), cells_of(found, options)
    done = write_cell(found, wires, place, volts, cast("Scheme", scheme), law, *ends)
    figures = _figures(done)
    if as_json:
        print_json({"cell": list(done.cell), "scheme": scheme, "figures": to_json(figures)})
        return
    size = f"{found.shape[0]} x {found.shape[1]}"
    print_figures(figures, as_json=False, title=f"cell {place[0]},{place[1]} of {size}, {v_write} V, {scheme}")


def _place(cell: str) -> tuple[int, int]:
    from bitline.core.errors import ConfigError

    parts = cell.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"--cell is {cell!r}; a cell is WORD_LINE,BIT_LINE, both from 0, as 3,4")
    return int(parts[0]), int(parts[1])


def _figures(done: Write) -> dict[str, Figure]:
    from bitline.core.figures import MODELLED, Figure

    return {name: Figure(getattr(done, name), unit, MODELLED) for name, unit in UNITS.items()}
