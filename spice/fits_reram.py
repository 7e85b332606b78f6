"""Fitted models of the ReRAM cell: read current, state for a conductance, and the published programming spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bitline.core.executor import Record
from bitline.core.figures import SIMULATED
from bitline.core.model_file import KINDS, FittedModel, Input, Residual, residual
from bitline.core.samples import Samples
from circuits.variation import load_spread
from spice.compared import Compared
from spice.reram_read import bend

Floats = np.ndarray[Any, np.dtype[np.float64]]

_DEGREE = 4  # of the bend k over the conductance
_READ_LIMIT = 0.02  # relative error of a read current, mismatch of the transistor included
_STATE_LIMIT = 1e-3  # of the range of states: what programming a netlist's cell may be off


def fit_reram(
    nominal: Record, provenance: Mapping[str, str | float | int], spread: str = "wan2022"
) -> list[FittedModel]:
    """Models from the record of `spice.reram.ReramNominal`.

    Returns:
        `reram.read_iv`: current (A) of a 1T1R cell at (v, g), where g is its conductance at the read voltage.
        `reram.state`: the device's state for a cell of conductance g.
        `reram.programming_sigma`: published standard deviation (S) of a cell programmed to g.

        The first two are fitted to every second state (and voltage) of the map and checked on the others.
    """
    v = np.asarray(nominal["read_v"], dtype=np.float64)
    current = np.asarray(nominal["map_i"], dtype=np.float64)
    v_ref = float(np.asarray(nominal["v_read"]))
    g = current[:, len(v) // 2] / v_ref
    state = np.asarray(nominal["map_state"], dtype=np.float64)
    return [
        _read_iv(v, g, current, v_ref, provenance),
        _state(g, state, provenance),
        _programming_sigma(spread, provenance),
    ]


def check_reram(models: Mapping[str, FittedModel], nominal: Record, samples: Samples) -> dict[str, Residual]:
    """The models against samples of `spice.reram.ReramSpread`: cells at conductances and voltages that no fit has seen.

    They are read through transistors with mismatch, which `reram.read_iv` has not; that belongs to its error. A cell
    that could not reach its conductance lies outside.
    """
    read_iv, state = models["reram.read_iv"], models["reram.state"]
    reached = samples.valid("out_of_reach") == 0
    programmed, v = samples.valid("programmed")[reached], samples.valid("read_at")[reached]
    inside = read_iv.covers(v, programmed[:, None]).all(axis=1)
    outside = int(np.count_nonzero(~reached) + np.count_nonzero(~inside))
    v, programmed = v[inside], programmed[inside]
    current, found = samples.valid("read_i")[reached][inside], samples.valid("state")[reached][inside]
    modelled = read_iv(v, np.broadcast_to(programmed[:, None], v.shape))
    span = float(np.ptp(np.asarray(nominal["map_state"])))
    return {
        read_iv.name: residual(modelled, current, "1", outside, _READ_LIMIT),
        state.name: residual(state(programmed), found, state.unit, outside, _STATE_LIMIT * span),
    }


def device_iv(v: Floats, current: Floats, v_ref: float, provenance: Mapping[str, str | float | int]) -> FittedModel:
    """`reram.device_iv`: current (A) of the device alone at (v, g), fitted to every second state of a map.

    Args:
        v: across the device (V), shape (states, voltages), from 0.
        current: A, the same shape.
        v_ref: V; g is the device's conductance there.
        provenance: of the map.
    """
    bends = [bend(volts[1:], row[1:], v_ref) for volts, row in zip(v, current, strict=True)]
    g = current[:, -1] / v_ref * np.sinh(np.multiply(bends, v_ref)) / np.sinh(np.multiply(bends, v[:, -1]))
    scaled = np.polynomial.polynomial.polyfit(g[::2] / g.max(), bends[::2], _DEGREE)
    parameters = {"v_ref": v_ref, "k": [float(c / g.max() ** power) for power, c in enumerate(scaled)]}
    modelled = KINDS["sinh_iv"](parameters, v[1::2, 1:], g[1::2, None])
    reach = (Input("v", "V", 0.0, float(v.max())), Input("g", "S", float(g.min()), float(g.max())))
    return FittedModel(
        name="reram.device_iv",
        kind="sinh_iv",
        inputs=reach,
        output="i",
        unit="A",
        parameters=parameters,
        residual=residual(modelled, current[1::2, 1:], "1"),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def compare_reram(
    models: Mapping[str, FittedModel], nominal: Record, _fitted: Samples | None, samples: Samples
) -> list[Compared]:
    """Currents and states of the map beside the models, of which every second was fitted, and cells that were drawn."""
    read_iv, state = models["reram.read_iv"], models["reram.state"]
    v, mapped = (np.asarray(nominal[name], dtype=np.float64) for name in ("read_v", "map_i"))
    g = mapped[:, len(v) // 2] / float(np.asarray(nominal["v_read"]))
    reached = samples.valid("out_of_reach") == 0 if samples.columns else np.zeros(0, dtype=bool)
    drawn = samples.valid("programmed")[reached] if samples.columns else np.zeros(0)
    stages: list[tuple[bool, Floats, Floats, Floats, Floats]] = []  # held out, voltages, conductances, currents, states
    for first, held_out in ((0, False), (1, True)):
        volts, cells = np.broadcast_arrays(v[first::2], g[first::2, None])
        stages.append((held_out, volts, cells, mapped[first::2, first::2], np.asarray(nominal["map_state"])[first::2]))
    if samples.columns:
        volts = samples.valid("read_at")[reached]
        cells = np.broadcast_to(drawn[:, None], volts.shape)
        stages.append((True, volts, cells, samples.valid("read_i")[reached], samples.valid("state")[reached]))
    return [_compared(read_iv, stages, _currents), _compared(state, stages, _states)]


_Stage = tuple[bool, Floats, Floats, Floats, Floats]


def _currents(stage: _Stage) -> tuple[tuple[Floats, ...], Floats]:
    return (stage[1].ravel(), stage[2].ravel()), stage[3].ravel()


def _states(stage: _Stage) -> tuple[tuple[Floats, ...], Floats]:
    return (stage[2][:, 0],), stage[4]


def _compared(
    model: FittedModel, stages: list[_Stage], of: Callable[[_Stage], tuple[tuple[Floats, ...], Floats]]
) -> Compared:
    """The model at its range's part of all stages."""
    simulated, fitted, held_out, index = [], [], [], []
    for stage in stages:
        inputs, truth = of(stage)
        inside = model.covers(*inputs)
        simulated.append(truth[inside])
        fitted.append(model(*(values[inside] for values in inputs)))
        held_out.append(np.full(np.count_nonzero(inside), stage[0]))
        index.append(np.flatnonzero(inside))
    unit = model.unit if model.unit in ("A", "S") else "1"  # a state is in its device's own unit
    return Compared(model.name, unit, *map(np.concatenate, (simulated, fitted, held_out, index)))


def _read_iv(
    v: Floats, g: Floats, current: Floats, v_ref: float, provenance: Mapping[str, str | float | int]
) -> FittedModel:
    bends = [bend(v[2::2], row[2::2], v_ref) for row in current[::2]]
    scaled = np.polynomial.polynomial.polyfit(g[::2] / g.max(), bends, _DEGREE)
    parameters = {"v_ref": v_ref, "k": [float(c / g.max() ** power) for power, c in enumerate(scaled)]}
    unseen_v, unseen_g = np.meshgrid(v[1::2], g[1::2])
    modelled = KINDS["sinh_iv"](parameters, unseen_v, unseen_g)
    return FittedModel(
        name="reram.read_iv",
        kind="sinh_iv",
        inputs=(
            Input("v", "V", float(v[0]), float(v[-1])),
            Input("g", "S", float(g.min()), float(g.max())),
        ),
        output="i",
        unit="A",
        parameters=parameters,
        residual=residual(modelled, current[1::2, 1::2], "1"),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def _state(g: Floats, state: Floats, provenance: Mapping[str, str | float | int]) -> FittedModel:
    order = np.argsort(g)
    g, state = g[order], state[order]
    parameters = {"x": g[::2].tolist(), "y": state[::2].tolist()}
    modelled = KINDS["interpolation"](parameters, g[1::2])
    return FittedModel(
        name="reram.state",
        kind="interpolation",
        inputs=(Input("g", "S", float(g[0]), float(g[-1])),),
        output="state",
        unit="state of the device",
        parameters=parameters,
        residual=residual(modelled, state[1::2], "state of the device"),
        origin=SIMULATED,
        provenance=dict(provenance),
    )


def _programming_sigma(spread: str, provenance: Mapping[str, str | float | int]) -> FittedModel:
    published = load_spread(spread)
    return FittedModel(
        name="reram.programming_sigma",
        kind="polynomial",
        inputs=(Input("g", "S", published.low, published.high),),
        output="sigma",
        unit="S",
        parameters={"coefficients": list(published.coefficients)},
        residual=Residual(0.0, 0.0, 0, "S"),  # taken as published: no samples of ours
        origin=published.kind,
        source=published.source,
        provenance=dict(provenance),
    )
