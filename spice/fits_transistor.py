"""The access transistor of a 1T1R cell and the device above it, fitted to DC currents in ngspice.

The transistor is `bitline.core.mos_iv`, over gate, drain and source voltage at one corner and temperature; the device
is the sinh law of `reram.read_iv`, without the transistor that is part of that one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import least_squares

from bitline.core.figures import SIMULATED
from bitline.core.model_file import FittedModel, Input, residual
from bitline.core.mos_iv import mos_iv
from circuits.netlist import Netlist
from circuits.reram import access_device
from circuits.technology import load_technology
from spice.characterise import Conditions
from spice.engine import engine
from spice.fits_reram import device_iv
from spice.reram_read import ReadBench

Floats = np.ndarray[Any, np.dtype[np.float64]]
Parameters = dict[str, Any]

LOWEST = -0.3  # V, of drain and source: below, the junction to the bulk conducts
_GATES, _ENDS = 13, 22  # swept voltages; those between them are held out
_LEAST = (1e-2, 1e-4)  # of the largest current, below which an error counts against this: first the strong currents
_COUNTED = 0.02  # of the largest current at the same gate, from which on the residual counts
_POLYNOMIALS = {"scale": 3, "pinch": 4, "width": 3, "dibl": 2, "clm": 2, "bend": 3}  # coefficients each
_RISE = 0.2  # of ngspice's rise with the drain: what the fit's own misses of it counts
_STERN = 3000.0  # so many times
_REACH = {  # of the coefficients about their start; beyond, it is no transistor
    "scale": (3.0, 3.0, 3.0),
    "pinch": (0.6, 1.0, 1.0, 1.0),
    "width": (1.0, 1.0, 1.0),
    "dibl": (2.0, 3.0),
    "clm": (2.5, 3.0),
    "bend": (3.0, 3.0, 3.0),
}
_STATES = 9  # of the device


def netlist(conditions: Conditions) -> Netlist:
    """The access transistor between sources vd and vs, gate at vg, bulk at 0 V.

    Raises:
        ConfigError: unknown technology or corner, or it has no such transistor.
    """
    technology = load_technology(conditions.technology)
    lines = [
        ".options reltol=1e-6 gmin=1e-15",
        f".temp {conditions.temperature!r}",
        "vg g 0 0",
        "vd d 0 0",
        "vs s 0 0",
        access_device(technology).line("access", "d", "g", "s", "0"),
        technology.cards(conditions.corner),
    ]
    title = f"access transistor, {technology.name} {conditions.corner}, {conditions.temperature:g} C"
    return Netlist(title, "\n".join(lines))


def swept(conditions: Conditions, gates: Floats, ends: Floats) -> Floats:
    """Drain currents (A), shape (gates, ends, ends) over gate, source and drain voltage (V).

    Args:
        conditions: technology, corner and temperature.
        gates: V.
        ends: evenly spaced, V.

    Raises:
        SimulationError: ngspice refused.
    """
    running = engine()
    running.load(netlist(conditions))
    step = float(ends[1] - ends[0])
    span = f"{float(ends[0])!r} {float(ends[-1] + step / 4)!r} {step!r}"
    found = []
    for gate in gates.tolist():
        running.alter("vg", "dc", gate)
        found.append(-running.run(f"dc vd {span} vs {span}")["vd#branch"].reshape(len(ends), len(ends)))
    return np.array(found)


def fit_transistor(conditions: Conditions) -> FittedModel:
    """`access.mos_iv`: current (A) at (gate, drain, source) voltages, gates from 0 to the supply; takes some seconds.

    The residual is relative, over voltages between the fitted ones and currents from a fiftieth of the largest at the
    same gate; gates there from half the supply on, since cells are read with their gates high. The fit
    grows with the drain everywhere, as the law of a cell must, which costs it a percent or two.

    Raises:
        ConfigError: unknown technology or corner.
    """
    gates, ends = np.linspace(0.0, conditions.vdd, _GATES), np.linspace(LOWEST, conditions.vdd, _ENDS)
    current = swept(conditions, gates, ends)
    parameters = _fitted(gates, ends, current, conditions)
    between = (gates[len(gates) // 2 : -1] + gates[len(gates) // 2 + 1 :]) / 2, (ends[:-1] + ends[1:]) / 2
    unseen = swept(conditions, *between)
    gate, source, drain = np.meshgrid(between[0], between[1], between[1], indexing="ij")
    modelled = mos_iv(parameters, gate, drain, source)
    counted = np.abs(unseen) > _COUNTED * np.abs(unseen).max(axis=(1, 2), keepdims=True)
    span = ("V", LOWEST, conditions.vdd)
    return FittedModel(
        name="access.mos_iv",
        kind="mos_iv",
        inputs=(Input("gate", "V", 0.0, conditions.vdd), Input("drain", *span), Input("source", *span)),
        output="i",
        unit="A",
        parameters=parameters,
        residual=residual(modelled[counted], unseen[counted], "1"),
        origin=SIMULATED,
        provenance={**conditions.attrs(), "netlist": netlist(conditions).hash, "ngspice": engine().version},
    )


def fit_device(conditions: Conditions, device: str = "stanford_pku", v_read: float = 0.2) -> FittedModel:
    """`reram.device_iv`: current (A) of the device alone at (v, g), g its own conductance at the read voltage.

    Raises:
        ConfigError: unknown technology, corner or device, or impossible voltages.
    """
    bench = ReadBench(conditions, device, v_read)
    curves = [bench.curves(float(state)) for state in np.linspace(bench.device.lrs, bench.device.hrs, 2 * _STATES - 1)]
    provenance = {**conditions.attrs(), "device": device, "netlist": bench.netlist.hash, "ngspice": engine().version}
    v = np.array([bench.voltage - curve["mid"] for curve in curves])
    return device_iv(v, np.array([curve["device_i"] for curve in curves]), v_read, provenance)


def _fitted(gates: Floats, ends: Floats, current: Floats, conditions: Conditions) -> Parameters:
    gate, source, drain = np.meshgrid(gates, ends, ends, indexing="ij")
    start = _start(gates, current, conditions)
    reach = np.array([*(reach for name, count in _POLYNOMIALS.items() for reach in _REACH[name][:count]), 0.7])
    found = start
    for least in _LEAST:
        weight = np.abs(current) + least * float(np.abs(current).max())

        def misfit(packed: Floats, weight: Floats = weight) -> Floats:
            modelled = mos_iv(_parameters(packed, conditions.vdd), gate, drain, source)
            rise = np.diff(modelled, axis=2) / weight[..., 1:]
            missing = np.minimum(rise - _RISE * np.minimum(np.diff(current, axis=2) / weight[..., 1:], 1.0), 0.0)
            return np.concatenate([((modelled - current) / weight).ravel(), _STERN * missing.ravel()])

        bounds = (start - reach, start + reach)
        found = least_squares(misfit, found, bounds=bounds, x_scale=reach, loss="soft_l1", f_scale=0.03, max_nfev=300).x
    return _parameters(found, conditions.vdd)


def _start(gates: Floats, current: Floats, conditions: Conditions) -> Floats:
    """An NMOS of the usual kind that carries as much at the highest gate."""
    kt = 8.617333262e-5 * (conditions.temperature + 273.15)  # eV
    on = float(np.abs(current[-1]).max())
    first = {
        "scale": np.log(on / 100),
        "pinch": -0.5,
        "width": np.log(2.5 * kt),
        "dibl": -4.0,
        "clm": -1.0,
        "bend": -3.0,
    }
    slopes = {"pinch": 0.8 * gates[-1], "dibl": 1.0, "bend": 1.0}
    packed = [[first[n], slopes.get(n, 0.0), *[0.0] * (count - 2)] for n, count in _POLYNOMIALS.items()]
    return np.array([number for polynomial in [*packed, [np.log(0.8)]] for number in polynomial])


def _parameters(packed: Floats, v_gate: float) -> Parameters:
    parameters: Parameters = {"v_gate": v_gate, "power": float(1 + np.exp(packed[-1]))}
    start = 0
    for name, count in _POLYNOMIALS.items():
        parameters[name] = packed[start : start + count].tolist()
        start += count
    return parameters
