"""The compact 6T cell: device tables of a corner, smooth over temperature and supply, and the cell's figures from them.

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
from circuits.cells import ROLES, SIDES
from spice.compact.margins import all_lobes, all_read_currents, nominal_squares
from spice.compact.tables import OXIDE_POWERS, SHIFT_POWERS, Tables

Floats = np.ndarray[Any, np.dtype[np.float64]]

FORMAT = "bitline-compact-cell"
VERSION = 2
_ARRAYS = ("temperatures", "supplies", "told", "oxides", "lean", "grids", "latch", "access", "junction")
_GATE, _DRAIN, _SHIFT, _OUTPUT = range(4)  # rows of `grids`
_READ, _HOLD = range(2)  # word line at the supply, at 0
_COARSE = 4  # nodes of overdrive and drain voltage to one of what a shift changes
_PAD = 4  # nodes beyond those, where the ends of the splines show


@dataclass(frozen=True)
class CompactCell:
    """Device tables of one corner.

    Args:
        inputs: temperature (C), vdd (V), and the six threshold shifts (V) and six relative shifts of the oxide's
            thickness in the order of `circuits.cells.DEVICES`, with the ranges it holds in.
        temperatures: Chebyshev nodes, C.
        supplies: Chebyshev nodes, V.
        told: shifts of threshold (V) and oxide of the latch devices' tables, the first 0, shape (shifts, 2).
        oxides: shifts of the pass gate's tables: 0, some, minus that.
        lean: see `spice.compact.tables.Tables`.
        grids: rows (first node, spacing): gate overdrive, drain-source voltage, pass gate's shift (V), and output (of
            the supply).
        latch: logarithm of chord conductance (S) over temperature, device, told shift, overdrive, drain voltage.
        access: the same over temperature, supply, word line (at the supply, at 0), oxide, shift, output.
        junction: current from the pass gate's output to its bulk (A) over temperature, supply, output.
        floor: in the pass gate's chord conductances, to be taken off, S.
        residuals: by figure ("read_snm", "hold_snm": V; "read_current": relative), of held-out samples.
        provenance: technology, corner, ngspice version, netlist hashes.
    """

    inputs: tuple[Input, ...]
    temperatures: Floats
    supplies: Floats
    told: Floats
    oxides: Floats
    lean: Floats
    grids: Floats
    latch: Floats
    access: Floats
    junction: Floats
    floor: float
    residuals: Mapping[str, Residual]
    provenance: Mapping[str, str | float | int]

    def at(self, temperature: float, vdd: float) -> Condition:
        """The cell at a temperature (C) and supply (V); takes about 2 ms.

        Raises:
            ModelRangeError: outside the fitted range.
        """
        for known, value in zip(self.inputs, (temperature, vdd), strict=False):
            check(known, np.asarray(value))
        over_t, over_v = lagrange(self.temperatures, temperature), lagrange(self.supplies, vdd)
        chords = np.tensordot(over_t, self.latch, 1)
        drain = _nodes(self.grids[_DRAIN], chords.shape[-1])
        latch = np.stack([spline_filter(np.exp(device[0]) * drain) for device in chords])
        change = np.stack([_change(device[:, ::_COARSE, ::_COARSE], self.told) for device in chords])

        output = _nodes(self.grids[_OUTPUT], self.access.shape[-1])
        access = np.tensordot(over_v, np.tensordot(over_t, self.access, 1), 1)
        junction = np.tensordot(over_v, np.tensordot(over_t, self.junction, 1), 1)
        currents = (np.exp(access) - self.floor) * vdd * (1 - output) - junction
        read, hold = (_powers(line, float(self.oxides[1])) for line in currents)

        first, spacing = self.grids[: _DRAIN + 1].T
        coarse = np.column_stack([first - _PAD * _COARSE * spacing, _COARSE * spacing])
        scaled = self.grids[_SHIFT:] * np.array([1.0, vdd])[:, None]
        grids = np.concatenate([self.grids[: _DRAIN + 1], coarse, scaled])
        tables = Tables(latch, change, read, grids, self.lean, vdd)
        held = tables._replace(access=hold)
        return Condition(self.inputs[2:], tables, held, nominal_squares(tables), nominal_squares(held))

    def save(self, path: Path) -> None:
        """Write the file whole or not at all; tables in single precision, which is 1e-7 of a current's logarithm."""
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in _ARRAYS}
        arrays |= {name: arrays[name].astype(np.float32) for name in ("latch", "access")}
        header = {
            "format": FORMAT,
            "version": VERSION,
            "sha256": _digest(arrays),
            "floor": self.floor,
            "inputs": [asdict(known) for known in self.inputs],
            "residuals": {name: asdict(known) for name, known in self.residuals.items()},
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
        residuals = {name: Residual(**known) for name, known in header["residuals"].items()}
        return CompactCell(inputs, **wide, floor=header["floor"], residuals=residuals, provenance=header["provenance"])


@dataclass(frozen=True)
class Condition:
    """The cell at one temperature and supply.

    The methods take the shifts of cells: of the six thresholds (`delvto`, V) in the order of `circuits.cells.DEVICES`,
    shape (cells, 6), or those and the relative shifts of the six oxides' thickness, shape (cells, 12); and raise
    ModelRangeError where a shift is outside the fitted range.

    Args:
        inputs: the twelve shifts with their ranges.
        read: what the kernels take, word line at the supply.
        hold: word line at 0.
        read_squares: of the nominal cell, see `nominal_squares`.
        hold_squares: likewise.
    """

    inputs: tuple[Input, ...]
    read: Tables
    hold: Tables
    read_squares: Floats
    hold_squares: Floats

    def read_snm(self, shifts: Floats) -> Floats:
        """Read noise margins, as `spice.butterfly.Butterfly.lobes` defines them.

        Returns:
            Margins storing 0 and 1 in q, V, shape (cells, 2), signed; NaN for a cell whose curves have one lobe only.
        """
        return np.asarray(all_lobes(self.read, self.read_squares, self.cells(shifts)))

    def hold_snm(self, shifts: Floats) -> Floats:
        """Hold noise margins, likewise."""
        return np.asarray(all_lobes(self.hold, self.hold_squares, self.cells(shifts)))

    def read_current(self, shifts: Floats) -> Floats:
        """Read currents of the left bit line where 0 is stored, of the right one where 1 is, A, shape (cells, 2).

        A cell that loses its state when it is read gives the current after that.
        """
        return np.asarray(all_read_currents(self.read, self.cells(shifts)))

    def cells(self, shifts: Floats) -> Floats:
        """Shifts as the kernels take them, shape (cells, 2 sides, 2 kinds, 3 devices)."""
        known, rows = len(self.inputs), np.atleast_2d(np.asarray(shifts, dtype=np.float64))
        for column, values in enumerate(rows.T):
            check(self.inputs[column], values)
        whole = np.zeros((len(rows), known))
        whole[:, : rows.shape[1]] = rows
        sides, devices = len(SIDES), len(ROLES)
        return np.ascontiguousarray(whole.reshape(-1, known // (sides * devices), sides, devices).swapaxes(1, 2))


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


def _change(chords: Floats, told: Floats) -> Floats:
    """Splines of the terms that make up what shifts change: `Tables.change` of one device.

    Args:
        chords: logarithms over told shifts and the coarser nodes.
        told: the shifts, the first 0.
    """
    ratios = np.expm1(chords[1:] - chords[0])
    terms = told[1:, :1] ** np.array(SHIFT_POWERS) * told[1:, 1:] ** np.array(OXIDE_POWERS)
    solved = np.tensordot(np.linalg.pinv(terms), ratios, 1)
    padded = np.pad(solved, ((0, 0), (_PAD, _PAD), (_PAD, _PAD)), mode="reflect", reflect_type="odd")
    return np.stack([spline_filter(term) for term in padded])


def _powers(currents: Floats, oxide: float) -> Floats:
    """Splines of the pass gate's currents over powers of its oxide's shift, from those at 0, `oxide` and minus that."""
    base, plus, minus = currents
    orders = (base, (plus - minus) / (2 * oxide), (plus + minus - 2 * base) / (2 * oxide**2))
    return np.stack([spline_filter(order) for order in orders])


def _nodes(row: Floats, count: int) -> Floats:
    return np.asarray(row[0] + row[1] * np.arange(count))


def _digest(arrays: Mapping[str, Any]) -> str:
    found = hashlib.sha256()
    for name in _ARRAYS:
        found.update(
            f"{name}{arrays[name].dtype}{arrays[name].shape}".encode() + np.ascontiguousarray(arrays[name]).tobytes()
        )
    return found.hexdigest()
