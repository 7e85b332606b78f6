"""Convolutions with the layer norms, layer scales and wide steps of transformers."""

import torch
from torch import nn
from torch.nn import functional


class ConvNeXtLayerNorm(nn.Module):
    """Its own: over channels that are the last axis, or the first, where the formula is spelt out."""

    def __init__(self, shape, data_format="channels_last"):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.eps, self.data_format = 1e-6, data_format

    def forward(self, x):
        if self.data_format == "channels_last":
            return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = ConvNeXtLayerNorm(dim)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 0.5))

    def forward(self, x):
        shortcut = x
        x = self.dwconv(x)
        x = x.permute(0, 2, 3, 1)
        x = self.pwconv2(self.act(self.pwconv1(self.norm(x))))
        if self.gamma is not None:
            x = self.gamma * x
        x = x.permute(0, 3, 1, 2)
        return shortcut + x


class ConvNeXt(nn.Module):
    def __init__(self, classes):
        super().__init__()
        first = ConvNeXtLayerNorm(8, data_format="channels_first")
        self.downsample_layers = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 8, kernel_size=4, stride=4), first),
                nn.Sequential(
                    ConvNeXtLayerNorm(8, data_format="channels_first"), nn.Conv2d(8, 12, kernel_size=2, stride=2)
                ),
            ]
        )
        self.stages = nn.ModuleList([ConvNeXtBlock(8), ConvNeXtBlock(12)])
        self.norm, self.head = nn.LayerNorm(12, eps=1e-6), nn.Linear(12, classes)

    def forward(self, x):
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        return self.head(self.norm(x.mean([-2, -1])))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class TorchvisionConvNeXt(nn.Module):
    """Layer scale (channels, 1, 1), permutations as modules."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), LayerNorm2d(8, eps=1e-6))
        self.dwconv, self.norm = nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 8))
        self.layer_scale = nn.Parameter(torch.ones(8, 1, 1) * 0.5)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(LayerNorm2d(8, eps=1e-6), nn.Flatten(1), nn.Linear(8, classes))

    def forward(self, x):
        x = self.stem(x)
        y = self.mlp(self.norm(torch.permute(self.dwconv(x), [0, 2, 3, 1])))
        x = x + self.layer_scale * torch.permute(y, [0, 3, 1, 2])
        return self.classifier(self.avgpool(x))


class ConvMixer(nn.Sequential):
    def __init__(self, classes):
        super().__init__(
            nn.Conv2d(3, 16, kernel_size=4, stride=4),
            nn.GELU(),
            nn.BatchNorm2d(16),
            Residual(nn.Sequential(nn.Conv2d(16, 16, 5, groups=16, padding="same"), nn.GELU(), nn.BatchNorm2d(16))),
            nn.Conv2d(16, 16, kernel_size=1),
            nn.GELU(),
            nn.BatchNorm2d(16),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Flatten(),
            nn.Linear(16, classes),
        )


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x) + x


class PoolFormer(nn.Module):
    """A pool in the place of attention, norms of one group, layer scales by unsqueezing."""

    def __init__(self, classes):
        super().__init__()
        self.embed, self.norm1, self.norm2 = nn.Conv2d(3, 12, 7, 4, 2), nn.GroupNorm(1, 12), nn.GroupNorm(1, 12)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.fc1, self.act, self.fc2 = nn.Conv2d(12, 24, 1), nn.GELU(), nn.Conv2d(24, 12, 1)
        self.scale1, self.scale2 = nn.Parameter(torch.rand(12)), nn.Parameter(torch.rand(12))
        self.norm, self.head = nn.GroupNorm(1, 12), nn.Linear(12, classes)

    def forward(self, x):
        x = self.embed(x)
        y = self.norm1(x)
        x = x + self.scale1.unsqueeze(-1).unsqueeze(-1) * (self.pool(y) - y)
        x = x + self.scale2.unsqueeze(-1).unsqueeze(-1) * self.fc2(self.act(self.fc1(self.norm2(x))))
        return self.head(self.norm(x).mean([-2, -1]))
