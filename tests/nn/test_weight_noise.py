import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.datasets import load
from nn.networks import find
from nn.train import Training, logits, train
from nn.weight_noise import add_noise, remove_noise


def test_noise_has_its_spread_in_training_and_none_in_evaluation():
    layer = torch.nn.Linear(200, 100)
    plain = layer.weight.detach().clone()
    add_noise(layer, 0.1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        moved = (layer.train().weight - plain).detach()
    # 20,000 draws know a spread to 1/sqrt(40,000)
    assert float(moved.std() / plain.abs().max()) == pytest.approx(0.1, rel=5 / 200)
    assert torch.equal(layer.eval().weight, plain)
    remove_noise(layer)
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}
    assert torch.equal(layer.weight, plain)


def test_biases_and_norms_have_none():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    add_noise(network, 0.1)
    assert sorted(name for name, _ in network.named_parameters()) == [
        "0.bias",
        "0.parametrizations.weight.original",
        "1.bias",
        "1.weight",
    ]


def test_a_network_trained_with_noise_stands_more_of_it():
    data = load("digits")

    def right(share):
        how = Training(epochs=15, seed=3, weight_noise=share)
        network = train(lambda: find("mlp")((8, 8, 1), 10, hidden=(32,)), data.train_x, data.train_y, how)
        found = []
        for k in range(8):
            with torch.random.fork_rng(), torch.no_grad():
                torch.manual_seed(k)
                kept = {name: value.clone() for name, value in network.state_dict().items()}
                for value in network.parameters():
                    if value.ndim > 1:
                        value.add_(0.3 * value.abs().max() * torch.randn_like(value))
                found.append(np.mean(logits(network, data.test_x).argmax(axis=1) == data.test_y))
                network.load_state_dict(kept)
        return float(np.mean(found))

    assert right(0.3) > right(0.0) + 0.05


def test_noise_as_large_as_the_weights_is_refused():
    with pytest.raises(ConfigError, match="weight_noise"):
        Training(weight_noise=1.0)
