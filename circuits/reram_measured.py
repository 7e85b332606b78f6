"""Measured ReRAM conductances from a CSV file, and the spread that they give.

The first line that is neither empty nor a comment (`#`) names the columns, each with its unit, as `g (uS)` or `g_uS`:

    g        conductance as read; S, mS, uS or nS
    target   what the cell was programmed to; the same units
    time     optional: since programming; s, ms, us, ns, min, h or d
    cycle    optional: number of the programming cycle, whole, no unit
    cell     optional: name of the cell, any text, no unit

Every further line is one read of one cell. `circuits.variation.load_spread` takes such a file wherever it takes the
name of a published spread: as "cells.csv", or "cells.csv@1" for the reads about 1 s after programming.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.suggest import suggestion

Floats = np.ndarray[Any, np.dtype[np.float64]]

# how many make one S or one s: a division rounds 20 uS to the same number as 20e-6
_CONDUCTANCE = {"S": 1.0, "mS": 1e3, "uS": 1e6, "µS": 1e6, "μS": 1e6, "nS": 1e9}
_TIME = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "min": 1 / 60, "h": 1 / 3600, "d": 1 / 86400}
_UNITS: dict[str, dict[str, float]] = {
    "g": _CONDUCTANCE,
    "target": _CONDUCTANCE,
    "time": _TIME,
    "cycle": {},
    "cell": {},
}
_REQUIRED = ("g", "target")
_HEADER = re.compile(r"^(?P<name>[A-Za-z]+)\s*(?:\((?P<bracket>[^)]*)\)|_(?P<suffix>\S+))?$")


@dataclass(frozen=True)
class Measured:
    """Reads of programmed cells; arrays of shape (reads,).

    Attributes:
        name: of the file, without its folder.
        digest: SHA-256 of the file, in hex.
        g: S.
        target: S.
        time: since programming, s; NaN where the file has none.
        cycle: 0 where the file has none.
        cell: "" where the file has none.
    """

    name: str
    digest: str
    g: Floats
    target: Floats
    time: Floats
    cycle: np.ndarray[Any, np.dtype[np.int64]]
    cell: np.ndarray[Any, np.dtype[np.str_]]

    def at(self, time: float) -> Measured:
        """The reads within a factor of 1.5 of `time` (s).

        Raises:
            ConfigError: the file has no times, or none near.
        """
        if np.all(np.isnan(self.time)):
            raise ConfigError(
                f"{self.name}: no column 'time', so there are no reads at {time:g} s; leave out '@{time:g}'"
            )
        near = (self.time <= 1.5 * time) & (self.time >= time / 1.5)
        if not np.any(near):
            low, high = float(np.min(self.time)), float(np.max(self.time))
            raise ConfigError(f"{self.name}: no reads near {time:g} s; its times go from {low:g} to {high:g} s")
        return self._rows(near)

    def variation(self) -> dict[float, tuple[float, float]]:
        """Device-to-device and cycle-to-cycle standard deviation (S) by target (S), by one-way analysis of variance.

        Cycle-to-cycle is the spread of a cell about its own mean; device-to-device that of the cells' means, less what
        cycle-to-cycle leaves in a mean of a few cycles (0 where that is all of it).

        Raises:
            ConfigError: a target has fewer than two cells, or no cell with two reads.
        """
        return {float(target): self._components(float(target)) for target in np.unique(self.target)}

    def _components(self, target: float) -> tuple[float, float]:
        rows = self.target == target
        groups = [self.g[rows & (self.cell == cell)] for cell in np.unique(self.cell[rows])]
        reads, cells = sum(map(len, groups)), len(groups)
        if cells < 2 or reads == cells:
            raise ConfigError(
                f"{self.name}: {cells} cells and {reads} reads at a target of {target * 1e6:g} uS; device-to-device "
                "and cycle-to-cycle variation take a column 'cell' with two cells or more, each read at least twice"
            )
        return variance_components(groups)

    def _rows(self, kept: np.ndarray[Any, np.dtype[np.bool_]]) -> Measured:
        columns = (self.g, self.target, self.time, self.cycle, self.cell)
        return Measured(self.name, self.digest, *(column[kept] for column in columns))


@dataclass(frozen=True)
class _Column:
    """A column of the header: its name, how many of its units make one of SI, and its place from 0."""

    name: str
    per: float
    place: int


def variance_components(groups: Sequence[Floats]) -> tuple[float, float]:
    """Standard deviation between groups and within them, by one-way analysis of variance with random effects.

    Args:
        groups: two or more, with more values than groups in all; sizes may differ.

    Between groups is that of their means, less what the one within leaves in a mean of a few (0 where that is all).
    """
    count, size = len(groups), sum(map(len, groups))
    mean = sum(float(np.sum(group)) for group in groups) / size
    within = sum(float(np.sum((group - np.mean(group)) ** 2)) for group in groups) / (size - count)
    between = sum(len(group) * (float(np.mean(group)) - mean) ** 2 for group in groups) / (count - 1)
    each = (size - sum(len(group) ** 2 for group in groups) / size) / (count - 1)
    return math.sqrt(max(between - within, 0.0) / each), math.sqrt(within)


def read_measured(path: str | Path) -> Measured:
    """Read a file of measured conductances.

    Raises:
        ConfigError: the file cannot be read, or holds something else than the module says; names line and column.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a CSV file: {error}") from error
    rows = csv_rows(lines)
    number, header = next(rows, (0, []))
    if not header:
        raise ConfigError(f"{path}: empty; its first line names the columns, as 'target (uS),g (uS)'")
    columns = _header(f"{path}:{number}", header)
    values: dict[str, list[Any]] = {name: [] for name in columns}
    for number, row in rows:
        if len(row) != len(header):
            raise ConfigError(f"{path}:{number}: {len(row)} values, but the header names {len(header)} columns")
        for name, column in columns.items():
            values[name].append(_READERS[name](f"{path}:{number}: column '{name}'", row[column.place]))
    count = len(values["g"])
    if count == 0:
        raise ConfigError(f"{path}: no reads below the header")
    scaled = {name: np.array(values[name]) / columns[name].per for name in ("g", "target", "time") if name in values}
    return Measured(
        name=path.name,
        digest=hashlib.sha256(content).hexdigest(),
        g=scaled["g"],
        target=scaled["target"],
        time=scaled.get("time", np.full(count, np.nan)),
        cycle=np.array(values.get("cycle", [0] * count), dtype=np.int64),
        cell=np.array(values.get("cell", [""] * count), dtype=np.str_),
    )


def csv_rows(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number from 1 and cells of every line that is neither empty nor a comment."""
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]


def _header(where: str, cells: list[str]) -> dict[str, _Column]:
    found: dict[str, _Column] = {}
    for place, cell in enumerate(cells):
        column = _column(where, cell, place)
        if column.name in found:
            raise ConfigError(f"{where}: column '{column.name}' is there twice")
        found[column.name] = column
    for name in _REQUIRED:
        if name not in found:
            raise ConfigError(f"{where}: no column '{name}'; the header needs it with its unit, as '{name} (uS)'")
    return found


def _column(where: str, cell: str, place: int) -> _Column:
    matched = _HEADER.match(cell)
    name = matched["name"].lower() if matched else cell
    if matched is None or name not in _UNITS:
        raise ConfigError(
            f"{where}: column {place + 1} is '{cell}'{suggestion(name, list(_UNITS))}; known are "
            f"{', '.join(_UNITS)}, each with its unit, as 'g (uS)'"
        )
    unit, known = matched["bracket"] or matched["suffix"], _UNITS[name]
    if not known:
        if unit:
            raise ConfigError(f"{where}: column '{cell}' has a unit; '{name}' takes none")
        return _Column(name, 1.0, place)
    if unit is None or unit.strip() not in known:
        said = "no unit" if unit is None else f"the unit '{unit}'"
        example = next(iter(known))
        raise ConfigError(
            f"{where}: column '{cell}' has {said}; write one of {', '.join(known)}, as '{name} ({example})'"
        )
    return _Column(name, known[unit.strip()], place)


def _finite(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{where} is '{text}', not a number") from None
    if not math.isfinite(value):
        raise ConfigError(f"{where} is {text}; leave out the line of a read that failed")
    return value


def positive_number(where: str, text: str) -> float:
    """A number above 0; ConfigError says `where` it is not."""
    value = _finite(where, text)
    if value <= 0:
        raise ConfigError(f"{where} is {text}; it must be above 0")
    return value


def _whole(where: str, text: str) -> int:
    value = _finite(where, text)
    if value != int(value):
        raise ConfigError(f"{where} is {text}, not a whole number")
    return int(value)


_READERS: dict[str, Callable[[str, str], Any]] = {
    "g": _finite,  # an instrument's offset may take a read below zero
    "target": positive_number,
    "time": positive_number,
    "cycle": _whole,
    "cell": lambda _where, text: text,
}
