"""Corrections of all voltages at once, by one sparse factorisation: for tangents whose iterations do not converge.

With cells that answer otherwise to one line than to the other the system is not symmetric, and BiCGSTAB can break down
where wires take most of the voltage. The slow and sure way is here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import block_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Tied = tuple[float, Floats, Floats]
"""Of one direction's lines: conductance (S) of a segment, and from each line's first and last node to what holds it."""


def bit_line_corrections(
    by_word: Floats, by_bit: Floats, word: Tied, bit: Tied, drawn: Floats, given: Floats
) -> Floats:
    """Change of the bit lines' voltages (V), shape (m, n), that makes up for currents that nodes miss.

    Args:
        by_word: change of each cell's current with its word line's voltage (S), shape (m, n).
        by_bit: minus its change with its bit line's (S).
        word: the word lines.
        bit: the bit lines.
        drawn: current (A) that each cell takes off its word line beyond what the wires bring, shape (m, n).
        given: current (A) that it gives to its bit line beyond what the wires take.
    """
    m, n = by_word.shape
    at_word, word_wires, word_ties = _nodes(word, m, n)
    at_bit, bit_wires, bit_ties = _nodes(bit, n, m)
    at_bit = np.ascontiguousarray(at_bit.T)
    to_word, to_bit = (
        csr_array((np.ones(m * n), (np.arange(m * n), at.ravel())), shape=(m * n, ties.size))
        for at, ties in ((at_word, word_ties), (at_bit, bit_ties))
    )
    up, down = diags_array(by_word.ravel()), diags_array(by_bit.ravel())
    ties = np.concatenate([word_ties, bit_ties])
    held = np.isinf(ties)
    system = block_array(
        [
            [word_wires + to_word.T @ up @ to_word, -to_word.T @ down @ to_bit],
            [-to_bit.T @ up @ to_word, bit_wires + to_bit.T @ down @ to_bit],
        ],
        format="csr",
    ) + diags_array(np.where(held, 0.0, ties))
    _, islands = connected_components(system, directed=False)
    free = ~held & np.isin(islands, islands[ties > 0])  # what nothing ties has nothing to make up for
    missed = np.concatenate([-(to_word.T @ drawn.ravel()), to_bit.T @ given.ravel()])
    change = np.zeros(ties.size)
    if free.any():
        change[free] = splu(system[free][:, free].tocsc()).solve(missed[free])
    return np.asarray(change[word_ties.size :][at_bit])


def _nodes(lines: Tied, count: int, length: int) -> tuple[Ints, csr_array[Any], Floats]:
    """Node of each entry, shape (count, length), segments as a matrix on the nodes (S), and ties of the nodes (S)."""
    wire, first, last = lines
    if np.isinf(wire):
        return np.repeat(np.arange(count)[:, None], length, axis=1), csr_array((count, count)), first + last
    nodes = np.arange(count * length).reshape(count, length)
    a, b = nodes[:, :-1].ravel(), nodes[:, 1:].ravel()
    ends = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    segments = csr_array((wire * np.repeat([1.0, -1.0], 2 * a.size), ends), shape=(nodes.size, nodes.size))
    ties = np.zeros((count, length))
    ties[:, 0] += first
    ties[:, -1] += last
    return nodes, segments, ties.ravel()
