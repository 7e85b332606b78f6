"""A plain convolutional network: stages of 3 x 3 convolutions, each followed by a max pool, and one linear layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch

from bitline.core.errors import ConfigError


def network(
    input_shape: Sequence[int], classes: int, *, channels: Sequence[int] = (16, 32, 64), depth: int = 2
) -> torch.nn.Sequential:
    """A CNN for small images; 73,000 parameters for 28 x 28 grey pixels and 10 classes.

    Args:
        input_shape: of an image, (height, width, channels).
        classes: outputs.
        channels: of each stage; a stage halves height and width, the last averages over what is left.
        depth: convolutions of a stage, each with a batch norm and a ReLU.

    Raises:
        ConfigError: more stages than the image can be halved, or an empty one.
    """
    height, width, inputs = input_shape
    if not channels or min(channels) < 1 or depth < 1 or min(height, width) < 2 ** (len(channels) - 1):
        raise ConfigError(
            f"cnn: channels = {list(channels)}, depth = {depth} on {height} x {width} pixels: a stage needs a channel "
            "and a layer, and the image to be halved once for every stage but the last"
        )
    layers: OrderedDict[str, torch.nn.Module] = OrderedDict()
    for stage, outputs in enumerate(channels, start=1):
        for place in range(1, depth + 1):
            name = f"{stage}_{place}"
            layers[f"conv{name}"] = torch.nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            layers[f"bn{name}"] = torch.nn.BatchNorm2d(outputs)
            layers[f"relu{name}"] = torch.nn.ReLU()
            inputs = outputs
        layers[f"pool{stage}"] = torch.nn.MaxPool2d(2) if stage < len(channels) else torch.nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = torch.nn.Flatten()
    layers["fc"] = torch.nn.Linear(inputs, classes)
    return torch.nn.Sequential(layers)
