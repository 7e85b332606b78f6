"""The residual network of He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, for CIFAR-10 (4.2).

Where a stage narrows the image its way around is a strided 1 x 1 convolution ("option B"), which an array can hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bitline.core.errors import ConfigError


class Block(torch.nn.Module):
    """Two 3 x 3 convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.relu1 = torch.nn.ReLU()
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.around = torch.nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.around.append(torch.nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.around.append(torch.nn.BatchNorm2d(outputs))
        self.relu2 = torch.nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        result: torch.Tensor = self.relu2(y + self.around(x))
        return result


def network(
    input_shape: Sequence[int], classes: int, *, widths: Sequence[int] = (16, 32, 64), blocks: int = 3
) -> torch.nn.Sequential:
    """A residual network; with 3 blocks a stage it is ResNet-20 (272,000 parameters, 41 million MACs at 32 x 32).

    Args:
        input_shape: of an image, (height, width, channels).
        classes: outputs.
        widths: channels of each stage; each but the first halves height and width.
        blocks: of a stage.

    Raises:
        ConfigError: no stage, or one without channels or blocks.
    """
    if not widths or min(widths) < 1 or blocks < 1:
        raise ConfigError(f"resnet: widths = {list(widths)}, blocks = {blocks}: at least one stage, channel and block")
    inputs = widths[0]
    layers = torch.nn.Sequential()
    layers.add_module("conv", torch.nn.Conv2d(input_shape[2], inputs, 3, padding=1, bias=False))
    layers.add_module("bn", torch.nn.BatchNorm2d(inputs))
    layers.add_module("relu", torch.nn.ReLU())
    for stage, outputs in enumerate(widths, start=1):
        for place in range(1, blocks + 1):
            stride = 2 if stage > 1 and place == 1 else 1
            layers.add_module(f"stage{stage}_{place}", Block(inputs, outputs, stride))
            inputs = outputs
    layers.add_module("pool", torch.nn.AdaptiveAvgPool2d(1))
    layers.add_module("flatten", torch.nn.Flatten())
    layers.add_module("fc", torch.nn.Linear(inputs, classes))
    # trains in four fifths of the time; torch's types don't know the argument
    fast: torch.nn.Sequential = layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return fast
