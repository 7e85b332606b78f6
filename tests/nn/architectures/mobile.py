"""Networks for small machines: depthwise convolutions, inverted residuals, gates of channels, shuffled channels."""

import torch
from torch import nn
from torch.nn import functional


class ConvNorm(nn.Sequential):
    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU6):
        layers = [
            nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([activation()] if activation else []))


class MobileNetV1(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.model = nn.Sequential(ConvNorm(3, 8, stride=2), *self._dw(8, 16, 1), *self._dw(16, 16, 2), nn.AvgPool2d(8))
        self.fc = nn.Linear(16, classes)

    def _dw(self, inputs, outputs, stride):
        return ConvNorm(inputs, inputs, 3, stride, inputs, nn.ReLU), ConvNorm(inputs, outputs, 1, activation=nn.ReLU)

    def forward(self, x):
        x = self.model(x)
        x = x.view(-1, 16)
        return self.fc(x)


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        hidden = round(inputs * expand)
        self.use_res_connect = stride == 1 and inputs == outputs
        layers = [ConvNorm(inputs, hidden, 1)] if expand != 1 else []
        layers += [
            ConvNorm(hidden, hidden, 3, stride, hidden),
            nn.Conv2d(hidden, outputs, 1, 1, 0, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            ConvNorm(3, 8, stride=2),
            InvertedResidual(8, 8, 1, 1),
            InvertedResidual(8, 12, 2, 3),
            InvertedResidual(12, 12, 1, 3),
            ConvNorm(12, 24, 1),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(24, classes))

    def forward(self, x):
        x = self.features(x)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1)).reshape(x.shape[0], -1)
        return self.classifier(x)


class HandSwish(nn.Module):
    def forward(self, x):
        return x * (functional.relu6(x + 3, inplace=True) / 6)


class SELayer(nn.Module):
    """MobileNetV3's, of the time before torch had h-swish: a gate by linear layers."""

    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, 4), nn.ReLU(inplace=True), nn.Linear(4, channels), nn.Hardsigmoid())

    def forward(self, x):
        b, c, _, _ = x.size()
        y = functional.adaptive_avg_pool2d(x, 1).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)


class MobileNetV3(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = ConvNorm(3, 8, stride=2, activation=nn.Hardswish)
        self.expand = ConvNorm(8, 16, 1, activation=HandSwish)
        self.depth = ConvNorm(16, 16, 5, 1, 16, activation=None)
        self.se, self.act = SELayer(16), HandSwish()
        self.project = ConvNorm(16, 8, 1, activation=None)
        self.classifier = nn.Sequential(
            nn.Linear(8, 24), nn.Hardswish(inplace=True), nn.Dropout(0.2, inplace=True), nn.Linear(24, classes)
        )

    def forward(self, x):
        x = self.stem(x)
        x = x + self.project(self.act(self.se(self.depth(self.expand(x)))))
        return self.classifier(x.mean(3).mean(2))


def drop_path(x, drop_prob, training):
    if drop_prob == 0.0 or not training:
        return x
    keep_prob = 1 - drop_prob
    mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep_prob)
    return x.div(keep_prob) * mask


class StochasticDepth(nn.Module):
    def forward(self, x):
        return drop_path(x, 0.2, self.training)


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


class Conv2dSamePadding(nn.Conv2d):
    """As TensorFlow pads: by the image's size, more at the end."""

    def forward(self, x):
        height, width = x.size()[-2:]
        down, across = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip((height, width), self.stride, self.kernel_size, strict=True)
        )
        if down > 0 or across > 0:
            x = functional.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2])
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class MBConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expand):
        super().__init__()
        wide = inputs * expand
        self.has_residual = stride == 1 and inputs == outputs
        self.expand_conv, self.bn0 = nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide, eps=1e-3)
        self.depthwise_conv = Conv2dSamePadding(wide, wide, kernel, stride, groups=wide, bias=False)
        self.bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self.se_reduce, self.se_expand = nn.Conv2d(wide, 4, 1), nn.Conv2d(4, wide, 1)
        self.project_conv, self.bn2 = nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs, eps=1e-3)
        self.swish, self.drop = Swish(), StochasticDepth()

    def forward(self, inputs):
        x = self.swish(self.bn0(self.expand_conv(inputs)))
        x = self.swish(self.bn1(self.depthwise_conv(x)))
        squeezed = functional.adaptive_avg_pool2d(x, 1)
        squeezed = self.se_expand(self.swish(self.se_reduce(squeezed)))
        x = torch.sigmoid(squeezed) * x
        x = self.bn2(self.project_conv(x))
        return self.drop(x) + inputs if self.has_residual else x


class EfficientNet(nn.Module):
    """Normalised by the statistics of ImageNet within; asymmetric padding."""

    def __init__(self, classes):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.stem, self.bn0 = Conv2dSamePadding(3, 8, 3, 2, bias=False), nn.BatchNorm2d(8)
        self.blocks = nn.ModuleList([MBConv(8, 8, 3, 1, 2), MBConv(8, 12, 5, 2, 3)])
        self.head, self.act = nn.Conv2d(12, 24, 1, bias=False), nn.SiLU()
        self.pool, self.dropout, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Linear(24, classes)

    def forward(self, x):
        x = (x - self.mean) / self.std
        x = self.act(self.bn0(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        x = self.pool(self.act(self.head(x)))
        return self.fc(self.dropout(x.flatten(start_dim=1)))


class FusedMBConv(nn.Module):
    """EfficientNetV2's first blocks: one whole convolution for the two."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.use_res_connect = stride == 1 and inputs == outputs
        self.block = nn.Sequential(
            ConvNorm(inputs, 2 * inputs, 3, stride, activation=nn.SiLU),
            ConvNorm(2 * inputs, outputs, 1, activation=None),
        )
        self.stochastic_depth = StochasticDepth()

    def forward(self, x):
        result = self.block(x)
        return self.stochastic_depth(result) + x if self.use_res_connect else result


class EfficientNetV2(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            ConvNorm(3, 8, stride=2, activation=nn.SiLU),
            FusedMBConv(8, 8, 1),
            FusedMBConv(8, 12, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2, inplace=True),
            nn.Linear(12, classes),
        )


class MNASNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False),
            nn.BatchNorm2d(8, momentum=0.0003),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, padding=1, stride=1, groups=8, bias=False),
            nn.BatchNorm2d(8, momentum=0.0003),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 6, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(6, momentum=0.0003),
            InvertedResidual(6, 6, 1, 3),
            InvertedResidual(6, 10, 2, 3),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=0.2, inplace=True), nn.Linear(10, classes))

    def forward(self, x):
        x = self.layers(x)
        x = x.mean([2, 3])
        return self.classifier(x)


def channel_shuffle(x, groups):
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(batch, channels, height, width)


class ShuffleUnit(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, half = stride, outputs // 2
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                ConvNorm(inputs, inputs, 3, stride, inputs, None), ConvNorm(inputs, half, 1, activation=nn.ReLU)
            )
        self.branch2 = nn.Sequential(
            ConvNorm(inputs if stride > 1 else half, half, 1, activation=nn.ReLU),
            ConvNorm(half, half, 3, stride, half, None),
            ConvNorm(half, half, 1, activation=nn.ReLU),
        )

    def forward(self, x):
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = ConvNorm(3, 8, stride=2, activation=nn.ReLU)
        self.stage2 = nn.Sequential(ShuffleUnit(8, 16, 2), ShuffleUnit(16, 16, 1), ShuffleUnit(16, 16, 1))
        self.conv5, self.fc = ConvNorm(16, 24, 1, activation=nn.ReLU), nn.Linear(24, classes)

    def forward(self, x):
        x = self.conv5(self.stage2(self.conv1(x)))
        return self.fc(x.mean([2, 3]))


class GhostModule(nn.Module):
    """Half of the channels by a convolution, half of them by a cheap one of the first."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.outputs, half = outputs, -(-outputs // 2)
        self.primary_conv = ConvNorm(inputs, half, 1, activation=nn.ReLU)
        self.cheap_operation = ConvNorm(half, half, 3, 1, half, nn.ReLU)

    def forward(self, x):
        x1 = self.primary_conv(x)
        out = torch.cat([x1, self.cheap_operation(x1)], dim=1)
        return out[:, : self.outputs, :, :]


class GhostNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem, self.ghost1, self.ghost2 = ConvNorm(3, 8, stride=2), GhostModule(8, 15), GhostModule(15, 8)
        self.classifier = nn.Linear(8, classes)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.ghost2(self.ghost1(x))
        return self.classifier(functional.adaptive_avg_pool2d(x, (1, 1)).squeeze(-1).squeeze(-1))
