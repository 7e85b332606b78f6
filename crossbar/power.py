"""Power of a crossbar read, from the sources: what its cells take and what its wires take.

The power out of the sources at v is v^T Y v with the word lines' port conductances Y. By Kirchhoff's and the
reciprocity laws that is a sum over word lines i of v_i^2 times the row sum of the effective matrix, and over pairs of
C_ik (v_i - v_k)^2: what flows from one word line's source back into the other's, by way of bit lines that wires keep
from 0 V. To first order in the wires

    C_ik = R(max(i, k)) sum over bit lines j of m_ij m_kj

with the effective matrix m and the resistance R(i) from word line i down to a sense input; v^T C v is also the power in
the bit lines' wires. Where wires take 5 % of the current the power is then good to 0.1 % and the wires' part to 4 %; at
15 % these are 0.7 % and 12 %, at 27 % 2.5 % and 23 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.crossbar import Wires

Floats = np.ndarray[Any, np.dtype[np.float64]]
Singles = np.ndarray[Any, np.dtype[np.float32]]

_RANK = 8  # of C, beside its diagonal; what is left of the pairs is a thousandth of them


@dataclass(frozen=True, eq=False)
class ReadPower:
    """Power as a function of the squares of word-line voltages and a few sums of them.

    power = squares @ own - |v @ pairs|^2, the part in wires = squares @ wires_own + |v @ pairs|^2.

    Args:
        own: S, shape (rows,).
        wires_own: S, shape (rows,).
        pairs: square root of S, shape (rows, rank); rank 0 where bit lines have no resistance.
    """

    own: Floats
    wires_own: Floats
    pairs: Singles

    def of(self, squares: Floats, returned: float) -> tuple[float, float]:
        """Sum of the power (W) over vectors, and its part in wires.

        Args:
            squares: sum over the vectors of each word line's voltage squared (V^2), shape (rows,).
            returned: sum over the vectors of |v @ pairs|^2 (W).
        """
        return float(squares @ self.own) - returned, float(squares @ self.wires_own) + returned


def read_power(matrix: Floats, wires: Wires, rows: Any) -> ReadPower:
    """The power of driving word lines `rows`, the others at 0 V, from the effective matrix (S), shape (m, n)."""
    m, _ = matrix.shape
    reaching = matrix[rows].sum(axis=1)
    along = np.cumsum(matrix[rows][:, ::-1], axis=1)
    word = wires.r_driver * reaching**2 + wires.r_wire_wl * np.sum(along**2, axis=1)
    down = wires.r_sink + wires.r_wire_bl * (m - np.arange(m))
    if wires.r_sink == wires.r_wire_bl == 0:
        return ReadPower(reaching, word, np.zeros((len(reaching), 0), dtype=np.float32))
    lines = np.arange(m)
    coupled = (matrix @ matrix.T) * down[np.maximum(lines[:, None], lines)]
    inner = coupled[np.ix_(rows, rows)]
    values, vectors = _largest(inner)
    pairs = vectors * np.sqrt(np.maximum(values, 0.0))
    rest = np.diag(inner) - np.sum(pairs**2, axis=1)
    own = reaching + coupled[rows].sum(axis=1) - rest
    return ReadPower(own, word + rest, pairs.astype(np.float32))


def _largest(symmetric: Floats) -> tuple[Floats, Floats]:
    """Its largest eigenvalues and their vectors."""
    from scipy.linalg import eigh

    size = len(symmetric)
    values, vectors = eigh(symmetric, subset_by_index=[max(size - _RANK, 0), size - 1])
    return values, vectors
