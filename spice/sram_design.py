"""Cells for a fit of the 6T cell: thresholds spread wider than a Monte Carlo's, at one condition or at many.

A model refuses thresholds that its fit has not seen. Of a Monte Carlo's own samples that box is so narrow that
one fresh cell in three to ten lies outside; spread 1.5 times as wide, hardly any. The points are Sobol's, scrambled
(Joe and Kuo, SIAM J. Sci. Comput. 30, 2635, 2008), through the inverse normal distribution, which fill the space more
evenly than draws. Each carries the weight by which the fit is nevertheless best where cells are: the square root of the
ratio of both densities.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from bitline.core.executor import Record
from bitline.core.seeds import stream
from circuits import cells
from spice.mismatch import Floats
from spice.sram import BOTH, FIGURES, SHIFTS, SramPoints
from spice.sram_bench import Bench

CELLS = 64  # of a condition: a power of two, as Sobol's points want, and twice the coefficients of a quadratic
WIDTH = 1.5  # of a Monte Carlo's standard deviation
UNITS: dict[str, str] = {
    **FIGURES,
    **BOTH,
    **dict.fromkeys(SHIFTS, "V"),
    "temperature": "C",
    "vdd": "V",
    "weight": "1",
}


@dataclass(frozen=True)
class SramDesign:
    """Cells at each of some conditions: sample `index` is cell `index % count` of condition `index // count`.

    The record holds the keys of `UNITS`, and the text `absent` of `spice.sram`.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        conditions: temperatures (C) and supplies (V).
        seed: the study's.
        count: cells of each condition.
        wide: spread for a fit, the same cells at every condition; otherwise drawn as a Monte Carlo's to check it, each
            cell another one.
    """

    technology: str = "sky130"
    corner: str = "tt"
    conditions: tuple[tuple[float, float], ...] = ((27.0, 1.8),)
    seed: int = 1
    count: int = CELLS
    wide: bool = True

    def prepare(self) -> dict[int, Bench]:
        """The benches by condition, none as yet: each is set up when a sample first asks for it."""
        return {}

    def run(self, context: dict[int, Bench], index: int) -> Record:
        """Measure cell `index`.

        Raises:
            ConfigError: unknown technology or corner, or an impossible condition.
            SimulationError: ngspice found no solution.
        """
        number, cell = divmod(index, self.count)
        temperature, vdd = self.conditions[number]
        if number not in context:
            task = SramPoints(self.technology, self.corner, temperature, vdd, wanted=tuple(FIGURES))
            context[number] = task.prepare()
        if self.wide:
            scores = WIDTH * wide_scores(self.seed, self.count)[cell]
        else:
            scores = stream(self.seed, "sram.held_out", index).standard_normal(len(cells.DEVICES))
        measured = context[number].measure_at(scores, None)
        record = {name: measured[name] for name in (*FIGURES, *BOTH, *SHIFTS, "absent")}
        return record | {"temperature": temperature, "vdd": vdd, "weight": self._weight(scores)}

    def _weight(self, scores: Floats) -> float:
        return math.exp(-float(np.sum(scores**2)) * (1 - WIDTH**-2) / 4) if self.wide else 1.0


@functools.lru_cache(maxsize=4)
def wide_scores(seed: int, count: int) -> Floats:
    """Standard normal scores of a design's cells, shape (count, 6)."""
    sobol = qmc.Sobol(len(cells.DEVICES), scramble=True, rng=stream(seed, "sram.design"))
    return np.asarray(ndtri(sobol.random_base2(math.ceil(math.log2(count)))[:count]))
