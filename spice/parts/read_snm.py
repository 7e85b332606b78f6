"""The read noise margin of the 6T cell alone, by a backend of one's choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bitline.core.errors import ConfigError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, SIMULATED, Figure
from bitline.core.samples import Samples
from bitline.core.suggest import suggestion
from spice import censored
from spice.characterise import Conditions, Part
from spice.compact.cell import CompactCell
from spice.mismatch import variation_source
from spice.read_snm import UNITS, BatchReadSnm, CompactReadSnm, SharedReadSnm
from spice.spread import with_spread
from spice.sram import BOUNDS
from spice.unfitted import no_models, no_residuals

BACKENDS = ("shared", "batch", "compact")


def make(backend: str = "shared", variation: str = "vth", model: str = "") -> Part:
    """The part by one backend; all draw the same cells.

    Args:
        backend: "shared", ngspice in this process; "batch", a process of `ngspice -b` a sample; or "compact", the
            compact cell, which is modelled.
        variation: between transistors: "none", "vth" or "full" (see `spice.mismatch`).
        model: for "compact", the file that `bitline compact` made for the technology and corner.
    """
    source = variation_source(variation)
    if backend not in BACKENDS:
        raise ConfigError(f"backend = {backend!r} is unknown{suggestion(backend, BACKENDS)}")
    if (backend == "compact") != bool(model):
        raise ConfigError(
            "read-snm: backend=compact takes model=FILE, that bitline compact FILE makes; the others take none"
        )

    def task(at: Conditions, varied: str) -> SharedReadSnm:
        condition = (at.technology, at.corner, at.temperature, at.vdd, at.seed)
        if backend == "compact":
            return CompactReadSnm(*condition, variation=varied, model=Path(model))
        return (BatchReadSnm if backend == "batch" else SharedReadSnm)(*condition, variation=varied)

    def figures(nominal: Record, samples: Samples | None) -> dict[str, Figure]:
        found = with_spread(nominal, samples, {"read_snm": "V"}, source=source)
        if samples is not None and samples.columns:
            found = censored.with_bounds(found, samples, {"read_snm": BOUNDS["read_snm"]}, source)
            if "read_snm_bounded" not in found:  # of cells without a margin nobody knows which is the lowest
                found["read_snm_lowest"] = Figure(float(np.min(samples.valid("read_snm"))), "V", source=source)
        if backend != "compact":
            return found
        error = CompactCell.load(Path(model)).residuals["read_snm"]
        said = {name: replace(known, kind=MODELLED) if known.unit == "V" else known for name, known in found.items()}
        return said | {"read_snm_error_rms": Figure(error.rms, "V", SIMULATED, "held-out cells of the compact cell")}

    return Part(
        nominal=lambda at: task(at, "none"),
        monte_carlo=lambda at: task(at, variation),
        units=UNITS,
        figures=figures,
        fit=no_models,
        check=no_residuals,
        netlists=lambda at: {"butterfly": task(at, variation).netlist()},
        waveforms={},
    )
