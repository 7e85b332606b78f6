"""ngspice's raw file: header lines, then the vectors of each plot as binary doubles or text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import SimulationError

Plot = dict[str, "np.ndarray[Any, np.dtype[Any]]"]


def read_raw(path: Path) -> list[Plot]:
    """Read every plot of a raw file (ngspice manual, "Output file formats").

    Returns:
        One dictionary a plot, in the order they were run: vectors by lower-case name, each of shape (points,), float64
        or complex128; a voltage "v(out)" is named "out" as in `spice.engine`, a source's current "vin#branch".

    Raises:
        SimulationError: not a raw file, or cut short.
    """
    content, position, plots = path.read_bytes(), 0, []
    while position < len(content):
        plot, position = _plot(path, content, position)
        plots.append(plot)
    return plots


def _plot(path: Path, content: bytes, start: int) -> tuple[Plot, int]:
    marker = b"Binary:\n"
    at = content.find(marker, start)
    if at < 0:
        raise SimulationError(f"{path}: not a binary raw file of ngspice")
    header = content[start:at].decode(errors="replace").splitlines()
    fields = dict(line.split(":", 1) for line in header if ":" in line and not line.startswith("\t"))
    try:
        points, count = int(fields["No. Points"]), int(fields["No. Variables"])
        kind = np.dtype(complex if "complex" in fields["Flags"] else float)
        names = [_name(line.split()[1]) for line in header[header.index("Variables:") + 1 :][:count]]
    except (KeyError, ValueError, IndexError) as error:
        raise SimulationError(f"{path}: broken header in the raw file") from error
    begin = at + len(marker)
    end = begin + points * count * kind.itemsize
    if end > len(content):
        raise SimulationError(f"{path}: the raw file is cut short; ngspice was stopped or the disk is full")
    table = np.frombuffer(content[begin:end], dtype=kind).reshape(points, count)
    return {name: table[:, column].copy() for column, name in enumerate(names)}, end


def _name(written: str) -> str:
    """The engine's name of a vector: v(q) is q, i(vin) is vin#branch, i(@m1[id]) is @m1[id]."""
    name = written.lower()
    if name.startswith("v(") and name.endswith(")"):
        return name[2:-1]
    if name.startswith("i(") and name.endswith(")"):
        return name[2:-1] if name.startswith("i(@") else name[2:-1] + "#branch"
    return name


def write_raw(path: Path, title: str, plot: Plot, units: Mapping[str, str]) -> None:
    """Write one plot of real vectors as a binary raw file, for ngspice, LTspice and waveform viewers.

    Args:
        path: the file.
        title: one line.
        plot: vectors of one length; the first is the axis.
        units: unit by vector, which gives each its type ("V", "A", "s"; others are written without a type).
    """
    types = {"V": "voltage", "A": "current", "s": "time"}
    lines = [f"\t{n}\t{name}\t{types.get(units.get(name, ''), 'notype')}" for n, name in enumerate(plot)]
    points = len(next(iter(plot.values())))
    header = [
        f"Title: {title}",
        "Date: ",
        "Plotname: Transient Analysis"
        if units.get(next(iter(plot))) == "s"
        else "Plotname: DC transfer characteristic",
        "Flags: real",
        f"No. Variables: {len(plot)}",
        f"No. Points: {points}",
        "Variables:",
        *lines,
        "Binary:",
    ]
    table = np.stack([np.asarray(vector, dtype="<f8") for vector in plot.values()], axis=1)
    path.write_bytes("\n".join(header).encode() + b"\n" + table.tobytes())
