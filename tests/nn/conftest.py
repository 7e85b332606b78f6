import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # spawned workers import the ideal array by name

from nn.datasets import load
from nn.importers.torch_module import import_module
from nn.networks import find
from nn.quantise import quantise
from nn.train import Training, train

settings.register_profile("busy machine", deadline=None, derandomize=True)
settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def digits():
    return load("digits")


@pytest.fixture(scope="session")
def module(digits):
    how = Training(epochs=30, batch=32)
    return train(lambda: find("mlp")((8, 8, 1), 10, hidden=(24,)), digits.train_x, digits.train_y, how)


@pytest.fixture(scope="session")
def network(module, digits):
    return import_module(module, digits.train_x.shape[1:])


@pytest.fixture(scope="session")
def graph(network, digits):
    return quantise(network, digits.train_x[:500])
