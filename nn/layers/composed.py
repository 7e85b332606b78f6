"""A function of each number by itself that a network spells out in several layers, as x * sigmoid(x)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nn.float_graph import FloatGraph
from nn.layer import Builder, FloatArray, Layer, Tensor


@dataclass(frozen=True, eq=False)
class Composed(Layer):
    """What a graph of such layers computes; the importers make it, see nn.importers.fusion."""

    graph: FloatGraph

    along: ClassVar[int] = 0

    def run(self, *inputs: FloatArray) -> FloatArray:
        """The function's values."""
        return self.graph.run(inputs[0])[self.graph.output]

    def quantise(self, build: Builder, name: str, *inputs: Tensor) -> Tensor:
        """One table in place of several roundings."""
        return build.tabulated(name, inputs[0], self.run)
