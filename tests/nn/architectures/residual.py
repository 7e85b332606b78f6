"""Networks with ways around their blocks, or with all earlier results beside the new ones."""

import torch
from torch import nn
from torch.nn import functional


def conv3x3(inputs, outputs, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, downsample, groups):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, width, stride), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.bn2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride, downsample, groups):
        super().__init__()
        self.conv1, self.bn1 = conv1x1(inputs, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width, stride, groups), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv1x1(width, width * 4), nn.BatchNorm2d(width * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """torchvision's."""

    def __init__(self, classes, block=BasicBlock, groups=1):
        super().__init__()
        self.inplanes, self.groups = 8, groups
        self.conv1 = nn.Conv2d(3, 8, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1, self.layer2 = self._make_layer(block, 8, 2), self._make_layer(block, 12, 2, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(12 * block.expansion, classes)

    def _make_layer(self, block, width, count, stride=1):
        outputs, downsample = width * block.expansion, None
        if stride != 1 or self.inplanes != outputs:
            downsample = nn.Sequential(conv1x1(self.inplanes, outputs, stride), nn.BatchNorm2d(outputs))
        layers = [block(self.inplanes, width, stride, downsample, self.groups)]
        self.inplanes = outputs
        layers += [block(self.inplanes, width, 1, None, self.groups) for _ in range(1, count)]
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet50(classes):
    return ResNet(classes, Bottleneck)


def resnext(classes):
    return ResNet(classes, Bottleneck, groups=4)


class LambdaLayer(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class CifarBlock(nn.Module):
    """Of the CIFAR-10 ResNets with shortcut A: every second pixel, and channels of zeros on either side."""

    def __init__(self, inputs, width, stride=1):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, width, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != width:
            more = (width - inputs) // 2
            self.shortcut = LambdaLayer(
                lambda x: functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, more, more), "constant", 0)
            )

    def forward(self, x):
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return functional.relu(out)


class CifarResNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(3, 8), nn.BatchNorm2d(8)
        self.layers = nn.Sequential(CifarBlock(8, 8), CifarBlock(8, 16, 2))
        self.linear = nn.Linear(16, classes)

    def forward(self, x):
        out = self.layers(functional.relu(self.bn1(self.conv1(x))))
        out = functional.avg_pool2d(out, out.size()[3])
        return self.linear(out.view(out.size(0), -1))


class PreActivation(nn.Module):
    """ResNet V2: norms and ReLUs before the convolutions, weights standardised and norms of groups, as Big Transfer."""

    def __init__(self, inputs, width, stride=1):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inputs), nn.GroupNorm(4, width)
        self.conv1, self.conv2 = StdConv2d(inputs, width, 3, stride, 1), StdConv2d(width, width, 3, 1, 1)
        self.downsample = StdConv2d(inputs, width, 1, stride) if stride != 1 or inputs != width else None

    def forward(self, x):
        out = functional.relu(self.norm1(x))
        residual = x if self.downsample is None else self.downsample(out)
        out = self.conv1(out)
        return self.conv2(functional.relu(self.norm2(out))) + residual


class StdConv2d(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        v, m = torch.var_mean(w, dim=[1, 2, 3], keepdim=True, unbiased=False)
        w = (w - m) / torch.sqrt(v + 1e-5)
        return functional.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


class BigTransfer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.root = nn.Sequential(
            StdConv2d(3, 8, 7, stride=2, padding=3, bias=False), nn.ConstantPad2d(1, 0), nn.MaxPool2d(3, stride=2)
        )
        self.body = nn.Sequential(PreActivation(8, 8), PreActivation(8, 12, 2))
        self.head = nn.Sequential(
            nn.GroupNorm(4, 12), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(output_size=1), nn.Conv2d(12, classes, 1)
        )

    def forward(self, x):
        x = self.head(self.body(self.root(x)))
        return x[..., 0, 0]


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, features):
        out = self.conv1(functional.relu(self.norm1(torch.cat(features, 1)), inplace=True))
        return self.conv2(functional.relu(self.norm2(out), inplace=True))


class DenseBlock(nn.ModuleDict):
    def __init__(self, count, inputs, growth):
        super().__init__()
        for place in range(count):
            self.add_module(f"denselayer{place + 1}", DenseLayer(inputs + place * growth, growth))

    def forward(self, x):
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            conv3x3(3, 8),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            DenseBlock(2, 8, 4),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            conv1x1(16, 8),
            nn.AvgPool2d(kernel_size=2, stride=2),
            DenseBlock(2, 8, 4),
            nn.BatchNorm2d(16),
        )
        self.classifier = nn.Linear(16, classes)

    def forward(self, x):
        out = functional.relu(self.features(x), inplace=True)
        out = functional.adaptive_avg_pool2d(out, (1, 1))
        return self.classifier(torch.flatten(out, 1))


class RegNetBlock(nn.Module):
    """Y: a grouped bottleneck as wide as its ends, with squeeze and excite."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.proj = None
        if inputs != width or stride != 1:
            self.proj = nn.Sequential(conv1x1(inputs, width, stride), nn.BatchNorm2d(width))
        self.a = nn.Sequential(conv1x1(inputs, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.b = nn.Sequential(conv3x3(width, width, stride, width // 4), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1), nn.Sigmoid()
        )
        self.c = nn.Sequential(conv1x1(width, width), nn.BatchNorm2d(width))

    def forward(self, x):
        out = self.b(self.a(x))
        out = self.c(self.se(out) * out)
        x = out + (x if self.proj is None else self.proj(x))
        return functional.relu(x, inplace=True)


class RegNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(conv3x3(3, 8, 2), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.trunk = nn.Sequential(RegNetBlock(8, 8, 1), RegNetBlock(8, 16, 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(16, classes)

    def forward(self, x):
        x = self.avgpool(self.trunk(self.stem(x)))
        return self.fc(x.flatten(start_dim=1))


class SpatialAttention(nn.Module):
    """CBAM's second half: the mean and the maximum of the channels say where to look."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        avg_out = torch.mean(x, dim=1, keepdim=True)
        max_out, _ = torch.max(x, dim=1, keepdim=True)
        return torch.sigmoid(self.conv(torch.cat([avg_out, max_out], dim=1)))


class ChannelAttention(nn.Module):
    """Its first half: what to look at, by one network of both pools."""

    def __init__(self, channels):
        super().__init__()
        self.avg_pool, self.max_pool = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
        self.fc = nn.Sequential(conv1x1(channels, 4), nn.ReLU(), conv1x1(4, channels))

    def forward(self, x):
        return torch.sigmoid(self.fc(self.avg_pool(x)) + self.fc(self.max_pool(x)))


class SelectiveKernel(nn.Module):
    """SKNet's unit: two convolutions, each channel weighed between them by a softmax."""

    def __init__(self, channels):
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate, groups=4, bias=False) for rate in (1, 2)]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels) for _ in range(2)])
        self.fc1, self.fc2 = nn.Linear(channels, 8), nn.Linear(8, 2 * channels)

    def forward(self, x):
        feats = torch.stack(
            [functional.relu(norm(conv(x))) for conv, norm in zip(self.convs, self.norms, strict=True)], 1
        )
        z = self.fc2(functional.relu(self.fc1(feats.sum(dim=1).mean((-2, -1)))))
        attention = z.view(x.shape[0], 2, -1, 1, 1).softmax(dim=1)
        return (feats * attention).sum(dim=1)


class AttentiveResNet(nn.Module):
    """CBAM and a selective kernel, each with a way around."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(conv3x3(3, 8, 2), nn.BatchNorm2d(8), nn.PReLU(8))
        self.ca, self.sa, self.sk = ChannelAttention(8), SpatialAttention(), SelectiveKernel(8)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        x = self.stem(x)
        out = self.ca(x) * x
        out = self.sa(out) * out + x
        out = self.sk(out) + out
        return self.fc(functional.avg_pool2d(out, 16).flatten(1))
