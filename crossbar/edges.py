"""How the ends of a crossbar's lines are tied, and their voltages without cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.crossbar import Wires
from circuits.terminals import Terminals

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Edge:
    """One direction's lines: a wire, and what their two ends are tied to.

    Args:
        wire: conductance of a segment (S); infinite without wire resistance.
        first: conductance (S) from each line's first node to what holds it: 0 for an open end, infinite if ideal.
        last: the same of the last.
    """

    wire: float
    first: Floats
    last: Floats

    @cached_property
    def free(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which lines are not held whole."""
        return np.isfinite(self.first + self.last)

    def alone(self, v_first: Floats, v_last: Floats, nodes: int) -> tuple[Floats, Floats]:
        """Voltages (V), shape (lines, nodes), without cells, and the current (A) towards the last end, (lines,)."""
        first, last = np.where(np.isnan(v_first), 0.0, v_first), np.where(np.isnan(v_last), 0.0, v_last)
        if np.isnan(v_first).all() or np.isnan(v_last).all():  # the usual read: nothing flows along
            return np.repeat((first + last)[:, None], nodes, axis=1), np.zeros(first.size)
        with np.errstate(divide="ignore"):
            before, after = 1 / self.first, 1 / self.last
            segment = 1 / self.wire
        before, after = np.where(np.isnan(v_first), np.inf, before), np.where(np.isnan(v_last), np.inf, after)
        total = before + segment * (nodes - 1) + after
        through = np.where((total > 0) & np.isfinite(total), (first - last) / np.where(total > 0, total, 1.0), 0.0)
        held = np.where(np.isfinite(before), first - through * np.where(np.isfinite(before), before, 0.0), last)
        return held[:, None] - through[:, None] * segment * np.arange(nodes), through


def edges(wires: Wires, terminals: Terminals) -> tuple[Edge, Edge]:
    """Word lines and bit lines as they are tied.

    Raises:
        ConfigError: a line without any resistance is held at both ends, which leaves its currents open.
    """
    word = _edge("word", wires.r_wire_wl, wires.r_driver, terminals.wl_first[0], terminals.wl_last[0])
    return word, _edge("bit", wires.r_wire_bl, wires.r_sink, terminals.bl_first[0], terminals.bl_last[0])


def _edge(what: str, r_wire: float, r_end: float, v_first: Floats, v_last: Floats) -> Edge:
    ohms = r_wire + r_end
    tie = 1 / ohms if ohms > 0 else np.inf
    first, last = np.where(np.isnan(v_first), 0.0, tie), np.where(np.isnan(v_last), 0.0, tie)
    if (np.isinf(first) & np.isinf(last)).any():
        line = int(np.argwhere(np.isinf(first) & np.isinf(last))[0, 0])
        raise ConfigError(
            f"{what} line {line} has no resistance and both its ends are held, which leaves open how its current "
            "parts; leave one end open (nan) or give the wires a resistance"
        )
    return Edge(1 / r_wire if r_wire > 0 else np.inf, first, last)
