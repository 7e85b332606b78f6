"""Stuck cells: drawn by rates, in clusters if wanted, or given as a map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
FaultMap = np.ndarray[Any, np.dtype[np.int8]]

GOOD, STUCK_ON, STUCK_OFF = 0, 1, -1


@dataclass(frozen=True)
class Faults:
    """Cells that programming does not move.

    Args:
        off_rate: share of cells stuck off.
        on_rate: share of cells stuck on.
        g_off: what a cell stuck off conducts (S); 0 is an open one.
        g_on: what a cell stuck on conducts (S); None for the tile's g_max.
        cluster: correlation length of faults, in cells: they come where a Gaussian random field of that length, of unit
            variance everywhere, passes the quantiles of the rates. 0 makes them independent.
        path: of a .npy or .csv file with the map of every tile, [word line, bit line]: 1 stuck on, -1 stuck off, 0
            good.

    Raises:
        ConfigError: rates that are no shares, or rates beside a map.
    """

    off_rate: float = 0.0
    on_rate: float = 0.0
    g_off: float = 0.0
    g_on: float | None = None
    cluster: float = 0.0
    path: str = ""

    def __post_init__(self) -> None:
        for name in ("off_rate", "on_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"faults.{name} is {getattr(self, name)!r}; it must be from 0 to 1")
        if self.off_rate + self.on_rate > 1:
            raise ConfigError(f"faults: off_rate + on_rate is {self.off_rate + self.on_rate:g}; it must be up to 1")
        for name in ("g_off", "cluster", "g_on"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"faults.{name} is {value!r}; it must be finite and 0 or more")
        if self.path and self.off_rate + self.on_rate > 0:
            raise ConfigError("faults: give rates or the path of a map, not both")

    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.path) or self.off_rate + self.on_rate > 0

    def map(self, shape: tuple[int, int], rng: np.random.Generator) -> FaultMap:
        """The map of a tile, of `shape` (word lines, bit lines).

        Raises:
            ConfigError: the file is no map of that shape.
        """
        if self.path:
            return read_map(self.path, shape)
        score = rng.standard_normal(shape)
        if self.cluster > 0:
            score = _smoothed(score, self.cluster)
        from scipy.special import ndtri

        found = np.zeros(shape, dtype=np.int8)
        found[score < ndtri(self.off_rate)] = STUCK_OFF
        found[score > -ndtri(self.on_rate)] = STUCK_ON
        return found

    def applied(self, g: Floats, found: FaultMap, g_max: float) -> Floats:
        """The conductances g (S) with stuck cells at their own."""
        on = g_max if self.g_on is None else self.g_on
        return np.where(found == STUCK_OFF, self.g_off, np.where(found == STUCK_ON, on, g))


def _smoothed(score: Floats, length: float) -> Floats:
    """White noise turned into a field of unit variance whose correlation is exp(-d^2 / (2 length^2)), ends wrapped."""
    spectrum: Any = np.ones((1, 1))
    for axis, size in enumerate(score.shape):
        away = np.minimum(np.arange(size), size - np.arange(size))
        kernel = np.exp(-((away / length) ** 2))  # with itself it makes the correlation
        along = np.fft.fft(kernel / math.sqrt(float(np.sum(kernel**2))))
        spectrum = spectrum * (along[:, None] if axis == 0 else along[None, :])
    return np.asarray(np.fft.ifft2(np.fft.fft2(score) * spectrum).real)


def read_map(path: str, shape: tuple[int, int]) -> FaultMap:
    """A map of stuck cells from a .npy or .csv file.

    Raises:
        ConfigError: it cannot be read, or is no map of that shape.
    """
    try:
        values = np.load(path) if Path(path).suffix == ".npy" else np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read as a map of stuck cells: {error}") from error
    if values.shape != shape:
        raise ConfigError(f"{path}: the map has shape {values.shape}; the tile has {shape} (word lines, bit lines)")
    wrong = np.argwhere(~np.isin(values, (GOOD, STUCK_ON, STUCK_OFF)))
    if len(wrong):
        i, j = (int(k) for k in wrong[0])
        raise ConfigError(f"{path}: [{i}, {j}] is {values[i, j]}; a map holds 1 (on), -1 (off) and 0 (good)")
    return np.asarray(values, dtype=np.int8)
