"""Files for review in other tools: netlists, waveforms, and a characterisation's folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bitline.cli.characterise import Characterised
from bitline.core.errors import ConfigError
from bitline.core.figures import to_json
from bitline.core.samples import write_hdf5
from bitline.core.suggest import suggestion
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


def write_netlist(path: Path, netlist: Netlist, made_from: Mapping[str, str | float | int]) -> None:
    """Write a netlist that plain ngspice runs (``ngspice -b FILE``), with a header that says what it is made from."""
    title, *rest = netlist.deck().splitlines()
    header = [f"* {key}: {value}" for key, value in {"sha256 without this header": netlist.hash, **made_from}.items()]
    with _written(path):
        path.write_text("\n".join([title, *header, *rest]) + "\n", encoding="utf-8")


def write_netlists(folder: Path, name: str, conditions: Conditions, settings: Settings | None = None) -> list[Path]:
    """Write all netlists of a part into `folder`; the files."""
    settings = {**settings_of(name), **(settings or {})}
    netlists = part(name, settings).netlists(conditions)  # refuses what is wrong before the folder is made
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key, netlist in netlists.items():
        written.append(folder / f"{name}-{key}.cir")
        write_netlist(written[-1], netlist, {**conditions.attrs(), **settings})
    return written


def waveforms(characterised: Characterised) -> dict[str, Waveform]:
    """The waveforms in a part's nominal record: vectors by name, the axis first."""
    record = characterised.nominal
    return {
        key: {field: np.asarray(record[field], dtype=np.float64) for field in fields}
        for key, fields in characterised.part.waveforms.items()
    }


def write_waveform(path: Path, title: str, waveform: Waveform, units: Mapping[str, str]) -> None:
    """Write a waveform in the format that the suffix names.

    Args:
        path: ends in ".raw" (ngspice, LTspice) or ".csv" (a header line with units, then numbers).
        title: one line.
        waveform: vectors of one length, the axis first.
        units: by vector.

    Raises:
        ConfigError: another suffix, or the file cannot be written.
    """
    if path.suffix == ".raw":
        with _written(path):
            write_raw(path, title, waveform, units)
    elif path.suffix == ".csv":
        with _written(path), path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(f"{name} ({units[name]})" for name in waveform)
            writer.writerows(zip(*(vector.tolist() for vector in waveform.values()), strict=True))
    else:
        raise ConfigError(f"{path}: waveforms are written as .raw or .csv, not {path.suffix or 'without a suffix'!r}")


def write_waveforms(folder: Path, characterised: Characterised) -> None:
    """Write all waveforms of a part into `folder` as raw files."""
    with _written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    units = characterised.part.units
    for key, waveform in waveforms(characterised).items():
        write_waveform(folder / f"{characterised.name}-{key}.raw", f"{characterised.name} {key}", waveform, units)


def write_characterised(folder: Path, characterised: Characterised) -> None:
    """Write what ``characterize --out`` leaves: ``<part>.h5``, ``<part>.json``, netlists and waveforms."""
    name, conditions = characterised.name, characterised.conditions
    write_netlists(folder / "netlists", name, conditions, characterised.settings)
    write_waveforms(folder / "waveforms", characterised)
    write_hdf5(folder / f"{name}.h5", list(characterised.groups), conditions.attrs())
    figures = json.dumps(to_json(characterised.figures()), indent=1)
    with _written(folder / f"{name}.json") as path:
        path.write_text(figures + "\n", encoding="utf-8")


def choose(wanted: str, known: Iterable[str], what: str) -> str:
    """`wanted` if it is known.

    Raises:
        ConfigError: it is not; the nearest or all known ones are named.
    """
    names = list(known)
    if wanted not in names:
        raise ConfigError(f"no {what} {wanted!r}{suggestion(wanted, names)}")
    return wanted
