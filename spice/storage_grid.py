"""What the fits of an SRAM macro as storage stand on: the shifts of a device, and the nodes of its conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.executor import Record
from bitline.core.model_file import FittedModel, Floats, Input
from bitline.core.samples import Samples
from circuits import cells
from spice.storage_setting import FARTHEST, ORDERS

Bools = np.ndarray[Any, np.dtype[np.bool_]]

THRESHOLDS = len(cells.DEVICES)  # of a cell, its first shifts


@dataclass(frozen=True)
class Shifts:
    """What varies in a device: names, standard deviations, and of a cell the index of each on its other side."""

    names: list[str]
    sigma: Floats

    @staticmethod
    def of(nominal: Record, device: str) -> Shifts:
        """Of the "cell" or the "amplifier", as the record of `StorageNominal` names them."""
        return Shifts(str(nominal[f"{device}_variables"]).split(","), np.asarray(nominal[f"{device}_sigma"]))

    @property
    def mirror(self) -> list[int]:
        """Index of each of a cell's shifts on the other side."""
        sides = {f"_{side}": f"_{other}" for side, other in (cells.SIDES, cells.SIDES[::-1])}
        return [
            self.names.index(name.removesuffix(side) + other)
            for name in self.names
            for side, other in sides.items()
            if name.endswith(side)
        ]

    @property
    def inputs(self) -> list[Input]:
        """As a model has them, each to `FARTHEST` standard deviations."""
        return [
            Input(name, "V" if name.startswith(("dvth", "dvoff")) else "1", -float(FARTHEST * s), float(FARTHEST * s))
            for name, s in zip(self.names, self.sigma, strict=True)
        ]

    def kept(self, *, squares: bool, before: int = 0) -> Bools:
        """Which of the quadratic's terms are fitted: all linear ones, and products of thresholds if `squares`.

        Args:
            squares: whether products are.
            before: other inputs that come first and whose products are fitted like a threshold's.
        """
        count = before + len(self.names)
        pairs = np.stack(np.triu_indices(count))
        return np.concatenate([np.ones(1 + count, bool), squares & (pairs < before + THRESHOLDS).all(axis=0)])


@dataclass(frozen=True)
class Grid:
    """The nodes of temperature and supply.

    Args:
        nodes: index in the design by node, shape (temperatures, supplies).
        unseen: indices of the conditions between.
        ranges: of temperature (C) and supply (V).
    """

    nodes: np.ndarray[Any, np.dtype[np.int64]]
    unseen: np.ndarray[Any, np.dtype[np.int64]]
    ranges: tuple[tuple[float, float], tuple[float, float]]

    @staticmethod
    def of(design: Samples) -> Grid:
        """Of the samples of `StorageDesign`."""
        node = design["node"] == 1
        temperature, vdd = design["temperature"][node], design["vdd"][node]
        limits = tuple((float(values.min()), float(values.max())) for values in (temperature, vdd))
        return Grid(np.flatnonzero(node).reshape(ORDERS), np.flatnonzero(~node), (limits[0], limits[1]))

    @property
    def inputs(self) -> tuple[Input, Input]:
        """Temperature and supply as a model has them."""
        return Input("temperature", "C", *self.ranges[0]), Input("vdd", "V", *self.ranges[1])

    def series(self, values: Floats) -> Floats:
        """Chebyshev coefficients over the first two axes of values[temperature, supply, ...]."""
        return np.asarray(np.einsum("ti,vj,ij...->tv...", series_of(ORDERS[0]), series_of(ORDERS[1]), values))


def inside_or_nan(model: FittedModel, inside: Bools, *inputs: Floats) -> Floats:
    """The model where it has a value, NaN elsewhere."""
    found = np.full(inside.shape, np.nan)
    found[inside] = model(*(np.broadcast_to(values, inside.shape)[inside] for values in inputs))
    return found


def series_of(order: int) -> Floats:
    """Coefficients of a Chebyshev series from values at its extrema, rising, shape (order, order)."""
    extrema = -np.cos(np.pi * np.arange(order) / (order - 1))
    return np.asarray(np.linalg.inv(np.polynomial.chebyshev.chebvander(extrema, order - 1)))
