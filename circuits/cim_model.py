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
        lost: what edges add to a pulse, over how many longest pulses of the fit are on.
        zero: dose of a row with a 0 (s) over a pulse's width (s).
        log_current: ln of a row's factor over the shifts of its transistors; None is no mismatch.
        sigma: of those shifts.
        capacitance: of the bit line, F.
        disturb: reliability index of a 6T cell of the other value over word line (V), rows on and bit line at the end
            (V), a lower bound; None for 8T, whose cells a read does not touch.
    """

    discharge: FittedModel
    lost: FittedModel
    zero: FittedModel
    log_current: FittedModel | None
    sigma: tuple[float, ...]
    capacitance: float
    disturb: FittedModel | None = None

    @classmethod
    def of(cls, models: ModelFile, *, variation: bool = True) -> ColumnModel:
        """From a model file's `cim.*`.

        Raises:
            FitError: it has none.
        """
        log_current = models["cim.log_current"]
        return cls(
            models["cim.discharge"],
            models["cim.lost"],
            models["cim.zero_row"],
            log_current if variation else None,
            tuple(log_current.parameters["scale"]),
            float(models["cim.lost"].parameters["capacitance"]),
            models.models.get("cim.disturb"),
        )

    def voltage(self, dose: Floats) -> Floats:
        """Bit-line voltage (V); the deepest that was characterised, where a dose (s) is larger."""
        return self.discharge(np.clip(dose, 0.0, self.discharge.inputs[0].high))

    def safety(self, word_line: float, rows: Floats, voltage: Floats) -> Floats:
        """Reliability index of a cell of the other value, a read with so many rows that ends at voltages (V).

        Its probability of a flip is Phi of minus that; without limit for 8T. Beyond the table's ends in rows and
        voltage those ends count.

        Raises:
            ModelRangeError: a word line (V) beyond those that were characterised.
        """
        if self.disturb is None:
            return np.full(np.broadcast_shapes(rows.shape, voltage.shape), np.inf)
        _, on, depth = self.disturb.inputs
        return self.disturb(word_line, np.clip(rows, on.low, on.high), np.clip(voltage, depth.low, depth.high))

    @property
    def lift(self) -> float:
        """Share by which a word line that is on raises the dose of all rows, for it lifts the bit line meanwhile."""
        lost = self.lost.parameters
        return float(lost["coefficients"][1] / lost["deepest"])

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
