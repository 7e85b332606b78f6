"""Spread of a tile's channels by exact solutions of perturbed cells: what `crossbar.noise` is held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bitline.core.errors import ConfigError
from circuits.crossbar import Floats, Wires
from crossbar.adjoint import Readout, driven_cells, sensitivities
from crossbar.noise import Way, output_variance
from crossbar.solve import effective_matrix, solve


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
