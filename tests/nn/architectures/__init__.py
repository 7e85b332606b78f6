"""Known architectures, narrow and shallow, in the words of their public code, for images of 32 x 32 x 3."""

import torch
from torch import nn

from architectures import attention, classic, convnext, mobile, residual

SHAPE, CLASSES = (32, 32, 3), 5
ARCHITECTURES = {
    "LeNet": classic.LeNet,
    "AlexNet": classic.AlexNet,
    "VGG": classic.VGG,
    "SqueezeNet": classic.SqueezeNet,
    "GoogLeNet": classic.GoogLeNet,
    "Inception V3": classic.InceptionV3,
    "U-Net": classic.UNet,
    "ResNet-18": residual.ResNet,
    "ResNet-50": residual.resnet50,
    "ResNeXt": residual.resnext,
    "ResNet of CIFAR-10": residual.CifarResNet,
    "Big Transfer": residual.BigTransfer,
    "DenseNet": residual.DenseNet,
    "RegNet": residual.RegNet,
    "CBAM and SKNet": residual.AttentiveResNet,
    "MobileNetV1": mobile.MobileNetV1,
    "MobileNetV2": mobile.MobileNetV2,
    "MobileNetV3": mobile.MobileNetV3,
    "EfficientNet": mobile.EfficientNet,
    "EfficientNetV2": mobile.EfficientNetV2,
    "MNASNet": mobile.MNASNet,
    "ShuffleNetV2": mobile.ShuffleNetV2,
    "GhostNet": mobile.GhostNet,
    "ConvNeXt": convnext.ConvNeXt,
    "ConvNeXt of torchvision": convnext.TorchvisionConvNeXt,
    "ConvMixer": convnext.ConvMixer,
    "ViT": attention.VisionTransformer,
    "ViT, written out": attention.written_out_vision_transformer,
    "ViT of torchvision": attention.TorchvisionTransformer,
    "TransformerEncoder": attention.TransformerEncoder,
    "MLP-Mixer": attention.MlpMixer,
    "Swin": attention.Swin,
    "PoolFormer": convnext.PoolFormer,
    "CCT": attention.CompactTransformer,
    "rotary transformer": attention.RotaryTransformer,
}


def made(name, images, seed=3):
    """A network by its name, random weights, norms that have seen the images (n, height, width, channels), 0 to 255."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = ARCHITECTURES[name](CLASSES)
        for each in module.modules():
            if isinstance(each, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(each.weight)  # so that images still differ where no norm makes them
            if isinstance(each, nn.BatchNorm2d):
                each.momentum = None  # the mean of all batches
            if isinstance(each, (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)):
                nn.init.uniform_(each.weight, 0.6, 1.4)
                nn.init.uniform_(each.bias, -0.3, 0.3)
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255
        with torch.no_grad():
            for batch in x.split(24):
                module.train()(batch)
    return module.eval()
