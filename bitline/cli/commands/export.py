"""``bitline export``: netlists, waveforms and the macro's Liberty file, for review in other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bitline.cli.commands.characterize import PARTS, Settings, read_settings
from bitline.cli.commands.solve import (
    FILE,
    Both,
    Drive,
    Driver,
    Gate,
    Iv,
    OfBitLines,
    OfWordLines,
    Sense,
    Sink,
    Transistor,
    all_wires,
)
from bitline.cli.terminal import say, working

app = typer.Typer(help="Netlists, waveforms and Liberty files for other tools.", no_args_is_help=True)


@app.command("netlist")
def netlist(
    what: Annotated[str, typer.Argument(help=f"a part ({PARTS}), or crossbar")],
    out: Annotated[Path, typer.Option("-o", "--out", help="folder of the netlists; for a crossbar the file")],
    *,
    technology: Annotated[str, typer.Option(help="a shipped technology, or your own file or folder")] = "sky130",
    corner: Annotated[str, typer.Option(help="process corner")] = "tt",
    temperature: Annotated[float, typer.Option(help="in C")] = 27.0,
    vdd: Annotated[str, typer.Option(help="supply, as 1.8 or 900m")] = "1.8",
    settings: Settings = [],  # noqa: B006 - typer copies it
    g: Annotated[Path | None, typer.Option(help=f"a crossbar's conductances (m, n), S: {FILE}")] = None,
    v: Annotated[Path | None, typer.Option(help=f"its word-line voltages (batch, m) or (m,), V: {FILE}")] = None,
    r_wire: Both = None,
    r_wire_wl: OfWordLines = None,
    r_wire_bl: OfBitLines = None,
    r_driver: Driver = "0",
    r_sink: Sink = "0",
    iv: Iv = "",
    transistor: Transistor = "",
    v_gate: Gate = "",
    drive: Drive = "first",
    sense: Sense = "last",
    dialect: Annotated[str, typer.Option(help="ngspice, ltspice or qspice")] = "ngspice",
) -> None:
    """Write netlists with their analyses; ``ngspice -b FILE`` runs each alone."""
    from bitline.cli.artefacts import write_netlist, write_netlists
    from bitline.core.errors import ConfigError
    from bitline.core.units import parse_quantity
    from spice.characterise import Conditions

    if what == "crossbar":
        from bitline.cli.crossbar import CellOptions, read_crossbar

        if g is None or v is None:
            raise ConfigError("export netlist crossbar needs --g and --v, files of conductances and voltages")
        wires = all_wires(r_wire, r_wire_wl, r_wire_bl, r_driver, r_sink)
        circuit = read_crossbar(g, v, wires, CellOptions(iv, transistor, v_gate, drive, sense)).netlist()
        write_netlist(out, circuit, {"g": str(g), "v": str(v)}, dialect)
        say(f"wrote {out}")
        return
    conditions = Conditions(technology, corner, temperature, parse_quantity(vdd, "V"))
    with working(f"{what}: its netlists"):  # some are timed by a simulation
        written = write_netlists(out, what.replace("-", "_"), conditions, read_settings(settings), dialect)
    for path in written:
        say(f"wrote {path}")


@app.command("liberty")
def liberty(
    out: Annotated[Path, typer.Option("-o", "--out", help="the .lib file")],
    *,
    technology: Annotated[str, typer.Option(help="a shipped technology, or your own file or folder")] = "sky130",
    corner: Annotated[str, typer.Option(help="process corner")] = "tt",
    temperature: Annotated[float, typer.Option(help="in C")] = 27.0,
    vdd: Annotated[str, typer.Option(help="supply, as 1.8 or 900m")] = "1.8",
    settings: Settings = [],  # noqa: B006 - typer copies it
    workers: Annotated[int, typer.Option(min=1, help="processes")] = 1,
) -> None:
    """Simulate the SRAM macro and write its Liberty file; --set address_bits=6 and the like as for sram-macro."""
    from bitline.cli.artefacts import write_text
    from bitline.cli.liberty import macro_library
    from bitline.core.errors import ConfigError
    from bitline.core.units import parse_quantity
    from spice.characterise import Conditions, settings_of

    if not out.parent.is_dir():
        raise ConfigError(f"{out} cannot be written: there is no folder {out.parent}")
    conditions = Conditions(technology, corner, temperature, parse_quantity(vdd, "V"))
    write_text(out, macro_library(conditions, {**settings_of("sram_macro"), **read_settings(settings)}, workers))
    say(f"wrote {out}")


@app.command("waveform")
def waveform(
    folder: Annotated[Path, typer.Argument(help="a run's folder, or one of characterize --out")],
    name: Annotated[str, typer.Argument(help="PART-NAME; without it, those that there are")] = "",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="a .raw, .csv, .vcd or .h5 file")] = None,
) -> None:
    """Write one nominal waveform: ngspice raw, CSV, VCD (GTKWave) or HDF5, as the suffix says."""
    from bitline.cli.artefacts import choose, waveforms, write_waveform
    from bitline.cli.characterise import read_characterised
    from bitline.core.errors import ConfigError

    known = {
        f"{found.name}-{key}": (found, wave)
        for found in read_characterised(folder)
        for key, wave in waveforms(found).items()
    }
    if not name:
        for key, (_, wave) in known.items():
            say(f"{key:<28} {', '.join(wave)}")
        return
    if out is None:
        raise ConfigError(f"where to? give -o {name}.raw or -o {name}.csv")
    found, wave = known[choose(name, known, "waveform")]
    write_waveform(out, f"{folder.name} {name}", wave, found.part.units, found.conditions.vdd)
    say(f"wrote {out}")
