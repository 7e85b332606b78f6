"""What makes a crossbar's outputs late: capacitance of its lines, bandwidth of its drivers and of its front end."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from bitline.core.errors import ConfigError
from circuits.wiring import Wiring

BOLTZMANN = 1.380649e-23
"""J/K, exact in the SI."""


@dataclass(frozen=True)
class LineTiming:
    """Capacitances and bandwidths of a crossbar, beside its resistances (`circuits.crossbar.Wires`).

    Word lines return to 0 V between reads, so every read starts from rest.

    Args:
        c_wl: of a word line at each cell (F), to ground.
        c_bl: of a bit line at each cell (F), to ground.
        f_driver: bandwidth of a word line's driver (Hz), one pole; infinite for a step.
        f_front: of the front end at a bit line's sense input (Hz), one pole; infinite for an ideal one.
        c_sample: capacitance that the front end's output is sampled on (F), whose kT/C is noise; infinite for none.
        temperature: of that noise (K).

    Raises:
        ConfigError: a value that no line can have.
    """

    c_wl: float = 0.0
    c_bl: float = 0.0
    f_driver: float = math.inf
    f_front: float = math.inf
    c_sample: float = math.inf
    temperature: float = 300.15

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, capacitance = getattr(self, entry.name), entry.name in ("c_wl", "c_bl")
            if not (value >= 0 and math.isfinite(value) if capacitance else value > 0):
                rule = "finite and 0 or more" if capacitance else "above 0"
                raise ConfigError(f"{entry.name} is {value!r}; it must be {rule}")

    @classmethod
    def of_wiring(cls, wiring: Wiring, f_driver: float = math.inf, f_front: float = math.inf) -> LineTiming:
        """With the capacitance that a technology's wires have over one cell's width and height."""
        return cls(
            c_wl=wiring.word_line.c * wiring.cell_width,
            c_bl=wiring.bit_line.c * wiring.cell_height,
            f_driver=f_driver,
            f_front=f_front,
        )

    @property
    def poles(self) -> tuple[float, float]:
        """Time constants (s) of the driver and of the front end."""
        return 1 / (2 * math.pi * self.f_driver), 1 / (2 * math.pi * self.f_front)

    @property
    def sampled_variance(self) -> float:
        """kT/C of the sampled voltage (V^2)."""
        return BOLTZMANN * self.temperature / self.c_sample
