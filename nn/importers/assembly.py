"""What importers build a float graph with: calls become layers, and whatever only moves numbers is put off.

Frameworks spell one rearrangement as many operations (reshape, permute, unbind, transpose), and on the way the batch
need not be the first axis, as in torch's own multi-head attention. So a value is kept as a `View`: which number of
which node stands where. It becomes a node, one `Rearrange`, where a layer needs it in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph, FloatNode
from nn.graph import INPUT
from nn.importers.fusion import fused
from nn.importers.known import candidates, chosen, known_layers, known_spellings, made
from nn.importers.operation import Operation, View
from nn.layer import Call, Layer
from nn.layers.constant import Constant
from nn.layers.flatten import Flatten
from nn.layers.rearrange import Rearrange
from nn.operator import Shape


@dataclass(frozen=True, eq=False)
class _Operand:
    """A view in the form that a layer takes.

    Args:
        node: the node.
        shape: without the batch.
        rows: all axes before those that the layer works along have become one, that of rows.
        order: of the framework's rows, to have those of each image together; None: they are.
    """

    node: str
    shape: Shape
    rows: bool = False
    order: IntArray | None = None


class Assembly:
    """A float graph on its way.

    Args:
        names: of the layers' operators, "torch_names" or "onnx_names".
        way: the layers' method, "from_torch" or "from_onnx".
        batch: images of the example that the network was exported with.
        shape: of one image, in the framework's order.
    """

    def __init__(self, names: str, way: str, batch: int, shape: Shape) -> None:
        self.known = known_layers(names)
        self._spellings = known_spellings(names)
        self._origins: dict[View, Operation] = {}
        self.input = View(INPUT, shape)
        self._way, self.batch = way, batch
        self._nodes: list[FloatNode] = []
        self._names = {INPUT}
        self._made: dict[tuple[str, Shape, bytes], str] = {}

    def moves(self, kind: str) -> bool:
        """Whether an operator only moves numbers."""
        return self.known.get(kind) == (Rearrange,)

    def check(self, kind: str, where: str) -> None:
        """ConfigError where neither a layer nor a spelling stands for an operator."""
        if kind not in self._spellings:
            candidates(self.known, kind, where, self._spellings)

    def shape(self, view: View) -> Shape:
        """A view's, with the batch."""
        return (self.batch, *view.shape) if view.places is None else view.places.shape

    def places(self, view: View) -> IntArray:
        """What stands where in a view, to be moved as the framework would move the numbers."""
        if view.places is not None:
            return view.places
        shape = self.shape(view)
        return np.arange(math.prod(shape)).reshape(shape)

    def moved(self, view: View, places: IntArray, name: str) -> View:
        """The view whose places were moved so."""
        return replace(view, places=places, name=name)

    def ending(self, view: View, where: str) -> View:
        """The view, which nothing but the network's output may take from here on."""
        return replace(view, last=where)

    def origin(self, view: View) -> Operation | None:
        """The operation whose result a view is, unmoved."""
        return self._origins.get(view)

    def constant(self, name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> View:
        """Numbers (batch, *shape) that no image changes, where an operator takes them in a tensor's place."""
        if values.shape[:1] != (self.batch,) or (values != values[:1]).any():
            raise ConfigError(f"the network's constant {name!r} is not the same for all images")
        held = np.moveaxis(values[0], 0, -1) if values.ndim == 4 else values[0]
        return View(self._append(name, Constant(held), (INPUT,)), values.shape[1:])

    def call(self, said: Operation) -> View:
        """Append what a call is.

        Raises:
            ConfigError: no layer stands for it, or it mixes images.
        """
        last = next((view.last for view in said.views if view.last), "")
        if last:
            raise ConfigError(f"{last} is mapped as the network's last operation only")
        spelt = self._spellings[said.kind](self, said) if said.kind in self._spellings else None
        if spelt is None:
            layer = chosen(self.known, said.kind, len(said.views), said.where)
            spelt = self._layer(layer, said, self._way)
        if spelt not in said.views:  # as that of an operation that does nothing
            self._origins[spelt] = said
        return spelt

    def layer(self, layer: type[Layer], said: Operation) -> View:
        """Append the layer that a call in torch's words is; for what is spelt by others.

        Raises:
            ConfigError: as `call`.
        """
        return self._layer(layer, said, "from_torch")

    def _layer(self, layer: type[Layer], said: Operation, way: str) -> View:
        views, output, arguments = said.views, said.output, said.arguments
        along = layer.along
        if along == 0:
            arguments = {key: self._of_image(value, len(output)) for key, value in arguments.items()}
        arrays = [value.ndim for value in arguments.values() if isinstance(value, np.ndarray) and value.size > 1]
        if along == 0 and not arrays and self._alike(views):
            first = views[0]
            call = Call(said.kind, arguments, tuple(view.shape for view in views), first.shape)
            node = self._append(said.name, made(layer, call, way, said.where), tuple(view.node for view in views))
            return View(node, first.shape, first.places, first.name)
        if along == 0:
            mixed = any(not self._batch_first(view) for view in views)
            features = len(output) > 3 and arrays == [1]  # along the last axis, which in an image is no channel
            along = max(arrays, default=1) if mixed or features else None
        if along:
            return self._by_rows(layer, replace(said, arguments=arguments), way, along)
        operands = [self._operand(view, 0, said.where) for view in views]
        if output[:1] != (self.batch,):
            raise ConfigError(_mixes(said.where))
        call = Call(said.kind, arguments, tuple(operand.shape for operand in operands), output[1:])
        node = self._append(said.name, made(layer, call, way, said.where), tuple(each.node for each in operands))
        return View(node, output[1:])

    def _by_rows(self, layer: type[Layer], said: Operation, way: str, along: int) -> View:
        """A layer that works along the last axes, whatever those before them are: they become one."""
        output, where = said.output, said.where
        operands = [self._operand(view, along, where) for view in self._broadcast(said.views, along)]
        order = operands[0].order
        if any(not _equal(operand.order, order) for operand in operands):
            raise ConfigError(_mixes(where))
        split = len(output) - along
        tail = output[split:]
        shape = (math.prod(output[:split]) // self.batch, *tail) if operands[0].rows else output[1:]
        given = {
            key: value - len(output) if key in ("dim", "axis") and isinstance(value, int) and value >= 0 else value
            for key, value in said.arguments.items()
        }
        call = Call(said.kind, given, tuple(operand.shape for operand in operands), shape)
        node = self._append(said.name, made(layer, call, way, where), tuple(each.node for each in operands))
        if not operands[0].rows:
            return View(node, shape)
        places = np.arange(math.prod(output)).reshape(-1, *tail)
        if order is not None:
            places = places[np.argsort(order)]
        return View(node, shape, places.reshape(output), said.name)

    def graph(self, output: View) -> FloatGraph:
        """The graph whose logits this view is."""
        operand = self._operand(output, 0, "the network's output")
        if operand.node == INPUT:
            raise ConfigError("the network's output is its input")
        return fused(FloatGraph(tuple(self._nodes), operand.node))

    def _append(self, name: str, layer: Layer, inputs: tuple[str, ...]) -> str:
        count, free = 2, name
        while free in self._names:  # as when a module is used twice
            count, free = count + 1, f"{name}_{count}"
        self._names.add(free)
        self._nodes.append(FloatNode(free, layer, inputs))
        return free

    def _of_image(self, value: Any, rank: int) -> Any:
        """An argument that broadcasts against the batch, as it does against one image."""
        if isinstance(value, np.ndarray) and value.ndim == rank and (value == value[:1]).all():
            return value[0]
        return value

    def _alike(self, views: Sequence[View]) -> bool:
        """Whether what computes each number by itself can do so before the numbers are moved."""
        first = views[0] if views else None
        if first is None or any(view.shape != first.shape or not _equal(view.places, first.places) for view in views):
            return False
        if first.places is None:
            return True
        everything = np.arange(self.batch * math.prod(first.shape))
        return np.array_equal(np.sort(first.places, axis=None), everything)

    def _batch_first(self, view: View) -> bool:
        places, size = view.places, math.prod(view.shape)
        if places is None:
            return True
        images = np.arange(self.batch).reshape(-1, *(1,) * (places.ndim - 1))
        return len(places) == self.batch and bool((places // size == images).all())

    def _broadcast(self, views: Sequence[View], along: int) -> list[View]:
        """Views whose axes before the last are the same, as a product of tensors needs them."""
        places = [self.places(view) for view in views]
        if len({each.shape[: each.ndim - along] for each in places}) == 1:
            return list(views)
        lead = np.broadcast_shapes(*(each.shape[: each.ndim - along] for each in places))
        wide = (np.broadcast_to(each, (*lead, *each.shape[each.ndim - along :])) for each in places)
        return [replace(view, places=each) for view, each in zip(views, wide, strict=True)]

    def _operand(self, view: View, along: int, where: str) -> _Operand:
        """The view with the batch first and, where a layer works along the last axes, one axis before them."""
        if view.places is None and (not along or len(view.shape) <= along + 1):
            return _Operand(view.node, view.shape)
        places, order = self.places(view), None
        rows = not self._batch_first(view) or (along > 0 and places.ndim > along + 2)
        if rows:
            if not along:
                raise ConfigError(_mixes(where))
            flat = places.reshape(-1, *places.shape[-along:])
            images = flat.reshape(len(flat), -1) // math.prod(view.shape)
            if len(flat) % self.batch or (images != images[:, :1]).any():
                raise ConfigError(_mixes(where))
            if (np.diff(images[:, 0]) < 0).any():
                order = np.argsort(images[:, 0], kind="stable")
                flat = flat[order]
            places = flat.reshape(self.batch, -1, *flat.shape[1:])
        first = places[:1] + math.prod(view.shape) * np.arange(self.batch).reshape(-1, *(1,) * (places.ndim - 1))
        if not np.array_equal(places, first):
            raise ConfigError(_mixes(where))
        return _Operand(self._rearranged(view, places[0]), places.shape[1:], rows, order)

    def _rearranged(self, view: View, places: IntArray) -> str:
        """The node that holds these places of one image."""
        size = math.prod(view.shape)
        held = np.arange(size).reshape(view.shape)
        if view.shape == places.shape and np.array_equal(places, held):
            return view.node
        if len(view.shape) == 3:  # channels first there, last here
            channels, height, width = view.shape
            held = np.moveaxis(np.arange(size).reshape(height, width, channels), -1, 0)
        index = held.ravel()[places]
        index = np.moveaxis(index, 0, -1) if index.ndim == 3 else index
        key = (view.node, index.shape, index.tobytes())
        if key not in self._made:
            flat = index.ndim == 1 and np.array_equal(places, np.arange(size))
            name = view.name or f"{view.node}.rows"
            self._made[key] = self._append(name, Flatten() if flat else Rearrange(index), (view.node,))
        return self._made[key]


def _equal(a: IntArray | None, b: IntArray | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def _mixes(where: str) -> str:
    return f"{where} moves or mixes the batch, which has to stay the first axis"
