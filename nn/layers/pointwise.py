"""Smooth functions of each number by itself: integers look them up in a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy import special

from bitline.core.errors import ConfigError
from nn.layer import Builder, Call, FloatArray, Layer, Tensor


def _gelu(x: FloatArray, approximate: str = "none") -> FloatArray:
    """Hendrycks and Gimpel, arXiv:1606.08415, 2016; "tanh" is their approximation."""
    if approximate == "tanh":
        gelu: FloatArray = x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    else:
        gelu = x * special.ndtr(x)
    return gelu


def _elu(x: FloatArray, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> FloatArray:
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) * input_scale))


def _selu(x: FloatArray) -> FloatArray:
    return _elu(x, 1.6732632423543772, 1.0507009873554805)


def _celu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    return _elu(x, alpha, input_scale=1 / alpha)


def _leaky_relu(x: FloatArray, negative_slope: float = 0.01) -> FloatArray:
    return np.where(x > 0, x, x * negative_slope)


def _hardsigmoid(x: FloatArray, slope: float = 1 / 6, offset: float = 0.5) -> FloatArray:
    return np.clip(x * slope + offset, 0, 1)


def _softplus(x: FloatArray, beta: float = 1.0) -> FloatArray:
    return np.logaddexp(0.0, x * beta) / beta


def _pow(x: FloatArray, exponent: float = 1.0) -> FloatArray:
    """Of what has no real power, as the root of a number below 0, it is that of 0."""
    with np.errstate(divide="ignore"):
        power: FloatArray = np.power(x if float(exponent).is_integer() else np.maximum(x, 0.0), float(exponent))
    return power


FUNCTIONS: Mapping[str, Callable[..., FloatArray]] = {  # by aten's names, as are their parameters
    "abs": np.abs,
    "celu": _celu,
    "elu": _elu,
    "erf": special.erf,
    "exp": np.exp,
    "gelu": _gelu,
    "hardsigmoid": _hardsigmoid,
    "hardswish": lambda x: x * _hardsigmoid(x),
    "leaky_relu": _leaky_relu,
    "log_sigmoid": special.log_expit,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "pow": _pow,
    "reciprocal": lambda x: _pow(x, -1.0),
    "rsqrt": lambda x: _pow(x, -0.5),
    "selu": _selu,
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "softplus": _softplus,
    "sqrt": lambda x: _pow(x, 0.5),
    "square": np.square,
    "tanh": np.tanh,
}
_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "celu": ("alpha",),
    "elu": ("alpha", "scale", "input_scale"),
    "gelu": ("approximate",),
    "leaky_relu": ("negative_slope",),
    "pow": ("exponent",),
    "softplus": ("beta",),
}

_ONNX: Mapping[str, tuple[str, Mapping[str, str]]] = {  # by ONNX's names: the function, and its parameters' names there
    "Abs": ("abs", {}),
    "Celu": ("celu", {"alpha": "alpha"}),
    "Elu": ("elu", {"alpha": "alpha"}),
    "Erf": ("erf", {}),
    "Exp": ("exp", {}),
    "Gelu": ("gelu", {"approximate": "approximate"}),
    "HardSigmoid": ("hardsigmoid", {"slope": "alpha", "offset": "beta"}),
    "HardSwish": ("hardswish", {}),
    "LeakyRelu": ("leaky_relu", {"negative_slope": "alpha"}),
    "Mish": ("mish", {}),
    "PRelu": ("leaky_relu", {}),
    "Pow": ("pow", {"exponent": "Y"}),
    "Reciprocal": ("reciprocal", {}),
    "Selu": ("selu", {}),
    "Sigmoid": ("sigmoid", {}),
    "Softplus": ("softplus", {}),
    "Sqrt": ("sqrt", {}),
    "Tanh": ("tanh", {}),
}


@dataclass(frozen=True, eq=False)
class Pointwise(Layer):
    """``function(x, **parameters)``, the function one of `FUNCTIONS` by its name."""

    function: str
    parameters: Mapping[str, float | str]

    torch_names: ClassVar[tuple[str, ...]] = (*FUNCTIONS, "prelu")
    onnx_names: ClassVar[tuple[str, ...]] = tuple(_ONNX)
    along: ClassVar[int] = 0

    @classmethod
    def from_torch(cls, call: Call) -> Self:
        """From the aten operator of the function's name; a PReLU is a leaky ReLU, if it has one slope."""
        if call.kind == "prelu":
            if call["weight"].size > 1:
                raise ConfigError("a PReLU with a slope for each channel is not mapped; one with num_parameters=1 is")
            return cls("leaky_relu", {"negative_slope": call["weight"].item()})
        said = {name: call[name] for name in _PARAMETERS.get(call.kind, ())}
        if call.kind == "pow":
            return cls.of_power(call["exponent"])
        return cls(call.kind, {name: value for name, value in said.items() if value is not None})

    @classmethod
    def from_onnx(cls, call: Call) -> Self:
        """From the ONNX operator of the same function."""
        function, parameters = _ONNX[call.kind]
        if call.kind == "PRelu":
            return cls.from_torch(call.translated("prelu", weight="slope"))
        if call.kind == "Pow":
            return cls.of_power(call["Y"])
        said = {name: call[theirs] for name, theirs in parameters.items() if call[theirs] is not None}
        return cls(function, said)

    @classmethod
    def of_power(cls, exponent: Any) -> Self:
        """A power; ConfigError unless the exponent is one number."""
        if exponent is None or np.size(exponent) != 1:
            raise ConfigError("a power is mapped with an exponent that is one number, the same for every image")
        return cls("pow", {"exponent": float(np.ravel(exponent)[0])})

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The function's values."""
        return FUNCTIONS[self.function](inputs[0], **self.parameters)

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """A table."""
        return build.tabulated(name, inputs[0], self.run)
