"""The 1,797 handwritten 8 x 8 digits that scikit-learn brings along; needs no download."""

from __future__ import annotations

import numpy as np

from nn.datasets.dataset import Dataset, dataset


def load() -> Dataset:
    """Grey levels 0..16 become 0..255; a fifth of every class is the test part."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    source = "scikit-learn digits (Alpaydin and Kaynak, UCI Optical Recognition of Handwritten Digits)"
    return dataset(source, (pixels, labels.astype(np.int64)))
