import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.networks import find
from nn.train import AUGMENTATIONS, Training, tensor, train


def images():
    return tensor(np.random.default_rng(0).integers(0, 256, (64, 16, 24, 3), dtype=np.uint8))


def test_what_a_network_sees_has_channels_first_and_reaches_one():
    pixels = np.zeros((1, 2, 3, 3), np.uint8)
    pixels[0, 1, 2, 0] = 255
    seen = tensor(pixels)
    assert seen.shape == (1, 3, 2, 3)
    assert seen[0, 0, 1, 2] == 1
    assert seen.sum() == 1


@pytest.mark.parametrize(("name", "axis"), [("mirror", 3), ("upside_down", 2)])
def test_a_flip_turns_one_image_in_two(name, axis):
    x, draw = images(), torch.linspace(0, 0.99, 64, dtype=torch.float64)
    y = AUGMENTATIONS[name](x, draw)
    assert torch.equal(y[:32], x[:32].flip(axis))
    assert torch.equal(y[32:], x[32:])


def test_a_transposition_is_of_square_images():
    x, draw = images()[:, :, :, :16], torch.linspace(0, 0.99, 64, dtype=torch.float64)
    assert torch.equal(AUGMENTATIONS["transpose"](x, draw)[:32], x[:32].transpose(2, 3))
    with pytest.raises(ConfigError, match="'transpose', which needs square images; these are 16 x 24"):
        AUGMENTATIONS["transpose"](images(), draw)


def test_a_shift_moves_whole_images_and_reaches_all_places():
    x = images() + 0.01
    y = AUGMENTATIONS["shift"](x, torch.rand(64, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))
    places = set()
    for before, after in zip(x, y, strict=True):
        for down in range(-2, 3):
            for across in range(-3, 4):
                moved = torch.roll(before, (down, across), (1, 2))
                inside = after > 0
                if (
                    torch.equal(moved[inside], after[inside])
                    and inside.sum() == (16 - abs(down)) * (24 - abs(across)) * 3
                ):
                    places.add((down, across))
    assert len(places) > 20  # of 35, by 64 images


def test_balance_and_smoothing_change_what_is_learnt(digits):
    def trained(**how):
        return train(
            lambda: find("mlp")((8, 8, 1), 10, hidden=(8,)),
            digits.train_x[:320],
            np.minimum(digits.train_y[:320], 1),  # class 1 is nine times as frequent
            Training(epochs=1, **how),
        ).fc2.weight

    plain = trained()
    assert not torch.equal(plain, trained(balance=1.0))
    assert not torch.equal(plain, trained(smoothing=0.1))
    assert torch.equal(trained(augment=("mirror",)), trained(augment=("mirror",)))
    with pytest.raises(ConfigError, match="'miror'; did you mean 'mirror'"):
        Training(augment=("miror",))
    with pytest.raises(ConfigError, match="balance"):
        Training(balance=2.0)
