"""Crossbar netlists: word lines, bit lines, their wires, and a cell at every crossing.

The source of word line i reaches bit line 0 through the driver resistance and one wire segment; bit line j is sensed
past the last word line through one wire segment and the sink resistance, at 0 V. Cell (i, j) joins the two lines where
they cross. Where wires have no resistance their nodes are one node, since ngspice takes R = 0 for 1 mOhm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.netlist import Netlist

Floats = np.ndarray[Any, np.dtype[np.float64]]
Cell = Callable[[int, int, str, str], str]
"""(word_line, bit_line, word-line node, bit-line node) -> the element line of that cell, empty for an open cell."""


@dataclass(frozen=True)
class Wires:
    """Resistances of a crossbar's lines, in ohm.

    Args:
        r_wire_wl: of each word-line segment.
        r_wire_bl: of each bit-line segment.
        r_driver: of each word line's driver.
        r_sink: of each bit line's sense input.

    Raises:
        ConfigError: one is negative or not finite.
    """

    r_wire_wl: float = 0.0
    r_wire_bl: float = 0.0
    r_driver: float = 0.0
    r_sink: float = 0.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            ohms = getattr(self, entry.name)
            if not (math.isfinite(ohms) and ohms >= 0):
                raise ConfigError(f"{entry.name} is {ohms!r} ohm; a wire's resistance is finite and 0 or more")


def checked_conductances(g: Any) -> Floats:
    """The conductances g[word_line, bit_line] (S) as contiguous floats.

    Raises:
        ConfigError: not a two-dimensional, non-empty array of finite values of 0 or more; names the first at fault.
    """
    array = _numbers("g", g)
    if array.ndim != 2 or 0 in array.shape:
        raise ConfigError(f"g has shape {array.shape}; it must be (word lines, bit lines), each 1 or more")
    _refuse("g", array, ~np.isfinite(array), "a conductance (S) is finite; 0 is an open cell")
    _refuse("g", array, array < 0, "a conductance (S) is 0 or more; was a resistance or a weight meant?")
    return array


def checked_voltages(v: Any, word_lines: int) -> Floats:
    """The word-line voltages v[batch, word_line] or v[word_line] (V) as contiguous floats.

    Raises:
        ConfigError: another shape, or a value that is not finite; names the first at fault.
    """
    array = _numbers("v", v)
    if array.ndim not in (1, 2) or array.shape[-1] != word_lines:
        raise ConfigError(
            f"v has shape {array.shape}; g has {word_lines} word lines, so v must be (batch, {word_lines}) "
            f"or ({word_lines},)"
        )
    _refuse("v", array, ~np.isfinite(array), "a voltage (V) is finite")
    return array


def _numbers(name: str, values: Any) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ConfigError(f"{name} holds {array.dtype}, not real numbers")
    return np.ascontiguousarray(array, dtype=np.float64)


def _refuse(name: str, array: Floats, wrong: np.ndarray[Any, np.dtype[np.bool_]], rule: str) -> None:
    if wrong.any():
        index = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise ConfigError(f"{name}[{', '.join(map(str, index))}] is {array[index]:g}: {rule}")


def resistors(g: Floats) -> Cell:
    """Cells that are resistors of conductance g[word_line, bit_line] (S); 0 is open."""

    def cell(i: int, j: int, word: str, bit: str) -> str:
        return f"rcell{i}_{j} {word} {bit} {1 / float(g[i, j])!r}" if g[i, j] > 0 else ""

    return cell


def crossbar_netlist(shape: tuple[int, int], wires: Wires, cell: Cell, v: Floats, extra: str = "") -> Netlist:
    """A crossbar with a cell of any kind at each crossing, and the analysis that gives its currents.

    Word lines are driven at nodes ``wl<i>``; the current into bit line j's sense input is ``i(vbl<j>)``. A batch of
    vectors is one DC sweep of the source ``vselect`` over their indices, which ngspice does many times faster than as
    many operating points: it orders the matrix once.

    Args:
        shape: (word lines, bit lines).
        wires: their resistances.
        cell: gives the element line of each cell.
        v: word-line voltages (V), shape (word lines,) or (batch, word lines).
        extra: lines that the cells need: subcircuits, model cards, gate supplies, options.
    """
    m, n = shape
    lines = [f"vwl{i} wl{i} 0 {float(v[i])!r}" for i in range(m)] if v.ndim == 1 else list(_selected(v))
    lines += [line for i in range(m) for line in _word_line(i, n, wires)]
    lines += [cell(i, j, _word(i, j, wires), _bit(i, j, wires)) for i in range(m) for j in range(n)]
    lines += [line for j in range(n) for line in _bit_line(j, m, wires)]
    lines += [f"vbl{j} s{j} 0 0" for j in range(n)]
    text = "\n".join([*filter(None, lines), *([extra.strip()] if extra.strip() else [])])
    analysis = ".op" if v.ndim == 1 else f".dc vselect 0 {len(v) - 1} 1"
    return Netlist(f"crossbar of {m} word lines and {n} bit lines", text, (analysis,))


def resistor_crossbar(g: Any, v: Any, wires: Wires) -> Netlist:
    """The crossbar of linear cells g[word_line, bit_line] (S) driven by v[batch, word_line] or v[word_line] (V).

    Raises:
        ConfigError: g or v is no such array, or v holds no vector.
    """
    g = checked_conductances(g)
    v = checked_voltages(v, g.shape[0])
    if not v.size:
        raise ConfigError("v holds no vector; a netlist needs one at least")
    return crossbar_netlist((g.shape[0], g.shape[1]), wires, resistors(g), v)


def _selected(v: Floats) -> Iterator[str]:
    """Sources that give vector k when vselect is k."""
    yield "vselect select 0 0"
    for i in range(v.shape[1]):
        table = ", ".join(f"{k}, {float(volts)!r}" for k, volts in enumerate(v[:, i]))
        # a table has two points at least
        yield f"bwl{i} wl{i} 0 v = pwl(v(select), {table}, {len(v)}, {float(v[-1, i])!r})"


def _word(i: int, j: int, wires: Wires) -> str:
    """The word line's node at cell (i, j)."""
    if wires.r_wire_wl > 0:
        return f"w{i}_{j}"
    return f"w{i}" if wires.r_driver > 0 else f"wl{i}"


def _bit(i: int, j: int, wires: Wires) -> str:
    """The bit line's node at cell (i, j)."""
    if wires.r_wire_bl > 0:
        return f"b{i}_{j}"
    return f"b{j}" if wires.r_sink > 0 else f"s{j}"


def _word_line(i: int, n: int, wires: Wires) -> Iterator[str]:
    source = f"wl{i}"
    if wires.r_driver > 0:
        driven = f"d{i}" if wires.r_wire_wl > 0 else _word(i, 0, wires)
        yield f"rdriver{i} {source} {driven} {wires.r_driver!r}"
        source = driven
    if wires.r_wire_wl > 0:
        nodes = [source, *(_word(i, j, wires) for j in range(n))]
        for j in range(n):
            yield f"rwl{i}_{j} {nodes[j]} {nodes[j + 1]} {wires.r_wire_wl!r}"


def _bit_line(j: int, m: int, wires: Wires) -> Iterator[str]:
    end = f"s{j}"
    if wires.r_sink > 0:
        end = f"e{j}" if wires.r_wire_bl > 0 else _bit(m - 1, j, wires)
        yield f"rsink{j} {end} s{j} {wires.r_sink!r}"
    if wires.r_wire_bl > 0:
        nodes = [*(_bit(i, j, wires) for i in range(m)), end]
        for i in range(m):
            yield f"rbl{i}_{j} {nodes[i]} {nodes[i + 1]} {wires.r_wire_bl!r}"
