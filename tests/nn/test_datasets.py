import gzip
import struct

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.datasets import available, load
from nn.datasets.dataset import split_off


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (50, 4, 3), dtype=np.uint8), rng.permutation(np.arange(50) % 5)


def write_idx(path, array):
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    raw = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def test_digits_are_scikit_learns(digits):
    from sklearn.datasets import load_digits

    images = np.concatenate([digits.train_x, digits.test_x])
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert images.max() == 255
    counts = np.bincount(np.concatenate([digits.train_y, digits.test_y]))
    assert np.array_equal(counts, np.bincount(load_digits().target))
    assert np.allclose(np.bincount(digits.test_y) / counts, 0.2, atol=0.005)  # every class gives its fifth


def test_a_split_depends_on_the_labels_alone_and_keeps_classes_even():
    labels = np.array([0] * 100 + [1] * 10)
    chosen = split_off(labels)
    assert np.array_equal(chosen, split_off(labels.copy()))
    assert (chosen[:100].sum(), chosen[100:].sum()) == (20, 2)


def test_npz_without_a_split_is_split(pixels, tmp_path):
    images, labels = pixels
    path = tmp_path / "own.npz"
    np.savez(path, images=images, labels=labels, class_names=np.array(list("abcde")), image_id=np.arange(50))
    data = load(path)
    assert (len(data.train_x), len(data.test_x)) == (40, 10)
    assert data.class_names == ("a", "b", "c", "d", "e")
    assert data.source == str(path)
    chosen = split_off(labels)
    assert np.array_equal(data.test_x[..., 0], images[chosen])
    assert np.array_equal(data.train_y, labels[~chosen])


def test_npz_with_a_split_keeps_it_and_colour_is_welcome(pixels, tmp_path):
    images, labels = pixels
    colour = np.stack([images] * 3, axis=-1)
    np.savez(
        tmp_path / "a.npz", images=colour[:30], labels=labels[:30], test_images=colour[30:], test_labels=labels[30:]
    )
    data = load(tmp_path / "a.npz")
    assert data.test_x.shape == (20, 4, 3, 3)
    assert np.array_equal(data.train_y, labels[:30])
    assert data.class_names == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": None}, "key 'labels' is missing"),
        ({"images": None}, "key 'images' is missing; it has labels"),
        ({"images": np.zeros((50, 12), np.uint8)}, r"'images' has shape \(50, 12\)"),
        ({"images": np.zeros((50, 4, 3))}, "'images' is float64; uint8"),
        ({"labels": np.zeros(49, int)}, r"'labels' has shape \(49,\) for 50 images"),
        ({"labels": np.zeros(50)}, "'labels' is float64; integers are needed"),
        ({"labels": np.full(50, -1)}, "'labels' holds -1; labels are class numbers, from 0 on"),
        ({"class_names": np.array(["a", "b"])}, "label 4 .* only 2 class names"),
        ({"class_names": np.arange(5)}, "'class_names' must be a list of text"),
        ({"test_images": np.zeros((3, 4, 3), np.uint8)}, "only one of 'test_images'"),
        (
            {"test_images": np.zeros((3, 9, 9), np.uint8), "test_labels": np.zeros(3, int)},
            r"test images have shape \(9, 9\)",
        ),
        ({"images": np.array([{}] * 50)}, r"key 'images': not a readable \.npz"),
    ],
)
def test_an_npz_that_is_wrong_names_the_file_and_the_key(pixels, tmp_path, change, match):
    held = {"images": pixels[0], "labels": pixels[1]} | change
    np.savez(tmp_path / "own.npz", **{key: value for key, value in held.items() if value is not None})
    with pytest.raises(ConfigError, match=match) as told:
        load(tmp_path / "own.npz")
    assert "own.npz" in str(told.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_npz_is_told(pixels, tmp_path, share):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, images=pixels[0], labels=pixels[1])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ConfigError, match=r"own\.npz.*truncated"):
        load(path)


@pytest.mark.parametrize(("dot", "end"), [("-", ""), ("-", ".gz"), (".", ".gz")])
def test_idx_folders_load_plain_and_gzipped(pixels, tmp_path, dot, end):
    images, labels = pixels
    for part, chosen in (("train", slice(0, 35)), ("t10k", slice(35, 50))):
        write_idx(tmp_path / f"{part}-images{dot}idx3-ubyte{end}", images[chosen])
        write_idx(tmp_path / f"{part}-labels{dot}idx1-ubyte{end}", labels[chosen])
    data = load(str(tmp_path))
    assert np.array_equal(data.train_x[..., 0], images[:35])
    assert np.array_equal(data.test_y, labels[35:])


def test_an_idx_folder_that_is_wrong_names_the_file(pixels, tmp_path):
    images, labels = pixels
    path = tmp_path / "train-images-idx3-ubyte.gz"
    write_idx(path, images)
    with pytest.raises(ConfigError, match="train-labels-idx1-ubyte"):
        load(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    assert len(load(tmp_path).test_x) == 10
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigError, match=r"train-images-idx3-ubyte\.gz.*truncated"):
        load(tmp_path)
    path.unlink()
    plain = tmp_path / "train-images-idx3-ubyte"
    write_idx(plain, images)
    plain.write_bytes(plain.read_bytes()[:-7])
    with pytest.raises(ConfigError, match="593 bytes where its header says 600"):
        load(tmp_path)
    plain.write_bytes(b"not idx at all, whatever")
    with pytest.raises(ConfigError, match="not an idx file"):
        load(tmp_path)


def test_what_is_no_data_set_is_told(tmp_path):
    assert {"digits", "mnist"} <= set(available())
    with pytest.raises(ConfigError, match="'digit' is neither"):
        load("digit")
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(ConfigError, match=r"a\.txt: no known kind"):
        load(tmp_path / "a.txt")
    with pytest.raises(ConfigError, match="no known kind"):
        load(tmp_path)
