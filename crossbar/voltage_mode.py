"""An array read by voltage, at speed: one transfer matrix, one conversion an input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.figures import MODELLED, Figure
from circuits.array_factory import ConfiguredFactory
from circuits.converters import bit_planes
from circuits.crossbar import Wires, checked_conductances
from circuits.terminals import floating
from circuits.voltage_mode import Floats, Ints, VoltageModeConfig
from circuits.voltage_mode_array import VoltageModeArray
from crossbar.converters import BLOCK, blocks
from crossbar.costs import INTEGER_ADD, INTEGER_MULTIPLY, Process, adc_energy, adc_time, driver_energy
from crossbar.lines import solve_apart
from crossbar.solve import CLOSED, SWEEPS, effective_rows

__all__ = ["VoltageCrossbar", "VoltageModeConfig", "transfer_matrix", "voltage_factory"]

_VOLTMETER = 1e15  # ohm at a bit line's end: its current tells the voltage and is no load
_OFF = 1e-10  # that a column's sum may be off 1


def transfer_matrix(g: Floats, wires: Wires) -> Floats:
    """The matrix that takes word lines' voltages to those of floating bit lines: ``v_bl = v_wl @ matrix``.

    Every column sums up to 1: word lines at one voltage leave the bit lines there too. Where it can, this is the read
    by current of a voltmeter at the bit lines' last ends, which line sweeps find for all word lines together; what
    its sums contradict, and other wires, are solved a word line at a time.

    Args:
        g: cell conductances (S), shape (word lines, bit lines), none of whose bit lines is open.
        wires: resistances of the lines; `r_sink` is not used.

    Raises:
        ConfigError: g is no array of conductances.
    """
    g = checked_conductances(g)
    driven = wires.r_wire_wl == wires.r_driver == 0
    if driven or (wires.r_wire_wl > 0 and wires.r_wire_bl > 0):
        found = effective_rows(g, replace(wires, r_sink=_VOLTMETER))
        matrix = found.i * _VOLTMETER
        if found.method in (CLOSED, SWEEPS) and np.abs(matrix.sum(axis=0) - 1).max() < _OFF:
            return matrix
    ends = floating(np.eye(len(g)), g.shape[1])
    return np.stack([nodes.bit[0, -1] for nodes in solve_apart(g, wires, ends)])


class VoltageCrossbar(VoltageModeArray):
    """An array read by voltage: ``codes * scale`` estimates ``x @ weights``.

    Wires are exact through the transfer matrix. Read noise is to first order and without wires.

    Args:
        config: the array.
    """

    def __init__(self, config: VoltageModeConfig) -> None:
        super().__init__(config)
        self._matrix: Floats | None = None

    @property
    def matrix(self) -> Floats:
        """Transfer matrix with wires, shape (2 rows, cols)."""
        if self._matrix is None:
            self._matrix = transfer_matrix(self.conductances, self.config.wires)
        return self._matrix

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights[rows, cols]; `rng` draws every cell and converter; see `VoltageModeArray.program`.

        Raises:
            ConfigError: weights that do not fit.
            ModelRangeError: a target outside the range of `programming_sigma`.
        """
        super().program(weights, rng)
        self._matrix = None

    def line_voltages(self, v: Floats) -> Floats:
        """Settled voltages (V) at the bit lines' ends, shape (batch, cols), with word lines at v[batch, 2 rows] (V)."""
        return np.asarray(v @ self.matrix)

    def mvm(self, x: Ints, rng: np.random.Generator) -> tuple[Ints, Stats]:
        """Multiply unsigned x[batch, rows]; outputs[batch, cols] and what it took.

        Raises:
            ConfigError: inputs that do not fit, or an array that is not programmed or has no range.
        """
        config, top = self.config, self.top
        x = config.checked_inputs(x, self.rows)
        gain = (self.matrix[0::2] - self.matrix[1::2]) * (config.v_read / self.lsb)
        codes, saturated = np.empty((len(x), self.cols), dtype=np.int64), 0
        for rows in blocks(len(x)):
            part = np.zeros((BLOCK, self.rows))  # whole blocks: a result does not depend on its neighbours
            part[: rows.stop - rows.start] = x[rows]
            level = (part @ gain + self.offset)[: rows.stop - rows.start]
            variance = self._variance(x[rows])
            if variance is not None:
                level += np.sqrt(variance) * rng.standard_normal(level.shape)
            nearest = np.rint(level)
            saturated += int(np.count_nonzero(np.abs(nearest) > top))
            codes[rows] = np.clip(nearest, -top, top)
        codes -= self.zero_codes
        codes *= self.normaliser
        return codes, self.stats(x, saturated)

    def _variance(self, x: Ints) -> Floats | float | None:
        """Of the levels (LSB^2) for x[batch, rows], shape (batch, cols); None without noise.

        A cell's change dg_ij moves its bit line by (u_i - v_j) dg_ij / S_j, u being its word line's voltage; every
        sample has its own.
        """
        config = self.config
        sampled = config.samples * config.noise**2 / self.lsb**2
        if config.read_noise == 0:
            return sampled if sampled > 0 else None
        share = config.read_noise * self.conductances / self.conductances.sum(axis=0)
        plus, minus = share[0::2] ** 2, share[1::2] ** 2
        direct = (self.matrix[0::2] - self.matrix[1::2]) * config.v_read
        total: Floats = np.full((len(x), self.cols), sampled)
        for p, digits in enumerate(bit_planes(x, config.input_bits).astype(np.float64)):
            v = digits @ direct / config.v_read  # in units of v_read
            own = digits @ (plus + minus) - 2 * v * (digits @ (plus - minus)) + v**2 * (plus + minus).sum(axis=0)
            total += 2.0**p * (config.v_read / self.lsb) ** 2 * own
        return total

    def cost(self, stats: Stats) -> Cost:
        """Price what `mvm` did: energy of all of it, latency of one product.

        The neuron's converter takes charge off step by step, which is priced as a ramp.
        """
        config, count = self.config, stats.counts
        process = Process(config.node, config.vdd)
        conversions = count.get("conversions", 0)
        energy = {
            "cells": Figure(stats.energy.get("cells", 0.0), "J", MODELLED, "with bit lines at 0 V: at most this"),
            "dac": driver_energy(process, 1, count.get("drives", 0)),
            "adc": adc_energy(process, config.adc_bits, conversions, "ramp"),
            "normaliser": INTEGER_MULTIPLY.energy_in(process, conversions),
            "sum": INTEGER_ADD.energy_in(process, conversions),
        }
        latency = {
            "array": Figure(config.samples * config.t_read, "s", MODELLED, "t_read of a sample is an input"),
            "adc": adc_time(process, config.adc_bits, 1, "ramp"),
        }
        return Cost(energy, latency)


def voltage_factory(config: VoltageModeConfig) -> ConfiguredFactory:
    """Makes arrays of one kind at speed, for whoever lays a network out on them."""
    made: Any = VoltageCrossbar
    return ConfiguredFactory(config, made)
