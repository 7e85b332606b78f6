"""An array read by voltage that weights were written into: the state and the definition of its products."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from bitline.core.array import Stats
from bitline.core.errors import ConfigError
from circuits.converters import largest_code
from circuits.voltage_mode import NORMALISER_BITS, Floats, Ints, VoltageModeConfig


class VoltageModeArray(ABC):
    """What every simulation of such an array keeps: its cells, its converters and their range.

    Full scale is of what the integrator holds, in volts of the bit line times samples.

    Args:
        config: the array.

    Attributes:
        rows: inputs it takes.
        cols: outputs it gives.
    """

    def __init__(self, config: VoltageModeConfig) -> None:
        self.config = config
        self.rows, self.cols = config.rows, config.cols
        self._target: Floats = np.zeros((0, 0))
        self._g: Floats = np.zeros((0, 0))
        self._offsets: Floats = np.zeros(0)
        self._full_scale: float | None = None

    @property
    def conductances(self) -> Floats:
        """What `program` left in the cells (S), shape (2 rows, cols).

        Raises:
            ConfigError: the array is not programmed.
        """
        if not self._g.size:
            raise ConfigError("the array is not programmed: program(weights, rng) first")
        return self._g

    @property
    def full_scale(self) -> float:
        """Of the converters (V).

        Raises:
            ConfigError: it is not set.
        """
        if self._full_scale is None:
            raise ConfigError("the array has no range: set_range(required_range(calibration inputs)) first")
        return self._full_scale

    @property
    def top(self) -> int:
        """The largest code; the least is minus this."""
        return largest_code(self.config.adc_bits)

    @property
    def lsb(self) -> float:
        """What the integrator holds for one code (V)."""
        return self.full_scale / self.top

    @property
    def scale(self) -> float:
        """Products a unit of output stands for, on ideal cells and wires."""
        return float(self.lsb / self.config.product_voltage / 2**NORMALISER_BITS)

    @property
    def normaliser(self) -> Ints:
        """What each bit line's codes are multiplied by, shape (cols,)."""
        known = self._target if self.config.normaliser == "target" else self.conductances
        share = known.sum(axis=0) / self.config.most
        return np.asarray(np.rint(share * 2**NORMALISER_BITS), dtype=np.int64)

    @property
    def offset(self) -> Floats:
        """Of each converter, in codes, shape (cols,); it is the input at which its decision flips."""
        return np.asarray(-self._offsets * self.top / self.config.v_full_scale)

    @property
    def zero_codes(self) -> Ints:
        """What auto-zero subtracts, shape (cols,)."""
        held = np.clip(np.rint(self.offset), -self.top, self.top).astype(np.int64)
        return held if self.config.auto_zero else np.zeros_like(held)

    def program(self, weights: Ints, rng: np.random.Generator) -> None:
        """Write integer weights[rows, cols]; `rng` draws every cell and converter.

        A whole array is drawn whatever is used of it, so that a cell's draw does not depend on the others.

        Raises:
            ConfigError: weights that do not fit.
            ModelRangeError: a target outside the range of `programming_sigma`.
        """
        config = self.config
        weights = config.checked_weights(weights)
        scores = rng.standard_normal((2 * config.rows, config.cols))
        offsets = config.offset_mean + config.offset_sigma * rng.standard_normal(config.cols)
        self.rows, self.cols = weights.shape
        self._target = self._g = config.targets(weights)
        if config.programming_sigma is not None:
            spread = config.programming_sigma(self._target) * scores[: 2 * self.rows, : self.cols]
            self._g = np.clip(self._target + spread, *config.g_reach)
        self._offsets = offsets[: self.cols]

    def required_range(self, x: Ints) -> float:
        """The full scale (V) that inputs x[batch, rows] need on ideal cells, without wires."""
        config = self.config
        signed = self._target[0::2] - self._target[1::2]
        held = np.abs(config.checked_inputs(x, self.rows) @ (config.v_read * signed / self._target.sum(axis=0)))
        if config.range == "max" or not held.any():
            return float(held.max(initial=0.0))
        return float(np.percentile(held[held > 0], config.percentile))

    def set_range(self, full_scale: float) -> None:
        """Fix the converters' full scale (V).

        Raises:
            ConfigError: it is not positive.
        """
        if not (math.isfinite(full_scale) and full_scale > 0):
            raise ConfigError(f"full_scale is {full_scale!r} V; it must be finite and above 0")
        self._full_scale = float(full_scale)

    @abstractmethod
    def line_voltages(self, v: Floats) -> Floats:
        """Settled voltages (V) at the bit lines' ends, shape (batch, cols), with word lines at v[batch, 2 rows] (V)."""

    def defined(self, x: Ints) -> tuple[Ints, Stats]:
        """Outputs[batch, cols] for x[batch, rows] without noise, digit after digit: what the array is."""
        config = self.config
        v = config.drives(config.checked_inputs(x, self.rows))
        settled = self.line_voltages(v.reshape(-1, v.shape[-1])).reshape(*v.shape[:2], self.cols)
        held = np.tensordot(2.0 ** np.arange(config.input_bits), settled, axes=1)
        nearest = np.rint(held / self.lsb + self.offset)
        codes = np.clip(nearest, -self.top, self.top).astype(np.int64)
        saturated = int(np.count_nonzero(np.abs(nearest) > self.top))
        return (codes - self.zero_codes) * self.normaliser, self.stats(x, saturated)

    def stats(self, x: Ints, saturated: int) -> Stats:
        """What products of x[batch, rows] took.

        The cells' energy is that with bit lines at 0 V, which is at most what they take: they are near it.
        """
        config, batch = self.config, len(x)
        held = self.conductances.reshape(self.rows, 2, self.cols).sum(axis=(1, 2))
        counts = {
            "conversions": batch * self.cols,
            "saturated": saturated,
            "drives": batch * config.input_bits * 2 * self.rows,
            "samples": batch * config.samples,
        }
        energy = float(x.sum(axis=0) @ held) * config.v_read**2 * config.t_read
        return Stats(batch, counts, {"cells": energy})
