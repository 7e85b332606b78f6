"""A crossbar of nonlinear cells by repeated nodal analysis: the slow, obviously right twin of `crossbar.newton`.

Each step takes every cell as the conductance i / v at the voltage that the last step left on it, and goes half of the
way: steep cells behind high resistances would swing about the solution otherwise.
"""

from __future__ import annotations

import numpy as np

from bitline.core.errors import ConvergenceError
from circuits.crossbar import Wires
from circuits.terminals import Terminals
from crossbar.cells import Law
from crossbar.nodal import nodal_solution
from crossbar.nodes import Nodes

_STEPS = 200
_LEAST = 1e-6  # V, below which a cell is taken as it is there


def solve_by_chords(law: Law, wires: Wires, terminals: Terminals, tolerance: float = 1e-9) -> Nodes:
    """Every node of a crossbar of cells, for a single vector.

    Args:
        law: what the cells carry; nothing where both lines are at one voltage.
        wires: resistances of the lines.
        terminals: what holds their ends, for one vector.
        tolerance: of the largest change of a cell's current in the last step, over the largest of them.

    Raises:
        ConvergenceError: the steps do not settle.
    """
    word, bit, before = np.full(law.shape, _LEAST), np.zeros(law.shape), np.full(law.shape, np.inf)
    for _ in range(_STEPS):
        across = word - bit
        at_word = np.where(np.abs(across) < _LEAST, bit + _LEAST, word)
        i = law(at_word, bit).i
        nodes = nodal_solution(i / (at_word - bit), wires, terminals)
        word, bit = (word + nodes.word[0]) / 2, (bit + nodes.bit[0]) / 2
        if np.abs(i - before).max() <= tolerance * np.abs(i).max():
            return nodes
        before = i
    raise ConvergenceError(f"a crossbar of {law.shape} nonlinear cells does not settle in {_STEPS} steps")
