"""spice.rare: failures too rare for plain Monte Carlo, of anything with margins, then of the 6T cell in ngspice."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from bitline.core.executors import executor
from bitline.core.store import MemoryStore
from spice.characterise import Conditions
from spice.rare.methods import estimate
from spice.rare.part import Failure, rare_part

Floats = np.ndarray[Any, np.dtype[np.float64]]


class TwoSides:
    """A limit state whose probability is known: the first of six normal scores leaves -5 to 5."""

    dimension = 6
    simulations = 0

    def margins(self, points: Floats) -> Floats:
        """One margin for each way to fail, below 0 where it does."""
        self.simulations += len(points)
        return np.stack([5 - points[:, 0], 5 + points[:, 0]], axis=1)


def main() -> None:
    """Estimate both."""
    found = estimate(TwoSides(), seed=7)
    print(f"two sides: {found.probability:.3g} of {2 * norm.cdf(-5):.3g}, {found.simulations} simulations")

    failure = Failure({"read_snm": 0.15}, Conditions(seed=7), variation="vth")
    cell = rare_part("sram").limit_state(failure, executor(1), MemoryStore(), lambda _count: None)
    found = estimate(cell, seed=7)
    print(f"cell: {found.probability:.3g}, 95 % interval {found.ci_low:.3g} to {found.ci_high:.3g}, {found.method}")
    print(f"{found.simulations} simulations tell as much as {found.effective_samples:.0f} failures seen")
    print("trusted" if not found.warnings else "\n".join(found.warnings))


if __name__ == "__main__":
    main()
