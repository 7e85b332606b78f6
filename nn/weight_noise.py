"""Noise on weights while a network is trained, so that it stands spread in the cells that will hold them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.nn.utils import parametrize


class _Noise(torch.nn.Module):
    """A weight with Gaussian noise in training, itself in evaluation."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """`weight`, of any shape, with a spread of `share` of its largest magnitude."""
        if not self.training:
            return weight
        return weight + self.share * weight.detach().abs().max() * torch.randn_like(weight)


def add_noise(network: torch.nn.Module, share: float) -> None:
    """Give every matrix and every kernel noise, new at every use, of `share` times its largest weight.

    That is the noise-resilient training of Wan et al., Nature 608, 504 (2022). Gradients are those of the noisy weights
    and change the plain ones.
    """
    for module in _weighted(network):
        parametrize.register_parametrization(module, "weight", _Noise(share))


def remove_noise(network: torch.nn.Module) -> None:
    """Take it off again; what is left are the plain weights."""
    for module in _weighted(network):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)


def _weighted(network: torch.nn.Module) -> Iterator[torch.nn.Module]:
    for module in list(network.modules()):
        weight = getattr(module, "weight", None)
        if isinstance(weight, torch.Tensor) and weight.ndim > 1:
            yield module
