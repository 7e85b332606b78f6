"""1T1R cells: a device above a transistor, whose gate a driver of its row holds; no current enters a gate.

The node between the two is eliminated: at given voltages of both lines the current through the device falls with that
node's voltage and the transistor's grows, so that they meet once, between the two lines' voltages. Newton's method
finds it, halving the interval where a step leaves it. Since a transistor's current is no function of its drain-source
voltage alone, a cell answers otherwise to its word line than to its bit line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.model_file import FittedModel
from bitline.core.mos_iv import ROUND_Q, ROUND_V, at_gate
from circuits.crossbar import Cell, checked_conductances
from circuits.crossbar_cells import transistor_cells
from crossbar.cells import Carried, SinhCells

Floats = np.ndarray[Any, np.dtype[np.float64]]

_STEPS = 200
_ROUNDS = 60  # to the state of a device, each of which divides its error by ten and more
_SETTLED = 1e-15


@dataclass(frozen=True)
class OneTransistorCells:
    """Devices in series with transistors, bit lines at the transistors' sources.

    Args:
        device: what stands above the transistors.
        parameters: of the transistors' `bitline.core.mos_iv`.
        v_gate: gate voltage of each row (V), shape (m,).
        low: least voltage of a line that the transistor was fitted at (V).
        high: greatest.
    """

    device: SinhCells
    parameters: Mapping[str, Any]
    v_gate: Floats
    low: float = -np.inf
    high: float = np.inf

    @property
    def shape(self) -> tuple[int, int]:
        """(word lines, bit lines)."""
        return self.device.shape

    @cached_property
    def _rows(self) -> Floats:
        return np.stack(at_gate(self.parameters, self.v_gate), axis=1)

    def __call__(self, word: Floats, bit: Floats) -> Carried:
        """See `Law`."""
        i, by_word, by_bit = np.empty_like(word), np.empty_like(word), np.empty_like(word)
        device, power = self.device, float(self.parameters["power"])
        _in_series(device.amplitude, device.bend, self._rows, power, word, bit, i, by_word, by_bit)
        return Carried(i, by_word, by_bit)

    def check(self, word: Floats, bit: Floats) -> None:
        """See `Law`."""
        there = self.device.amplitude > 0
        seen = np.concatenate([word[there], bit[there]])
        slack = 1e-9 * (self.high - self.low) if np.isfinite(self.high - self.low) else 0.0
        for volts in (seen.min(initial=np.inf), seen.max(initial=-np.inf)):
            if there.any() and not self.low - slack <= volts <= self.high + slack:
                raise ModelRangeError(
                    f"a cell's line is at {volts:.3g} V; its transistor was fitted from {self.low:.3g} to "
                    f"{self.high:.3g} V"
                )
        device = self.device
        a, k = device.amplitude[there], device.bend[there]
        carried = self(word, bit).i[there] / a
        bent = k > 0
        across = np.where(bent, np.arcsinh(carried) / np.where(bent, k, 1.0), carried)
        most = float(np.abs(across).max(initial=0.0))
        if most > device.reach * (1 + 1e-9):
            raise ModelRangeError(f"a device sees {most:.3g} V; its current was fitted up to {device.reach:.3g} V")

    def elements(self) -> tuple[Cell, str]:
        """The same cells in a netlist, and the lines they need."""
        return transistor_cells(self.device.amplitude, self.device.bend, self.parameters, self.v_gate)


def one_transistor_cells(device: SinhCells, mos: FittedModel, v_gate: Any) -> OneTransistorCells:
    """Cells of these devices above transistors that are `mos`.

    Args:
        device: what stands above them.
        mos: a model of kind "mos_iv".
        v_gate: gate voltage (V) of each row, shape (m,), or of all.

    Raises:
        ConfigError: the model is of another kind, or the gates are not one a row.
        ModelRangeError: a gate voltage outside the model's range.
    """
    if mos.kind != "mos_iv":
        raise ConfigError(f"the transistor {mos.name} is of kind {mos.kind!r}; cells take 'mos_iv'")
    rows = np.asarray(v_gate, dtype=np.float64)
    if rows.shape not in ((), (device.shape[0],)):
        raise ConfigError(f"v_gate has shape {rows.shape}; it is one voltage, or one of each of {device.shape[0]} rows")
    gate, drain, source = mos.inputs
    if not gate.covers(rows).all():
        raise ModelRangeError(
            f"model {mos.name}: gates are at {rows.min():g} to {rows.max():g} V; it was fitted from {gate.low:g} to "
            f"{gate.high:g} V"
        )
    held = np.full(device.shape[0], rows) if rows.ndim == 0 else rows
    return OneTransistorCells(device, mos.parameters, held, max(drain.low, source.low), min(drain.high, source.high))


def devices_for(g: Any, mos: FittedModel, v_gate: float, v_read: float, bend: float | FittedModel) -> SinhCells:
    """Devices with which cells alone, gates at `v_gate`, carry g * v_read at v_read.

    Args:
        g: conductances of the cells (S), shape (m, n); 0 is an open one.
        mos: the transistor, a model of kind "mos_iv".
        v_gate: V.
        v_read: V.
        bend: of the devices (1/V), or their I-V, a model of kind "sinh_iv" over their own conductance.

    Raises:
        ConfigError: g is no array of conductances.
        ModelRangeError: the transistor alone carries less, or a voltage or device lies outside its model's range.
    """
    g = checked_conductances(g)
    there = g > 0
    current = g[there] * v_read
    most = float(mos(v_gate, v_read, 0.0))
    if current.size and current.max() >= most:
        raise ModelRangeError(
            f"a cell of {g.max():.3g} S carries {current.max():.3g} A at {v_read:g} V; its transistor alone carries "
            f"{most:.3g} A: raise the gate above {v_gate:g} V, or take lower conductances"
        )
    low, high = np.zeros_like(current), np.full_like(current, v_read)
    for _ in range(_ROUNDS):  # the node above the transistor, by halves
        middle = (low + high) / 2
        less = mos(v_gate, middle, 0.0) < current
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    amplitude, bends = np.zeros_like(g), np.zeros_like(g)
    amplitude[there], bends[there] = _device(current, v_read - (low + high) / 2, bend)
    reach = np.inf if isinstance(bend, int | float) else bend.inputs[0].high
    return SinhCells(amplitude, bends, reach)


def _device(current: Floats, v: Floats, bend: float | FittedModel) -> tuple[Floats, Floats]:
    """Amplitude and bend of devices that carry currents (A) at voltages (V)."""
    if isinstance(bend, int | float):
        return (current / np.sinh(bend * v), np.full_like(v, bend)) if bend > 0 else (current / v, np.zeros_like(v))
    v_ref, known = bend.parameters["v_ref"], np.asarray(bend.parameters["k"])
    g = current / v
    for _ in range(_ROUNDS):
        k = np.polynomial.polynomial.polyval(g, known)
        g = current * np.sinh(k * v_ref) / (v_ref * np.sinh(k * v))
    bend(np.full_like(g, v_ref), g)  # refuses what it was not fitted to
    return current / np.sinh(k * v), k


@njit(cache=True, nogil=True, error_model="numpy")
def transistor(row: Floats, power: float, drain: float, source: float) -> tuple[float, float, float]:
    """Current (A) of `bitline.core.mos_iv` and how it grows with the drain and falls with the source (S).

    Args:
        row: its coefficients at its gate's voltage, in the order of `MosAtGate`.
        power: of the charges.
        drain: V.
        source: V.
    """
    scale, pinch, width, dibl, clm, bend = row[0], row[1], row[2], row[3], row[4], row[5]
    v = drain - source
    root = np.sqrt(v * v + ROUND_V * ROUND_V)
    size, turn = root - ROUND_V, v / root
    at_s, at_d = (pinch + dibl * size - source) / width, (pinch + dibl * size - drain) / width
    q_s, q_d = max(at_s, 0.0) + np.log1p(np.exp(-abs(at_s))), max(at_d, 0.0) + np.log1p(np.exp(-abs(at_d)))
    share_s, share_d = 1 / (1 + np.exp(-at_s)) / width, 1 / (1 + np.exp(-at_d)) / width
    slope_s, slope_d = q_s ** (power - 1), q_d ** (power - 1)
    charge = q_s * slope_s - q_d * slope_d
    across = np.sqrt((q_s - q_d) ** 2 + ROUND_Q * ROUND_Q)
    longer, slower = 1 + clm * size, 1 + bend * across
    i = scale * charge * longer / slower
    # d q_s, d q_d by the drain, then by the source
    lift = dibl * turn
    slopes = np.empty(2)
    for end in range(2):
        up = lift if end == 0 else -lift
        q_s_by = share_s * (up - end)
        q_d_by = share_d * (up - (1 - end))
        charge_by = power * (slope_s * q_s_by - slope_d * q_d_by)
        longer_by = clm * (turn if end == 0 else -turn)
        slower_by = bend * (q_s - q_d) / across * (q_s_by - q_d_by)
        slopes[end] = scale * (charge_by * longer + charge * longer_by) / slower - i * slower_by / slower
    return i, slopes[0], -slopes[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _sinh_device(a: float, k: float, v: float) -> tuple[float, float]:
    return (a * v, a) if k == 0 else (a * np.sinh(k * v), a * k * np.cosh(k * v))


@njit(cache=True, nogil=True, error_model="numpy")
def _in_series(
    amplitude: Floats,
    bend: Floats,
    rows: Floats,
    power: float,
    word: Floats,
    bit: Floats,
    i: Floats,
    by_word: Floats,
    by_bit: Floats,
) -> None:
    """Fill in current and slopes."""
    m, n = word.shape
    for row in range(m):
        for col in range(n):
            a, k, w, b = amplitude[row, col], bend[row, col], word[row, col], bit[row, col]
            i[row, col], by_word[row, col], by_bit[row, col] = 0.0, 0.0, 0.0
            if a == 0:
                continue
            low, high = min(w, b), max(w, b)
            middle = b
            for _ in range(_STEPS):
                above, g = _sinh_device(a, k, w - middle)
                below, g_d, g_s = transistor(rows[row], power, middle, b)
                if above > below:
                    low = middle
                else:
                    high = middle
                step = (above - below) / (g + g_d)
                after = middle + step
                if not low <= after <= high:
                    after = (low + high) / 2
                moved = abs(after - middle)
                middle = after
                if moved <= _SETTLED * (abs(w) + abs(b)):
                    break
            above, g = _sinh_device(a, k, w - middle)
            below, g_d, g_s = transistor(rows[row], power, middle, b)
            if g + g_d > 0:
                # of two equal currents the one that the node's rounding moves least
                i[row, col] = above if g < g_d else below
                by_word[row, col] = g * g_d / (g + g_d)
                by_bit[row, col] = g * g_s / (g + g_d)
