"""The layers that other frameworks' operators stand for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from bitline.core.errors import ConfigError
from nn import folder, layers
from nn.importers import spellings
from nn.layer import Call, Layer

if TYPE_CHECKING:
    from nn.importers.assembly import Assembly
    from nn.importers.operation import Operation, View

Spelling = Callable[["Assembly", "Operation"], "View | None"]
Known = Mapping[str, tuple[type[Layer], ...]]

_NEAREST = 3  # operators that an error names


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


def known_spellings(names: str) -> Mapping[str, Spelling]:
    """Spellings by an importer's names of operators, as of `known_layers`; see nn.importers.spellings."""
    parts = [folder.part(spellings, name) for name in folder.names(spellings)]
    return {operator: part.spelt for part in parts for operator in getattr(part, names.upper())}


def candidates(known: Known, kind: str, where: str, more: Collection[str] = ()) -> tuple[type[Layer], ...]:
    """The layers of an operator; ConfigError where there is none, telling the nearest there are, `more` included."""
    if kind not in known:
        near = difflib.get_close_matches(kind, {*known, *more}, n=_NEAREST, cutoff=0.65)
        told = f"; the nearest that can: {', '.join(near)}" if near else ""
        raise ConfigError(f"{where} can't be mapped{told} (docs/networks.md lists all)")
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
