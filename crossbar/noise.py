"""Spread of a tile's channels by independent noise in its cells, as dense products of the inputs.

The variance of a channel is the sum over all cells of (sigma u a)^2: sigma of the cell's conductance, u the voltage
across it, a its adjoint voltage (`crossbar.adjoint`). Wires make u depend on the whole input. To first order in what
they take it is u = x w - s d for an input x of the cell's own word line and the mean input s: w is what word lines
leave, d the rise of the bit lines with every input at 1. So the variance is

    x^2 @ own - 2 s (x @ shared) + s^2 still

| way | own | its cost |
|---|---|---|
| matrix | (sigma of the effective conductance)^2, d = 0 | none |
| local | the same, with d; a only at a channel's own cells, from the effective matrix | two solutions |
| adjoint | every cell of the tile | those and one solution a channel |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from bitline.core.errors import ConfigError
from circuits.crossbar import Floats, Wires
from crossbar.adjoint import Ints, Readout, cell_voltages, driven_cells, sensitivities
from crossbar.solve import effective_matrix, solve

Singles = np.ndarray[Any, np.dtype[np.float32]]
Way = Literal["auto", "matrix", "local", "adjoint"]
WAYS: tuple[Way, ...] = get_args(Way)

MATRIX_LOSS, LOCAL_LOSS = 0.08, 0.2
"""Share of the current that wires may take for each way: its spread is then good to about 2 %, and to 4 % for the
matrix alone with nearly every input at 1."""


@dataclass(frozen=True, eq=False)
class OutputVariance:
    """Variance of every channel as a function of the input.

    Args:
        way: how it was found.
        own: of an input of 1 alone, shape (inputs, channels).
        shared: taken off by the mean input, likewise; None where that is left out.
        still: of a mean input of 1 on word lines at 0, shape (channels,); None likewise.
    """

    way: Way
    own: Singles
    shared: Singles | None = None
    still: Singles | None = None

    def of(self, x: Singles, squared: Singles | None = None) -> Singles:
        """Variances, shape (batch, channels), of inputs x[batch, inputs].

        Args:
            x: inputs, in units of the drive that `own` is of.
            squared: their squares, where they are not 0 and 1 alone.
        """
        variance: Singles = (x if squared is None else squared) @ self.own
        if self.shared is None or self.still is None:
            return variance
        mean = x.mean(axis=1, dtype=np.float32)[:, None]
        rise = x @ self.shared
        rise *= np.float32(-2)
        rise += mean * self.still
        rise *= mean
        variance += rise
        return np.maximum(variance, np.float32(0), out=variance)


def output_variance(
    g: Floats,
    matrix: Floats,
    wires: Wires,
    sigma: float,
    readout: Readout,
    unit: float = 1.0,
    way: Way = "auto",
    gains: Floats | float = 1.0,
    settled: Floats | float = 1.0,
) -> OutputVariance:
    """The variance of the channels by noise in the cells.

    Args:
        g: conductances (S), shape (m, n).
        matrix: their effective matrix (S), likewise.
        wires: resistances of the lines.
        sigma: relative spread of each cell's conductance.
        readout: what is in use.
        unit: outputs of a current of 1 A for a drive of 1 V, so that variances are in output units squared.
        way: as in the table above; "auto" takes the cheapest that the wires' loss allows.
        gains: of the channels, which the spread is times, shape (channels,).
        settled: share of each bit line's current that has come when it is read, shape (n,).

    Raises:
        ConfigError: no such way.
    """
    if way not in WAYS:
        raise ConfigError(f"no way {way!r} to find read noise; there are {', '.join(WAYS)}")
    effective = matrix[readout.rows] * (settled * np.float64(unit))
    power = np.square(gains)
    chosen = _chosen(g, matrix, readout.rows) if way == "auto" else way
    if chosen == "matrix":
        return OutputVariance(chosen, _single(sigma**2 * readout.total(effective**2) * power))
    left, rise = cell_voltages(g, readout.rows, wires)
    if chosen == "adjoint":
        parts = _adjoint(g * (sigma * unit), left, rise, sensitivities(g, wires, readout, settled), readout)
    else:
        parts = _local((sigma * effective) ** 2, rise[readout.rows] / left[readout.rows], readout)
    own, shared, still = (_single(each * power) for each in parts)
    return OutputVariance(chosen, own, shared, still)


def _chosen(g: Floats, matrix: Floats, rows: Ints) -> Way:
    loss = wire_loss(g, matrix, rows)
    if loss <= MATRIX_LOSS:
        return "matrix"
    return "local" if loss <= LOCAL_LOSS else "adjoint"


def wire_loss(g: Floats, matrix: Floats, rows: Ints) -> float:
    """Share of the current that wires take with all word lines `rows` at the same voltage."""
    ideal = float(g[rows].sum())
    return 1.0 - float(matrix[rows].sum()) / ideal if ideal > 0 else 0.0


def _local(own: Floats, share: Floats, readout: Readout) -> tuple[Floats, Floats, Floats]:
    """A channel's own cells: their adjoint voltage is the effective conductance over g and what word lines leave."""
    own, shared, still = (readout.total(each) for each in (own, own * share, own * share**2))
    return own, shared, still.sum(axis=0)


def _adjoint(
    spread: Floats, left: Floats, rise: Floats, adjoints: Iterator[Floats], readout: Readout
) -> tuple[Floats, Floats, Floats]:
    shape = (len(readout.rows), len(readout.plus))
    own, shared, still = np.empty(shape), np.empty(shape), np.empty(shape[1])
    for k, sensed in enumerate(adjoints):
        weight = (spread * sensed) ** 2
        own[:, k] = np.einsum("ij,ij,ij->i", weight, left, left)[readout.rows]
        shared[:, k] = np.einsum("ij,ij,ij->i", weight, left, rise)[readout.rows]
        still[k] = np.einsum("ij,ij,ij->", weight, rise, rise)
    return own, shared, still


def _single(values: Floats) -> Singles:
    return np.ascontiguousarray(values, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ExactSpread:
    """Spread of channels for one drive, from exact solutions.

    Attributes:
        sigma: of every channel (A), shape (channels,).
        linear_error: rms of what first order misses of the draws' changes, over their rms.
    """

    sigma: Floats
    linear_error: float


def exact_spread(
    g: Floats, v: Floats, wires: Wires, sigma: float, readout: Readout, rng: np.random.Generator, draws: int = 8
) -> ExactSpread:
    """The spread of a tile's channels by relative noise `sigma` of its cells, by exact solutions of perturbed cells.

    A few draws give a poor spread by themselves. So each is compared with what first order, with this drive's own cell
    voltages, gives for the same draw, and the ratio of the two sums of squares, over all channels and draws, corrects
    the first order's spread.

    Args:
        g: conductances (S), shape (m, n).
        v: the drive (V), shape (m,).
        wires: resistances of the lines.
        sigma: relative spread of each cell's conductance.
        readout: what is in use.
        rng: draws the cells.
        draws: perturbed tiles that are solved.
    """
    change = g * np.clip(sigma * rng.standard_normal((draws, *g.shape)), -1.0, None)
    u = driven_cells(g, v, wires)
    first, variance = np.empty((draws, len(readout.plus))), np.empty(len(readout.plus))
    for k, sensed in enumerate(sensitivities(g, wires, readout)):
        field = u * sensed
        first[:, k] = np.einsum("dij,ij->d", change, field)
        variance[k] = np.sum((sigma * g * field) ** 2)
    ohms = (wires.r_wire_wl, wires.r_wire_bl, wires.r_driver, wires.r_sink)
    base = solve(g, v, *ohms)
    exact = readout.difference(np.stack([solve(g + each, v, *ohms) - base for each in change]))
    ratio = np.sqrt(np.sum(exact**2) / np.sum(first**2))
    missed = np.sqrt(np.sum((exact - first) ** 2) / np.sum(exact**2))
    return ExactSpread(np.sqrt(variance) * ratio, float(missed))


def spread_error(
    g: Floats, v: Floats, wires: Wires, sigma: float, readout: Readout, rng: np.random.Generator, way: Way = "auto"
) -> float:
    """The largest error of any channel's spread for drive v[word_line] (V), over the channels' rms spread.

    It is against exact solutions: see `exact_spread`.

    Raises:
        ConfigError: no such way, or nothing is driven.
    """
    largest = float(np.abs(v).max(initial=0.0))
    if largest == 0:
        raise ConfigError("read noise is checked with a word line driven; all of v is 0")
    exact = exact_spread(g, v, wires, sigma, readout, rng).sigma
    x = (v[readout.rows] / largest).astype(np.float32)[None]
    found = output_variance(g, effective_matrix(g, wires), wires, sigma, readout, largest, way).of(x, x * x)
    return float(np.max(np.abs(np.sqrt(found[0]) - exact)) / np.sqrt(np.mean(exact**2)))
