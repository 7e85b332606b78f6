"""The integer graph as a torch module: the same integers forwards, gradients backwards."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bitline.core.array import IntArray
from nn.graph import INPUT, Graph, Node
from nn.ops.requantise import Requantise
from nn.product import Product
from nn.straight_through import straight_through
from nn.tuning.chip import Chip
from nn.tuning.parameters import FloatArray, GainParameters, ProductParameters


class TrainableGraph(torch.nn.Module):
    """An integer graph whose weights, biases and multipliers are trained; everything else is fixed.

    Args:
        graph: what training starts from.
        shadows: unrounded weights by product, in the integers' units and shape; integers where there are none.
    """

    def __init__(self, graph: Graph, shadows: Mapping[str, FloatArray] | None = None) -> None:
        super().__init__()
        self.start = graph
        shadows = shadows or {}
        made: dict[str, ProductParameters | GainParameters] = {}
        for node in graph.nodes:
            if isinstance(node.operator, Product):
                largest = max(abs(bound) for bound in graph.bounds[node.inputs[0]])
                made[node.name] = ProductParameters(node.operator, largest, shadows.get(node.name))
            elif isinstance(node.operator, Requantise):
                made[node.name] = GainParameters(node.operator)
        self._trained = made
        self.parts = torch.nn.ModuleList(made.values())  # names of nodes have dots, which torch's have not

    def forward(self, x: IntArray, chip: Chip | None = None, access: int = 0) -> torch.Tensor:
        """Logits (images, classes), float64, of integer images (images, *input_shape).

        They are those of `graph()`, bit for bit; with a chip, products are what its arrays give.

        Args:
            x: unsigned integers.
            chip: computes the products; what weights have changed since it was programmed is added exactly.
            access: number of this use of the chip, by which read noise is drawn.

        Raises:
            ConfigError: the graph holds an operator without gradient.
        """
        return self._logits({INPUT: torch.from_numpy(x.astype(np.float64))}, chip, access)

    def after(self, given: Mapping[str, FloatArray]) -> torch.Tensor:
        """Logits (images, classes) where some nodes have given their results; those before them are not computed.

        Args:
            given: results (images, *shape) by node; of products, without the bias, which is added as it is trained.

        Raises:
            ConfigError: as of `forward`.
        """
        values = {name: torch.from_numpy(result) for name, result in given.items()}
        for name in given:
            part = self._trained.get(name)
            if isinstance(part, ProductParameters):
                values[name] = values[name] + part.integers()[1]
        return self._logits(values)

    def parameters_after(self, given: Iterable[str], fixed: Container[str]) -> list[torch.nn.Parameter]:
        """What is trained where some nodes have given their results: the biases of those, and all of later nodes.

        Args:
            given: as for `after`.
            fixed: those of them whose bias is not trained any more.
        """
        given = list(given)
        parts = {name: self._trained[name] for name in given if name in self._trained and name not in fixed}
        biases = [part.bias for part in parts.values() if isinstance(part, ProductParameters)]
        later = (node.name for node in self.start.between(given, self.start.output))
        whole = torch.nn.ModuleList(self._trained[name] for name in later if name in self._trained)
        return biases + list(whole.parameters())

    def _logits(self, values: dict[str, torch.Tensor], chip: Chip | None = None, access: int = 0) -> torch.Tensor:
        for node in self.start.between(set(values), self.start.output):
            values[node.name] = self._result(node, [values[name] for name in node.inputs], chip, access)
        return values[self.start.output]

    def _result(self, node: Node, inputs: list[torch.Tensor], chip: Chip | None, access: int) -> torch.Tensor:
        part: Any = self._trained.get(node.name, node.operator.differentiable)
        result: torch.Tensor = part(*inputs)
        if chip is None or not chip.computes(node.name):
            return result
        error = torch.from_numpy(chip.error(node.name, inputs[0].detach().to(torch.int64).numpy(), access))
        return straight_through(result, result + error)

    def limit(self) -> None:
        """Bring weights and gains back into range; after every step of an optimiser."""
        for part in self._trained.values():
            part.limit()

    def graph(self) -> Graph:
        """The integer graph as it is trained so far."""
        parts = self._trained
        trained = (node for node in self.start.nodes if node.name in parts)
        return self.start.rewired(replace(node, operator=parts[node.name].operator()) for node in trained)
