"""Networks to train, one file each: `network(input_shape, classes, **settings) -> torch.nn.Module`, by the file's name.

Each takes images (batch, channels, height, width) of 0..1, for which `input_shape` is (height, width, channels) as data
sets have it, and gives logits (batch, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nn import folder

if TYPE_CHECKING:
    import torch

Builder = Callable[..., "torch.nn.Module"]


def available() -> list[str]:
    """The names of the networks that come along."""
    import nn.networks as package

    return folder.names(package)


def find(name: str) -> Builder:
    """The builder of a network by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    import nn.networks as package

    if name not in available():
        raise folder.unknown("network", name, available())
    builder: Builder = folder.part(package, name).network
    return builder
