"""The reference interpreter as a target: what every digital target must give, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

from nn.graph import Graph
from nn.target import Images, Inference


@dataclass(frozen=True, eq=False)
class IntegerProgram:
    """A graph, interpreted; every sample is alike."""

    graph: Graph
    batch: int

    @property
    def logit_scale(self) -> float:
        """That of the graph."""
        return self.graph.output_scale

    def run(self, x: Images, sample: int) -> Inference:  # noqa: ARG002 - integers have no variation
        """See nn.target.Program; it is no hardware, so it costs nothing and takes no cycles."""
        counted = {kind: count * len(x) for kind, count in self.graph.operations().items()}
        return Inference(self.graph.logits(x, self.batch), counts={"graph": counted})


@dataclass(frozen=True)
class Target:
    """Exact integers.

    Args:
        batch: images computed at a time.
    """

    batch: int = 1000

    def compile(self, graph: Graph, calibration: Images) -> IntegerProgram:  # noqa: ARG002 - nothing to calibrate
        """See nn.target.Target."""
        return IntegerProgram(graph, self.batch)
