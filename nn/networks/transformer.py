"""A small vision transformer whose tokens are the rows of an image.

Blocks of attention and a feed-forward part, each after a layer norm and with a way around it: Dosovitskiy et al., "An
Image is Worth 16x16 Words", ICLR 2021, equations 1 to 4, with rows for patches and the mean of all tokens for a class
token.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention

from bitline.core.errors import ConfigError


class Block(torch.nn.Module):
    """Attention between tokens, then two linear layers on each; (batch, tokens, width) in and out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.LayerNorm(width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.gathered = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.wide = torch.nn.Linear(width, 2 * width)
        self.gelu = torch.nn.GELU()
        self.narrow = torch.nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The tokens, each with what it gathered from the others."""
        parts = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        x = x + self.gathered(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        result: torch.Tensor = x + self.narrow(self.gelu(self.wide(self.norm2(x))))
        return result


class Transformer(torch.nn.Module):
    """Embeds rows, adds where they are, and averages what the blocks make of them."""

    def __init__(self, input_shape: Sequence[int], classes: int, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        height, columns, channels = input_shape
        self.embed = torch.nn.Linear(columns * channels, width)
        self.position = torch.nn.Parameter(0.02 * torch.randn(height, width))
        self.blocks = torch.nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = torch.nn.LayerNorm(width)
        self.fc = torch.nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, height, width) to logits (batch, classes)."""
        rows = images.transpose(1, 2).flatten(2)  # (batch, height, channels * width)
        tokens = self.blocks(self.embed(rows) + self.position)
        logits: torch.Tensor = self.fc(self.norm(tokens).mean(dim=1))
        return logits


def network(
    input_shape: Sequence[int], classes: int, *, width: int = 32, heads: int = 4, blocks: int = 1
) -> torch.nn.Module:
    """A transformer for small images.

    Args:
        input_shape: of an image, (height, width, channels).
        classes: outputs.
        width: numbers of a token.
        heads: of the attention; they share the width.
        blocks: one after the other.

    Raises:
        ConfigError: no block, or a width that the heads can't share evenly.
    """
    if heads < 1 or width < heads or width % heads or blocks < 1:
        raise ConfigError(
            f"transformer: width = {width}, heads = {heads}, blocks = {blocks}: heads must divide the width"
        )
    return Transformer(input_shape, classes, width, heads, blocks)
