"""A chip in the training loop: what its arrays make of the products.

Any array will do that keeps to `bitline.core.array`: its model is run as it is, with variation, wires, noise and
converters, and gradients go straight through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bitline.core.array import IntArray
from nn.graph import Graph
from nn.placement import PlacedLayer
from nn.target import Images
from nn.targets.reram import Target
from nn.tuning.parameters import FloatArray


@dataclass(frozen=True, eq=False)
class Chip:
    """One chip that a graph was programmed into.

    Args:
        graph: as it was.
        layers: its products on arrays.
    """

    graph: Graph
    layers: Mapping[str, PlacedLayer]

    @classmethod
    def program(cls, target: Target, graph: Graph, calibration: Images, number: int) -> Chip:
        """Fix converters' ranges on the calibration images, as `target.compile` does; write and calibrate a chip."""
        program = target.compile(graph, calibration)
        placed, _ = program.chip(number)
        return cls(graph, {layer.layer.name: layer for layer in placed})

    def computes(self, name: str) -> bool:
        """Whether the node is on arrays."""
        return name in self.layers

    def error(self, name: str, x: IntArray, access: int) -> FloatArray:
        """What the arrays give for x (batch, *shape) less the exact result, in products, rounded to whole ones.

        Digital logic takes codes, each worth many products as a rule, so whole products lose nothing to speak of.
        """
        placed = self.layers[name]
        compute: Callable[[IntArray], IntArray] = placed.product(access)
        exact = self.graph.node(name).operator.run(x)
        return np.asarray(np.rint(compute(x) * placed.worth - exact))
