"""The compact 6T cell: device tables of a corner, smooth over temperature and supply, and its read noise margins.

It is fitted by `spice.fits_compact` and kept in a file of its own: the arrays, and a JSON header with the format, the
range of every input, the residual on held-out samples and the provenance, under a checksum.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import spline_filter

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import Input, Residual
from circuits.cells import DEVICES
from spice.compact.currents import Tables
from spice.compact.margins import all_lobes

Floats = np.ndarray[Any, np.dtype[np.float64]]

FORMAT = "bitline-compact-cell"
VERSION = 1
_ARRAYS = ("temperatures", "supplies", "told", "grids", "latch", "access")
_GATE, _DRAIN, _SHIFT, _OUTPUT = range(4)  # rows of `grids`


@dataclass(frozen=True)
class CompactCell:
    """Device tables of one corner.

    Args:
        inputs: temperature (C), vdd (V) and the six threshold shifts (V) in the order of `circuits.cells.DEVICES`, with
            the ranges it holds in.
        temperatures: Chebyshev nodes, C.
        supplies: Chebyshev nodes, V.
        told: shifts of the latch devices' tables, V: 0, some, minus that.
        grids: rows (first node, spacing): gate overdrive, drain-source voltage, pass gate's shift (V), and output (of
            the supply).
        latch: logarithm of chord conductance (S) over temperature, device, told shift, overdrive, drain voltage.
        access: the same over temperature, supply, shift, output.
        residual: of the read noise margins of held-out samples, V.
        provenance: technology, corner, ngspice version, netlist hashes.
    """

    inputs: tuple[Input, ...]
    temperatures: Floats
    supplies: Floats
    told: Floats
    grids: Floats
    latch: Floats
    access: Floats
    residual: Residual
    provenance: Mapping[str, str | float | int]

    def at(self, temperature: float, vdd: float) -> Condition:
        """The cell at a temperature (C) and supply (V); takes about 2 ms.

        Raises:
            ModelRangeError: outside the fitted range.
        """
        for known, value in zip(self.inputs, (temperature, vdd), strict=False):
            check(known, np.asarray(value))
        over_t, over_v = lagrange(self.temperatures, temperature), lagrange(self.supplies, vdd)
        drain = _nodes(self.grids[_DRAIN], self.latch.shape[-1])
        base, plus, minus = np.moveaxis(np.exp(np.tensordot(over_t, self.latch, 1)) * drain, 1, 0)
        up = float(self.told[1])
        orders = (base, (plus - minus) / (2 * up), (plus + minus - 2 * base) / (2 * up * up))
        latch = np.stack([[spline_filter(device) for device in order] for order in orders], axis=-1)

        output = _nodes(self.grids[_OUTPUT], self.access.shape[-1])
        chords = np.exp(np.tensordot(over_v, np.tensordot(over_t, self.access, 1), 1))
        access = spline_filter(chords * vdd * (1 - output))
        scale = np.array([1.0, 1.0, 1.0, vdd])[:, None]
        return Condition(self.inputs[2:], Tables(np.ascontiguousarray(latch), access, self.grids * scale, vdd))

    def save(self, path: Path) -> None:
        """Write the file whole or not at all; tables in single precision, which is 1e-7 of a current's logarithm."""
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in _ARRAYS}
        arrays |= {name: arrays[name].astype(np.float32) for name in ("latch", "access")}
        header = {
            "format": FORMAT,
            "version": VERSION,
            "sha256": _digest(arrays),
            "inputs": [asdict(known) for known in self.inputs],
            "residual": asdict(self.residual),
            "provenance": dict(self.provenance),
        }
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header, sort_keys=True)), **arrays)
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> CompactCell:
        """Read a file that `save` wrote.

        Raises:
            ConfigError: the file is missing, damaged, none of this kind or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                arrays = {name: file[name] for name in _ARRAYS}
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}; bitline compact makes it") from error
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} is not a compact cell: {error}; bitline compact makes one") from error
        if header.get("format") != FORMAT or header.get("version") != VERSION:
            written = f"{header.get('format')} version {header.get('version')}"
            raise ConfigError(f"{path}: is {written}, this bitline reads {FORMAT} version {VERSION}; fit it again")
        if header["sha256"] != _digest(arrays):
            raise ConfigError(f"{path}: the tables are damaged, their checksum differs; fit it again")
        wide = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
        inputs = tuple(Input(**known) for known in header["inputs"])
        return CompactCell(inputs, **wide, residual=Residual(**header["residual"]), provenance=header["provenance"])


@dataclass(frozen=True)
class Condition:
    """The cell at one temperature and supply.

    Args:
        inputs: the six threshold shifts with their ranges.
        tables: what the kernels take.
    """

    inputs: tuple[Input, ...]
    tables: Tables

    def read_snm(self, shifts: Floats) -> Floats:
        """Read noise margins of cells, as `spice.butterfly.Butterfly.lobes` defines them.

        Args:
            shifts: of the thresholds (`delvto`), V, shape (cells, 6) in the order of `circuits.cells.DEVICES`.

        Returns:
            Margins storing 0 and 1 in q, V, shape (cells, 2), signed; NaN for a cell whose curves have one lobe only.

        Raises:
            ModelRangeError: a shift outside the fitted range.
        """
        cells = np.ascontiguousarray(shifts, dtype=np.float64).reshape(-1, len(DEVICES))
        for column, known in enumerate(self.inputs):
            check(known, cells[:, column])
        halves = cells.reshape(-1, 2, len(DEVICES) // 2)
        return np.asarray(all_lobes(self.tables, halves))


def check(known: Input, values: Floats) -> None:
    """Refuse values outside an input's range.

    Raises:
        ModelRangeError: names the input, the worst value and the range.
    """
    outside = ~known.covers(values)
    if np.any(outside):
        worst = values[outside].flat[0]
        raise ModelRangeError(
            f"compact cell: {known.name} = {worst:g} {known.unit} is outside the fitted range {known.low:g} to "
            f"{known.high:g} {known.unit}; fit a wider range, or take the ngspice backend"
        )


def chebyshev(low: float, high: float, count: int) -> Floats:
    """Chebyshev's nodes of the second kind, the ends among them: a polynomial through them does not swing."""
    return np.asarray(0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * np.arange(count) / (count - 1)))


def lagrange(nodes: Floats, value: float) -> Floats:
    """Weight of the value at each node in the polynomial through all of them, at `value`."""
    others = ~np.eye(nodes.size, dtype=bool)
    ratios = (value - nodes[None, :]) / np.where(others, nodes[:, None] - nodes[None, :], 1.0)
    return np.asarray(np.prod(np.where(others, ratios, 1.0), axis=1))


def _nodes(row: Floats, count: int) -> Floats:
    return np.asarray(row[0] + row[1] * np.arange(count))


def _digest(arrays: Mapping[str, Any]) -> str:
    found = hashlib.sha256()
    for name in _ARRAYS:
        found.update(
            f"{name}{arrays[name].dtype}{arrays[name].shape}".encode() + np.ascontiguousarray(arrays[name]).tobytes()
        )
    return found.hexdigest()
