"""The integer graph: what a network is once it leaves floating point, and what every hardware target must compute.

A frozen directed acyclic graph of operators (nn/ops) on integers, with its reference interpreter. A target is right
when it gives, bit for bit, what `Graph.run` gives; an analog one is judged by how far it strays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.operator import Bounds, Operator, Shape, checked

INPUT = "input"
_VALUES = 2**24  # numbers of 8 bytes that a batch's values may take: 128 MB


@dataclass(frozen=True, eq=False)
class Node:
    """One operation: its name, its operator, and the nodes (or "input") that feed it, in order."""

    name: str
    operator: Operator
    inputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """A network of integers.

    Args:
        input_shape: one image's shape, without the batch.
        input_bits: inputs are unsigned integers of so many bits.
        nodes: in an order in which every node comes after those that feed it.
        output: the node that holds the logits.
        output_scale: what one unit of a logit is worth in the float network.

    Raises:
        ConfigError: a name is used twice, an input is missing or comes too late, or shapes don't fit.
    """

    input_shape: Shape
    input_bits: int
    nodes: tuple[Node, ...]
    output: str
    output_scale: float

    def __post_init__(self) -> None:
        known = {INPUT}
        for node in self.nodes:
            if node.name in known:
                raise ConfigError(f"graph: the name {node.name!r} is used twice")
            missing = [name for name in node.inputs if name not in known]
            if missing:
                raise ConfigError(f"graph: node {node.name!r} takes {missing[0]!r}, which no node before it gives")
            if node.operator.arity not in (None, len(node.inputs)):
                raise ConfigError(f"graph: node {node.name!r} has {len(node.inputs)} inputs, not {node.operator.arity}")
            known.add(node.name)
        if self.output not in known - {INPUT}:
            raise ConfigError(f"graph: the output {self.output!r} is no node")
        if not self.shapes:  # computing them checks them
            raise ConfigError("graph: it has no nodes")

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """Every node's shape, without the batch."""
        shapes: dict[str, Shape] = {INPUT: self.input_shape}
        for node in self.nodes:
            try:
                shapes[node.name] = node.operator.shape(*(shapes[name] for name in node.inputs))
            except ConfigError as error:
                raise ConfigError(f"graph: node {node.name!r}: {error}") from error
        return shapes

    @cached_property
    def bounds(self) -> Mapping[str, Bounds]:
        """The least and greatest value that each node can take, whatever the image."""
        bounds: dict[str, Bounds] = {INPUT: (0, 2**self.input_bits - 1)}
        for node in self.nodes:
            bounds[node.name] = node.operator.bounds(*(bounds[name] for name in node.inputs))
        return bounds

    def node(self, name: str) -> Node:
        """The node of this name; KeyError if there is none."""
        return {node.name: node for node in self.nodes}[name]

    def consumers(self, name: str) -> list[Node]:
        """The nodes that take the named one."""
        return [node for node in self.nodes if name in node.inputs]

    def between(self, known: Container[str], wanted: str) -> list[Node]:
        """The nodes, in order, that have to be computed for the wanted one's values where those of `known` are."""
        needed = {wanted}
        for node in reversed(self.nodes):
            if node.name in needed and node.name not in known:
                needed.update(node.inputs)
        return [node for node in self.nodes if node.name in needed and node.name not in known]

    def rewired(self, changed: Iterable[Node], **fields: float | str) -> Graph:
        """A copy in which the given nodes replace those of their names, and other fields change as named."""
        by_name = {node.name: node for node in changed}
        return replace(self, nodes=tuple(by_name.get(node.name, node) for node in self.nodes), **fields)  # type: ignore[arg-type]

    def run(
        self,
        x: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
        instead: Mapping[str, Callable[..., IntArray]] | None = None,
    ) -> dict[str, IntArray]:
        """Interpret: every node's values for a batch.

        Args:
            x: (batch, *input_shape), unsigned integers of `input_bits`.
            instead: for nodes that hardware computes, what takes their inputs' place in `Operator.run`.

        Returns:
            Tensors of shape (batch, *shape) by the node's name, "input" among them.

        Raises:
            ConfigError: x has another shape or range, or a value overflows int32.
        """
        if x.shape[1:] != self.input_shape:
            raise ConfigError(f"graph: images of shape {x.shape[1:]} for a network that takes {self.input_shape}")
        if x.dtype.kind not in "iu" or (x.size and (x.min() < 0 or x.max() >= 2**self.input_bits)):
            raise ConfigError(f"graph: images must be integers of 0 to {2**self.input_bits - 1}")
        instead = instead or {}
        values: dict[str, IntArray] = {INPUT: x.astype(np.int64)}
        for node in self.nodes:
            compute = instead.get(node.name, node.operator.run)
            values[node.name] = checked(compute(*(values[name] for name in node.inputs)), f"node {node.name!r}")
        return values

    def batch(self, most: int) -> int:
        """Images to interpret at a time: up to `most`, as long as all their values take at most 128 MB; at least one.

        It depends on nothing but the graph, so that what is computed by batches is the same on any machine.
        """
        return max(1, min(most, _VALUES // sum(math.prod(shape) for shape in self.shapes.values())))

    def logits(self, x: np.ndarray[tuple[int, ...], np.dtype[np.integer]], batch: int = 1000) -> IntArray:
        """The output node's values, (images, classes), up to `batch` images at a time (see `Graph.batch`)."""
        batch = self.batch(batch)
        parts = [self.run(x[start : start + batch])[self.output] for start in range(0, len(x), batch)]
        return np.concatenate(parts) if parts else np.empty((0, *self.shapes[self.output]), np.int64)

    def operations(self) -> dict[str, int]:
        """Integer operations for one image by kind ("mac", "add", "multiply")."""
        total: dict[str, int] = {}
        for node in self.nodes:
            for kind, count in node.operator.operations(*(self.shapes[name] for name in node.inputs)).items():
                total[kind] = total.get(kind, 0) + count
        return total
