"""``bitline solve``: a crossbar from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitline.cli.terminal import note, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bitline.cli.array_files import Write
    from bitline.cli.crossbar import Crossbar, Solved
    from circuits.crossbar import Wires

FILE = ".npy, .csv or FILE.h5:/DATASET"
Both = Annotated[str | None, typer.Option(help="both of the next two, Ohm a segment")]
OfWordLines = Annotated[str | None, typer.Option(help="of the word lines, Ohm a segment; default 0")]
OfBitLines = Annotated[str | None, typer.Option(help="of the bit lines, Ohm a segment; default 0")]
Driver = Annotated[str, typer.Option(help="of what drives a word line's end, Ohm")]
Sink = Annotated[str, typer.Option(help="of what senses a bit line's end, Ohm")]
Iv = Annotated[str, typer.Option(help="cells that are no resistors: model.json, sinh:BEND (1/V) or a table, .csv")]
Transistor = Annotated[str, typer.Option(help="1T1R cells: the model file of their transistors, access.mos_iv")]
Gate = Annotated[str, typer.Option(help="voltage of their gates, V")]
Drive = Annotated[str, typer.Option(help="ends of the word lines that are driven: first, last, both")]
Sense = Annotated[str, typer.Option(help="ends of the bit lines that are sensed: first, last, both")]


def solve(
    g: Annotated[Path, typer.Option("--g", help=f"conductances g[word_line, bit_line] (m, n), S: {FILE}")],
    v: Annotated[Path, typer.Option("--v", help=f"word-line voltages (batch, m) or (m,), V: {FILE}")],
    out: Annotated[Path, typer.Option("-o", "--out", help="bit-line currents (batch, n) or (n,), A: .npy, .csv, .h5")],
    *,
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
    tolerance: Annotated[float, typer.Option(help="bound on the error over the largest current")] = 1e-9,
    threads: Annotated[int, typer.Option(help="that work on vectors")] = 1,
    nodes: Annotated[Path | None, typer.Option(help="voltages of all nodes, .h5 or .npz")] = None,
    picture: Annotated[Path | None, typer.Option(help="a heat map of the IR drop, .png")] = None,
    json: Annotated[bool, typer.Option("--json", help="say as JSON how it was solved")] = False,
) -> None:
    """Solve a crossbar with wires: amperes out of every bit line."""
    from time import perf_counter

    from bitline.cli.array_files import write_together
    from bitline.cli.crossbar import CellOptions, read_crossbar
    from bitline.core.errors import ConfigError

    check_limits(tolerance, threads)
    wires = all_wires(r_wire, r_wire_wl, r_wire_bl, r_driver, r_sink)
    crossbar = read_crossbar(g, v, wires, CellOptions(iv, transistor, v_gate, drive, sense))
    read = {"--g": g, "--v": v, "--iv": Path(iv), "--transistor": Path(transistor)}
    check_files(out, nodes, picture, read)
    if (nodes or picture) and not crossbar.v.size:
        raise ConfigError(f"{v} holds no vector, and so there is none for {nodes or picture}; leave that out")
    start = perf_counter()
    solved = crossbar.solve(tolerance, threads, all_nodes=nodes is not None or picture is not None)
    seconds = perf_counter() - start
    files = _files(crossbar, solved, out, nodes, picture)
    write_together(files)
    said = _said(crossbar, solved, seconds, tolerance) | {"wrote": [str(path) for path in files]}
    if not said["met"]:
        note(
            f"warning: the error is bounded by {solved.relative:.1e} of the largest current, not by {tolerance:g}: "
            "rounding leaves no more where wires or shorts make currents small differences"
        )
    if json:
        print_json(said)
    else:
        _say(said)


def segments(r_wire: str | None, r_wire_wl: str | None, r_wire_bl: str | None) -> tuple[float, float]:
    """Resistances (ohm) of a word-line and a bit-line segment from the options.

    Raises:
        ConfigError: one is no resistance.
    """
    from bitline.core.units import parse_quantity

    wl, bl = (parse_quantity(r_wire or "0" if own is None else own, "Ohm") for own in (r_wire_wl, r_wire_bl))
    return wl, bl


def all_wires(r_wire: str | None, r_wire_wl: str | None, r_wire_bl: str | None, r_driver: str, r_sink: str) -> Wires:
    """Resistances of the lines from the options.

    Raises:
        ConfigError: one is no resistance.
    """
    from bitline.core.units import parse_quantity
    from circuits.crossbar import Wires

    ends = (parse_quantity(ohms, "Ohm") for ohms in (r_driver, r_sink))
    return Wires(*segments(r_wire, r_wire_wl, r_wire_bl), *ends)


def check_limits(tolerance: float, threads: int) -> None:
    """Refuse a tolerance or a number of threads that is none.

    Raises:
        ConfigError: says which.
    """
    from bitline.core.errors import ConfigError

    if not 1e-13 <= tolerance < 1:
        raise ConfigError(f"--tolerance is {tolerance:g}; it is from 1e-13, which rounding leaves, to below 1")
    if threads < 1:
        raise ConfigError(f"--threads is {threads}; it is 1 or more")


def check_files(out: Path, nodes: Path | None, picture: Path | None, read: Mapping[str, Path]) -> None:
    """Refuse files of other kinds before anything is solved, one file for two things, and files that are read.

    Args:
        out: of the currents.
        nodes: of the voltages.
        picture: of the IR drop.
        read: what each option reads, as it is given.

    Raises:
        ConfigError: names the file.
    """
    from bitline.cli.array_files import check_apart, file_and_dataset
    from bitline.core.errors import ConfigError

    kinds = ((out, (".npy", ".csv", ".h5", ".hdf5")), (nodes, (".h5", ".hdf5", ".npz")), (picture, (".png",)))
    for path, suffixes in kinds:
        if path is not None and path.suffix not in suffixes:
            raise ConfigError(f"{path}: its suffix is {path.suffix!r}; what goes there is {', '.join(suffixes)}")
    written = [path for path in (out, nodes, picture) if path]
    check_apart(written, {option: file_and_dataset(path)[0] for option, path in read.items()})


def _files(
    crossbar: Crossbar, solved: Solved, out: Path, nodes: Path | None, picture: Path | None
) -> dict[Path, Write]:
    """What writes each file."""
    import numpy as np

    from bitline.cli.array_files import HDF5, array_writer, hdf5_writer
    from bitline.cli.drop_picture import drop_picture

    attrs = {"method": solved.method, "bound_relative": solved.relative}
    i = solved.i[0] if crossbar.v.ndim == 1 else solved.i
    files = {out: array_writer(out, "i", i, "A", attrs)}
    found = solved.nodes
    if nodes is not None and found is not None:
        arrays = {name: (getattr(found, name), "V") for name in ("word", "bit")}
        ends = ("i_wl_first", "i_wl_last", "i_bl_first", "i_bl_last", "bound")
        arrays |= {name: (getattr(found, name), "A") for name in ends}
        plain = {name: array for name, (array, _) in arrays.items()}
        files[nodes] = hdf5_writer(arrays, attrs) if nodes.suffix in HDF5 else lambda file: np.savez(file, **plain)
    if picture is not None and found is not None:
        files[picture] = drop_picture(np.atleast_2d(crossbar.v), found.word, found.bit)
    return files


def _said(crossbar: Crossbar, solved: Solved, seconds: float, tolerance: float) -> dict[str, Any]:
    i = solved.i[0] if crossbar.v.ndim == 1 else solved.i
    return {
        "method": solved.method,
        "bound": float(solved.bound.max(initial=0.0)),
        "bound_relative": solved.relative,
        "tolerance": tolerance,
        "met": solved.relative <= tolerance,
        "largest": float(abs(i).max(initial=0.0)),
        "seconds": seconds,
        "iterations": solved.iterations,
        "shapes": {"g": list(crossbar.g.shape), "v": list(crossbar.v.shape), "i": list(i.shape)},
    }


def _say(said: dict[str, Any]) -> None:
    from bitline.core.units import format_quantity

    out, *others = said["wrote"]
    largest = format_quantity(said["largest"], "A") if 0 not in said["shapes"]["i"] else "none"
    say(f"wrote {out}: currents {tuple(said['shapes']['i'])}, the largest {largest}")
    for path in others:
        say(f"wrote {path}")
    bound = f"error at most {format_quantity(said['bound'], 'A', 2)}, {said['bound_relative']:.1e} of the largest"
    say(f"{said['method']}, {format_quantity(said['seconds'], 's')}: {bound}")
