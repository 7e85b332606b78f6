"""Spread of a tile's channels by independent noise in its cells, as dense products of the inputs.

The variance of a channel is the sum over all cells of (sigma u a)^2: sigma of the cell's conductance, u the voltage
across it, a its adjoint voltage (`crossbar.adjoint`). u is linear in the inputs, so that the variance is a quadratic
form of them. Without wires that is diagonal; with wires bit lines rise by every input, and it is full. It is taken as
a diagonal and a few squares (`crossbar.quadratic`),

    x^2 @ own + sum of weight (x @ along)^2

| way | cells | their a | squares | its cost |
|---|---|---|---|---|
| matrix | that of the effective matrix; no rise | in that | 0 | none |
| mean | on the channel's own bit lines (`crossbar.own_cells`) | from the effective matrix | 0 | two solutions |
| local | the same | the same | 1 | the same |
| adjoint | of the tile; on others' bit lines with the mean input's rise | exact | 3 | those and one a channel |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numba import njit

from bitline.core.errors import ConfigError
from circuits.crossbar import Floats, Wires
from crossbar.adjoint import Ints, Readout, TileVoltages, cell_voltages, sensitivities
from crossbar.own_cells import OwnCells, seen_alone
from crossbar.quadratic import Form, few_squares

Singles = np.ndarray[Any, np.dtype[np.float32]]
Way = Literal["auto", "matrix", "mean", "local", "adjoint"]
WAYS: tuple[Way, ...] = get_args(Way)

LOSSES: dict[Way, float] = {"matrix": 0.015, "mean": 0.06, "local": 0.2}
"""Share of the current that wires may take for each way, whose spread is then good to 3 %; beyond the last it is
"adjoint"."""

RISES: dict[Way, float] = {"matrix": 0.02, "mean": 0.04, "local": 0.12}
"""Share of the drive that bit lines may rise by, likewise. On few bit lines wires take little, word lines next to
nothing of it, and the rise, of which these ways know an approximation, is as high as on many."""

SQUARES: dict[Way, int] = {"local": 1, "adjoint": 3}

MEAN = 0.4
"""Mean input that the way "mean" is right for; above it is too large, below too small."""

ON, TOGETHER, REACH = 0.5, 0.25, 0.15
"""Inputs as they are likely to be: on so often, their spread by that share the same as that of neighbours, over that
share of the word lines. The squares depend little on it."""


@dataclass(frozen=True, eq=False)
class OutputVariance:
    """Variance of every channel as a function of the input.

    Args:
        way: how it was found.
        own: of each input's square, shape (inputs, channels).
        along: whose products with the input are squared, shape (squares, inputs, channels); None without.
        weights: of the squares, shape (squares, channels); None likewise.
    """

    way: Way
    own: Singles
    along: Singles | None = None
    weights: Singles | None = None

    def of(self, x: Singles, squared: Singles | None = None) -> Singles:
        """Variances, shape (batch, channels), of inputs x[batch, inputs].

        Args:
            x: inputs, in units of the drive that `own` is of.
            squared: their squares, where they are not 0 and 1 alone.
        """
        variance: Singles = (x if squared is None else squared) @ self.own
        if self.along is None or self.weights is None:
            return variance
        for vectors, weight in zip(self.along, self.weights, strict=True):
            _add_squares(variance, x @ vectors, weight)
        return np.maximum(variance, np.float32(0), out=variance)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_squares(variance: Singles, along: Singles, weight: Singles) -> None:
    for k in range(len(variance)):
        for c in range(weight.size):
            variance[k, c] += weight[c] * along[k, c] * along[k, c]


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
    power = np.square(gains)
    chosen = _chosen(g, matrix, wires, readout) if way == "auto" else way
    effective = matrix * (settled * np.float64(unit))
    if chosen == "matrix":
        return OutputVariance(chosen, _single(sigma**2 * readout.total(effective[readout.rows] ** 2) * power))
    volts = cell_voltages(g, readout.rows, wires)
    if chosen == "adjoint":
        form = _adjoint(g, g * (sigma * unit), volts, wires, readout, settled)
    else:
        # an effective conductance is g a, times what the word line would leave without the cell
        weight = (sigma * effective * seen_alone(g, wires) / volts.left) ** 2
        cells = OwnCells.of(g, volts, np.take(weight, readout.lines, 1), wires, readout)
        form = Form(cells.product, cells.diagonal())
    if chosen == "mean":
        return OutputVariance(chosen, _single(np.maximum(form.at(MEAN), 0.0) * power))
    found = few_squares(form, SQUARES[chosen], _likely(readout, len(g)))
    return OutputVariance(chosen, _single(found.own * power), _single(found.along), _single(found.weights * power))


def _chosen(g: Floats, matrix: Floats, wires: Wires, readout: Readout) -> Way:
    loss = wire_loss(g, matrix, readout.rows)
    rise = bit_line_rise(g, wires, readout)
    return next((way for way, most in LOSSES.items() if loss <= most and rise <= RISES[way]), "adjoint")


def bit_line_rise(g: Floats, wires: Wires, readout: Readout) -> float:
    """How far cells see the bit lines in use rise with all inputs on, over the drive: their mean, to first order.

    Cells are weighed by their conductances; nothing is taken off for what wires themselves take.
    """
    lines = np.unique(readout.lines)
    driven = np.zeros((len(g), len(lines)))
    driven[readout.rows] = g[np.ix_(readout.rows, lines)]
    current = driven.cumsum(axis=0)  # in the segment past each cell
    rise = wires.r_wire_bl * current[::-1].cumsum(axis=0)[::-1] + wires.r_sink * current[-1]
    total = float(driven.sum())
    return float(np.sum(driven * rise)) / total if total > 0 else 0.0


def _likely(readout: Readout, lines: int) -> Floats:
    """Mean products of two inputs, shape (inputs, inputs), on `lines` word lines."""
    apart = np.abs(np.subtract.outer(readout.rows, readout.rows))
    spread = (1 - TOGETHER) * np.eye(len(apart)) + TOGETHER * np.exp(-apart / (REACH * lines))
    return np.asarray(ON**2 + ON * (1 - ON) * spread)


def wire_loss(g: Floats, matrix: Floats, rows: Ints) -> float:
    """Share of the current that wires take with all word lines `rows` at the same voltage."""
    ideal = float(g[rows].sum())
    return 1.0 - float(matrix[rows].sum()) / ideal if ideal > 0 else 0.0


def _adjoint(
    g: Floats, spread: Floats, volts: TileVoltages, wires: Wires, readout: Readout, settled: Floats | float
) -> Form:
    """All cells of the tile, each of its own spread: those on a channel's bit lines, and the others by the mean input.

    The mean input s moves the others' bit lines, so that they bring x^2 @ own - 2 s (x @ shared) + s^2 still.
    """
    rows, lines = readout.rows, readout.lines.reshape(-1, len(readout.plus))
    inputs, channels = len(rows), lines.shape[1]
    weight = np.empty((len(g), *lines.shape))
    own, shared, still = np.empty((inputs, channels)), np.empty((inputs, channels)), np.empty(channels)
    for k, sensed in enumerate(sensitivities(g, wires, readout, settled)):
        each = (spread * sensed) ** 2
        weight[..., k] = each[:, lines[:, k]]
        each[:, lines[:, k]] = 0.0
        own[:, k] = np.einsum("ij,ij,ij->i", each, volts.left, volts.left)[rows]
        shared[:, k] = np.einsum("ij,ij,ij->i", each, volts.left, volts.rise)[rows]
        still[k] = np.einsum("ij,ij,ij->", each, volts.rise, volts.rise)
    cells = OwnCells.of(g, volts, weight.reshape(len(g), -1), wires, readout)

    def product(x: Floats) -> Floats:
        mean = x.mean(axis=0)
        others = own * x - shared * mean + (still * mean - np.sum(shared * x, axis=0)) / inputs
        return np.asarray(cells.product(x) + others)

    return Form(product, cells.diagonal() + own - 2 / inputs * shared + still / inputs**2)


def _single(values: Floats) -> Singles:
    return np.ascontiguousarray(values, dtype=np.float32)
