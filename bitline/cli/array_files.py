"""Arrays of numbers in files: .npy, CSV and HDF5, and whatever is written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Write = Callable[[BinaryIO], None]

HDF5 = (".h5", ".hdf5")


def read_array(path: Path, unit: str = "") -> Floats:
    """An array of numbers from a .npy file, a CSV file (rows by lines) or `FILE.h5:/DATASET`.

    Args:
        path: of the file.
        unit: that a dataset's attribute `unit` may name; one without it is taken as it is.

    Raises:
        ConfigError: it is missing or no such file, or holds something else; names file, row and column.
    """
    file, dataset = file_and_dataset(path)
    if file.suffix in HDF5:
        found = _read_hdf5(file, dataset, unit)
    elif path.suffix == ".csv":
        return read_csv(path)[1]
    else:
        found = _read_npy(path)
    if found.dtype.kind not in "fiu":
        raise ConfigError(f"{path} holds {found.dtype}, expected one array of real numbers")
    return found.astype(np.float64)


def file_and_dataset(path: Path) -> tuple[Path, str]:
    """The file that is read, and what `FILE.h5:/DATASET` names in it."""
    name, _, dataset = str(path).partition(":")
    return (Path(name), dataset) if Path(name).suffix in HDF5 else (path, "")


def _read_npy(path: Path) -> np.ndarray[Any, Any]:
    try:
        found = np.load(path, allow_pickle=False)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, MemoryError) as error:
        raise ConfigError(f"{path} is not a .npy file of numbers, or it is cut short: {error}") from error
    if not isinstance(found, np.ndarray):
        raise ConfigError(f"{path} holds several arrays, expected one array of real numbers")
    return found


def _read_hdf5(path: Path, dataset: str, unit: str) -> np.ndarray[Any, Any]:
    try:
        with h5py.File(path) as file:
            there: list[str] = []
            file.visititems(lambda name, item: there.append(name) if isinstance(item, h5py.Dataset) else None)
            if dataset.strip("/") not in there:
                wrong = f"has no dataset {dataset!r}" if dataset else "may hold several"
                raise ConfigError(f"{path} {wrong}; write {path}:/NAME, NAME being one of {', '.join(there) or 'none'}")
            held = file[dataset]
            said = held.attrs.get("unit", unit)
            if unit and said != unit:
                raise ConfigError(f"{path}:{dataset} is in {said!r}, expected {unit!r}")
            return np.asarray(held)
    except OSError as error:
        raise ConfigError(f"{path} is missing or no HDF5 file: {error}") from error


def read_csv(path: Path, *, header: bool = False) -> tuple[list[str], Floats]:
    """The headings, where there are some, and the numbers of a CSV file, shape (rows, columns).

    Empty lines and those that begin with # are left out.

    Raises:
        ConfigError: it is missing, a field is no number, or rows differ in length; names row and column, from 1.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, line) for number, line in enumerate(csv.reader(file), 1) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is missing or no CSV file: {error}") from error
    lines = [(number, line) for number, line in lines if not line[0].lstrip().startswith("#")]
    headings = [field.strip() for field in lines.pop(0)[1]] if header and lines else []
    if not lines:
        raise ConfigError(f"{path} holds no numbers")
    rows = []
    for number, line in lines:
        if len(line) != len(lines[0][1]):
            raise ConfigError(f"{path}, row {number} has {len(line)} columns; the first has {len(lines[0][1])}")
        rows.append([_number(path, number, column, field) for column, field in enumerate(line, 1)])
    return headings, np.array(rows)


def _number(path: Path, row: int, column: int, field: str) -> float:
    try:
        return float(field)
    except ValueError:
        raise ConfigError(f"{path}, row {row}, column {column}: {field!r} is no number") from None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with its array."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def array_writer(path: Path, name: str, array: Floats, unit: str, attrs: Mapping[str, Any]) -> Write:
    """What writes an array as the file's suffix says: .npy, .csv, or .h5 under a name, with its unit and attributes.

    Raises:
        ConfigError: another suffix.
    """
    if path.suffix in HDF5:
        return hdf5_writer({name: (array, unit)}, attrs)
    writers: dict[str, Write] = {
        ".npy": lambda file: np.save(file, array),
        ".csv": lambda file: np.savetxt(file, np.atleast_2d(array), fmt="%.17g", delimiter=","),
    }
    if path.suffix not in writers:
        raise ConfigError(f"{path}: its suffix is {path.suffix!r}; currents are written as .npy, .csv or .h5")
    return writers[path.suffix]


def hdf5_writer(arrays: Mapping[str, tuple[Floats, str]], attrs: Mapping[str, Any]) -> Write:
    """What writes arrays with their units to an HDF5 file."""

    def write(file: BinaryIO) -> None:
        with h5py.File(file, "w") as h5:
            h5.attrs.update(attrs)
            for name, (array, unit) in arrays.items():
                h5.create_dataset(name, data=array, track_times=False).attrs["unit"] = unit

    return write


def check_apart(written: Iterable[Path], read: Mapping[str, Path]) -> None:
    """Refuse to write two things to one file, however it is spelled, or one thing over what is read.

    Args:
        written: files to write.
        read: files that are read, by the option that names them.

    Raises:
        ConfigError: names the file.
    """
    inputs = {path.resolve(): option for option, path in read.items()}
    outputs: dict[Path, Path] = {}
    for path in written:
        whole = path.resolve()
        if whole in inputs:
            raise ConfigError(f"{path} is read, by {inputs[whole]}, and would be overwritten; name another file")
        if whole in outputs:
            raise ConfigError(f"{outputs[whole]} and {path} are one file and would hold two things; name two files")
        outputs[whole] = path


def write_together(files: Mapping[Path, Write]) -> None:
    """Write all files, or none.

    Raises:
        ConfigError: one cannot be written, or two are one.
    """
    check_apart(files, {})
    partial = {path: path.with_name(f".{path.name}.partial") for path in files}
    path = next(iter(files))
    try:
        for path, write in files.items():
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
            with partial[path].open("w+b") as file:
                write(file)
        for path in files:
            partial[path].replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}; choose another file") from error
    finally:
        for left in partial.values():
            with suppress(OSError):
                left.unlink()
