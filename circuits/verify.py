"""Program-and-verify as a model: a cell is programmed again until it reads near enough to its target.

An attempt leaves target + sigma (sqrt(device_share) d + sqrt(1 - device_share) c): d is the cell's own, drawn once
(device-to-device), c new at every attempt (cycle-to-cycle). A pulse overwrites what was there: a cell that no attempt
brings within the tolerance is left as the last one left it, and is counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Verify:
    """How programming is repeated.

    Args:
        tolerance: distance from the target (S) that passes; None programs once and does not look.
        attempts: how often a cell is programmed at most.
        device_share: of the variance of programming, what is the cell's own and the same at every attempt.

    Raises:
        ConfigError: a value out of its range.
    """

    tolerance: float | None = None
    attempts: int = 10
    device_share: float = 0.0

    def __post_init__(self) -> None:
        if self.tolerance is not None and not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise ConfigError(f"verify.tolerance is {self.tolerance!r} S; it must be finite and above 0")
        if self.attempts < 1:
            raise ConfigError(f"verify.attempts is {self.attempts}; it must be 1 or more")
        if not 0 <= self.device_share <= 1:
            raise ConfigError(f"verify.device_share is {self.device_share!r}; it must be from 0 to 1")

    def program(
        self, target: Floats, sigma: Floats, first: Floats, reach: tuple[float, float], rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """What programming leaves (S), and the attempts of each cell, shaped as `target`.

        Args:
            target: S.
            sigma: of an attempt (S), shaped as `target`.
            first: standard normal, the first attempt's cycle-to-cycle part.
            reach: least and greatest conductance (S) that a cell can have.
            rng: draws the rest.
        """
        device: Floats = np.zeros_like(target)
        if self.device_share > 0:
            device = np.asarray(math.sqrt(self.device_share) * rng.standard_normal(target.shape))
        cycle = math.sqrt(1 - self.device_share)
        g = np.clip(target + sigma * (device + cycle * first), *reach)
        attempts = np.ones(target.shape)
        if self.tolerance is None:
            return g, attempts
        for _ in range(self.attempts - 1):
            short = np.abs(g - target) > self.tolerance
            if not short.any():
                break
            again = np.clip(target + sigma * (device + cycle * rng.standard_normal(target.shape)), *reach)
            attempts += short
            g = np.where(short, again, g)
        return g, attempts
