import numpy as np
import pytest
import torch

from nn.networks import find
from nn.train import Training, train

HOW = Training(epochs=4, batch=32, augment=("shift",), weight_noise=0.05)


class Stopped(Exception):  # noqa: N818 - no error: a stop
    pass


def build():
    return find("cnn")((8, 8, 1), 10, channels=(4, 8), depth=1)


def run(digits, path, stop_after=None):
    def tell(done, _steps):
        if stop_after is not None and done >= stop_after:
            raise Stopped

    return train(build, digits.train_x, digits.train_y, HOW, tell, path)


def weights(network):
    return list(network.state_dict().values())


def test_a_training_that_was_stopped_goes_on_with_the_same_bits(digits, tmp_path):
    whole = run(digits, None)
    path = tmp_path / "training.pt"
    with pytest.raises(Stopped):
        run(digits, path, stop_after=100)  # in the third epoch of 44 steps
    assert torch.load(path, weights_only=True)["steps"] == 88
    told = []
    again = train(build, digits.train_x, digits.train_y, HOW, lambda done, _steps: told.append(done), path)
    assert min(told) > 88
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(again), strict=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["another", "truncated", "garbage"])
def test_what_is_no_state_of_this_training_is_left_aside(digits, tmp_path, damage):
    path = tmp_path / "training.pt"
    if damage == "garbage":
        path.write_bytes(b"nothing of the kind")
    else:
        other = Training(epochs=2, batch=64) if damage == "another" else HOW
        with pytest.raises(Stopped):
            train(build, digits.train_x, digits.train_y, other, stop_in_the_second_epoch, path)
        if damage == "truncated":
            path.write_bytes(path.read_bytes()[:2000])
    found = weights(run(digits, path))
    assert all(torch.equal(a, b) for a, b in zip(weights(run(digits, None)), found, strict=True))
    assert np.isfinite(found[0].numpy()).all()


def stop_in_the_second_epoch(done, steps):
    if done > steps / 2:
        raise Stopped
