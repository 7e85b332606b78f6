"""Where an SRAM macro used as storage is simulated, and which cells there: what its samples and fits share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from bitline.core.errors import ConfigError
from bitline.core.seeds import stream
from circuits.column import ColumnDesign
from circuits.macro import MacroDesign
from circuits.sense_amp import TRANSISTORS
from spice import mismatch
from spice.characterise import Conditions
from spice.column_samples import CELL_ROLES, SampleSetting
from spice.fits_sram_conditions import points
from spice.mismatch import Variation

Floats = np.ndarray[Any, np.dtype[np.float64]]

ORDERS = (3, 3)  # points of temperature and of supply
WIDTH = 1.5  # of a Monte Carlo's standard deviation, for the cells of a fit
LEAKAGES = 3  # temperatures of the leakage, around that of each condition: over the range it changes its mechanism
RESTING = 2  # cells at rest alone, for each of a condition's others: which value one loses takes many to tell
FARTHEST = 6.0  # standard deviations of one shift alone: a model's range
SWINGS = tuple(float(level) for level in points(0.05, 0.6, 8))  # V
_AROUND = 0.15  # of the range: from a condition between to its other temperatures of leakage
_BETWEEN = ((0.2, 0.22), (0.72, 0.7))  # conditions that check the models, in parts of both ranges


@dataclass(frozen=True)
class StorageSetting:
    """Conditions, ranges and design.

    Args:
        conditions: technology, corner, temperature, highest supply and seed.
        lowest: supply, in highest ones.
        temperatures: lowest and highest, C.
        cells: of each condition of the design; those far out on one axis come on top.
        variation: of `spice.mismatch.VARIATIONS`.
        design: of the macro.

    Raises:
        ConfigError: an empty range, a temperature outside of it, or no variation.
    """

    conditions: Conditions = field(default_factory=Conditions)
    lowest: float = 0.7
    temperatures: tuple[float, float] = (-40.0, 125.0)
    cells: int = 32
    variation: str = "vth"
    design: MacroDesign = field(default_factory=MacroDesign)

    def __post_init__(self) -> None:
        if not 0 < self.lowest < 1:
            raise ConfigError(
                f"storage: lowest = {self.lowest:g}; the lowest supply is a share of the highest, below 1"
            )
        low, high = self.temperatures
        if not low <= self.conditions.temperature <= high or low == high:
            raise ConfigError(
                f"storage: the models hold from {low:g} to {high:g} C, and {self.conditions.temperature:g} C is to lie "
                "within; set coldest and hottest",
            )
        if not mismatch.VARIATIONS.get(self.variation, ("unknown",)):
            raise ConfigError("storage: variation = none leaves cells and amplifiers alike; use vth or full")

    @property
    def supplies(self) -> tuple[float, float]:
        """Lowest and highest, V."""
        return self.lowest * self.conditions.vdd, self.conditions.vdd

    def nodes(self) -> list[Conditions]:
        """Where the models are fitted, supplies of the first temperature first."""
        grids = [points(*limits, n) for limits, n in zip((self.temperatures, self.supplies), ORDERS, strict=True)]
        return [self._at(float(t), float(v)) for t in grids[0] for v in grids[1]]

    def between(self) -> list[Conditions]:
        """Where they are checked."""
        (t0, t1), (v0, v1) = self.temperatures, self.supplies
        return [self._at(t0 + of * (t1 - t0), v0 + share * (v1 - v0)) for of, share in _BETWEEN]

    def leakage_temperatures(self, index: int) -> Floats:
        """Those (C) at which the leakage is simulated at the supply of condition `index`, nodes before those between.

        Of all nodes they are Chebyshev points; of a condition between, its own and one to either side.

        Returns: shape (LEAKAGES,).
        """
        low, high = self.temperatures
        if index < math.prod(ORDERS):
            return np.asarray(points(low, high, LEAKAGES * ORDERS[0]).reshape(-1, LEAKAGES)[index // ORDERS[1]])
        own, around = self.between()[index - math.prod(ORDERS)].temperature, _AROUND * (high - low)
        return np.linspace(own - around, own + around, LEAKAGES)

    def varied(self) -> tuple[Variation, Variation]:
        """What varies in a cell and in an amplifier."""
        setting = self.samples(self.conditions)
        return setting.varied(CELL_ROLES), setting.varied(TRANSISTORS)

    def samples(self, conditions: Conditions) -> SampleSetting:
        """One condition as spice/column_samples.py takes it."""
        return SampleSetting(conditions, ColumnDesign(self.design.rows, 1), supplies=1, variation=self.variation)

    def _at(self, temperature: float, vdd: float) -> Conditions:
        return replace(self.conditions, temperature=temperature, vdd=vdd)


def resting_scores(setting: StorageSetting, index: int) -> Floats:
    """Scores of cells at rest alone, others at every condition of the design, shape (cells, scores)."""
    count = len(setting.varied()[0].variables)
    return _wide(count, RESTING * setting.cells, stream(setting.conditions.seed, "sram_storage.rest", index))


def wide_scores(setting: StorageSetting) -> tuple[Floats, Floats]:
    """Scores of a condition's cells and amplifiers, shapes (cells, scores): Sobol's points, then pairs on the axes."""
    counts_ = [len(varied.variables) for varied in setting.varied()]
    inner = _wide(sum(counts_), setting.cells, stream(setting.conditions.seed, "sram_storage.design"))
    most = max(counts_)
    found = []
    for own in np.split(inner, [counts_[0]], axis=1):
        axes = np.zeros((2 * most, own.shape[1]))
        for k in range(most):
            axes[[2 * k, 2 * k + 1], k % own.shape[1]] = -FARTHEST, FARTHEST
        found.append(np.concatenate([own, axes]))
    return found[0], found[1]


def _wide(count: int, cells: int, rng: np.random.Generator) -> Floats:
    sobol = qmc.Sobol(count, scramble=True, rng=rng)
    return np.asarray(WIDTH * ndtri(sobol.random_base2(math.ceil(math.log2(cells)))[:cells]))
