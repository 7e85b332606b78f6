"""Fit of the compact 6T cell: sweeps of its devices in ngspice, and its residual on whole cells in ngspice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError, FitError
from bitline.core.executor import Record
from bitline.core.model_file import Input, Residual, residual
from bitline.core.seeds import stream
from circuits import cells
from circuits.technology import Technology, load_technology
from spice import squares
from spice.compact import sweeps
from spice.compact.cell import CompactCell, chebyshev
from spice.compact.sweeps import Sweeps
from spice.engine import engine
from spice.sram import LOBES, SramPoints

Floats = np.ndarray[Any, np.dtype[np.float64]]

TEMPERATURES = (-40.0, 125.0)  # C
SUPPLIES = (0.55, 1.1)  # of the nominal supply
_TEMPERATURE_NODES = 5
_SUPPLY_NODES = 16
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


FIGURES: dict[str, str] = {"read_snm": "V", "hold_snm": "V", "read_current": "1"}
"""Units of the residuals; that of the current is relative."""


@dataclass(frozen=True)
class HeldOut:
    """Cells at one condition, by ngspice and by the compact cell.

    Attributes:
        temperature: C.
        vdd: V.
        shifts: of threshold (V) and oxide, shape (cells, 12).
        simulated: by figure, of both stored values: V or A, shape (cells, 2).
        modelled: the same from the compact cell.
    """

    temperature: float
    vdd: float
    shifts: Floats
    simulated: Mapping[str, Floats]
    modelled: Mapping[str, Floats]


def fit_compact(technology: str = "sky130", corner: str = "tt", seed: int = 1) -> CompactCell:
    """Fit the compact cell of one corner; takes some seconds.

    Args:
        technology: name of a shipped one, or path of a folder.
        corner: of the technology.
        seed: of the held-out cells.

    Raises:
        ConfigError: unknown technology or corner.
        FitError: no held-out cell could be simulated.
    """
    loaded, running = load_technology(technology), engine()
    if loaded.cell and not loaded.cell.is_plain:
        raise ConfigError(f"{loaded.file}: the compact cell is two equal halves of three transistors; this cell is not")
    low, high = (share * loaded.vdd for share in SUPPLIES)
    temperatures, supplies = chebyshev(*TEMPERATURES, _TEMPERATURE_NODES), chebyshev(low, high, _SUPPLY_NODES)
    benches = [Sweeps(loaded, corner, temperature) for temperature in temperatures.tolist()]
    latch = [bench.latch_chords(running, high) for bench in benches]
    access = [bench.access_chords(running, supplies) for bench in benches]
    channels, junctions = ([pair[k] for pair in access] for k in (0, 1))
    lean = sweeps.lean(latch[len(latch) // 2], high)
    hashes = [netlist.hash for bench in benches for netlist in (bench.latch_netlist(), bench.access_netlist())]
    known = sweeps.grids(high)
    cell = CompactCell(
        inputs=_inputs(low, high),
        temperatures=temperatures,
        supplies=supplies,
        told=np.array(sweeps.TOLD),
        oxides=np.array(sweeps.OXIDES),
        lean=lean,
        grids=np.array([(known[n].first, known[n].spacing) for n in ("gate", "drain", "shift", "output")]),
        latch=sweeps.lean_latch(np.stack(latch), lean, known["gate"]),
        access=sweeps.lean_access(np.stack(channels), lean, known["shift"]),
        junction=np.stack(junctions),
        floor=sweeps.FLOOR,
        residuals={},
        provenance={
            "technology": technology,
            "corner": corner,
            "seed": seed,
            "ngspice": running.version,
            "netlists": " ".join(dict.fromkeys(hashes)),
        },
    )
    checked = held_out(cell, technology, corner, seed)
    return replace(cell, residuals={name: _residual(name, checked) for name in FIGURES})


def _residual(figure: str, checked: Sequence[HeldOut]) -> Residual:
    """Over what both sides have; what only one of them has is counted apart, as `outside`."""
    simulated = np.concatenate([found.simulated[figure].ravel() for found in checked])
    modelled = np.concatenate([found.modelled[figure].ravel() for found in checked])
    there, told, unit = np.isfinite(simulated), np.isfinite(modelled), FIGURES[figure]
    if figure == "read_current":  # that of a cell that loses its state is one of two, which a microvolt decides
        there &= np.concatenate([_stable(found.simulated) for found in checked])
        told &= np.concatenate([_stable(found.modelled) for found in checked])
    both = there & told
    if not both.any():
        raise FitError(f"no held-out cell has a {figure}; look at its curves first")
    scale = simulated[both] if unit == "1" else 1.0
    return residual(modelled[both] / scale, simulated[both] / scale, unit, outside=int(np.sum(there ^ told)))


def _stable(figures: Mapping[str, Floats]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each cell keeps both values when it is read, for each of its two currents, shape (2 cells,)."""
    return np.repeat(np.min(figures["read_snm"], axis=1) > 0, 2)


def held_out(cell: CompactCell, technology: str, corner: str, seed: int) -> list[HeldOut]:
    """Cells within 3 sigma at conditions between the fitted ones, by ngspice and by the compact cell."""
    sigma = sigmas(load_technology(technology))
    temperature, vdd = cell.inputs[:2]
    found = []
    for number, (warm, high) in enumerate(_HELD_OUT):
        t = temperature.low + warm * (temperature.high - temperature.low)
        v = vdd.low + high * (vdd.high - vdd.low)
        scores = stream(seed, "compact.held_out", number).uniform(-_SIGMAS, _SIGMAS, (_CELLS, sigma.size))
        task = SramPoints(technology, corner, t, v, "full", tuple(FIGURES), scores)
        condition, shifts = cell.at(t, v), scores * sigma
        modelled = {name: np.asarray(getattr(condition, name)(shifts)) for name in FIGURES}
        found.append(HeldOut(t, v, shifts, simulate(task), modelled))
    return found


def simulate(task: SramPoints) -> dict[str, Floats]:
    """What `HeldOut.simulated` holds, by ngspice, of the cells at a task's points."""
    bench = task.prepare()
    records = [bench.measure_at(scores, None, task.wanted) for scores in task.points]
    found = {}
    for name in task.wanted:
        if name.endswith("_snm"):
            found[name] = np.array([_squares(record, name.removesuffix("_snm")) for record in records])
        else:
            found[name] = np.array([[float(record[side]) for side in LOBES[name]] for record in records])
    return found


def _squares(record: Record, mode: str) -> tuple[float, float]:
    """Margins of a record's curves by cubic splines, which are closer than monotone ones at this sweep."""
    vin, q, qb = (np.asarray(record[name]) for name in ("vin", f"{mode}_q", f"{mode}_qb"))
    return squares.lobes(vin, q, qb)


def sigmas(technology: Technology) -> Floats:
    """Standard deviation of the six thresholds (V) and of the six oxides, in the order of `circuits.cells.DEVICES`."""
    return np.array([technology.device(name).sigma(kind) for kind in ("vth", "toxe") for name in cells.DEVICES])


def _inputs(low: float, high: float) -> tuple[Input, ...]:
    thresholds = (Input(f"dvth_{name}", "V", -sweeps.REACH, sweeps.REACH) for name in cells.DEVICES)
    oxides = (Input(f"dtoxe_{name}", "1", -sweeps.OXIDE_REACH, sweeps.OXIDE_REACH) for name in cells.DEVICES)
    return (Input("temperature", "C", *TEMPERATURES), Input("vdd", "V", low, high), *thresholds, *oxides)
