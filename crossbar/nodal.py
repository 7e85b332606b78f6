"""Nodal analysis of a whole crossbar as one sparse system: slow, obviously right, and gives every node's voltage.

It is what the kernels are tested against, and what takes over where they do not converge.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from circuits.crossbar import Floats, Wires, checked_conductances, checked_voltages
from circuits.terminals import Terminals, reading
from crossbar.nodes import ROUNDING, Nodes

Ints = np.ndarray[Any, np.dtype[np.int64]]


def node_voltages(g: Any, v: Any, wires: Wires) -> Nodes:
    """Every node of the crossbar g[word_line, bit_line] (S) read with v[batch, word_line] or v[word_line] (V).

    Raises:
        ConfigError: g or v is no such array.
    """
    g = checked_conductances(g)
    return nodal_solution(g, wires, reading(checked_voltages(v, g.shape[0]), g.shape[1]))


def nodal_solution(g: Floats, wires: Wires, terminals: Terminals) -> Nodes:
    """Every node of the crossbar g[word_line, bit_line] (S), whatever holds its lines.

    Nodes that nothing ties to a held one, by however long a way, are at 0 V.
    """
    return Factorised(g, wires, terminals).solve(terminals)


class Factorised:
    """A crossbar's system, factorised once for vectors that hold the same ends.

    Args:
        g: cell conductances (S), shape (m, n).
        wires: resistances of the lines.
        terminals: which ends are held.
    """

    def __init__(self, g: Floats, wires: Wires, terminals: Terminals) -> None:
        self._parts = np.cumsum([g.shape[0], g.shape[0], g.shape[1]])
        self._laplacian, self._word, self._bit, self._ends, self._held = nodal_system(g, wires, terminals)
        known = np.zeros(self._laplacian.shape[0], dtype=bool)
        known[self._ends[self._held]] = True
        _, islands = connected_components(self._laplacian, directed=False)
        self._known = known | ~np.isin(islands, islands[known])

    @cached_property
    def _free(self) -> Any:
        """The elimination of the nodes whose voltages are sought."""
        system = self._laplacian[~self._known][:, ~self._known].tocsc()
        return splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

    def solve(self, terminals: Terminals) -> Nodes:
        """Every node for vectors that hold the same ends; their bound has the rounding of this very evaluation."""
        known, held, ends = self._known, self._held, self._ends
        u = np.zeros((known.size, terminals.batch))
        u[ends[held]] = _volts(terminals).T[held]
        if not known.all():
            u[~known] = self._free.solve(-(self._laplacian[~known][:, known] @ u[known]))
        out = (self._laplacian @ u).T
        currents = np.where(held, out[:, ends], 0.0)
        i_wl_first, i_wl_last, i_bl_first, i_bl_last = np.split(currents, self._parts, axis=1)
        sizes = (abs(self._laplacian) @ np.abs(u)).sum(axis=0)
        bound = np.abs(out[:, ~known]).sum(axis=1) + ROUNDING * sizes
        word, bit = u.T[:, self._word], u.T[:, self._bit]
        return Nodes(word, bit, i_wl_first, i_wl_last, -i_bl_first, -i_bl_last, bound, 0, direct=True)


def nodal_system(
    g: Floats, wires: Wires, terminals: Terminals
) -> tuple[csr_array[Any], Ints, Ints, Ints, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Net current out of each node as a matrix on the node voltages (S), and which node is which.

    Returns:
        The matrix, node numbers on the word line's and the bit line's side of every cell, shape (m, n), those of the
        ends in the order of `Terminals`, shape (2m + 2n,), and which of these are held.
    """
    held = ~np.isnan(_volts(terminals)[0])
    word, bit, ends, count = _numbering(wires, held, g.shape[0], g.shape[1])
    return _laplacian(g, word, bit, ends, count, wires), word, bit, ends, held


def _volts(terminals: Terminals) -> Floats:
    return np.concatenate([terminals.wl_first, terminals.wl_last, terminals.bl_first, terminals.bl_last], axis=1)


def _numbering(wires: Wires, held: Any, m: int, n: int) -> tuple[Ints, Ints, Ints, int]:
    """Node numbers on both sides of every cell, shape (m, n), of the ends (2m + 2n,), and how many nodes there are.

    Nodes that no resistance parts are one.
    """
    ends = np.arange(2 * m + 2 * n)
    word, count = _line_nodes(wires.r_wire_wl, wires.r_driver, ends[:m], ends[m : 2 * m], held, n, ends.size)
    bit, count = _line_nodes(wires.r_wire_bl, wires.r_sink, ends[2 * m : -n], ends[-n:], held, m, count)
    return word, bit.T, ends, count


def _line_nodes(
    r_wire: float, r_end: float, first: Ints, last: Ints, held: Any, length: int, count: int
) -> tuple[Ints, int]:
    """Node numbers along lines, shape (lines, length), and the next number."""
    lines = first.size
    if r_wire > 0:
        return count + np.arange(lines * length).reshape(lines, length), count + lines * length
    own = count + np.arange(lines)
    if r_end == 0:
        own = np.where(held[first], first, np.where(held[last], last, own))
    return np.repeat(own[:, None], length, axis=1), count + lines


def _laplacian(g: Floats, word: Ints, bit: Ints, ends: Ints, count: int, wires: Wires) -> csr_array[Any]:
    """Net current out of each node as a matrix on the node voltages (S)."""
    m, n = g.shape
    branches: list[tuple[Ints, Ints, Floats]] = [(word.ravel(), bit.ravel(), g.ravel())]

    def join(a: Ints, b: Ints, ohms: float) -> None:
        if ohms > 0:
            branches.append((a.ravel(), b.ravel(), np.full(a.size, 1 / ohms)))

    join(ends[:m], word[:, 0], wires.r_driver + wires.r_wire_wl)
    join(word[:, -1], ends[m : 2 * m], wires.r_driver + wires.r_wire_wl)
    join(word[:, :-1], word[:, 1:], wires.r_wire_wl)
    join(bit[:-1], bit[1:], wires.r_wire_bl)
    join(ends[2 * m : -n], bit[0], wires.r_wire_bl + wires.r_sink)
    join(bit[-1], ends[-n:], wires.r_wire_bl + wires.r_sink)
    a, b, s = (np.concatenate(parts) for parts in zip(*branches, strict=True))
    a, b, s = a[s > 0], b[s > 0], s[s > 0]  # an open cell joins nothing
    rows, columns = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    return coo_array((np.concatenate([s, s, -s, -s]), (rows, columns)), shape=(count, count)).tocsr()
