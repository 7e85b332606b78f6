"""What would stop a network that was read, found before anything is trained or simulated for it."""

from __future__ import annotations

import numpy as np

from bitline.core.errors import ConfigError
from nn.float_graph import FloatGraph
from nn.layer import ProductLayer


def check_logits(graph: FloatGraph, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], classes: int) -> None:
    """See that a network's numbers are numbers, and that it has a logit for every class.

    More logits than classes are fine, as those of a head for more classes or of a background: a decision for one of
    them is a wrong one.

    Args:
        graph: the network.
        image: any, (1, height, width, channels).
        classes: of the data.

    Raises:
        ConfigError: a weight is NaN or infinite (names the layer), or the output is not (images, at least `classes`).
    """
    for node in graph.nodes:
        held = {key: value for key, value in vars(node.layer).items() if isinstance(value, np.ndarray)}
        masks = not isinstance(node.layer, ProductLayer)  # may hold -inf
        for key, value in held.items():
            if value.dtype.kind == "f" and not (np.isfinite(value) | (masks & np.isneginf(value))).all():
                raise ConfigError(f"layer {node.name!r}: its {key} are not all finite (NaN or infinite)")
    shape = graph.logits(image).shape[1:]
    if len(shape) != 1:
        raise ConfigError(f"the network gives {shape} an image; one logit a class is needed, ({classes},)")
    if shape[0] < classes:
        raise ConfigError(f"the network has {shape[0]} outputs, the data {classes} classes; each class needs one")
