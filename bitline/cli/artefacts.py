"""Files for review in other tools: netlists, waveforms, and a characterisation's folder."""

from __future__ import annotations

import csv
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bitline.cli.characterise import Characterised
from bitline.cli.vcd import value_changes
from bitline.core.errors import ConfigError
from bitline.core.figures import to_json
from bitline.core.samples import write_hdf5
from bitline.core.suggest import suggestion
from circuits.dialect import in_dialect
from circuits.netlist import Netlist
from spice.characterise import Conditions, Settings, part, settings_of
from spice.raw import write_raw


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Say which file or folder it was that could not be written."""
    try:
        yield path
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; choose another place") from error


Waveform = dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]
WAVEFORM_FORMATS = (".raw", ".csv", ".vcd", ".h5")


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        ConfigError: it cannot be written.
    """
    with _written(path):
        path.write_text(text, encoding="utf-8")


def write_netlist(
    path: Path, netlist: Netlist, made_from: Mapping[str, str | float | int], dialect: str = "ngspice"
) -> None:
    """Write a netlist with a header that says what it is, since when, and what it is made from.

    Args:
        path: the file.
        netlist: plain ngspice runs what is written of it (``ngspice -b FILE``).
        made_from: its configuration.
        dialect: of `circuits.dialect.DIALECTS`.

    Raises:
        ConfigError: the netlist needs what the dialect lacks, or the file cannot be written.
    """
    said = in_dialect(netlist, dialect)
    title, *rest = said.deck().splitlines()
    made = {
        "sha256 without this header": said.hash,
        "written": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} by bitline {importlib.metadata.version('bitline')}",
        **({} if said is netlist else {"dialect": f"{dialect}; for ngspice it has the sha256 {netlist.hash}"}),
        **made_from,
    }
    header = [f"* {key}: {value}" for key, value in made.items()]
    if dialect == "ngspice":
        header += ["* for ngspice -b alone, no part of the circuit:", *_stand_alone(netlist)]
    write_text(path, "\n".join([title, *header, *rest]) + "\n")


def _stand_alone(netlist: Netlist) -> list[str]:
    """Lines for who runs the file alone; the circuit stays as it is.

    Two OpenMP threads, ngspice's usual number, make a small circuit ten times slower, fifty on a busy machine; and
    without an output line ``ngspice -b`` runs no sweep or transient, and fails.
    """
    lines = [".options num_threads=1"]
    kinds = dict.fromkeys(analysis.split()[0].removeprefix(".") for analysis in netlist.analyses)
    if not netlist.measures:
        lines += [f".print {kind} all" for kind in kinds if kind != "op"]
    return lines


def write_netlists(
    folder: Path, name: str, conditions: Conditions, settings: Settings | None = None, dialect: str = "ngspice"
) -> list[Path]:
    """Write all netlists of a part into `folder`; the files."""
    settings = {**settings_of(name), **(settings or {})}
    netlists = part(name, settings).netlists(conditions)  # refuses what is wrong before the folder is made
    for netlist in netlists.values():
        in_dialect(netlist, dialect)
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key, netlist in netlists.items():
        written.append(folder / f"{name}-{key}.cir")
        write_netlist(written[-1], netlist, {**conditions.attrs(), **settings}, dialect)
    return written


def waveforms(characterised: Characterised) -> dict[str, Waveform]:
    """The waveforms in a part's nominal record: vectors by name, the axis first."""
    record = characterised.nominal
    return {
        key: {field: np.asarray(record[field], dtype=np.float64) for field in fields}
        for key, fields in characterised.part.waveforms.items()
    }


def write_waveform(path: Path, title: str, waveform: Waveform, units: Mapping[str, str], vdd: float) -> None:
    """Write a waveform in the format that the suffix names, one of `WAVEFORM_FORMATS`.

    Args:
        path: ends in ".raw" (ngspice, LTspice), ".csv" (a header line with units, then numbers), ".vcd" (GTKWave) or
            ".h5" (a dataset a vector, its attribute `unit`).
        title: one line.
        waveform: vectors of one length, the axis first.
        units: by vector.
        vdd: supply, V, to which a .vcd holds its logic levels.

    Raises:
        ConfigError: another suffix, the format cannot hold this waveform, or the file cannot be written.
    """
    if path.suffix not in WAVEFORM_FORMATS:
        known = ", ".join(WAVEFORM_FORMATS[:-1])
        raise ConfigError(
            f"{path}: waveforms are written as {known} or {WAVEFORM_FORMATS[-1]}, "
            f"not {path.suffix or 'without a suffix'!r}"
        )
    if path.suffix == ".vcd":
        write_text(path, "\n".join(value_changes(title, waveform, units, vdd)) + "\n")
    elif path.suffix == ".h5":
        with _written(path):
            path.write_bytes(_hdf5(title, waveform, units))
    elif path.suffix == ".raw":
        with _written(path):
            write_raw(path, title, waveform, units)
    else:
        with _written(path), path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(f"{name} ({units[name]})" for name in waveform)
            writer.writerows(zip(*(vector.tolist() for vector in waveform.values()), strict=True))


def _hdf5(title: str, waveform: Waveform, units: Mapping[str, str]) -> bytes:
    """The image of an HDF5 file, made in memory as bitline.core.samples does."""
    with h5py.File("waveform", "w", driver="core", backing_store=False, track_order=True) as file:
        file.attrs["title"] = title
        for name, vector in waveform.items():
            file.create_dataset(name, data=vector).attrs["unit"] = units[name]
        file.flush()
        return bytes(file.id.get_file_image())


def write_waveforms(folder: Path, characterised: Characterised) -> None:
    """Write all waveforms of a part into `folder` as raw files."""
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    units = characterised.part.units
    for key, waveform in waveforms(characterised).items():
        path, title = folder / f"{characterised.name}-{key}.raw", f"{characterised.name} {key}"
        write_waveform(path, title, waveform, units, characterised.conditions.vdd)


def write_characterised(folder: Path, characterised: Characterised) -> None:
    """Write what ``characterize --out`` leaves: ``<part>.h5``, ``<part>.json``, netlists and waveforms."""
    name, conditions = characterised.name, characterised.conditions
    write_netlists(folder / "netlists", name, conditions, characterised.settings)
    write_waveforms(folder / "waveforms", characterised)
    write_hdf5(folder / f"{name}.h5", list(characterised.groups), conditions.attrs())
    write_text(folder / f"{name}.json", json.dumps(to_json(characterised.figures()), indent=1) + "\n")


def choose(wanted: str, known: Iterable[str], what: str) -> str:
    """`wanted` if it is known.

    Raises:
        ConfigError: it is not; the nearest or all known ones are named.
    """
    names = list(known)
    if wanted not in names:
        raise ConfigError(f"no {what} {wanted!r}{suggestion(wanted, names)}")
    return wanted
