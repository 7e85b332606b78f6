"""Cells of a crossbar's netlist that are equations: bent ones, tables, and a device above a transistor.

They are B sources, so that ngspice solves what `crossbar.cells` and its neighbours do, to its own tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bitline.core.mos_iv import ROUND_Q, ROUND_V, MosAtGate, at_gate
from circuits.crossbar import Cell, Floats

EXACT = ".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-20 itl1=500 itl2=200"
"""Options with which ngspice settles on nonlinear cells as far as doubles go; no B source takes its gmin."""


def sinh_cells(amplitude: Floats, bend: Floats) -> tuple[Cell, str]:
    """Cells with i = amplitude sinh(bend v), and the lines they need.

    Args:
        amplitude: A, or S where the bend is 0, which makes a resistor; 0 is open; shape (m, n).
        bend: 1/V, shape (m, n).
    """

    def cell(i: int, j: int, word: str, bit: str) -> str:
        return _device(f"{i}_{j}", word, bit, float(amplitude[i, j]), float(bend[i, j]))

    return cell, EXACT


def table_cells(volts: Floats, points: Floats, slopes: Floats) -> tuple[Cell, str]:
    """Cells that are cubics between points, straight beyond the last.

    Args:
        volts: of the points (V), ascending, shape (points,).
        points: current (A) of each cell at them, shape (m, n, points).
        slopes: its slope (S) there, shape (m, n, points); all 0 where a cell is open.
    """

    def cell(i: int, j: int, word: str, bit: str) -> str:
        if not slopes[i, j].any():
            return ""
        return f"bcell{i}_{j} {word} {bit} i = {_cubics(f'v({word},{bit})', volts, points[i, j], slopes[i, j])}"

    return cell, EXACT


def transistor_cells(
    amplitude: Floats, bend: Floats, parameters: Mapping[str, Any], v_gate: Floats
) -> tuple[Cell, str]:
    """Cells with a device above a transistor, whose gate is held a row: 1T1R.

    Args:
        amplitude: of the devices, as in `sinh_cells`.
        bend: of the devices.
        parameters: of the transistor's `bitline.core.mos_iv`.
        v_gate: gate voltage of each row (V), shape (m,).
    """

    def cell(i: int, j: int, word: str, bit: str) -> str:
        device = _device(f"{i}_{j}", word, f"m{i}_{j}", float(amplitude[i, j]), float(bend[i, j]))
        return f"{device}\nxmos{i}_{j} m{i}_{j} {bit} mos{i}" if device else ""

    at, power = at_gate(parameters, v_gate), float(parameters["power"])
    rows = [_transistor(i, MosAtGate(*(row[i] for row in at)), power) for i in range(len(v_gate))]
    return cell, "\n".join([EXACT, *rows])


def _device(name: str, top: str, bottom: str, amplitude: float, bend: float) -> str:
    if amplitude == 0:
        return ""
    if bend == 0:
        return f"rcell{name} {top} {bottom} {1 / amplitude!r}"
    return f"bcell{name} {top} {bottom} i = {amplitude!r}*sinh({bend!r}*v({top},{bottom}))"


def _transistor(i: int, at: MosAtGate, power: float) -> str:
    """`.subckt mos<i> d s`: the transistor with its gate at row i's voltage."""
    scale, pinch, width, dibl, clm, bend = map(float, at)
    size = f"(sqrt(v(d,s)^2+{ROUND_V**2!r})-{ROUND_V!r})"
    q_s, q_d = (f"ln(1+exp(({pinch!r}+{dibl!r}*{size}-v({end}))/{width!r}))" for end in "sd")
    current = f"{scale!r}*({q_s}^{power!r}-{q_d}^{power!r})*(1+{clm!r}*{size})"
    return f".subckt mos{i} d s\nb1 d s i = {current}/(1+{bend!r}*sqrt(({q_s}-{q_d})^2+{ROUND_Q**2!r}))\n.ends"


def _cubics(v: str, volts: Floats, points: Floats, slopes: Floats) -> str:
    """The expression of a curve in the voltage expression `v`: pieces halved until each is one cubic."""
    pieces = [_polynomial(v, volts[0], (points[0], slopes[0]))]
    for k, step in enumerate(np.diff(volts)):
        rise = points[k + 1] - points[k]
        square = (3 * rise / step - 2 * slopes[k] - slopes[k + 1]) / step
        cube = (slopes[k] + slopes[k + 1] - 2 * rise / step) / step**2
        pieces.append(_polynomial(v, volts[k], (points[k], slopes[k], square, cube)))
    pieces.append(_polynomial(v, volts[-1], (points[-1], slopes[-1])))

    def choose(low: int, high: int) -> str:
        if low == high:
            return pieces[low]
        middle = (low + high) // 2
        return f"({v} < {float(volts[middle])!r} ? {choose(low, middle)} : {choose(middle + 1, high)})"

    return choose(0, len(pieces) - 1)


def _polynomial(v: str, start: float, coefficients: tuple[float, ...]) -> str:
    expression = repr(float(coefficients[-1]))
    for coefficient in reversed(coefficients[:-1]):
        expression = f"({float(coefficient)!r}+({v}-({float(start)!r}))*{expression})"
    return expression
