"""A torch.nn.Module as a float graph, by torch.export."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram

from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph, FloatNode
from nn.graph import INPUT
from nn.importers.known import known_layers, layer_of
from nn.layer import Call
from nn.operator import Shape

_BATCH = 11  # images of the example; an axis of this length where the batch was is the batch
_NOTHING = ("dropout", "feature_dropout", "contiguous", "clone", "detach", "alias", "identity", "lift_fresh_copy", "to")


def import_module(module: torch.nn.Module, input_shape: Shape) -> FloatGraph:
    """Export a module in evaluation mode.

    Args:
        module: takes one tensor (batch, channels, height, width) of 0..1 and returns logits (batch, classes).
        input_shape: of an image, (height, width, channels) as data sets have it.

    Raises:
        ConfigError: the module can't be exported, or holds an operator that no layer in nn/layers stands for; it names
            the first one.
    """
    height, width, channels = input_shape
    was_training = module.training
    try:
        with torch.no_grad():
            exported = torch.export.export(module.eval(), (torch.zeros(_BATCH, channels, height, width),))
    except Exception as error:  # whatever the user's own forward raises comes out here
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(f"the network can't be exported for images of shape {tuple(input_shape)}: {said}") from error
    finally:
        module.train(was_training)
    return import_exported(exported)


def import_exported(exported: ExportedProgram) -> FloatGraph:
    """A program that torch.export made, as from a .pt2 file; see `import_module`."""
    return _Reader(exported).graph()


class _Reader:
    """Goes through an exported graph once."""

    def __init__(self, exported: ExportedProgram) -> None:
        signature = exported.graph_signature
        held = exported.state_dict | exported.constants
        sources = signature.inputs_to_parameters | signature.inputs_to_buffers
        sources |= signature.inputs_to_lifted_tensor_constants
        self.parameters = {name: held[source] for name, source in sources.items()}
        self.nodes = list(exported.graph.nodes)
        self.inputs = [node for node in self.nodes if node.op == "placeholder" and node.name not in self.parameters]
        self.known = known_layers("torch_names")
        self.names: dict[torch.fx.Node, str] = {}

    def graph(self) -> FloatGraph:
        if len(self.inputs) != 1:
            raise ConfigError(f"the network takes {len(self.inputs)} tensors, not one")
        self.names[self.inputs[0]] = INPUT
        self.batch = int(self.inputs[0].meta["val"].shape[0])
        nodes, output = [], ""
        for node in self.nodes:
            if node.op == "output":
                results = node.args[0]
                output = self.names.get(results[0], "") if len(results) == 1 else ""
            elif node.op == "call_function" and not self._passed_over(node):
                nodes.append(self._read(node))
        if output in ("", INPUT):
            raise ConfigError("the network must return one tensor")
        return FloatGraph(tuple(nodes), output)

    def _passed_over(self, node: torch.fx.Node) -> bool:
        """Take note of what computes nothing: what only matters in training, and parts of a list yet to be taken."""
        if _kind(node) in _NOTHING:
            self.names[node] = self.names[next(self._tensors(node))]
            return True
        return isinstance(node.meta.get("val"), (list, tuple))

    def _read(self, node: torch.fx.Node) -> FloatNode:
        source, more = node, {}
        if node.target is operator.getitem:  # one part of a list
            source, more = node.args[0], {"index": node.args[1]}  # type: ignore[assignment]
        kind = _kind(source)
        tensors = list(self._tensors(source))
        where = f"the network's {kind!r} at {_path(node)!r}"
        for tensor in (*tensors, node):
            if tensor.meta["val"].shape[:1] != (self.batch,):
                raise ConfigError(f"{where} moves or mixes the batch, which has to stay the first axis")
        call = Call(
            kind,
            {**self._arguments(source), **more},
            tuple(tuple(tensor.meta["val"].shape[1:]) for tensor in tensors),
            tuple(node.meta["val"].shape[1:]),
        )
        layer = layer_of(call, self.known, "from_torch", where)
        name = self.names[node] = _free(_path(node), self.names.values())
        return FloatNode(name, layer, tuple(self.names[tensor] for tensor in tensors))

    def _tensors(self, node: torch.fx.Node) -> Iterator[torch.fx.Node]:
        """The arguments that other operations compute, in order; the same one twice counts twice."""
        for argument in (*node.args, *node.kwargs.values()):
            for each in argument if isinstance(argument, (list, tuple)) else [argument]:
                if isinstance(each, torch.fx.Node) and each.name not in self.parameters:
                    yield each

    def _arguments(self, node: torch.fx.Node) -> dict[str, Any]:
        """The other arguments by their names, defaults included, parameters as arrays."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return {}
        found = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
        names = [each.name for each in schema.arguments]
        found |= dict(zip(names, node.args, strict=False)) | node.kwargs
        return {name: self._value(value) for name, value in found.items() if not self._computed(value)}

    def _computed(self, value: Any) -> bool:
        parts = value if isinstance(value, (list, tuple)) else [value]
        return any(isinstance(part, torch.fx.Node) and part.name not in self.parameters for part in parts)

    def _value(self, value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            held: np.ndarray[Any, Any] = self.parameters[value.name].detach().double().numpy().copy()
            return held
        return value


def _kind(node: torch.fx.Node) -> str:
    """An operator's name without namespace, overload, and the mark of those that work in place."""
    target: Any = node.target
    name = str((getattr(target, "_schema", None) and target._schema.name) or getattr(target, "__name__", target))  # noqa: SLF001 - torch has no other name for it
    return name.rpartition("::")[2].rstrip("_")


def _path(node: torch.fx.Node) -> str:
    """Where a user finds it: the module that is this operation, or the operation's own name within a module."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, kind = stack[-1] if stack else ("", "")
    if str(kind).startswith("torch.nn.modules.") and ".container." not in str(kind) and path:
        return str(path)
    return f"{path}.{node.name}" if path else node.name


def _free(name: str, taken: Any) -> str:
    """The name, with a number after it where it is taken, as when a module is used twice."""
    count, found = 2, name
    while found in taken:
        count, found = count + 1, f"{name}_{count}"
    return found
