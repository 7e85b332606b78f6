"""Blocks of known convolution networks, small, with batch norms that have seen data."""

import torch
from torch import nn


def _norm(channels):
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.running_mean.uniform_(-0.2, 0.2)
        norm.running_var.uniform_(0.3, 1.2)
        norm.weight.uniform_(0.6, 1.4)
        norm.bias.uniform_(-0.3, 0.3)
    return norm


def _conv(inputs, outputs, kernel=3, stride=1, groups=1, *, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)


def _unit(inputs, outputs, kernel, stride, groups, activation):
    return [_conv(inputs, outputs, kernel, stride, groups), _norm(outputs), activation()]


class InvertedResidual(nn.Module):
    """MobileNetV2: widen, depthwise, narrow without activation, a way around where shapes allow."""

    def __init__(self, inputs, outputs, stride=1, activation=nn.ReLU6):
        super().__init__()
        wide = 3 * inputs
        self.around = stride == 1 and inputs == outputs
        self.block = nn.Sequential(
            *_unit(inputs, wide, 1, 1, 1, activation),
            *_unit(wide, wide, 3, stride, wide, activation),
            _conv(wide, outputs, 1),
            _norm(outputs),
        )

    def forward(self, x):
        return x + self.block(x) if self.around else self.block(x)


class Basic(nn.Module):
    """ResNet: two convolutions and a way around, with a convolution of its own where the stride is 2."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.block = nn.Sequential(
            *_unit(inputs, outputs, 3, stride, 1, nn.ReLU), _conv(outputs, outputs), _norm(outputs)
        )
        self.around = nn.Sequential(_conv(inputs, outputs, 1, stride), _norm(outputs)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.block(x) + self.around(x))


class Dense(nn.Module):
    """DenseNet: norm, ReLU and convolution in this order, results beside the inputs."""

    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = _norm(inputs), _conv(inputs, 2 * growth, 1)
        self.norm2, self.conv2 = _norm(2 * growth), _conv(2 * growth, growth)

    def forward(self, x):
        new = self.conv1(torch.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(torch.relu(self.norm2(new)))], 1)


class SqueezeExcite(nn.Module):
    """EfficientNet's and MobileNetV3's gate of channels."""

    def __init__(self, channels, activation=nn.SiLU, gate=nn.Sigmoid):
        super().__init__()
        self.down, self.up = _conv(channels, 4, 1, bias=True), _conv(4, channels, 1, bias=True)
        self.activation, self.gate = activation(), gate()

    def forward(self, x):
        return x * self.gate(self.up(self.activation(self.down(x.mean((2, 3), keepdim=True)))))


def mobilenet():
    return nn.Sequential(
        *_unit(3, 6, 3, 1, 1, nn.ReLU6),
        InvertedResidual(6, 6),
        InvertedResidual(6, 8, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(8, 5),
    )


def resnet():
    return nn.Sequential(
        *_unit(3, 6, 3, 1, 1, nn.ReLU),
        nn.MaxPool2d(3, 2, 1),
        Basic(6, 6),
        Basic(6, 8, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )


def densenet():
    return nn.Sequential(
        _conv(3, 6),
        Dense(6, 4),
        Dense(10, 4),
        _norm(14),
        nn.ReLU(),
        _conv(14, 7, 1),
        nn.AvgPool2d(2),
        _norm(7),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(7, 5),
    )


class EfficientNet(nn.Module):
    """Images normalised within the network; SiLU, squeeze and excite, a mean over pixels."""

    def __init__(self, activation=nn.SiLU, gate=nn.Sigmoid):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).reshape(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.2, 0.25, 0.3]).reshape(1, 3, 1, 1))
        self.stem = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 6, 3, 2, bias=False), _norm(6), activation())
        self.block, self.gate = InvertedResidual(6, 6, activation=activation), SqueezeExcite(6, activation, gate)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        x = self.stem((x - self.mean) / self.spread)
        return self.head(self.gate(self.block(x)).mean((2, 3)))


def efficientnet():
    return EfficientNet()


def mobilenet_v3():
    return EfficientNet(nn.Hardswish, nn.Hardsigmoid)


BLOCKS = {build.__name__: build for build in (mobilenet, resnet, densenet, efficientnet, mobilenet_v3)}


def made(name, seed=3):
    """A network by its name, random weights, evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BLOCKS[name]().eval()
