import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.importers.torch_module import import_module
from nn.networks import available, find
from nn.quantise import quantise


def parameters(module):
    return sum(each.numel() for each in module.parameters())


def made(name, shape, classes, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return find(name)(shape, classes, **settings).eval()


@pytest.mark.parametrize("name", available())
def test_each_takes_images_as_data_sets_have_them_and_gives_logits(name):
    assert made(name, (8, 8, 3), 7)(torch.zeros(2, 3, 8, 8)).shape == (2, 7)


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet"])
def test_each_becomes_integers_that_say_nearly_the_same(name):
    small = {"mlp": {"hidden": (16,)}, "cnn": {"channels": (4, 8)}, "resnet": {"widths": (4, 8), "blocks": 1}}[name]
    module = made(name, (8, 8, 3), 5, **small)
    images = np.random.default_rng(2).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    network = import_module(module, (8, 8, 3))
    floats = network.logits(images)
    graph = quantise(network, images)
    assert np.abs(graph.logits(images) * graph.output_scale - floats).max() < 0.1 * np.abs(floats).max()


def test_resnet_20_is_the_papers():
    module = made("resnet", (32, 32, 3), 10)
    convolutions = [each for each in module.modules() if isinstance(each, torch.nn.Conv2d)]
    assert len([each for each in convolutions if each.kernel_size == (3, 3)]) == 19  # and the linear layer: 20
    # He et al. count 0.27 M; the strided 1 x 1 ways around are ours
    assert parameters(module) == pytest.approx(272_474, abs=3_000)


def test_a_cnn_has_its_stages():
    module = made("cnn", (28, 28, 1), 10, channels=(16, 32, 64), depth=2)
    assert parameters(module) == pytest.approx(73_000, abs=1_000)
    with pytest.raises(ConfigError, match="halved"):
        find("cnn")((4, 4, 1), 10, channels=(4, 4, 4, 4))
    with pytest.raises(ConfigError, match="block"):
        find("resnet")((4, 4, 1), 10, blocks=0)
