"""Crossbar netlists: word lines, bit lines, their wires, and a cell at every crossing.

The source of word line i reaches bit line 0 through the driver resistance and one wire segment; bit line j is sensed
past the last word line through one wire segment and the sink resistance, at 0 V. Any other end may be held as well
(`circuits.terminals`), through the same resistances. Cell (i, j) joins the two lines where they cross. Where wires have
no resistance their nodes are one node, since ngspice takes R = 0 for 1 mOhm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from circuits.netlist import Netlist
from circuits.terminals import Terminals, reading

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
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


def _refuse(name: str, array: Floats, wrong: Flags, rule: str) -> None:
    if wrong.any():
        index = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise ConfigError(f"{name}[{', '.join(map(str, index))}] is {array[index]:g}: {rule}")


def resistors(g: Floats) -> Cell:
    """Cells that are resistors of conductance g[word_line, bit_line] (S); 0 is open."""

    def cell(i: int, j: int, word: str, bit: str) -> str:
        return f"rcell{i}_{j} {word} {bit} {1 / float(g[i, j])!r}" if g[i, j] > 0 else ""

    return cell


def crossbar_netlist(
    shape: tuple[int, int], wires: Wires, cell: Cell, v: Floats | Terminals, extra: str = ""
) -> Netlist:
    """A crossbar with a cell of any kind at each crossing, and the analysis that gives its currents.

    Word lines are driven at nodes ``wl<i>``; the current into bit line j's sense input is ``i(vbl<j>)``. A batch of
    vectors is one DC sweep of the source ``vselect`` over their indices, which ngspice does many times faster than as
    many operating points: it orders the matrix once.

    Terminals beyond the usual read: word lines' last ends are nodes ``wr<i>``, driven by ``bwr<i>``; the current into
    what holds the first end of bit line j is ``i(vbt<j>)``. An open end has neither segment nor source.

    Args:
        shape: (word lines, bit lines).
        wires: their resistances.
        cell: gives the element line of each cell.
        v: word-line voltages (V) of the usual read, shape (word lines,) or (batch, word lines), or what holds all ends.
        extra: lines that the cells need: subcircuits, model cards, gate supplies, options.

    Raises:
        ConfigError: the terminals are another array's, or a line without resistance is held at both ends.
    """
    m, n = shape
    swept = isinstance(v, Terminals) or v.ndim == 2
    ends = v if isinstance(v, Terminals) else reading(v, n)
    if ends.shape != (m, n):
        raise ConfigError(f"the terminals are those of {ends.shape} lines; the cells are {shape}")
    names = _Names(
        wires, *(~np.isnan(volts[0]) for volts in (ends.wl_first, ends.wl_last, ends.bl_first, ends.bl_last))
    )
    lines = list(_selected(ends) if swept else _driven(ends.wl_first[0]))
    lines += [line for i in range(m) for line in _word_line(i, n, names)]
    lines += [cell(i, j, names.word(i, j), names.bit(i, j)) for i in range(m) for j in range(n)]
    lines += [line for j in range(n) for line in _bit_line(j, m, names)]
    for kind, volts in (("t", ends.bl_first), ("l", ends.bl_last)):
        lines += [line for j in range(n) for line in _held_bit_line(kind, j, volts[:, j])]
    text = "\n".join([*filter(None, lines), *([extra.strip()] if extra.strip() else [])])
    analysis = f".dc vselect 0 {ends.batch - 1} 1" if swept else ".op"
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


def _driven(volts: Floats) -> Iterator[str]:
    """Sources of the word lines for the only vector."""
    for i in np.flatnonzero(~np.isnan(volts)):
        yield f"vwl{i} wl{i} 0 {float(volts[i])!r}"


def _selected(ends: Terminals) -> Iterator[str]:
    """Sources of the word lines that give vector k when vselect is k."""
    yield "vselect select 0 0"
    for name, volts in (("wl", ends.wl_first), ("wr", ends.wl_last)):
        for i in range(volts.shape[1]):
            if not np.isnan(volts[0, i]):
                yield f"b{name}{i} {name}{i} 0 v = {_table(volts[:, i])}"


def _held_bit_line(kind: str, j: int, volts: Floats) -> Iterator[str]:
    """What holds a bit line's end: a source of 0 V, which measures, alone or before one that gives vector k."""
    node = f"{'s' if kind == 'l' else 't'}{j}"
    if np.isnan(volts[0]):
        return
    if not volts.any():
        yield f"vb{kind}{j} {node} 0 0"
        return
    yield f"vb{kind}{j} {node} p{node} 0"
    yield f"bb{kind}{j} p{node} 0 v = {_table(volts)}"


def _table(volts: Floats) -> str:
    table = ", ".join(f"{k}, {float(one)!r}" for k, one in enumerate(volts))
    # a table has two points at least
    return f"pwl(v(select), {table}, {len(volts)}, {float(volts[-1])!r})"


@dataclass(frozen=True)
class _Names:
    """Names of the nodes of lines whose ends may be open.

    Args:
        wires: resistances of the lines.
        wl_first: which word lines are held before bit line 0, shape (m,).
        wl_last: which past the last bit line.
        bl_first: which bit lines are held before word line 0, shape (n,).
        bl_last: which past the last word line.
    """

    wires: Wires
    wl_first: Flags
    wl_last: Flags
    bl_first: Flags
    bl_last: Flags

    def __post_init__(self) -> None:
        for what, ohms, both in (
            ("word", self.wires.r_wire_wl + self.wires.r_driver, self.wl_first & self.wl_last),
            ("bit", self.wires.r_wire_bl + self.wires.r_sink, self.bl_first & self.bl_last),
        ):
            if ohms == 0 and both.any():
                raise ConfigError(
                    f"{what} line {int(np.flatnonzero(both)[0])} has no resistance and both its ends are held; leave "
                    "one end open (nan) or give the wires a resistance"
                )

    def word(self, i: int, j: int) -> str:
        """The word line's node at cell (i, j)."""
        if self.wires.r_wire_wl > 0:
            return f"w{i}_{j}"
        held = "wl" if self.wl_first[i] else "wr" if self.wl_last[i] else "w"
        return f"{'w' if self.wires.r_driver > 0 else held}{i}"

    def bit(self, i: int, j: int) -> str:
        """The bit line's node at cell (i, j)."""
        if self.wires.r_wire_bl > 0:
            return f"b{i}_{j}"
        held = "s" if self.bl_last[j] else "t" if self.bl_first[j] else "b"
        return f"{'b' if self.wires.r_sink > 0 else held}{j}"


def _word_line(i: int, n: int, names: _Names) -> Iterator[str]:
    ohms, segment = names.wires.r_driver, names.wires.r_wire_wl
    chain, first = [names.word(i, j) for j in range(n)], 1
    if names.wl_first[i]:
        driven = _inner(f"wl{i}", f"d{i}", chain[0], ohms, segment)
        if ohms > 0:
            yield f"rdriver{i} wl{i} {driven} {ohms!r}"
        chain, first = [driven, *chain], 0
    if names.wl_last[i]:
        driven = _inner(f"wr{i}", f"dr{i}", chain[-1], ohms, segment)
        if ohms > 0:
            yield f"rdriverr{i} wr{i} {driven} {ohms!r}"
        chain.append(driven)
    if segment > 0:
        for j, (left, right) in enumerate(pairwise(chain), first):
            yield f"rwl{i}_{j} {left} {right} {segment!r}"


def _bit_line(j: int, m: int, names: _Names) -> Iterator[str]:
    ohms, segment = names.wires.r_sink, names.wires.r_wire_bl
    chain, element = [names.bit(i, j) for i in range(m)], [f"rbl{i}_{j}" for i in range(m)]
    if names.bl_last[j]:
        end = _inner(f"s{j}", f"e{j}", chain[-1], ohms, segment)
        if ohms > 0:
            yield f"rsink{j} {end} s{j} {ohms!r}"
        chain.append(end)
    if names.bl_first[j]:
        end = _inner(f"t{j}", f"et{j}", chain[0], ohms, segment)
        if ohms > 0:
            yield f"rsinkt{j} {end} t{j} {ohms!r}"
        chain, element = [end, *chain], [f"rblt_{j}", *element]
    if segment > 0:
        for name, (upper, lower) in zip(element, pairwise(chain), strict=False):  # the last is of a held end alone
            yield f"{name} {upper} {lower} {segment!r}"


def _inner(end: str, between: str, line: str, ohms: float, segment: float) -> str:
    """The node behind the resistance at an end: the end itself without one, the line's own without segments."""
    if ohms == 0:
        return end
    return between if segment > 0 else line
