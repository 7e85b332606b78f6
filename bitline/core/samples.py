"""A stage's samples as columns, in memory and in HDF5.

A column stacks one field of every record over the sample index. A sample that failed keeps its row: NaN in float
columns, 0 in integer ones, "" in text, and its reason in `failures`, so that it counts in every denominator.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bitline.core.errors import StoreError
from bitline.core.executor import Failure, Record
from bitline.core.store import Store

Column = np.ndarray[Any, Any]

SCHEMA = 1
_FAILURES = "failures"  # dataset of reasons beside the columns


@dataclass(frozen=True)
class Samples:
    """A stage's samples.

    Args:
        count: how many there are, failed ones included.
        columns: field name -> array with the sample index first.
        failures: sample index -> why it has no values.
    """

    count: int
    columns: Mapping[str, Column]
    failures: Mapping[int, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        """The column `name`."""
        return self.columns[name]

    def valid(self, name: str) -> Column:
        """The column `name` without the samples that failed."""
        kept = [index for index in range(self.count) if index not in self.failures]
        return self.columns[name][kept]

    def record(self, index: int) -> Record:
        """One sample's fields.

        Raises:
            StoreError: the sample failed; the message holds its reason.
        """
        if index in self.failures:
            raise StoreError(f"sample {index} failed: {self.failures[index]}")
        return {name: column[index] for name, column in self.columns.items()}


def collect(store: Store, count: int) -> Samples:
    """Stack what a store holds of samples 0 to count - 1.

    Raises:
        StoreError: a sample is missing, or two samples differ in their fields or shapes.
    """
    records: dict[int, Record] = {}
    failures: dict[int, str] = {}
    for index, outcome in store.outcomes():
        if index >= count:
            continue
        if isinstance(outcome, Failure):
            failures[index] = "\n".join((outcome.reason, *outcome.log))
        else:
            records[index] = outcome.record
    missing = [index for index in range(count) if index not in records and index not in failures]
    if missing:
        raise StoreError(f"{len(missing)} of {count} samples are not computed yet, the first is {missing[0]}")
    if not records:
        return Samples(count, {}, failures)
    template = next(iter(records.values()))
    columns = {name: _stack(name, value, records, count) for name, value in template.items()}
    return Samples(count, columns, failures)


def _stack(name: str, like: Any, records: Mapping[int, Record], count: int) -> Column:
    if isinstance(like, str):
        column = np.full(count, "", dtype=object)
        for index, record in records.items():
            column[index] = record[name]
        return column
    like = np.asarray(like)
    column = np.full((count, *like.shape), np.nan if like.dtype.kind == "f" else 0, dtype=like.dtype)
    for index, record in records.items():
        value = np.asarray(record.get(name))
        if value.shape != like.shape or value.dtype != like.dtype:
            raise StoreError(
                f"field {name!r} of sample {index} is {value.dtype}{value.shape}, not {like.dtype}{like.shape}"
            )
        column[index] = value
    return column


@dataclass(frozen=True)
class Group:
    """What one HDF5 group holds.

    Args:
        name: its path in the file, as "sram/monte_carlo".
        samples: the columns; each becomes one dataset.
        units: unit by column name; every numeric column must have one ("1" for a ratio or a count).
        attrs: what was simulated (corner, temperature, netlist hash, kind).
    """

    name: str
    samples: Samples
    units: Mapping[str, str]
    attrs: Mapping[str, str | float | int] = field(default_factory=dict)


def write_hdf5(path: Path, groups: list[Group], attrs: Mapping[str, str | float | int]) -> None:
    """Write groups to a new HDF5 file that appears whole or not at all; equal samples give equal datasets.

    Raises:
        StoreError: a numeric column has no unit, or the file cannot be written.
    """
    # made in memory: on a full disk the HDF5 library takes the process down with it
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs.update(attrs)
        for group in groups:
            _write_group(file.create_group(group.name), group)
        file.flush()
        image = file.id.get_file_image()
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as whole:
            whole.write(image)
            whole.flush()
            os.fsync(whole.fileno())
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}; make room or choose another folder") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_group(target: Any, group: Group) -> None:
    target.attrs["samples"] = group.samples.count
    target.attrs["failed"] = len(group.samples.failures)
    target.attrs.update(group.attrs)
    reasons = [group.samples.failures.get(index, "") for index in range(group.samples.count)]
    target.create_dataset(_FAILURES, data=np.array(reasons, dtype=object), dtype=h5py.string_dtype())
    for name, column in group.samples.columns.items():
        if column.dtype == object:
            target.create_dataset(name, data=column, dtype=h5py.string_dtype())
            continue
        packed = {"compression": "gzip", "shuffle": True, "chunks": True} if column.nbytes > 65536 else {}
        dataset = target.create_dataset(name, data=column, **packed)
        if name not in group.units:
            raise StoreError(f"column {group.name}/{name} has no unit")
        dataset.attrs["unit"] = group.units[name]


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file to read.

    Raises:
        StoreError: it is not there, truncated, or not HDF5.
    """
    if not path.is_file():
        raise StoreError(f"{path}: no such file; a finished run holds run.h5 (bitline run STUDY.toml makes it)")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened, it is truncated or not HDF5 ({error}); run the study again"
        ) from error
    with file:
        yield file


def read_group(path: Path, name: str) -> Group:
    """Read one group as it was written.

    Raises:
        StoreError: the file cannot be opened or has no such group of samples.
    """
    with open_hdf5(path) as file:
        if name not in file or _FAILURES not in file[name]:
            raise StoreError(f"{path} holds no group {name!r}; it holds {', '.join(group_names(path)) or 'none'}")
        source = file[name]
        reasons = source[_FAILURES].asstr()[...]
        columns: dict[str, Column] = {}
        units: dict[str, str] = {}
        for key, dataset in source.items():
            if key == _FAILURES or not isinstance(dataset, h5py.Dataset):
                continue
            if h5py.check_string_dtype(dataset.dtype):
                columns[key] = dataset.asstr()[...]
            else:
                columns[key] = dataset[...]
                units[key] = str(dataset.attrs["unit"])
        failures = {index: reason for index, reason in enumerate(reasons) if reason}
        attrs = {key: _plain(value) for key, value in source.attrs.items() if key not in ("samples", "failed")}
        return Group(name, Samples(len(reasons), columns, failures), units, attrs)


def _plain(value: Any) -> Any:
    """A Python number in place of numpy's, which prints itself with its type."""
    return value.item() if isinstance(value, np.generic) else value


def group_names(path: Path) -> list[str]:
    """The names of all groups of samples in a file.

    Raises:
        StoreError: the file cannot be opened.
    """
    names: list[str] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and _FAILURES in item:
            names.append(name)

    with open_hdf5(path) as file:
        file.visititems(visit)
    return names
