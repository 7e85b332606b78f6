"""Nodal analysis of a whole crossbar as one sparse system: slow, obviously right, and gives every node's voltage.

It is what the kernels are tested against and what a heat map of wire losses is drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import splu

from circuits.crossbar import Floats, Wires, checked_conductances, checked_voltages

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class NodeVoltages:
    """Voltages (V) and currents (A) of a crossbar.

    Attributes:
        word: at the word line's side of every cell, shape (batch, m, n).
        bit: at the bit line's side, shape (batch, m, n).
        i: into the sense inputs, shape (batch, n).
        i_source: out of the word-line sources, shape (batch, m).
        kcl: what misses Kirchhoff's current law at every free node, shape (batch, nodes).
    """

    word: Floats
    bit: Floats
    i: Floats
    i_source: Floats
    kcl: Floats


def node_voltages(g: Any, v: Any, wires: Wires) -> NodeVoltages:
    """Every node of the crossbar g[word_line, bit_line] (S) driven by v[batch, word_line] or v[word_line] (V).

    Raises:
        ConfigError: g or v is no such array.
    """
    g = checked_conductances(g)
    v = np.atleast_2d(checked_voltages(v, g.shape[0]))
    m, n = g.shape
    word, bit, count = _numbering(m, n, wires)
    laplacian = _laplacian(g, word, bit, count, wires)
    held = m + n  # sources and sense inputs come first
    u = np.zeros((count, v.shape[0]))
    u[:m] = v.T
    if count > held:
        free = laplacian[held:]
        u[held:] = splu(
            free[:, held:].tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        ).solve(-(free[:, :held] @ u[:held]))
    out = (laplacian @ u).T
    return NodeVoltages(u.T[:, word], u.T[:, bit], -out[:, m:held], out[:, :m], out[:, held:])


def _numbering(m: int, n: int, wires: Wires) -> tuple[Ints, Ints, int]:
    """Node numbers on both sides of every cell, shape (m, n), and how many nodes there are.

    Sources are 0 to m - 1, sense inputs m to m + n - 1. Nodes that no resistance parts are one.
    """
    count = m + n
    word, bit = np.empty((m, n), dtype=np.int64), np.empty((m, n), dtype=np.int64)
    if wires.r_wire_wl > 0:
        word[:] = count + np.arange(m * n).reshape(m, n)
        count += m * n
    elif wires.r_driver > 0:
        word[:] = count + np.arange(m)[:, None]
        count += m
    else:
        word[:] = np.arange(m)[:, None]
    if wires.r_wire_bl > 0:
        bit[:] = count + np.arange(m * n).reshape(m, n)
        count += m * n
    elif wires.r_sink > 0:
        bit[:] = count + np.arange(n)
        count += n
    else:
        bit[:] = m + np.arange(n)
    return word, bit, count


def _laplacian(g: Floats, word: Ints, bit: Ints, count: int, wires: Wires) -> csr_array[Any]:
    """Net current out of each node as a matrix on the node voltages (S)."""
    m, n = g.shape
    branches: list[tuple[Ints, Ints, Floats]] = [(word.ravel(), bit.ravel(), g.ravel())]

    def join(a: Ints, b: Ints, ohms: float) -> None:
        if ohms > 0:
            branches.append((a.ravel(), b.ravel(), np.full(a.size, 1 / ohms)))

    join(np.arange(m), word[:, 0], wires.r_driver + wires.r_wire_wl)
    join(word[:, :-1], word[:, 1:], wires.r_wire_wl)
    join(bit[:-1], bit[1:], wires.r_wire_bl)
    join(bit[-1], m + np.arange(n), wires.r_wire_bl + wires.r_sink)
    a, b, s = (np.concatenate(parts) for parts in zip(*branches, strict=True))
    rows, columns = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    return coo_array((np.concatenate([s, s, -s, -s]), (rows, columns)), shape=(count, count)).tocsr()
