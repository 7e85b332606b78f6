"""A torch.nn.Module as a float graph, by symbolic tracing (torch.fx)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.fx

from bitline.core.errors import ConfigError
from nn import folder, layers
from nn.float_graph import FloatGraph, FloatNode
from nn.graph import INPUT
from nn.layer import Layer


def known_layers() -> dict[str, type[Layer]]:
    """The layers that torch modules and functions map to, by torch's name."""
    found: dict[str, type[Layer]] = {}
    for name in folder.names(layers):
        module = folder.part(layers, name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == module.__name__:
                found |= dict.fromkeys(value.torch_names, value)
    return found


def import_module(module: torch.nn.Module) -> FloatGraph:
    """Trace a module in evaluation mode.

    Args:
        module: takes one tensor (batch, *shape) of 0..1 and returns logits (batch, classes).

    Raises:
        ConfigError: the module can't be traced, or holds an operator that no layer in nn/layers stands for; it names
            the first one.
    """
    was_training = module.training
    try:
        traced = torch.fx.symbolic_trace(module.eval())
    except (torch.fx.proxy.TraceError, TypeError) as error:
        raise ConfigError(f"the network can't be traced: {error}") from error
    finally:
        module.train(was_training)
    known, nodes, names, output = known_layers(), [], {}, ""
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            names[node] = INPUT
        elif node.op == "output":
            output = names.get(node.args[0], "")
        else:
            layer = _layer(traced, node, known)
            names[node] = str(node.target) if node.op == "call_module" else node.name
            nodes.append(FloatNode(names[node], layer, tuple(names[source] for source in node.all_input_nodes)))
    if list(names.values()).count(INPUT) != 1 or output in ("", INPUT):
        raise ConfigError("the network must take one tensor and return one tensor")
    return FloatGraph(tuple(nodes), output)


def _layer(traced: torch.fx.GraphModule, node: torch.fx.Node, known: dict[str, type[Layer]]) -> Layer:
    """The layer of one traced call; ConfigError if there is none for it."""
    if node.op == "call_module":
        source: Any = traced.get_submodule(str(node.target))
        kind = type(source).__name__
    else:
        kind = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        source = None
    if node.op == "get_attr" or kind not in known:
        raise ConfigError(
            f"the network's operator {kind!r} at {node.name!r} can't be mapped; known are {', '.join(sorted(known))}"
        )
    layer = known[kind]
    tensors = [argument for argument in node.args if isinstance(argument, torch.fx.Node)]
    if len(tensors) != layer.arity:
        raise ConfigError(f"the network's {kind!r} at {node.name!r} takes {len(tensors)} tensors, not {layer.arity}")
    if source is None:
        extra = dict(zip(layer.torch_arguments, node.args[layer.arity :], strict=False))
        source = SimpleNamespace(**extra, **node.kwargs)
    try:
        return layer.from_torch(source)
    except ConfigError as error:
        raise ConfigError(f"the network's {kind!r} at {node.name!r}: {error}") from error
