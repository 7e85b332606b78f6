"""The model file: the only bridge from spice to crossbar and nn.

A JSON file of fitted models. Each is a named formula (`KINDS`) with its parameters, the range of every input that the
fit has seen, the residual on samples that the fit has *not* seen, and where it came from. Outside the range it raises
`ModelRangeError`; it never extrapolates in silence.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core import monomials
from bitline.core.errors import ConfigError, FitError, ModelRangeError
from bitline.core.mos_iv import mos_iv

FORMAT = "bitline-model"
VERSION = 1

Floats = np.ndarray[Any, np.dtype[np.float64]]
Parameters = Mapping[str, Any]


def _polynomial(parameters: Parameters, x: Floats) -> Floats:
    """Sum of c[k] x^k."""
    return np.asarray(np.polynomial.polynomial.polyval(x, np.asarray(parameters["coefficients"])))


def _log_linear(parameters: Parameters, x: Floats) -> Floats:
    """Logarithm: a + b ln(|x| / x0)."""
    return np.asarray(parameters["a"] + parameters["b"] * np.log(np.abs(x) / parameters["x0"]))


def _normal(parameters: Parameters, score: Floats) -> Floats:
    """Mean + sigma times a standard normal score."""
    return np.asarray(parameters["mean"] + parameters["sigma"] * score)


def _sinh_iv(parameters: Parameters, v: Floats, g: Floats) -> Floats:
    """Current of a cell that has conductance g at v_ref: g v_ref sinh(k v) / sinh(k v_ref), k a polynomial in g."""
    k = np.polynomial.polynomial.polyval(g, np.asarray(parameters["k"]))
    return np.asarray(g * parameters["v_ref"] * np.sinh(k * v) / np.sinh(k * parameters["v_ref"]))


def _interpolation(parameters: Parameters, x: Floats) -> Floats:
    """Monotone cubic (PCHIP) through (x, y)."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(np.asarray(parameters["x"]), np.asarray(parameters["y"]))(x))


def _minimum_of_quadratics(parameters: Parameters, *x: Floats) -> Floats:
    """The least of quadratics in the scaled inputs z = x / scale, one a row of `coefficients`.

    A row holds the constant, the linear terms, then the products z_i z_j for i <= j in order. With `logarithm` they are
    quadratics of the value's natural logarithm.
    """
    z = np.stack(np.broadcast_arrays(*x), axis=-1) / np.asarray(parameters["scale"])
    least = np.min(quadratic_terms(z) @ np.asarray(parameters["coefficients"]).T, axis=-1)
    return np.asarray(np.exp(least) if parameters.get("logarithm") else least)


def _least_corner(parameters: Parameters, *x: Floats) -> Floats:
    """The least of a table's `values` at the corners of the cell that x lies in, whose `knots` rise: a lower bound.

    `values` has one axis an input; a bound of whatever is monotone between knots. On a knot the cell is that knot.
    """
    values = np.asarray(parameters["values"])
    sides = []
    for knots, each in zip(parameters["knots"], np.broadcast_arrays(*x), strict=True):
        below = np.searchsorted(knots, each, side="right") - 1
        sides.append([np.clip(side, 0, len(knots) - 1) for side in (below, np.searchsorted(knots, each, side="left"))])
    return np.asarray(np.min([values[corner] for corner in itertools.product(*sides)], axis=0))


def _quadratics_over_conditions(parameters: Parameters, temperature: Floats, vdd: Floats, *x: Floats) -> Floats:
    """As minimum_of_quadratics, each coefficient a product of Chebyshev series in temperature and vdd.

    `coefficients` has shape (rows, terms, orders of temperature, orders of vdd), each series over its range.
    """
    chebvander = np.polynomial.chebyshev.chebvander
    shape = np.broadcast_shapes(*(np.shape(value) for value in (temperature, vdd, *x)))
    series: list[Floats] = []
    for values, (low, high) in ((temperature, parameters["temperatures"]), (vdd, parameters["supplies"])):
        order = np.shape(parameters["coefficients"])[2 + len(series)] - 1
        series.append(chebvander(np.broadcast_to((2 * values - low - high) / (high - low), shape), order))
    z = np.stack([np.broadcast_to(value, shape) for value in x], axis=-1) / np.asarray(parameters["scale"])
    rows = np.einsum(
        "rktv,...k,...t,...v->...r", np.asarray(parameters["coefficients"]), quadratic_terms(z), *series, optimize=True
    )
    least = np.min(rows, axis=-1)
    return np.asarray(np.exp(least) if parameters.get("logarithm") else least)


def _chebyshev(parameters: Parameters, *x: Floats) -> Floats:
    """Product of Chebyshev series, one an input over its range of `ranges`; with `logarithm` that of ln(value).

    `coefficients` has one axis an input.
    """
    shape = np.broadcast_shapes(*(np.shape(value) for value in x))
    found = np.asarray(parameters["coefficients"])
    found = np.broadcast_to(found, (*shape, *found.shape))
    for values, (low, high) in zip(x, parameters["ranges"], strict=True):
        order = found.shape[len(shape)] - 1
        scaled = np.broadcast_to((2 * values - low - high) / (high - low), shape)
        terms = np.polynomial.chebyshev.chebvander(scaled, order).reshape(*shape, order + 1)
        found = np.einsum("...o,...o->...", np.moveaxis(found, len(shape), -1), _before(terms, found.ndim))
    return np.asarray(np.exp(found) if parameters.get("logarithm") else found)


def _before(terms: Floats, axes: int) -> Floats:
    """terms[..., order] with so many axes in all, the new ones before the last."""
    return terms.reshape(*terms.shape[:-1], *(1,) * (axes - terms.ndim), terms.shape[-1])


KINDS: Mapping[str, Callable[..., Floats]] = {
    "polynomial": _polynomial,
    "log_linear": _log_linear,
    "normal": _normal,
    "sinh_iv": _sinh_iv,
    "interpolation": _interpolation,
    "minimum_of_quadratics": _minimum_of_quadratics,
    "mos_iv": mos_iv,
    "monomials": monomials.polynomial,
    "least_corner": _least_corner,
    "chebyshev": _chebyshev,
    "quadratics_over_conditions": _quadratics_over_conditions,
}


def quadratic_terms(z: Floats) -> Floats:
    """1, z_i, and z_i z_j (i <= j) of inputs z[..., d]; shape (..., 1 + d + d (d + 1) / 2)."""
    rows, columns = np.triu_indices(z.shape[-1])
    return np.concatenate([np.ones((*z.shape[:-1], 1)), z, z[..., rows] * z[..., columns]], axis=-1)


@dataclass(frozen=True)
class Input:
    """An input of a model with the range that the fit has seen, in `unit`."""

    name: str
    unit: str
    low: float
    high: float

    def covers(self, values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where values lie in the range; NaN lies nowhere."""
        slack = 1e-9 * (self.high - self.low)  # the ends themselves, after rounding
        return np.asarray((values >= self.low - slack) & (values <= self.high + slack))


@dataclass(frozen=True)
class Residual:
    """Model minus sample over samples that the fit has not seen.

    Args:
        rms: over them.
        maximum: the largest.
        samples: how many they are.
        unit: of both; "1" means relative.
        outside: further samples that lie outside the model's range, where it has no value, or of which one side alone
            has a value.
        limit: of `maximum`, beyond which the model is not fit for use; None where that is the user's to say.
    """

    rms: float
    maximum: float
    samples: int
    unit: str
    outside: int = 0
    limit: float | None = None


@dataclass(frozen=True)
class FittedModel:
    """One fitted model; call it with its inputs in order.

    Args:
        name: as "sram.read_snm".
        kind: the formula, a key of `KINDS`.
        inputs: in the order of the call.
        output: what it gives.
        unit: the output's unit.
        parameters: of the formula; lists and floats.
        residual: on held-out samples.
        origin: how the numbers behind it came about (a kind of bitline.core.figures).
        source: the publication, where `origin` is one.
        provenance: netlist hash and conditions where they differ from the file's.
    """

    name: str
    kind: str
    inputs: tuple[Input, ...]
    output: str
    unit: str
    parameters: Parameters
    residual: Residual
    origin: str
    source: str = ""
    provenance: Mapping[str, str | float | int] = field(default_factory=dict)

    def covers(self, *values: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Where all inputs lie in the range that the fit has seen, broadcast over them."""
        inside = np.asarray(True)  # noqa: FBT003 - the neutral element of "and"
        for known, array in zip(self.inputs, self._arrays(values), strict=True):
            inside = inside & known.covers(array)
        return inside

    def __call__(self, *values: Any) -> Floats:
        """The formula's value, broadcast over the inputs (in their SI units).

        Raises:
            ModelRangeError: an input is outside the range that the fit has seen.
        """
        arrays = self._arrays(values)
        for known, array in zip(self.inputs, arrays, strict=True):
            outside = ~known.covers(array)
            if np.any(outside):
                worst = array[outside].flat[0]
                raise ModelRangeError(
                    f"model {self.name}: {known.name} = {worst:g} {known.unit} is outside the fitted range "
                    f"{known.low:g} to {known.high:g} {known.unit}; characterise that range, or stay inside it"
                )
        return KINDS[self.kind](self.parameters, *arrays)

    def _arrays(self, values: tuple[Any, ...]) -> list[Floats]:
        if len(values) != len(self.inputs):
            raise TypeError(f"{self.name} takes {len(self.inputs)} inputs, got {len(values)}")
        return [np.asarray(value, dtype=np.float64) for value in values]


@dataclass(frozen=True)
class ModelFile:
    """Fitted models and their provenance.

    Args:
        provenance: technology, corner, temperature (C), vdd (V), seed, ngspice version, netlist hashes.
        models: by name.
    """

    provenance: Mapping[str, str | float | int]
    models: Mapping[str, FittedModel]

    def __getitem__(self, name: str) -> FittedModel:
        """The model `name`.

        Raises:
            FitError: it holds none of that name.
        """
        if name not in self.models:
            raise FitError(
                f"the model file holds no {name!r}, only {', '.join(sorted(self.models))}; characterise it first"
            )
        return self.models[name]

    def to_json(self) -> str:
        """Equal models give equal text."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "provenance": dict(self.provenance),
            "models": {name: asdict(model) for name, model in sorted(self.models.items())},
        }
        return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("w") as file:
            file.write(self.to_json())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    @staticmethod
    def load(path: Path) -> ModelFile:
        """Read a file that `save` wrote.

        Raises:
            ConfigError: the file is missing, no model file, or of another version; names the key at fault.
        """
        try:
            document = json.loads(path.read_text())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; bitline fit DIR -o {path} makes it") from error
        except ValueError as error:
            raise ConfigError(f"{path} is not JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ConfigError(f"{path} is not a bitline model file: its key 'format' is not {FORMAT!r}")
        if document.get("version") != VERSION:
            raise ConfigError(
                f"{path}: version {document.get('version')!r}, this bitline reads {VERSION}; fit it again"
            )
        try:
            models = {name: _model(entry) for name, entry in document["models"].items()}
            return ModelFile(document["provenance"], models)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ConfigError(f"{path}: a model is incomplete or misspelt: {error}; fit it again") from error


def _model(entry: Mapping[str, Any]) -> FittedModel:
    if entry["kind"] not in KINDS:
        raise ValueError(f"unknown kind {entry['kind']!r}, known are {', '.join(KINDS)}")
    inputs = tuple(Input(**known) for known in entry["inputs"])
    return FittedModel(**{**entry, "inputs": inputs, "residual": Residual(**entry["residual"])})


def residual(model: Floats, truth: Floats, unit: str, outside: int = 0, limit: float | None = None) -> Residual:
    """The residual of model values against samples of the same shape that it has not seen; relative for unit "1"."""
    if not truth.size:
        return Residual(0.0, 0.0, 0, unit, outside, limit)
    error = model - truth if unit != "1" else model / truth - 1
    rms, maximum = math.sqrt(float(np.mean(error**2))), float(np.max(np.abs(error)))
    return Residual(rms, maximum, int(error.size), unit, outside, limit)
