"""The ladder of trust: each rung's error against the one below, on cases that the fit never saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bitline.core.model_file import ModelFile, Residual
from bitline.core.samples import Samples
from bitline.core.units import format_quantity

SOLVER_LIMIT = 1e-9  # of linear currents, relative: what the solver promises
POWER_LIMIT = 0.05  # of an array's power, relative: it is to first order in what wires take
NOISE_LIMIT = 0.05  # of the spread by read noise, over the channels' rms spread: what first order and wires may cost
CELL_LIMIT = 0.02  # of currents, relative: what taking cells as linear may cost
COLUMN_LIMIT = 0.02  # of bit lines, over full scale: what one dose for all rows of a column may cost


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
        failed: further cases that could not be simulated; one is enough for the rung not to hold.
        outside: further cases outside the range of what is checked.
    """

    rung: int
    what: str
    against: str
    cases: int
    rms: float | None = None
    maximum: float | None = None
    unit: str = "1"
    limit: float | None = None
    failed: int = 0
    outside: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing failed and it is within its limit."""
        if self.failed:
            return False
        return self.limit is None or self.maximum is None or self.maximum <= self.limit

    def told(self) -> str:
        """Its outcome in words."""
        more = f"; {self.outside} more outside its range" if self.outside else ""
        more += f"; {self.failed} more could not be simulated" if self.failed else ""
        if self.maximum is None or self.rms is None:
            return f"not checked: {self.against}{more}"
        if self.unit == "1":
            size = f"rms {self.rms:.2g}, largest {self.maximum:.2g} (relative)"
        else:
            size = f"rms {format_quantity(self.rms, self.unit)}, largest {format_quantity(self.maximum, self.unit)}"
        return f"{size} against {self.against}, {self.cases} cases{more}"


def model_rungs(models: ModelFile, residuals: Mapping[str, Residual], against: str) -> list[Rung]:
    """Rung 1: each model against samples it has not seen."""
    rungs = []
    for name, model in sorted(models.models.items()):
        found = residuals.get(name)
        if found is None or not found.samples:
            why = f"it is an input, from {model.source}" if model.source else "no sample lies in its range"
            rungs.append(Rung(1, f"model {name}", why, 0, unit=model.unit, outside=found.outside if found else 0))
        else:
            sizes = (found.rms, found.maximum, found.unit, found.limit)
            rungs.append(Rung(1, f"model {name}", against, found.samples, *sizes, outside=found.outside))
    return rungs


def product_rungs(products: Mapping[str, Samples]) -> list[Rung]:
    """Rung 2: products of tiles against ngspice, and what blocks of tiles are too small to show."""
    rungs = []
    for name, samples in products.items():
        for column, what, against, limit in _PRODUCTS[name]:
            failed = len(samples.failures)
            if not samples.columns:
                reason = next(iter(samples.failures.values()), "none was asked for")
                said = what.format(block="blocks", tile="tiles", cell="cells")
                rungs.append(Rung(2, said, reason, 0, failed=failed))
                continue
            sizes = {_SIZES[key]: samples[key].shape[1:] for key in _SIZES if key in samples.columns}
            said = what.format(**{name: f"{' x '.join(map(str, size))} {name}s" for name, size in sizes.items()})
            found = comparison(2, said, against, samples.valid(column), "1", limit)
            rungs.append(replace(found, failed=failed))
    return rungs


_SIZES = {"g": "block", "drop": "tile", "bits": "cell"}  # columns of products as large as what is compared
_PRODUCTS = {
    "columns": (
        ("error", "bit lines of whole columns, {cell}", "ngspice with every transistor of every cell", COLUMN_LIMIT),
    ),
    "voltages": (
        ("error", "bit lines read by voltage, {block}, linear cells", "ngspice, bit lines floating", SOLVER_LIMIT),
    ),
    "linear": (
        ("error", "currents of {block} of {tile}, linear cells", "ngspice on the netlist with wires", SOLVER_LIMIT),
        ("power_error", "power of {block} of {tile}, linear cells", "ngspice on the netlist with wires", POWER_LIMIT),
        ("noise_error", "spread of {tile} by read noise", "exact solutions of perturbed cells", NOISE_LIMIT),
    ),
    "cells": (
        (
            "error",
            "currents of {block} of {tile}, cells taken as linear",
            "ngspice with transistor and device in each cell",
            CELL_LIMIT,
        ),
        (
            "tile_error",
            "currents of whole {tile}, cells taken as linear",
            "the fitted read I-V in every cell (modelled)",
            CELL_LIMIT,
        ),
    ),
}


def comparison(rung: int, what: str, against: str, errors: np.ndarray, unit: str, limit: float | None = None) -> Rung:
    """A rung from its differences."""
    sizes = np.abs(np.asarray(errors, dtype=np.float64))
    return Rung(rung, what, against, sizes.size, float(np.sqrt(np.mean(sizes**2))), float(sizes.max()), unit, limit)


def run_ladder(models: ModelFile, products: Mapping[str, Samples]) -> tuple[Rung, ...]:
    """The rungs that a run climbs by itself: its models on held-out samples, its products in ngspice."""
    held_out = {name: model.residual for name, model in models.models.items()}
    return tuple(model_rungs(models, held_out, "held-out ngspice samples") + product_rungs(products))
