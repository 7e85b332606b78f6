"""What a hardware target is: one integer graph in, a program out that infers images and says what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bitline.core.array import Array, IntArray
from bitline.core.figures import Figure
from nn.graph import Graph

Images = np.ndarray[Any, np.dtype[np.integer]]


@dataclass(frozen=True, eq=False)
class Inference:
    """What a program gave for a batch of images.

    Args:
        logits: (images, classes), int32 values; a target's unit of a logit is `Program.logit_scale`.
        trace: what was asked to be kept, by name, the image first; maps of stuck cells have the tile first.
        counts: events of all the images by layer and kind, as {"fc1": {"conversions": 10240, "saturated": 3}}; those of
            programming among them, once.
        energy: J an image, by component.
        latency: s an image, by component; their sum is the time from its first input to its logits.
        cycles: clock cycles an image, or None where the target has no clock.
        artefacts: files that the target makes (RTL, memory images), by name.
    """

    logits: IntArray
    trace: Mapping[str, IntArray] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    energy: Mapping[str, Figure] = field(default_factory=dict)
    latency: Mapping[str, Figure] = field(default_factory=dict)
    cycles: int | None = None
    artefacts: Mapping[str, bytes] = field(default_factory=dict)


class Program(Protocol):
    """A network on a target."""

    @property
    def logit_scale(self) -> float:
        """What one unit of a logit is worth in the float network."""

    def run(self, x: Images, sample: int) -> Inference:
        """Infer images (n, *input_shape) on sample (chip) number `sample`; the same bits whenever it is repeated."""


class Target(Protocol):
    """A kind of hardware; a picklable frozen dataclass whose fields are its settings."""

    def compile(self, graph: Graph, calibration: Images) -> Program:
        """Map a graph; ranges are calibrated on images that are not those to be judged on.

        Raises:
            ConfigError: the graph holds something that the target can't map; it names the node.
        """


class ArrayFactory(Protocol):
    """Makes the arrays that a network is laid out on, whether in numba or as netlists; picklable.

    Attributes:
        max_rows: inputs that the largest array takes.
        max_cols: outputs that it gives; a differential pair of bit lines is one.
        weight_bits: of the signed weights that arrays take.
    """

    @property
    def max_rows(self) -> int: ...  # noqa: D102

    @property
    def max_cols(self) -> int: ...  # noqa: D102

    @property
    def weight_bits(self) -> int: ...  # noqa: D102

    def __call__(self, rows: int, cols: int, input_bits: int) -> Array:
        """An array, not programmed yet, for unsigned inputs of `input_bits`."""
