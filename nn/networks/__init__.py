"""Networks to train, one file each: `network(sizes) -> torch.nn.Module`, found by the file's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nn import folder

if TYPE_CHECKING:
    import torch

Builder = Callable[[Sequence[int]], "torch.nn.Module"]


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
