"""The layers that other frameworks' operators stand for."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.errors import ConfigError
from nn import folder, layers
from nn.layer import Call, Layer

Known = Mapping[str, tuple[type[Layer], ...]]


def known_layers(names: str) -> Known:
    """Layers by an importer's names of operators: "torch_names" or "onnx_names"."""
    found: dict[str, tuple[type[Layer], ...]] = {}
    for name in folder.names(layers):
        module = folder.part(layers, name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == module.__name__:
                for operator in getattr(value, names):
                    found[operator] = (*found.get(operator, ()), value)
    return found


def candidates(known: Known, kind: str, where: str) -> tuple[type[Layer], ...]:
    """The layers of an operator; ConfigError where there is none."""
    if kind not in known:
        raise ConfigError(f"{where} can't be mapped; known are {', '.join(sorted(known))}")
    return known[kind]


def chosen(known: Known, kind: str, tensors: int, where: str) -> type[Layer]:
    """The layer of an operator that takes so many computed tensors: one may add a tensor, another a constant.

    Args:
        known: layers by operator.
        kind: the operator.
        tensors: their number.
        where: said in errors.

    Raises:
        ConfigError: there is none.
    """
    layers_known = candidates(known, kind, where)
    fitting = [layer for layer in layers_known if layer.arity in (None, tensors)]
    if not fitting:
        numbers = " or ".join(str(layer.arity) for layer in layers_known)
        raise ConfigError(f"{where} takes {tensors} computed tensors, not {numbers}")
    return fitting[0]


def made(layer: type[Layer], call: Call, way: str, where: str) -> Layer:
    """The layer of a call, by its method `way`, "from_torch" or "from_onnx".

    Raises:
        ConfigError: there is none for these arguments.
    """
    try:
        result: Layer = getattr(layer, way)(call)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return result
