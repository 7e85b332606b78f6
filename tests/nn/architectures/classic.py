"""Networks of convolutions one after the other, or in branches side by side."""

import torch
from torch import nn
from torch.nn import functional


class LeNet(nn.Module):
    """LeNet-5 as PyTorch's tutorials spell it; it gives logarithms of probabilities."""

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 32), nn.Linear(32, 24), nn.Linear(24, classes)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv1(x)), (2, 2))
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = functional.relu(self.fc1(x))
        x = functional.relu(self.fc2(x))
        return functional.log_softmax(self.fc3(x), dim=1)

    def num_flat_features(self, x):
        features = 1
        for size in x.size()[1:]:
            features *= size
        return features


class AlexNet(nn.Module):
    """With the local response normalisation of the first, Krizhevsky's; its later versions have none."""

    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=5, stride=2, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(8, 12, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(12, 12, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(12 * 2 * 2, 24), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(24, classes)
        )

    def forward(self, x):
        x = self.avgpool(self.features(x))
        x = torch.flatten(x, 1)
        return self.classifier(x)


class VGG(nn.Module):
    """With batch norms; its layers made of a list."""

    def __init__(self, classes):
        super().__init__()
        self.features = self._make_layers([8, "M", 12, "M", 16, 16, "M"])
        self.classifier = nn.Linear(16, classes)

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        return self.classifier(out)

    def _make_layers(self, widths):
        layers, channels = [], 3
        for width in widths:
            if width == "M":
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                conv = nn.Conv2d(channels, width, kernel_size=3, padding=1)
                layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
        return nn.Sequential(*layers, nn.AvgPool2d(4))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = functional.relu(self.squeeze(x))
        return torch.cat([functional.relu(self.expand1x1(x)), functional.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Fire(8, 4, 8),
            Fire(16, 4, 8),
        )
        final = nn.Conv2d(16, classes, kernel_size=1)
        self.classifier = nn.Sequential(nn.Dropout(0.5), final, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


class BasicConv2d(nn.Module):
    def __init__(self, inputs, outputs, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """GoogLeNet's: convolutions of 1, 3 and 5 and a pool, side by side."""

    def __init__(self, inputs):
        super().__init__()
        self.branch1 = BasicConv2d(inputs, 4, kernel_size=1)
        self.branch2 = nn.Sequential(BasicConv2d(inputs, 4, kernel_size=1), BasicConv2d(4, 6, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(inputs, 2, kernel_size=1), BasicConv2d(2, 4, kernel_size=5, padding=2))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), BasicConv2d(inputs, 2, kernel_size=1)
        )

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    """Channels brought to -1..1 one by one, local response normalisation after the stem, as in the first version."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = BasicConv2d(3, 8, kernel_size=7, stride=2, padding=3)
        self.norm = nn.LocalResponseNorm(5, alpha=0.3, beta=0.75, k=1.0)
        self.inception3a, self.inception3b = Inception(8), Inception(16)
        self.dropout, self.fc = nn.Dropout(0.2), nn.Linear(16, classes)

    def forward(self, x):
        x_ch0 = torch.unsqueeze(x[:, 0], 1) * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
        x_ch1 = torch.unsqueeze(x[:, 1], 1) * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
        x_ch2 = torch.unsqueeze(x[:, 2], 1) * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
        x = torch.cat((x_ch0, x_ch1, x_ch2), 1)
        x = self.norm(functional.max_pool2d(self.conv1(x), 3, stride=2, ceil_mode=True))
        x = self.inception3b(self.inception3a(x))
        x = functional.adaptive_avg_pool2d(x, (1, 1))
        x = torch.flatten(x, 1)
        return self.fc(self.dropout(x))


class InceptionV3(nn.Module):
    """Kernels of 1 x 3 and 3 x 1, one branch parting in two, an average pool that pads; a stride by three branches."""

    def __init__(self, classes):
        super().__init__()
        self.stem = BasicConv2d(3, 8, kernel_size=3, stride=2)
        self.branch3x3_1 = BasicConv2d(8, 6, kernel_size=1)
        self.branch3x3_2a = BasicConv2d(6, 6, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3_2b = BasicConv2d(6, 6, kernel_size=(3, 1), padding=(1, 0))
        self.branch_pool = BasicConv2d(8, 4, kernel_size=1)
        self.reduce = BasicConv2d(16, 8, kernel_size=3, stride=2)
        self.fc = nn.Linear(24, classes)

    def forward(self, x):
        x = self.stem(x)
        branch3x3 = self.branch3x3_1(x)
        branch3x3 = torch.cat([self.branch3x3_2a(branch3x3), self.branch3x3_2b(branch3x3)], 1)
        branch_pool = self.branch_pool(functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        x = torch.cat([branch3x3, branch_pool], 1)
        x = torch.cat([self.reduce(x), functional.max_pool2d(x, kernel_size=3, stride=2)], 1)
        return self.fc(torch.mean(x, dim=(2, 3)))


class DoubleConv(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.1, inplace=True),
        )


class UNet(nn.Module):
    """Down and up again, by a transposed convolution once and by repeated pixels once; classes of the whole image."""

    def __init__(self, classes):
        super().__init__()
        self.inc, self.down1, self.down2 = DoubleConv(3, 6), DoubleConv(6, 8), DoubleConv(8, 12)
        self.up1, self.conv1 = nn.ConvTranspose2d(12, 8, kernel_size=2, stride=2), DoubleConv(16, 8)
        self.up2, self.conv2 = nn.Upsample(scale_factor=2, mode="nearest"), DoubleConv(14, 6)
        self.outc = nn.Conv2d(6, classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(functional.max_pool2d(x1, 2))
        x3 = self.down2(functional.max_pool2d(x2, 2))
        x = self._up(self.up1(x3), x2, self.conv1)
        x = self._up(self.up2(x), x1, self.conv2)
        return self.outc(x).mean([2, 3])

    def _up(self, x, skip, conv):
        down, across = skip.size()[2] - x.size()[2], skip.size()[3] - x.size()[3]
        x = functional.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2])
        return conv(torch.cat([skip, x], dim=1))
