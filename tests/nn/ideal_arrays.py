"""Arrays without cells: exact products in units of a code, and a chip's variation in one number a weight."""

from dataclasses import dataclass

import numpy as np

from bitline.core.array import Cost, Stats
from bitline.core.figures import ESTIMATED, MODELLED, Figure


class IdealArray:
    """Codes of `lsb` products, weights off by a factor of 1 + N(0, sigma), read noise of `noise` codes."""

    def __init__(self, rows, cols, lsb, sigma, noise):
        self.rows, self.cols, self.scale = rows, cols, lsb
        self.sigma, self.noise, self.full_scale = sigma, noise, np.inf

    def program(self, weights, rng):
        assert weights.shape == (self.rows, self.cols)
        self.ideal = weights
        self.weights = weights * (1 + self.sigma * rng.standard_normal(weights.shape))

    def required_range(self, x):
        return float(np.abs(x @ self.ideal).max()) * 1e-6

    def set_range(self, full_scale):
        self.full_scale = full_scale

    def mvm(self, x, rng):
        product = x @ self.weights / self.scale
        codes = np.rint(product + self.noise * rng.standard_normal(product.shape)).astype(np.int64)
        top = np.floor(self.full_scale * 1e6 / self.scale)
        saturated = int((np.abs(codes) > top).sum())
        stats = Stats(len(x), {"conversions": codes.size, "saturated": saturated}, {"array": 1e-12 * len(x)})
        return np.clip(codes, -top, top).astype(np.int64), stats

    def cost(self, stats):
        energy = {
            "array": Figure(stats.energy["array"], "J", MODELLED),
            "adc": Figure(2e-12 * stats.counts["conversions"], "J", ESTIMATED, "a table, 22 nm"),
        }
        return Cost(energy, {"adc": Figure(1e-9 * self.cols, "s", ESTIMATED, "a table, 22 nm")})


@dataclass(frozen=True)
class IdealFactory:
    max_rows: int = 20
    max_cols: int = 8
    weight_bits: int = 2  # takes any
    lsb: float = 1.0
    sigma: float = 0.0
    noise: float = 0.0

    def __call__(self, rows, cols, input_bits):
        assert rows <= self.max_rows
        assert cols <= self.max_cols
        assert input_bits <= 8
        return IdealArray(rows, cols, self.lsb, self.sigma, self.noise)
