"""An ONNX file as a float graph."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layer import Call
from nn.layers._sliding import sliding
from nn.operator import Shape

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_BATCH = 11  # where the file leaves it open: an axis of this length where the batch was is the batch
_NOTHING = ("Identity", "Dropout", "Cast")
_SHAPES = ("Shape", "Size")
_OLDEST = 9  # operator set: with it, batch norms and additions have the form they still have

Array = np.ndarray[Any, Any]


def import_onnx(path: Path | str, input_shape: Shape | None = None) -> FloatGraph:
    """Read a network from an ONNX file.

    Args:
        path: the file; it takes one tensor (batch, channels, height, width) of 0..1 and gives logits (batch, classes).
        input_shape: of an image, (height, width, channels) as data sets have it; the file's own where None.

    Raises:
        ConfigError: onnx is not installed; the file is damaged; it takes or gives several tensors, or images of another
            size; its shapes depend on the image; or it holds an operator that no layer in nn/layers stands for, the
            first of which is named.
    """
    path = Path(path)
    model = _read(path)
    try:
        return _Reader(model, input_shape).graph()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _onnx() -> ModuleType:
    try:
        import onnx
    except ImportError as error:
        raise ConfigError("reading .onnx files needs the package onnx; install it by: pip install .[onnx]") from error
    return onnx


def _read(path: Path) -> ModelProto:
    onnx = _onnx()
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        model: ModelProto = onnx.load(str(path))
    except Exception as error:  # protobuf's and onnx's own have no common base
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(f"{path}: not a readable ONNX file ({said}); damaged, or its weights are missing?") from error
    if not model.graph.node:
        raise ConfigError(f"{path}: not an ONNX network, it has no operators; damaged?")
    if model.functions:
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    return model


class _Reader:
    """Goes through a model once; what does not depend on the image is computed on the way."""

    def __init__(self, model: ModelProto, input_shape: Shape | None) -> None:
        self.opsets = {each.domain: each.version for each in model.opset_import}
        self.opset_import = model.opset_import
        version = self.opsets.get("", self.opsets.get("ai.onnx", 0))
        if version < _OLDEST:
            raise ConfigError(
                f"operator set {version} is too old; onnx.version_converter brings it to {_OLDEST} or above"
            )
        graph = model.graph
        self.nodes, self.outputs = graph.node, [output.name for output in graph.output]
        self.constants = _initialisers(graph)
        inputs = [each for each in graph.input if each.name not in self.constants]
        if len(inputs) != 1 or len(self.outputs) != 1:
            raise ConfigError(f"the network takes {len(inputs)} tensors and gives {len(self.outputs)}, not one and one")
        self.dtype = inputs[0].type.tensor_type.elem_type
        batch, *shape = _input_axes(inputs[0], input_shape)
        self.assembly = Assembly("onnx_names", "from_onnx", batch, tuple(shape))
        self.views: dict[str, View] = {inputs[0].name: self.assembly.input}

    def graph(self) -> FloatGraph:
        for node in self.nodes:
            self._read(node)
        if self.outputs[0] not in self.views:
            raise ConfigError("the network's output does not depend on the image")
        return self.assembly.graph(self.views[self.outputs[0]])

    def _read(self, node: NodeProto) -> None:
        """Take note of what a node computes."""
        where = f"the network's {_kind(node)!r} at {_name(node)!r}"
        computed = [name for name in node.input if name in self.views]
        if node.op_type in _SHAPES and computed:
            empty = np.empty(self.assembly.shape(self.views[computed[0]]), dtype=np.int8)
            self._keep(node, self._evaluate(node, {computed[0]: empty}, where))
        elif node.op_type == "If" and node.input[0] in self.constants:
            self._branch(node)
        elif not computed:
            self._keep(node, self._evaluate(node, {}, where))
        elif node.op_type in _NOTHING:
            self.views[node.output[0]] = self.views[computed[0]]
        elif self.assembly.moves(_kind(node)) and len(computed) == 1 and node.input[0] == computed[0]:
            self._move(node, where)
        else:
            self.views[node.output[0]] = self._layer(node, where)

    def _branch(self, node: NodeProto) -> None:
        """Read the branch that a constant condition takes, as of a squeeze whose axis may have length 1 or not."""
        taken = "then_branch" if self.constants[node.input[0]].item() else "else_branch"
        (graph,) = (each.g for each in node.attribute if each.name == taken)
        self.constants |= _initialisers(graph)
        for inner in graph.node:
            self._read(inner)
        for name, result in zip(node.output, graph.output, strict=True):
            if result.name in self.views:
                self.views[name] = self.views[result.name]
            else:
                self.constants[name] = self.constants[result.name]

    def _keep(self, node: NodeProto, values: list[Array]) -> None:
        self.constants |= {name: value for name, value in zip(node.output, values, strict=False) if name}

    def _move(self, node: NodeProto, where: str) -> None:
        """Let the operator move the places as it would the numbers."""
        view = self.views[node.input[0]]
        moved = self._evaluate(node, {node.input[0]: self.assembly.places(view)}, where)
        for name, places in zip(node.output, moved, strict=True):
            self.views[name] = self.assembly.moved(view, places, name if len(moved) > 1 else _name(node))

    def _evaluate(self, node: NodeProto, given: dict[str, Array], where: str) -> list[Array]:
        """What onnx's own reference gives for a node of constants."""
        from onnx.reference import ReferenceEvaluator

        feeds = {name: given.get(name, self.constants.get(name)) for name in node.input if name}
        missing = [name for name, value in feeds.items() if value is None]
        if missing:
            raise ConfigError(f"{where} takes {missing[0]!r}, which nothing before it gives")
        try:
            values = ReferenceEvaluator(self._alone(node, feeds)).run(None, feeds)
        except Exception as error:  # each operator fails in its own way
            raise ConfigError(f"{where} can't be computed for {self.assembly.batch} images ({error})") from error
        return list(values)

    def _alone(self, node: NodeProto, inputs: dict[str, Any]) -> ModelProto:
        """A model of one node; inputs as arrays."""
        from onnx import helper

        held = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in inputs.items()
        ]
        results = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = helper.make_graph([node], "node", held, results)
        return helper.make_model(graph, opset_imports=self.opset_import)

    def _layer(self, node: NodeProto, where: str) -> View:
        """The layer that a node is."""
        from onnx import defs

        kind = _kind(node)
        self.assembly.check(kind, where)
        schema = defs.get_schema(node.op_type, self.opsets.get(node.domain, 1), node.domain)
        arguments: dict[str, Any] = {
            name: _attribute(each.default_value)
            for name, each in schema.attributes.items()
            if each.default_value.type  # 0 where there is none
        }
        arguments |= {each.name: _attribute(each) for each in node.attribute}
        arguments["since_version"] = schema.since_version
        views = []
        for place, name in enumerate(node.input):
            formal = schema.inputs[min(place, len(schema.inputs) - 1)]
            if name in self.views:
                views.append(self.views[name])
            elif name and formal.option == defs.OpSchema.FormalParameterOption.Variadic:
                views.append(self.assembly.constant(name, self._for_batch(name)))
            elif name:
                arguments[formal.name] = _value(self.constants[name])
        output = self._shape(node, where)
        if arguments.get("ceil_mode") and len(output) == 4:  # inference counts windows that only see padding
            call = Call(kind, arguments, (self.assembly.shape(views[0])[1:],), output[1:])
            output = (*output[:2], *sliding(call, call["kernel_shape"]).count)
        return self.assembly.call(Operation(kind, arguments, tuple(views), output, _name(node), where))

    def _for_batch(self, name: str) -> Array:
        """A constant that stands where a tensor is expected, for every image."""
        value = self.constants[name].astype(float)
        return np.broadcast_to(value, (self.assembly.batch, *value.shape[1:]))

    def _shape(self, node: NodeProto, where: str) -> Shape:
        """Of a node's result, by onnx's shape inference."""
        from onnx import helper, numpy_helper, shape_inference

        graph = helper.make_graph([node], "node", [], [helper.make_empty_tensor_value_info(node.output[0])])
        for name in dict.fromkeys(each for each in node.input if each):
            if name in self.views:
                shape = self.assembly.shape(self.views[name])
                graph.input.append(helper.make_tensor_value_info(name, self.dtype, shape))
            else:
                graph.initializer.append(numpy_helper.from_array(self.constants[name], name))
        model = helper.make_model(graph, opset_imports=self.opset_import)
        try:
            result = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph.output[0]
        except Exception as error:  # of onnx's own kinds
            raise ConfigError(f"{where}: its inputs' shapes don't fit ({error})") from error
        axes = result.type.tensor_type.shape.dim
        if not result.type.tensor_type.HasField("shape"):  # inference knows no rule for the operator
            given = {
                each: np.zeros(self.assembly.shape(view)) for each, view in self.views.items() if each in node.input
            }
            return tuple(self._evaluate(node, given, where)[0].shape)
        if any(not axis.HasField("dim_value") for axis in axes):
            raise ConfigError(f"{where} gives a tensor whose shape depends on the image")
        return tuple(axis.dim_value for axis in axes)


def _initialisers(graph: Any) -> dict[str, Array]:
    from onnx import numpy_helper

    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


def _input_axes(value: Any, input_shape: Shape | None) -> list[int]:
    """Batch, channels, height and width of the input, what is left open filled in."""
    axes = [axis.dim_value if axis.HasField("dim_value") else 0 for axis in value.type.tensor_type.shape.dim]
    names = [axis.dim_param or "?" for axis in value.type.tensor_type.shape.dim]
    if len(axes) < 2:
        raise ConfigError(f"its input {value.name!r} has {len(axes)} axes; (batch, channels, height, width) is needed")
    wanted = None
    if input_shape is not None:
        height, width, channels = input_shape
        wanted = (channels, height, width)
        if len(axes) != 4 or any(axis not in (0, want) for axis, want in zip(axes[1:], wanted, strict=True)):
            own = " x ".join(str(axis or "any") for axis in axes[1:])
            raise ConfigError(
                f"its input {value.name!r} takes images of {own}, the data's are {channels} x {height} x {width} "
                "(channels x height x width); export it for these, or give data of that size"
            )
    found = [axes[0] or _BATCH, *(wanted or axes[1:])]
    if 0 in found:
        raise ConfigError(
            f"its input {value.name!r} leaves the axis {names[found.index(0)]!r} open; export it for images of one size"
        )
    return found


def _kind(node: NodeProto) -> str:
    """The operator, with its domain where that is not ONNX's own."""
    return f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else str(node.op_type)


def _name(node: NodeProto) -> str:
    return str(node.name or node.output[0])


def _attribute(proto: Any) -> Any:
    from onnx import helper

    value = helper.get_attribute_value(proto)
    return value.decode() if isinstance(value, bytes) else value


def _value(constant: Array) -> Any:
    """A number, a list of integers, or an array of float64."""
    if constant.ndim == 0:
        return constant.item()
    return constant.tolist() if constant.dtype.kind in "iub" else constant.astype(float)
