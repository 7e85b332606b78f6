"""A torch.nn.Module as a float graph, by torch.export."""

from __future__ import annotations

import logging
import operator
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.node import map_arg

from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.operator import Shape

_BATCH = 11  # images of the example; an axis of this length where the batch was is the batch
_NOTHING = (
    *("dropout", "feature_dropout", "contiguous", "clone", "detach", "alias", "identity", "lift_fresh_copy", "to"),
    "type_as",
)
_FILLED = ("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")  # whatever the tensor holds
_AS_ANOTHER = ("expand_as", "view_as", "reshape_as")  # movements that take their shape from another tensor


def import_module(module: torch.nn.Module, input_shape: Shape) -> FloatGraph:
    """Export a module in evaluation mode.

    Args:
        module: takes one tensor (batch, channels, height, width) of 0..1 and returns logits (batch, classes).
        input_shape: of an image, (height, width, channels) as data sets have it.

    Raises:
        ConfigError: the module can't be exported, or holds an operator that no layer in nn/layers stands for; it names
            the first one.
    """
    was_training = module.training
    try:
        return _Reader(_export(module.eval(), input_shape)).graph()
    finally:
        module.train(was_training)


def import_exported(exported: ExportedProgram, input_shape: Shape) -> FloatGraph:
    """A program that torch.export made, as from a .pt2 file; see `import_module`.

    Raises:
        ConfigError: as `import_module`; or the program takes images of another shape.
    """
    names = exported.graph_signature.user_inputs
    values = [node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
    shapes = [tuple(value.shape) for value in values if isinstance(value, torch.Tensor)]
    if any(not isinstance(size, int) for shape in shapes for size in shape):  # left open, as the batch may be
        return _Reader(_export(exported.module(), input_shape)).graph()
    height, width, channels = input_shape
    if len(shapes) == 1 and shapes[0][1:] != (channels, height, width):
        raise ConfigError(f"the network takes {shapes[0][1:]} an image, the data have {(channels, height, width)}")
    return _Reader(exported).graph()


def _export(module: torch.nn.Module, input_shape: Shape) -> ExportedProgram:
    height, width, channels = input_shape
    try:
        with torch.no_grad(), _quiet():
            return torch.export.export(module, (torch.zeros(_BATCH, channels, height, width),))
    except GuardOnDataDependentSymNode as error:
        raise ConfigError(
            f"the network can't be exported: what it computes depends on values of the image{_place(error)}; "
            "an `if` or a length that does has to become arithmetic, as torch.where"
        ) from error
    except Exception as error:  # whatever the user's own forward raises comes out here
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(
            f"the network can't be exported for images of shape {tuple(input_shape)}{_place(error)}: {said}"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the graphs and warnings that torch prints to standard error where an export fails."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.disable(before)


def _place(error: BaseException) -> str:
    """Where in the user's own code an error arose, as " (net.py:12)"; empty where that isn't known."""
    inside = str(Path(torch.__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_file()]
    own = [frame for frame in frames if not frame.filename.startswith(inside) and frame.filename != __file__]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""


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
        if len(self.inputs) != 1:
            raise ConfigError(f"the network takes {len(self.inputs)} tensors, not one")
        batch, *shape = (int(size) for size in self.inputs[0].meta["val"].shape)
        self.assembly = Assembly("torch_names", "from_torch", batch, tuple(shape))
        self.views: dict[torch.fx.Node, Any] = {self.inputs[0]: self.assembly.input}  # lists where they are

    def graph(self) -> FloatGraph:
        output: Any = None
        for node in self.nodes:
            if node.op == "output":
                results = node.args[0]
                output = self.views.get(results[0]) if len(results) == 1 else None
            elif node.op == "call_function" and node.users:  # checks have none, nor has what nobody asked for
                self._read(node)
        if not isinstance(output, View):
            raise ConfigError("the network must return one tensor")
        return self.assembly.graph(output)

    def _read(self, node: torch.fx.Node) -> None:
        """Take note of what a node computes, if it computes anything from the images."""
        kind, tensors = _kind(node), list(self._tensors(node))
        if not tensors:
            self.parameters[node.name] = _evaluated(node, lambda argument: self.parameters[argument.name])
        elif kind in _FILLED:
            self.parameters[node.name] = _evaluated(node, lambda argument: torch.zeros(argument.meta["val"].shape))
        elif kind in _NOTHING:
            self.views[node] = self.views[tensors[0]]
        elif node.target is operator.getitem and isinstance(self.views.get(tensors[0]), list):
            self.views[node] = self.views[tensors[0]][node.args[1]]
        elif kind in _AS_ANOTHER or (self.assembly.moves(kind) and len(tensors) == 1):
            self.views[node] = self._moved(node, self.views[tensors[0]])
        elif not isinstance(node.meta.get("val"), (list, tuple)):
            self.views[node] = self._computed(node, tensors)

    def _moved(self, node: torch.fx.Node, view: View) -> Any:
        """What a movement makes of a view: torch moves the places as it would the numbers."""
        places = torch.from_numpy(np.ascontiguousarray(self.assembly.places(view)))
        kind = _kind(node)
        if kind in _AS_ANOTHER:
            result = getattr(places, kind.removesuffix("_as"))(node.meta["val"].shape)
        else:
            result = _evaluated(node, lambda argument: self.parameters.get(argument.name, places))
        if isinstance(result, torch.Tensor):
            return self.assembly.moved(view, result.numpy(), _path(node))
        return [self.assembly.moved(view, part.numpy(), f"{_path(node)}.{k}") for k, part in enumerate(result)]

    def _computed(self, node: torch.fx.Node, tensors: list[torch.fx.Node]) -> View:
        """The layer that a node is."""
        source, more = node, {}
        if node.target is operator.getitem:  # one part of a list
            source, more = tensors[0], {"index": node.args[1]}
            tensors = list(self._tensors(source))
        where = f"the network's {_kind(source)!r} at {_path(node)!r}"
        views = [self.views.get(tensor) or self._constant(tensor, where) for tensor in tensors]
        output = tuple(int(size) for size in node.meta["val"].shape)
        arguments = {**self._arguments(source), **more}
        return self.assembly.call(Operation(_kind(source), arguments, tuple(views), output, _path(node), where))

    def _constant(self, node: torch.fx.Node, where: str) -> View:
        """A parameter among the tensors of a list, as a class token that is put before the others."""
        try:
            return self.assembly.constant(node.name, self._value(node))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error

    def _tensors(self, node: torch.fx.Node) -> Iterator[torch.fx.Node]:
        """The arguments that other operations compute, in order; the same one twice counts twice.

        Of a list with any of them all parts count, parameters too.
        """
        for argument in (*node.args, *node.kwargs.values()):
            if self._from_images(argument):
                parts = argument if isinstance(argument, (list, tuple)) else [argument]
                yield from (part for part in parts if isinstance(part, torch.fx.Node))

    def _arguments(self, node: torch.fx.Node) -> dict[str, Any]:
        """The other arguments by their names, defaults included, parameters as arrays."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return {}
        found = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
        names = [each.name for each in schema.arguments]
        found |= dict(zip(names, node.args, strict=False)) | node.kwargs
        return {name: self._value(value) for name, value in found.items() if not self._from_images(value)}

    def _from_images(self, value: Any) -> bool:
        """Whether a value, or part of a list, is computed from the images."""
        parts = value if isinstance(value, (list, tuple)) else [value]
        return any(isinstance(part, torch.fx.Node) and part.name not in self.parameters for part in parts)

    def _value(self, value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            held = self.parameters[value.name].detach()
            array: np.ndarray[Any, Any] = (held if held.dtype == torch.bool else held.double()).numpy().copy()
            return array
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


def _evaluated(node: torch.fx.Node, tensor: Callable[[torch.fx.Node], Any]) -> Any:
    """What the operator of a node gives for these tensors."""
    args, kwargs = map_arg((node.args, node.kwargs), tensor)
    with torch.no_grad():
        return node.target(*args, **kwargs)  # type: ignore[operator]
