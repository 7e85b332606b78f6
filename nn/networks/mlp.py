"""Fully connected network with a batch norm and a ReLU after every layer but the last."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch

from bitline.core.errors import ConfigError


def network(input_shape: Sequence[int], classes: int, *, hidden: Sequence[int] = (128,)) -> torch.nn.Sequential:
    """An MLP for images.

    Args:
        input_shape: of an image.
        classes: outputs.
        hidden: neurons of each hidden layer.

    Raises:
        ConfigError: a layer without neurons.
    """
    sizes = (math.prod(input_shape), *hidden, classes)
    if min(sizes) < 1:
        raise ConfigError(f"mlp: hidden = {list(hidden)}: every layer needs a neuron at least")
    layers: OrderedDict[str, torch.nn.Module] = OrderedDict(flatten=torch.nn.Flatten())
    for place, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        last = place == len(sizes) - 1
        layers[f"fc{place}"] = torch.nn.Linear(inputs, outputs, bias=last)
        if not last:
            layers[f"bn{place}"] = torch.nn.BatchNorm1d(outputs)
            layers[f"relu{place}"] = torch.nn.ReLU()
    return torch.nn.Sequential(layers)
