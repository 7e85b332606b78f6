"""The ladder of trust: each rung's error against the one below, on cases that the fit never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bitline.core.model_file import ModelFile, Residual
from bitline.core.samples import Samples
from bitline.core.units import format_quantity

SOLVER_LIMIT = 1e-9  # of linear currents, relative: what the solver promises


@dataclass(frozen=True)
class Rung:
    """One comparison.

    Args:
        rung: its number, 0 at the transistor.
        what: is checked.
        against: what stands below.
        cases: how many; 0 says that the rung was not climbed, and `against` why.
        rms: of the differences; None where none were taken.
        maximum: the largest of them.
        unit: of both; "1" is relative.
        limit: of `maximum`; None where how much is too much is the user's to say.
    """

    rung: int
    what: str
    against: str
    cases: int
    rms: float | None = None
    maximum: float | None = None
    unit: str = "1"
    limit: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it is within its limit."""
        return self.limit is None or self.maximum is None or self.maximum <= self.limit

    def told(self) -> str:
        """Its outcome in words."""
        if self.maximum is None or self.rms is None:
            return f"not checked: {self.against}"
        if self.unit == "1":
            size = f"rms {self.rms:.2g}, largest {self.maximum:.2g} (relative)"
        else:
            size = f"rms {format_quantity(self.rms, self.unit)}, largest {format_quantity(self.maximum, self.unit)}"
        return f"{size} against {self.against}, {self.cases} cases"


def model_rungs(models: ModelFile, residuals: Mapping[str, Residual], against: str) -> list[Rung]:
    """Rung 1: each model against samples it has not seen."""
    rungs = []
    for name, model in sorted(models.models.items()):
        found = residuals.get(name)
        if found is None or not found.samples:
            why = f"it is an input, from {model.source}" if model.source else "no sample lies in its range"
            rungs.append(Rung(1, f"model {name}", why, 0, unit=model.unit))
        else:
            rungs.append(Rung(1, f"model {name}", against, found.samples, found.rms, found.maximum, found.unit))
    return rungs


def product_rungs(products: Mapping[str, Samples]) -> list[Rung]:
    """Rung 2: products of tiles against ngspice."""
    told = {
        "linear": ("currents of tiles, linear cells", "ngspice on the netlist with wires", SOLVER_LIMIT),
        "cells": ("currents of tiles, cells taken as linear", "ngspice with transistor and device in each cell", None),
    }
    rungs = []
    for name, samples in products.items():
        what, against, limit = told[name]
        if samples.columns:
            errors = samples.valid("error")
            rungs.append(comparison(2, what, against, errors, "1", limit))
        elif samples.count:
            rungs.append(Rung(2, what, f"every product failed: {next(iter(samples.failures.values()))}", 0))
    return rungs


def comparison(rung: int, what: str, against: str, errors: np.ndarray, unit: str, limit: float | None = None) -> Rung:
    """A rung from its differences."""
    sizes = np.abs(np.asarray(errors, dtype=np.float64))
    return Rung(rung, what, against, sizes.size, float(np.sqrt(np.mean(sizes**2))), float(sizes.max()), unit, limit)


def run_ladder(models: ModelFile, products: Mapping[str, Samples]) -> tuple[Rung, ...]:
    """The rungs that a run climbs by itself: its models on held-out samples, its products in ngspice."""
    held_out = {name: model.residual for name, model in models.models.items()}
    return tuple(model_rungs(models, held_out, "held-out ngspice samples") + product_rungs(products))
