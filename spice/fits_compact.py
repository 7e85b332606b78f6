"""Fit of the compact 6T cell: sweeps of its devices in ngspice, and its residual on whole cells in ngspice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.errors import FitError
from bitline.core.model_file import Input, Residual, residual
from bitline.core.seeds import stream
from circuits import cells
from circuits.technology import Technology, load_technology
from spice.compact import sweeps
from spice.compact.cell import CompactCell, chebyshev
from spice.engine import engine
from spice.read_snm import SharedReadSnm

Floats = np.ndarray[Any, np.dtype[np.float64]]

TEMPERATURES = (-40.0, 125.0)  # C
SUPPLIES = (0.7, 1.1)  # of the nominal supply; below, cold, femtoampere leakage sets the curves of a slow cell
_TEMPERATURE_NODES = 5
_SUPPLY_NODES = 12
_HELD_OUT = (  # of the ranges, between nodes
    (0.02, 0.02),
    (0.12, 0.93),
    (0.31, 0.36),
    (0.52, 0.78),
    (0.68, 0.12),
    (0.93, 0.61),
)
_CELLS = 20  # a held-out condition
_SIGMAS = 3.0


@dataclass(frozen=True)
class HeldOut:
    """Cells at one condition, by ngspice and by the compact cell.

    Attributes:
        temperature: C.
        vdd: V.
        shifts: V, shape (cells, 6).
        simulated: margins storing 0 and 1, V, shape (cells, 2).
        modelled: the same from the compact cell.
    """

    temperature: float
    vdd: float
    shifts: Floats
    simulated: Floats
    modelled: Floats


def fit_compact(technology: str = "sky130", corner: str = "tt", seed: int = 1) -> CompactCell:
    """Fit the compact cell of one corner; takes about a second.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        seed: of the held-out cells.

    Raises:
        ConfigError: unknown technology or corner.
        FitError: no held-out cell could be simulated.
    """
    loaded, running = load_technology(technology), engine()
    low, high = (share * loaded.vdd for share in SUPPLIES)
    temperatures, supplies = chebyshev(*TEMPERATURES, _TEMPERATURE_NODES), chebyshev(low, high, _SUPPLY_NODES)
    latch, access, hashes = [], [], []
    for temperature in temperatures.tolist():
        netlist = sweeps.latch_netlist(loaded, corner, temperature)
        latch.append(sweeps.latch_chords(running, netlist, high))
        access_netlist = sweeps.access_netlist(loaded, corner, temperature)
        access.append(sweeps.access_chords(running, access_netlist, supplies))
        hashes += [netlist.hash, access_netlist.hash]
    known = sweeps.grids(high)
    cell = CompactCell(
        inputs=_inputs(low, high),
        temperatures=temperatures,
        supplies=supplies,
        told=np.array(sweeps.TOLD),
        grids=np.array([(known[n].first, known[n].spacing) for n in ("gate", "drain", "shift", "output")]),
        latch=np.stack(latch),
        access=np.stack(access),
        residual=Residual(0.0, 0.0, 0, "V"),
        provenance={
            "technology": technology,
            "corner": corner,
            "seed": seed,
            "ngspice": running.version,
            "netlists": " ".join(dict.fromkeys(hashes)),
        },
    )
    checked = held_out(cell, technology, corner, seed)
    simulated, modelled = (np.concatenate([getattr(c, kind) for c in checked]) for kind in ("simulated", "modelled"))
    both = np.isfinite(simulated) & np.isfinite(modelled)
    if not both.any():
        raise FitError(f"{technology} {corner}: no held-out cell has a read noise margin; look at its curves first")
    return replace(cell, residual=residual(modelled[both], simulated[both], "V"))


def held_out(cell: CompactCell, technology: str, corner: str, seed: int) -> list[HeldOut]:
    """Cells within 3 sigma at conditions between the fitted ones, by ngspice and by the compact cell."""
    loaded = load_technology(technology)
    temperature, vdd = cell.inputs[:2]
    found = []
    for number, (warm, high) in enumerate(_HELD_OUT):
        t = temperature.low + warm * (temperature.high - temperature.low)
        v = vdd.low + high * (vdd.high - vdd.low)
        scores = stream(seed, "compact.held_out", number).uniform(-_SIGMAS, _SIGMAS, (_CELLS, len(cells.DEVICES)))
        shifts = scores * sigmas(loaded)
        simulated = simulate(SharedReadSnm(technology, corner, t, v, seed, steps=cells.STEPS), shifts)
        found.append(HeldOut(t, v, shifts, simulated, cell.at(t, v).read_snm(shifts)))
    return found


def simulate(task: SharedReadSnm, shifts: Floats) -> Floats:
    """Read noise margins (V) by ngspice, shape (cells, 2), of cells with shifts[cell, device] (V)."""
    margins = task.margins()
    return np.array([margins(row) for row in shifts])


def sigmas(technology: Technology) -> Floats:
    """Standard deviation (V) of the six thresholds, in the order of `circuits.cells.DEVICES`."""
    return np.array([technology.device(role).sigma("vth") for _ in cells.SIDES for role in cells.ROLES])


def _inputs(low: float, high: float) -> tuple[Input, ...]:
    shifts = (Input(f"dvth_{name}", "V", -sweeps.REACH, sweeps.REACH) for name in cells.DEVICES)
    return (Input("temperature", "C", *TEMPERATURES), Input("vdd", "V", low, high), *shifts)
