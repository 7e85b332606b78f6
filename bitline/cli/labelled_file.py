"""Tables with named axes in HDF5: dimension scales as netCDF-4 has them, which xarray reads.

``xarray.open_dataset(path, engine="h5netcdf")`` gives every variable with its coordinates; any HDF5 tool reads it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from bitline.cli.array_files import write_together

Column = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Variable:
    """Values over axes.

    Args:
        axes: their names, in order.
        values: with that shape.
        unit: of the values; text has none.
        attrs: beside it, as kind and source.
    """

    axes: tuple[str, ...]
    values: Column
    unit: str = "1"
    attrs: Mapping[str, str | float | int] = field(default_factory=dict)


def coordinate(values: Sequence[Any], said: Any) -> Column:
    """Values of an axis: numbers as they are, everything else as the text that `said` makes of it."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return np.array(values) if numbers else np.array([said(value) for value in values], dtype=object)


def write_labelled(
    path: Path, axes: Mapping[str, Column], variables: Mapping[str, Variable], attrs: Mapping[str, str | float | int]
) -> None:
    """Write a table; the file appears whole or not at all.

    Args:
        path: of the file.
        axes: coordinates by name.
        variables: by name.
        attrs: of the whole.

    Raises:
        ConfigError: it cannot be written.
    """

    def write(file: BinaryIO) -> None:
        with h5py.File(file, "w", track_order=True) as h5:
            h5.attrs.update(attrs)
            for name, values in axes.items():
                _dataset(h5, name, values).make_scale(name)
            for name, variable in variables.items():
                made = _dataset(h5, name, variable.values)
                if variable.values.dtype != object:
                    made.attrs["units"] = made.attrs["unit"] = variable.unit
                made.attrs.update(variable.attrs)
                for number, axis in enumerate(variable.axes):
                    made.dims[number].attach_scale(h5[axis])

    write_together({path: write})


def _dataset(h5: Any, name: str, values: Column) -> Any:
    packed = {"compression": "gzip", "shuffle": True} if values.nbytes > 65536 else {}
    kind = h5py.string_dtype() if values.dtype == object else values.dtype
    return h5.create_dataset(name, data=values, dtype=kind, track_times=False, **packed)
