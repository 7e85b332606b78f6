import numpy as np
import pytest
import torch

from bitline.core.errors import ConfigError
from nn.networks import available, find
from nn.train import Training, logits, train

SHORT = Training(epochs=2, batch=64)


def build():
    return find("mlp")((8, 8, 1), 10, hidden=(16,))


def test_the_same_seed_gives_the_same_bits_whatever_came_before(digits):
    first = train(build, digits.train_x, digits.train_y, SHORT)
    torch.rand(7)
    second = train(build, digits.train_x, digits.train_y, SHORT)
    other = train(build, digits.train_x, digits.train_y, Training(epochs=2, batch=64, seed=2))
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.fc1.weight, other.fc1.weight)


def test_training_leaves_global_state_alone(digits):
    threads, before = torch.get_num_threads(), torch.get_rng_state()
    network = train(build, digits.train_x, digits.train_y, SHORT)
    logits(network, digits.test_x)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.training


def test_progress_is_told_up_to_the_end(digits):
    told = []
    train(build, digits.train_x, digits.train_y, SHORT, lambda done, steps: told.append((done, steps)))
    steps = 2 * (len(digits.train_x) // 64)
    assert told[-1] == (steps, steps)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_network_is_as_its_sizes_say():
    network = find("mlp")((28, 28, 1), 10, hidden=(128, 64))
    assert [name for name, _ in network.named_children()] == [
        *("flatten", "fc1", "bn1", "relu1", "fc2", "bn2", "relu2", "fc3")
    ]
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert "mlp" in available()


def test_what_cannot_be_trained_is_told(digits):
    with pytest.raises(ConfigError, match="'mpl'; did you mean 'mlp'"):
        find("mpl")
    with pytest.raises(ConfigError, match="hidden"):
        find("mlp")((8, 8, 1), 10, hidden=(0,))
    with pytest.raises(ConfigError, match="epochs"):
        Training(epochs=0)
    with pytest.raises(ConfigError, match="fewer than one batch"):
        train(build, digits.train_x[:10], digits.train_y[:10], SHORT)
    with pytest.raises(ConfigError, match="loss is nan"):
        train(build, digits.train_x, digits.train_y, Training(epochs=1, batch=64, rate=1e30))


def test_logits_do_not_depend_on_how_images_are_batched(module, digits):
    whole = logits(module, digits.test_x)
    assert np.allclose(logits(module, digits.test_x, batch=50), whole, atol=1e-5)


def test_bfloat16_trains_other_weights_to_the_same_accuracy(digits):
    def right(precision):
        how = Training(epochs=10, batch=64, precision=precision)
        network = train(build, digits.train_x, digits.train_y, how)
        assert all(value.dtype == torch.float32 for value in network.parameters())
        return network, np.mean(logits(network, digits.test_x).argmax(axis=1) == digits.test_y)

    (floats, accuracy), (short, like) = right("float32"), right("bfloat16")
    assert not torch.equal(floats.fc1.weight, short.fc1.weight)
    # 359 images of 95 %: two equally good networks differ by less than 3 standard errors of sqrt(2) * 1.15 %
    assert accuracy > 0.9
    assert abs(accuracy - like) < 0.05
    with pytest.raises(ConfigError, match="precision = 'float16'"):
        Training(precision="float16")
