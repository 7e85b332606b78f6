"""What a computing SRAM column does, as characterised: the discharge, and the factors of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.model_file import FittedModel, ModelFile
from bitline.core.seeds import stream

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MEAN_DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class ColumnModel:
    """What a column does, as characterised.

    Args:
        discharge: bit-line voltage (V) over the dose (cell seconds), from vdd down.
        lost: what edges add to a pulse, over its depth.
        zero: dose of a row with a 0 (s) over a pulse's width (s).
        log_current: ln of a row's factor over the shifts of its transistors; None is no mismatch.
        sigma: of those shifts.
        capacitance: of the bit line, F.
        trip: mean and sigma (V) of a 6T cell's trip voltage over the word line's (V); None for 8T, which has none.
    """

    discharge: FittedModel
    lost: FittedModel
    zero: FittedModel
    log_current: FittedModel | None
    sigma: tuple[float, ...]
    capacitance: float
    trip: tuple[FittedModel, FittedModel] | None = None

    @classmethod
    def of(cls, models: ModelFile, *, variation: bool = True) -> ColumnModel:
        """From a model file's `cim.*`.

        Raises:
            FitError: it has none.
        """
        log_current = models["cim.log_current"]
        trip = (models["cim.trip_mean"], models["cim.trip_sigma"]) if "cim.trip_mean" in models.models else None
        return cls(
            models["cim.discharge"],
            models["cim.lost"],
            models["cim.zero_row"],
            log_current if variation else None,
            tuple(log_current.parameters["scale"]),
            float(models["cim.lost"].parameters["capacitance"]),
            trip,
        )

    def voltage(self, dose: Floats) -> Floats:
        """Bit-line voltage (V); the deepest that was characterised, where a dose (s) is larger."""
        return self.discharge(np.clip(dose, 0.0, self.discharge.inputs[0].high))

    def dose(self, voltage: float) -> float:
        """That takes the bit line to a voltage (V), cell seconds."""
        s, v = (np.asarray(self.discharge.parameters[key]) for key in "xy")
        return float(np.interp(-voltage, -v, s))

    def factors(self, scores: Floats) -> Floats:
        """Of rows with standard normal scores[..., shift]; a shift beyond the fitted range ends there."""
        if self.log_current is None:
            return np.ones(scores.shape[:-1])
        shifts = scores * np.asarray(self.sigma)
        inside = [np.clip(shifts[..., k], e.low, e.high) for k, e in enumerate(self.log_current.inputs)]
        return np.exp(self.log_current(*inside))

    def mean_factor(self) -> float:
        """Mean of a row's factor, by which codes are scaled."""
        drawn = stream(0, "cim.mean").standard_normal((_MEAN_DRAWS, len(self.sigma)))
        return float(self.factors(drawn).mean())
