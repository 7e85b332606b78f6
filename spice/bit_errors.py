"""Read errors of SRAM columns: their rates over supply, temperature and sensing time, and drawn chips.

A drawn chip (`Chip`) has shifts a cell and an amplifier a column that it keeps at every point (a supply at a
temperature) and sensing time: an offset is its column's, a weak cell stays weak, and a failure depends on the stored
value. When a read fails is `spice.read_model`'s.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bitline.core.errors import FitError
from bitline.core.executor import Record
from bitline.core.figures import MODELLED, Figure
from bitline.core.samples import Samples
from bitline.core.seeds import stream
from spice.read_model import ReadModel, read_model
from spice.spread import VTH, counts

Floats = np.ndarray[Any, np.dtype[np.float64]]

RATES = (1e-3, 1e-6, 1e-9)  # that sensing times are given for
_CHIPS = 400  # drawn for the share of failing chips


@dataclass(frozen=True)
class Chip:
    """One drawn chip: the shifts of its cells and of its columns' amplifiers, which it keeps.

    Args:
        model: of its reads.
        cells_scores: shifts of every cell in standard deviations, shape (rows, columns, scores).
        amplifier_scores: of every column's amplifier, shape (columns, scores).
    """

    model: ReadModel
    cells_scores: Floats
    amplifier_scores: Floats

    @staticmethod
    def draw(model: ReadModel, rows: int, columns: int, seed: int, number: int) -> Chip:
        """Chip `number` of a study's seed."""
        rng = stream(seed, "bit_errors.chip", number)
        shape = (rows, columns, len(model.mirror))
        return Chip(model, rng.standard_normal(shape), rng.standard_normal((columns, model.offset.shape[1] - 1)))

    def errors(self, point: int, sensing: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each cell misreads each value after `sensing` (s), shape (2, rows, columns)."""
        offset = self.model.offsets(point, self.amplifier_scores)
        zero, one = (
            self.model.given(point, sensing, self.model.speeds(point, self.cells_scores, stored), stored)
            for stored in (0, 1)
        )
        return np.stack([zero <= offset, -one >= offset])


@dataclass(frozen=True)
class Shmoo:
    """Error rate over points and sensing time.

    Args:
        vdd: V, shape (points,).
        temperature: C, shape (points,).
        sensing: s, shape (times,).
        rate: of reads, mean of both values, shape (points, times).
    """

    vdd: Floats
    temperature: Floats
    sensing: Floats
    rate: Floats

    def slices(self) -> Mapping[float, Shmoo]:
        """By temperature."""
        found = {}
        for temperature in dict.fromkeys(self.temperature.tolist()):
            own = self.temperature == temperature
            found[temperature] = Shmoo(self.vdd[own], self.temperature[own], self.sensing, self.rate[own])
        return found


def shmoo(model: ReadModel, sensing: Floats) -> Shmoo:
    """Error rates at every point of the model and every time of `sensing` (s)."""
    rates = [np.mean(model.rates(point, sensing), axis=0) for point in range(len(model.vdd))]
    return Shmoo(model.vdd, model.temperature, sensing, np.stack(rates))


def chip_failures(
    model: ReadModel, point: int, sensing: float, rows: int, columns: int, seed: int
) -> Mapping[str, float]:
    """Over drawn chips: share with a misreading cell, the same if bits failed alone, and the error rate they had.

    A chip fails when any of its cells misreads 0 or 1; `independent` is what the same error rates would give without
    the columns' common offsets and the cells' common weakness.
    """
    errors = np.stack([Chip.draw(model, rows, columns, seed, n).errors(point, sensing) for n in range(_CHIPS)])
    rate = float(np.mean(errors))
    failing = float(np.mean(errors.any(axis=(1, 2, 3))))
    return {"rate": rate, "failing": failing, "independent": 1 - (1 - rate) ** (2 * rows * columns)}


def figures(nominal: Record, samples: Samples | None = None, source: str = VTH) -> dict[str, Figure]:
    """Figures at the highest supply of the characterisation.

    Args:
        nominal: record of `ColumnSamplesNominal`.
        samples: of `ColumnSamples`; without enough of them there are only the nominal column's.
        source: what varies.

    Returns: `sensing_time` at which the nominal swing is reached, `loss_0` and `loss_1` of reads about there; with
        samples `offset_mean`, `offset_sigma`, `read_current_sigma` (relative), `bit_error_rate_0` and `_1` at that
        time with the standard errors of the drawn cells, `<rate>_error`, `sensing_time_1e-<n>` for error rates,
        `samples` and `failed_samples`. Of several temperatures each has its own, named `<figure>_<temperature>C`. The
        source of what rests on the loss says for which swings it was simulated.
    """
    model = None
    if samples is not None:
        with contextlib.suppress(FitError):
            model = read_model(nominal, samples)
    found: dict[str, Figure] = {}
    vdd, degrees = np.asarray(nominal["vdd"]), np.asarray(nominal["temperature"])
    for temperature in dict.fromkeys(degrees.tolist()):
        top = int(np.argmax(np.where(degrees == temperature, vdd, -np.inf)))
        own = _nominal_figures(nominal, top)
        if model is not None and samples is not None:
            own |= _drawn_figures(model, samples, top, own["sensing_time"].value, (source, _simulated(nominal)))
        suffix = f"_{temperature:g}C" if len(set(degrees.tolist())) > 1 else ""
        found |= {f"{name}{suffix}": figure for name, figure in own.items()}
    return found if samples is None or samples.count == 0 else found | counts(samples)


def _nominal_figures(nominal: Record, point: int) -> dict[str, Figure]:
    swing, levels, losses = (np.asarray(nominal[name]) for name in ("swing_setting", "loss_swing", "loss"))
    found = {"sensing_time": Figure(float(np.asarray(nominal["sensing_time"])[point]), "s")}
    for stored in (0, 1):
        loss = float(np.interp(swing, levels, losses[point, stored]))
        beyond = not levels[0] <= swing <= levels[-1]
        found[f"loss_{stored}"] = Figure(loss, "V", source=_simulated(nominal) if beyond else "")
    return found


def _simulated(nominal: Record) -> str:
    levels = np.asarray(nominal["loss_swing"]) * 1e3
    return f"loss simulated at swings of {levels[0]:g} to {levels[-1]:g} mV, held beyond"


def _drawn_figures(
    model: ReadModel, samples: Samples, point: int, sensing: float, sources: tuple[str, str]
) -> dict[str, Figure]:
    source, both = sources[0], "; ".join(sources)
    offset, current = samples.valid("offset")[:, point], samples.valid("read_current_left")[:, point]
    relative = float(np.std(current, ddof=1) / np.mean(current))
    found = {
        "offset_mean": Figure(float(np.mean(offset)), "V", source=source),
        "offset_sigma": Figure(float(np.std(offset, ddof=1)), "V", source=source),
        "read_current_sigma": Figure(relative, "1", source=source),
    }
    rates, errors = model.rates_and_errors(point, np.array([sensing]))
    for stored in (0, 1):
        found[f"bit_error_rate_{stored}"] = Figure(float(rates[stored, 0]), "1", MODELLED, both)
        found[f"bit_error_rate_{stored}_error"] = Figure(float(errors[stored, 0]), "1", MODELLED, source)
    for rate in RATES:
        found[f"sensing_time_{rate:.0e}"] = Figure(model.sensing_time(point, rate), "s", MODELLED, both)
    return found
