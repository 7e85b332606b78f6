"""Digital-to-analog converters of the word lines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Dac:
    """The drivers of the word lines: a digit of `bits` bits a plane, the largest at `v_read`.

    What is drawn leaves the ends of a driver's range, 0 V and `v_read`, exact, so that one of 1 bit draws no error.
    What is given moves any digit, both ends and those of 1 bit too: a word line in use may then be off 0 V at digit 0,
    and auto-zero takes the code of that read (`circuits.programmed_tile`).

    Args:
        bits: of a digit; 1 is bit-serial.
        dnl_sigma: spread of a driver's steps, relative; each word line has its own driver.
        inl: of each digit, in steps, the same for every driver; empty for none. It adds to what is drawn.

    Raises:
        ConfigError: a value that no converter can have.
    """

    bits: int = 1
    dnl_sigma: float = 0.0
    inl: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 12:
            raise ConfigError(f"dac.bits is {self.bits}; it must be from 1 to 12")
        if not (math.isfinite(self.dnl_sigma) and self.dnl_sigma >= 0):
            raise ConfigError(f"dac.dnl_sigma is {self.dnl_sigma!r}; it must be finite and 0 or more")
        if self.inl and len(self.inl) != 2**self.bits:
            raise ConfigError(f"dac.inl has {len(self.inl)} values; {self.bits} bits have {2**self.bits} digits")
        if not all(map(math.isfinite, self.inl)):
            raise ConfigError("dac.inl holds a value that is not finite")

    @property
    def largest(self) -> int:
        """The largest digit."""
        return int(2**self.bits - 1)

    def table(self, rows: int, rng: np.random.Generator) -> Floats | None:
        """What each driver gives for each digit, in steps, shape (rows, digits); None where it is the digit itself."""
        if not self.inl and (self.dnl_sigma == 0 or self.largest == 1):
            return None
        table = np.tile(np.arange(self.largest + 1.0), (rows, 1))
        if self.dnl_sigma > 0 and self.largest > 1:
            walk = np.cumsum(1 + self.dnl_sigma * rng.standard_normal((rows, self.largest)), axis=1)
            table[:, 1:] = walk * self.largest / walk[:, -1:]
        return table + np.array(self.inl) if self.inl else table
