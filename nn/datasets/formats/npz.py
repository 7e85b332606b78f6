"""A user's .npz: `images` and `labels`, perhaps `class_names`, perhaps `test_images` and `test_labels`, or `groups`.

`groups` says what each image shows, as a patient or a lesion: images of one group stay on one side of the split.
"""

from __future__ import annotations

from pathlib import Path

from bitline.core.errors import ConfigError
from nn.archive import read_arrays
from nn.datasets.dataset import Dataset, dataset

WHAT = "an .npz file with images, labels and perhaps class_names, test_images, test_labels, groups"
_KEYS = ("images", "labels", "class_names", "test_images", "test_labels", "groups")


def reads(path: Path) -> bool:
    """Any file that ends in .npz."""
    return path.is_file() and path.suffix == ".npz"


def read(path: Path) -> Dataset:
    """Read it; what has no test part is split.

    Raises:
        ConfigError: see nn.datasets.dataset.dataset; or a key is missing, or the file is damaged.
    """
    held = read_arrays(path, _KEYS)
    for key in _KEYS[:2]:
        if key not in held:
            raise ConfigError(f"{path}: the key {key!r} is missing; it has {', '.join(sorted(held)) or 'none known'}")
    if ("test_images" in held) != ("test_labels" in held):
        raise ConfigError(f"{path}: it has only one of 'test_images' and 'test_labels'; both or none are needed")
    names = held.get("class_names")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "US"):
        raise ConfigError(f"{path}: 'class_names' must be a list of text, not {names.dtype} of shape {names.shape}")
    words = None if names is None else tuple(str(name) for name in names.astype(str))
    test = (held["test_images"], held["test_labels"]) if "test_images" in held else None
    groups = held.get("groups")
    if groups is not None and groups.shape != held["labels"].shape:
        raise ConfigError(f"{path}: 'groups' has shape {groups.shape}, 'labels' {held['labels'].shape}; one an image")
    return dataset(str(path), (held["images"], held["labels"]), test, words, groups=groups)
