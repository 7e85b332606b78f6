"""Fully connected network with a batch norm and a ReLU after every layer but the last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch

from bitline.core.errors import ConfigError


def network(sizes: Sequence[int]) -> torch.nn.Sequential:
    """An MLP for images.

    Args:
        sizes: pixels of an image, neurons of each hidden layer, classes; as (784, 128, 10).

    Raises:
        ConfigError: fewer than two sizes, or one below 1.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise ConfigError(f"mlp: sizes = {list(sizes)}; pixels, hidden neurons and classes, as [784, 128, 10]")
    layers: OrderedDict[str, torch.nn.Module] = OrderedDict(flatten=torch.nn.Flatten())
    for place, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        last = place == len(sizes) - 1
        layers[f"fc{place}"] = torch.nn.Linear(inputs, outputs, bias=last)
        if not last:
            layers[f"bn{place}"] = torch.nn.BatchNorm1d(outputs)
            layers[f"relu{place}"] = torch.nn.ReLU()
    return torch.nn.Sequential(layers)
