"""The layers that other frameworks' operators stand for."""

from __future__ import annotations

from collections.abc import Mapping

from bitline.core.errors import ConfigError
from nn import folder, layers
from nn.layer import Call, Layer


def known_layers(names: str) -> dict[str, type[Layer]]:
    """Layers by an importer's names of operators: "torch_names" or "onnx_names"."""
    found: dict[str, type[Layer]] = {}
    for name in folder.names(layers):
        module = folder.part(layers, name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == module.__name__:
                found |= dict.fromkeys(getattr(value, names), value)
    return found


def layer_of(call: Call, known: Mapping[str, type[Layer]], way: str, where: str) -> Layer:
    """The layer of a call.

    Args:
        call: the operation.
        known: layers by operator.
        way: the layers' method, "from_torch" or "from_onnx".
        where: said in errors.

    Raises:
        ConfigError: there is no layer for it, or none for these arguments.
    """
    if call.kind not in known:
        raise ConfigError(f"{where} can't be mapped; known are {', '.join(sorted(known))}")
    layer = known[call.kind]
    if layer.arity is not None and len(call.inputs) != layer.arity:
        raise ConfigError(f"{where} takes {len(call.inputs)} computed tensors, not {layer.arity}")
    try:
        made: Layer = getattr(layer, way)(call)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return made
